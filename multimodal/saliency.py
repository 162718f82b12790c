"""Where in the picture and in the sound a detector sees a forgery: maps over the cells of a window.

A cell is a square of a frame, or a band of tones during a moment. Taking it away replaces it by what lies about
it: the frame blurred, or the tones' mean over the window with the phase that they had. A map says of every cell by
how much it raises the log-odds of fake of its modality, in natural logarithms; negative ones speak for genuine.

* ``integrated_gradients`` (Sundararajan et al., Axiomatic Attribution for Deep Networks, ICML 2017) along the
  straight way from all cells taken away to none; its values add up to what that changes.
* ``occlusion`` (Zeiler and Fergus, ECCV 2014): one cell taken away at a time, over a few moments of picture.
* ``grad_cam`` (Selvaraju et al., ICCV 2017), on the last convolution of an encoder that is a CNN.

The three are Captum's (``pip install '.[explain]'``). Whether a map is true is asked by :func:`faithfulness`.
"""

import importlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.functional import interpolate
from torchvision.transforms.v2.functional import gaussian_blur

from fusion.cross_attention import CrossAttentionFusion
from multimodal.data.cutting import WindowShape
from multimodal.data.delivery import stack, to_device
from multimodal.data.windows import window_tensors
from multimodal.detector import AudioVisualDetector, DetectorOutput
from multimodal.heads import encode_padded
from multimodal.labels import CLASSES, MODALITIES, Modality
from multimodal.media.prepared import PreparedClip
from multimodal.report.verdict import Heat, Method
from multimodal.scoring import evaluating

_SIDE, _BANDS, _MOMENT_SECONDS, _MOST_MOMENTS = 8, 16, 0.04, 32
_FFT, _HOP = 512, 128
_STEPS, _AT_ONCE, _OCCLUDED_MOMENTS = 24, 8, 4
_CURVE_POINTS = 12


class MaskedWindow:
    """One window of which cells of one modality can be taken away: masks in, log-odds of fake out.

    The other modality stays as it is, and is encoded once.

    Args:
        detector: in evaluation mode.
        window: in memory, with the modality.
        shape: of the windows that the detector takes.
        modality: that is asked about.
    """

    def __init__(
        self, detector: AudioVisualDetector, window: PreparedClip, shape: WindowShape, modality: Modality
    ) -> None:
        batch = to_device(stack([window_tensors(window, shape)]), next(detector.parameters()).device)
        self.detector, self.modality = detector, modality
        self.inputs, self.present, self.lengths = batch["inputs"], batch["present"], batch["lengths"]
        if not bool(self.present[modality]):
            raise ValueError(f"the window has no {modality}, so there is nothing to explain")
        with torch.no_grad():
            self.tokens = detector.encode(self.inputs, self.lengths)
            is_video = modality == "video"
            self._mixed: _Mixed = (
                _Picture(self.inputs["video"]) if is_video else _Sound(self.inputs["audio"], shape)
            )
        self.cells: tuple[int, ...] = self._mixed.cells

    def __call__(self, masks: Float[Tensor, "n ..."]) -> Float[Tensor, " n"]:
        """Log-odds of fake for masks (n, \\*cells), 1 where a cell is there and 0 where it is taken away."""
        return self.of_input(self._mixed(masks))

    def of_input(self, x: Float[Tensor, "n ..."]) -> Float[Tensor, " n"]:
        """The same of inputs of the modality."""
        encoder, count = self.detector.encoders[self.modality], len(x)
        tokens = {name: value.expand(count, -1, -1) for name, value in self.tokens.items()}
        tokens[self.modality] = encode_padded(encoder, x, self.lengths[self.modality].expand(count))
        present = {name: flag.expand(count) for name, flag in self.present.items()}
        return log_odds(self.detector.classifier(tokens, present), self.modality, present)

    @property
    def input(self) -> Tensor:
        """The modality as it is."""
        return self.inputs[self.modality]


def log_odds(output: DetectorOutput, modality: Modality, present: dict[str, Tensor]) -> Float[Tensor, " n"]:
    """Log-odds of fake: of the posterior where both modalities are there, else of the modality's own head."""
    place = MODALITIES.index(modality) * 2
    is_fake = torch.tensor([name[place] == "F" for name in CLASSES], device=output.class_logits.device)
    logits = output.class_logits.float()
    fake, real = logits[:, is_fake].logsumexp(dim=1), logits[:, ~is_fake].logsumexp(dim=1)
    both = torch.stack([present[name] for name in MODALITIES]).all(dim=0)
    return torch.where(both, fake - real, output.modality_logits[modality].float())


# Taking cells away.


class _Picture:
    """Frames (1, T, 3, H, W), a cell a square of one."""

    def __init__(self, frames: Float[Tensor, "1 time 3 height width"]) -> None:
        self._frames = frames
        size = frames.shape[-1]
        spread = size / 8
        blurred = gaussian_blur(frames[0], [2 * (size // 4) + 1] * 2, [spread, spread])
        self._blurred = blurred[None]
        self.cells = (frames.shape[1], min(_SIDE, size), min(_SIDE, size))

    def __call__(self, masks: Float[Tensor, "n time rows columns"]) -> Float[Tensor, "n time 3 height width"]:
        here = interpolate(masks, self._frames.shape[-2:], mode="nearest-exact")[:, :, None]
        return self._blurred + here * (self._frames - self._blurred)


class _Sound:
    """Sound (1, samples), a cell a band of tones during a moment."""

    def __init__(self, sound: Float[Tensor, "1 samples"], shape: WindowShape) -> None:
        self._samples = sound.shape[1]
        self._window = torch.hann_window(_FFT, device=sound.device)
        self._spectrum = torch.stft(sound, _FFT, _HOP, window=self._window, return_complex=True)
        size = self._spectrum.abs()
        mean = size.mean(dim=2, keepdim=True).expand_as(size)
        self._mean = torch.polar(mean.contiguous(), self._spectrum.angle())
        moments = round(self._samples / shape.sample_rate / _MOMENT_SECONDS)
        self.cells = (_BANDS, max(1, min(_MOST_MOMENTS, moments)))
        self._band = band_of_bin(shape.sample_rate).to(sound.device)

    def __call__(self, masks: Float[Tensor, "n bands moments"]) -> Float[Tensor, "n samples"]:
        here = interpolate(masks[:, self._band], self._spectrum.shape[2], mode="nearest-exact")
        spectrum = self._mean + here * (self._spectrum - self._mean)
        return torch.istft(spectrum, _FFT, _HOP, window=self._window, length=self._samples)


_Mixed = _Picture | _Sound


def band_of_bin(sample_rate: int) -> Int[Tensor, " bins"]:
    """Which of the bands, equally wide in mel, each bin of the spectrum lies in.

    >>> band_of_bin(16_000)[[0, 32, 256]].tolist()
    [0, 5, 15]
    """
    edges = 2595 * np.log10(1 + np.linspace(0, sample_rate / 2, _FFT // 2 + 1) / 700)
    return torch.from_numpy(np.minimum((_BANDS * edges / edges[-1]).astype(np.int64), _BANDS - 1))


# Maps.


def explain(
    detector: AudioVisualDetector,
    window: PreparedClip,
    shape: WindowShape,
    modality: Modality,
    method: Method = "integrated_gradients",
) -> Heat:
    """Where one window of a modality speaks for fake.

    Args:
        detector: any; put into evaluation mode and back, and its parameters stay without gradient.
        window: in memory.
        shape: of the windows that the detector takes.
        modality: that is explained.
        method: see above.

    Raises:
        ValueError: Captum is missing, the window lacks the modality, or the method does not suit the encoder.
    """
    attr = _captum()
    with evaluating(detector):
        masked = MaskedWindow(detector, window, shape, modality)
        cells = METHODS[method](attr, masked)
    end = window.start_seconds + window.num_frames / window.frame_rate
    seen = window.frames if modality == "video" else None
    heard = masked.input[0].cpu().numpy() if modality == "audio" else None
    values = cells.detach().cpu().double().numpy()
    return Heat(modality, method, values, window.start_seconds, end, seen, heard, shape.sample_rate)


def _captum() -> Any:
    try:
        return importlib.import_module("captum.attr")
    except ImportError as error:
        raise ValueError(f"explaining needs captum ({error}); pip install '.[explain]'") from error


def _integrated_gradients(attr: Any, masked: MaskedWindow) -> Tensor:
    whole = torch.ones(1, *masked.cells, device=masked.input.device)
    found = attr.IntegratedGradients(masked).attribute(whole, n_steps=_STEPS, internal_batch_size=_AT_ONCE)
    return found[0]


@torch.no_grad()
def _occlusion(attr: Any, masked: MaskedWindow) -> Tensor:
    whole = torch.ones(1, *masked.cells, device=masked.input.device)
    places = torch.arange(whole.numel(), device=whole.device).reshape(masked.cells)
    if masked.modality == "video":  # a square over a few frames: each alone would take as many passes more
        first = torch.arange(masked.cells[0], device=whole.device) * _OCCLUDED_MOMENTS // masked.cells[0]
        squares = masked.cells[1] * masked.cells[2]
        places = first[:, None, None] * squares + places[0]
    ablation = attr.FeatureAblation(masked)
    return ablation.attribute(whole, feature_mask=places[None], perturbations_per_eval=_AT_ONCE)[0]


def _grad_cam(attr: Any, masked: MaskedWindow) -> Tensor:
    layer = _last_convolution(masked.detector.encoders[masked.modality])
    x = masked.input.detach().clone().requires_grad_()
    found = attr.LayerGradCam(masked.of_input, layer).attribute(x)
    if masked.modality == "video":  # an encoder of frames takes each as a clip of its own
        return interpolate(found, masked.cells[1:], mode="bilinear")[:, 0]
    return interpolate(found, masked.cells, mode="bilinear")[0, 0]


def _last_convolution(encoder: nn.Module) -> nn.Module:
    """Raises ``ValueError`` where the encoder has no feature map that lies as its input does."""
    backbone: Any = getattr(encoder, "backbone", None)
    has_cepstra = not getattr(encoder, "takes_log", True)
    from encoders.backbone import has_convolutions  # imports timm: 35 MB that most judging needs not

    if backbone is None or has_cepstra or not has_convolutions(backbone):
        raise ValueError("grad_cam needs frames or a spectrogram in a CNN; choose integrated_gradients")
    return [part for part in backbone.modules() if isinstance(part, nn.Conv2d)][-1]


METHODS: dict[Method, Callable[[Any, MaskedWindow], Tensor]] = {
    "integrated_gradients": _integrated_gradients,
    "occlusion": _occlusion,
    "grad_cam": _grad_cam,
}


def check_method(detector: AudioVisualDetector, method: Method) -> None:
    """Raise ``ValueError`` where Captum is missing, or the method does not suit an encoder."""
    _captum()
    if method == "grad_cam":
        for encoder in detector.encoders.values():
            _last_convolution(encoder)


# What picture and sound look at in each other.


def crossmodal_attention(
    detector: AudioVisualDetector, window: PreparedClip, shape: WindowShape
) -> dict[Modality, Float[np.ndarray, "own other"]] | None:
    """Shares of each moment's attention that other moments of the other modality get, by the one that looks.

    The mean over heads; what goes to none of them is left out. None where the fusion has no such attention, or a
    modality is absent.
    """
    fusion = detector.classifier.fusion
    if not isinstance(fusion, CrossAttentionFusion) or window.frames is None or window.waveform is None:
        return None
    batch = to_device(stack([window_tensors(window, shape)]), next(detector.parameters()).device)
    with evaluating(detector), torch.no_grad(), _looking(fusion) as seen:
        detector(batch["inputs"], batch["present"], batch["lengths"])
    return {name: seen[name][0].mean(dim=0)[:, 1:].cpu().double().numpy() for name in MODALITIES}


@contextmanager
def _looking(fusion: CrossAttentionFusion) -> Iterator[dict[str, Tensor]]:
    seen: dict[str, Tensor] = {}

    def keep(name: str) -> Callable[..., None]:
        return lambda module, given, weights: seen.__setitem__(name, weights)

    hooks = [
        block.weights.register_forward_hook(keep(name))  # type: ignore[union-attr]
        for name, block in fusion.blocks.items()
    ]
    try:
        yield seen
    finally:
        for hook in hooks:
            hook.remove()


# Whether a map is true.


class Faithfulness(NamedTuple):
    """Areas beneath the curves of P(fake) as cells are taken away, and put back, in an order: small, and large."""

    deletion: float
    insertion: float


@torch.no_grad()
def faithfulness(masked: MaskedWindow, order: Sequence[int]) -> Faithfulness:
    """How fast P(fake) falls as cells go in an order, and rises as they come (Petsiuk et al., RISE, BMVC 2018).

    Args:
        masked: a window.
        order: of its cells, flattened, from the one that is said to matter most.
    """
    count = len(order)
    numbers = np.linspace(0, count, min(_CURVE_POINTS, count) + 1).round().astype(int)
    gone = torch.ones(len(numbers), count)
    for row, number in enumerate(numbers):
        gone[row, torch.as_tensor(np.array(order[:number], dtype=np.int64))] = 0
    masks = torch.cat([gone, 1 - gone]).reshape(-1, *masked.cells).to(masked.input.device)
    said = torch.cat([masked(part) for part in masks.split(_AT_ONCE)]).sigmoid().cpu().double().numpy()
    deletion, insertion = (np.trapezoid(part, numbers / count) for part in np.split(said, 2))
    return Faithfulness(float(deletion), float(insertion))


def share_inside(cells: Float[np.ndarray, "..."], region: np.ndarray) -> float:
    """Share of what speaks for fake that lies in a region, to be compared with the share of cells in it.

    >>> share_inside(np.array([3.0, -5.0, 1.0]), np.array([True, True, False]))
    0.75
    """
    positive = np.maximum(cells, 0)
    return float(positive[region].sum() / max(positive.sum(), 1e-12))
