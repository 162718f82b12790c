"""What happens to clips on their way: codecs, resizing, noise, rooms; each in three strengths, always the same.

``CORRUPTIONS`` is the table: a corruption of picture or sound by name, its strengths from weak to strong, and the
function. Unlike an augmentation it is not drawn: the same window is changed in the same way every time.
"""

import io
from collections.abc import Callable, Sequence
from typing import NamedTuple

import av
import numpy as np
import scipy
import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor
from torch.utils.data import Dataset
from torchvision.transforms.v2 import functional as transforms

from multimodal.data.augment.sound import lossy_codec
from multimodal.data.delivery import Batch, collate
from multimodal.data.windows import (
    EvaluationWindows,
    Sample,
    WindowTensors,
    as_crops,
    as_frames,
    window_tensors,
)
from multimodal.labels import Modality

Frames = Float[Tensor, "time channel height width"]
Sound = Float[Tensor, " samples"]
#: Milliseconds of the impulse response of a room, and its reverberation time at each strength.
_ROOM_MILLISECONDS = 400


class Corruption(NamedTuple):
    """One corruption: what it changes, its strengths from weak to strong, their unit, and the change itself.

    ``change(window, strength, generator, rate)``: frames ``(T, 3, H, W)`` in [0, 1] or sound ``(samples,)`` in
    [-1, 1]; ``rate`` is frames or samples a second. What comes back is as large.
    """

    modality: Modality
    strengths: tuple[float, float, float]
    unit: str
    change: Callable[[Tensor, float, np.random.Generator, float], Tensor]


# Picture.


def _jpeg(frames: Frames, quality: float, generator: np.random.Generator, rate: float) -> Frames:
    return transforms.jpeg(_bytes(frames), int(quality)).float().div(255)


#: x264's code for AVX-512 gives other pictures now and then: of clips of 226 pixels one in ten.
_SAME_ON_EVERY_CPU = {"x264-params": "cpu-independent=1"}


def _h264(frames: Frames, crf: float, generator: np.random.Generator, rate: float) -> Frames:
    """Encoded and decoded by x264, as a platform does with an upload."""
    height, width = frames.shape[-2:]
    even = torch.nn.functional.pad(_bytes(frames), (0, width % 2, 0, height % 2), mode="replicate")
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream(
            "libx264", rate=max(round(rate), 1), options={"crf": str(int(crf)), **_SAME_ON_EVERY_CPU}
        )
        stream.width, stream.height, stream.pix_fmt = even.shape[-1], even.shape[-2], "yuv420p"
        for picture in rearrange(even, "t c h w -> t h w c").numpy():
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    file.seek(0)
    with av.open(file, "r") as container:
        decoded = np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])
    return rearrange(torch.from_numpy(decoded), "t h w c -> t c h w")[..., :height, :width].float().div(255)


def _resize(frames: Frames, share: float, generator: np.random.Generator, rate: float) -> Frames:
    height, width = frames.shape[-2:]
    smaller = [max(round(share * height), 1), max(round(share * width), 1)]
    return transforms.resize(transforms.resize(frames, smaller, antialias=True), [height, width], antialias=True)


def _blur(frames: Frames, sigma: float, generator: np.random.Generator, rate: float) -> Frames:
    sigma = sigma * frames.shape[-1] / 100  # in percent of the crop, so that stores of any size are blurred alike
    return transforms.gaussian_blur(frames, kernel_size=2 * max(round(3 * sigma), 1) + 1, sigma=sigma)


def _picture_noise(frames: Frames, std: float, generator: np.random.Generator, rate: float) -> Frames:
    noise = torch.from_numpy(generator.standard_normal(tuple(frames.shape), dtype=np.float32))
    return (frames + std * noise).clamp(0, 1)


def _gamma(frames: Frames, gamma: float, generator: np.random.Generator, rate: float) -> Frames:
    return frames.clamp(0, 1) ** gamma


def _crop_shift(frames: Frames, share: float, generator: np.random.Generator, rate: float) -> Frames:
    """The crop moved to the right and down, as another face detector would place it; its edge is repeated."""
    down, right = (max(round(share * side), 1) for side in frames.shape[-2:])
    padded = torch.nn.functional.pad(frames, (0, right, 0, down), mode="replicate")
    return padded[..., down:, right:]


def _frame_drop(frames: Frames, share: float, generator: np.random.Generator, rate: float) -> Frames:
    """Frames lost; the one before stands still in their place."""
    kept = generator.random(len(frames)) >= share
    kept[0] = True
    return frames[np.maximum.accumulate(np.where(kept, np.arange(len(frames)), 0))]


def _grey(frames: Frames, share: float, generator: np.random.Generator, rate: float) -> Frames:
    return torch.lerp(frames, transforms.rgb_to_grayscale(frames, num_output_channels=3), share)


# Sound.


def _mp3(sound: Sound, kilobits: float, generator: np.random.Generator, rate: float) -> Sound:
    return lossy_codec(sound, "mp3", bit_rate=int(kilobits * 1000), sample_rate=int(rate))


def _opus(sound: Sound, kilobits: float, generator: np.random.Generator, rate: float) -> Sound:
    return lossy_codec(sound, "opus", bit_rate=int(kilobits * 1000), sample_rate=int(rate))


def _telephone(sound: Sound, highest: float, generator: np.random.Generator, rate: float) -> Sound:
    """Nothing below 300 Hz, as a telephone, nor above ``highest``."""
    filtered = scipy.signal.sosfiltfilt(
        _telephone_filter(min(highest, 0.49 * rate), rate), sound.numpy(), padlen=0
    )
    return torch.from_numpy(np.ascontiguousarray(filtered, dtype=np.float32)).clamp(-1, 1)


def _telephone_filter(highest: float, rate: float) -> np.ndarray:
    return scipy.signal.butter(4, [300, highest], btype="bandpass", fs=rate, output="sos")


def _sound_noise(sound: Sound, decibels: float, generator: np.random.Generator, rate: float) -> Sound:
    """White noise so many decibels below the sound."""
    noise = torch.from_numpy(generator.standard_normal(len(sound), dtype=np.float32))
    return (sound + noise * sound.square().mean().sqrt() * 10 ** (-decibels / 20)).clamp(-1, 1)


def _reverberation(sound: Sound, seconds: float, generator: np.random.Generator, rate: float) -> Sound:
    """A room in which sound falls by 60 dB in ``seconds``: noise that decays, behind the direct sound."""
    time = np.arange(int(rate * _ROOM_MILLISECONDS / 1000)) / rate
    room = np.random.default_rng(0).standard_normal(len(time)) * 10 ** (-3 * time / seconds) * (time > 0.005)
    room *= np.sqrt(seconds) / max(np.sqrt((room**2).sum()), 1e-9)  # a larger room also echoes louder
    room[0] = 1
    heard = scipy.signal.fftconvolve(sound.numpy(), room)[: len(sound)]
    return torch.from_numpy(heard.astype(np.float32)).clamp(-1, 1)


def _gain(sound: Sound, decibels: float, generator: np.random.Generator, rate: float) -> Sound:
    return (sound * 10 ** (decibels / 20)).clamp(-1, 1)


def _muted(sound: Sound, share: float, generator: np.random.Generator, rate: float) -> Sound:
    """A stretch of silence somewhere in the window."""
    silent = round(share * len(sound))
    start = int(generator.integers(0, len(sound) - silent + 1))
    quiet = sound.clone()
    quiet[start : start + silent] = 0
    return quiet


def _as_it_is(sound: Sound, seconds: float, generator: np.random.Generator, rate: float) -> Sound:
    """The shift of sound is made where the window is read: it needs what lies beside it."""
    return sound


SHIFT = "sound shifted"
CORRUPTIONS: dict[str, Corruption] = {
    "jpeg": Corruption("video", (75, 40, 15), "of 100 in quality", _jpeg),
    "h264": Corruption("video", (28, 35, 42), "CRF", _h264),
    "resize": Corruption("video", (0.6, 0.4, 0.25), "of its size", _resize),
    "blur": Corruption("video", (0.7, 1.5, 3.0), "% of the crop", _blur),
    "picture noise": Corruption("video", (0.02, 0.05, 0.1), "of full range", _picture_noise),
    "gamma": Corruption("video", (0.8, 0.6, 0.4), "gamma", _gamma),
    "crop shift": Corruption("video", (0.04, 0.08, 0.15), "of the crop", _crop_shift),
    "frame drop": Corruption("video", (0.1, 0.3, 0.6), "of frames", _frame_drop),
    "grey": Corruption("video", (0.33, 0.66, 1.0), "of colour", _grey),
    "mp3": Corruption("audio", (64, 32, 16), "kbit/s", _mp3),
    "opus": Corruption("audio", (32, 16, 8), "kbit/s", _opus),
    "telephone": Corruption("audio", (6000, 3400, 2000), "Hz", _telephone),
    "sound noise": Corruption("audio", (30, 15, 5), "dB", _sound_noise),
    "reverberation": Corruption("audio", (0.2, 0.5, 1.0), "s", _reverberation),
    "gain": Corruption("audio", (-6, -12, -24), "dB", _gain),
    SHIFT: Corruption("audio", (0.08, 0.2, 0.5), "s", _as_it_is),
    "muted": Corruption("audio", (0.1, 0.3, 0.6), "of the window", _muted),
}


def corrupted(windows: EvaluationWindows, index: int, sample: Sample, name: str, level: int) -> Sample:
    """One window changed by a corruption at one of its strengths, always in the same way.

    Args:
        windows: as ``evaluate`` reads them.
        index: of the window.
        sample: the window as it is.
        name: in :data:`CORRUPTIONS`.
        level: 1, 2 or 3; at 0 nothing is changed.
    """
    corruption = CORRUPTIONS[name]
    if level == 0 or not sample.tensors.present[corruption.modality]:
        return sample
    strength = corruption.strengths[level - 1]
    if name == SHIFT:
        return _shifted(windows, index, sample, strength)
    tensors, shape = sample.tensors, windows.shape
    length = tensors.lengths[corruption.modality]
    is_video = corruption.modality == "video"
    rate = shape.frame_rate if is_video else shape.sample_rate
    generator = np.random.default_rng([*map(int, windows.starts[index]), level])
    whole = tensors.inputs[corruption.modality]
    changed = whole.clone()
    if length:  # what is padding stays padding
        taken = as_frames(whole[:length]) if is_video else whole[:length]
        given = corruption.change(taken, strength, generator, rate)
        changed[:length] = as_crops(given.clamp(0, 1)) if is_video else given
    return sample._replace(tensors=_with_input(tensors, corruption.modality, changed))


def _shifted(windows: EvaluationWindows, index: int, sample: Sample, seconds: float) -> Sample:
    """The sound of another moment of the clip beside the picture, later by so much or, at its end, earlier."""
    row, start = windows.starts[index]
    frames = max(round(seconds * windows.shape.frame_rate), 1)
    span = windows.spans[row]
    count = min(windows.shape.num_frames, span.end - start)
    moved = start + frames if start + frames + count <= span.end else max(start - frames, 0)
    window = windows.store.read(windows.clip_ids[row], moved, count, modalities=("audio",))
    heard = window_tensors(window, windows.shape)
    return sample._replace(tensors=_with_input(sample.tensors, "audio", heard.inputs["audio"]))


def _with_input(tensors: WindowTensors, modality: Modality, changed: Tensor) -> WindowTensors:
    return tensors._replace(inputs={**tensors.inputs, modality: changed})


class CorruptedBatches(Dataset[Batch]):
    """The windows of an evaluation a batch at a time: as they are, then under one corruption after the other.

    Each window is read once for all of them. A batch under a corruption has what that touches alone; the other
    modality is not present there, though it is in the clip: :func:`multimodal.scoring.score_corrupted` knows.

    Args:
        windows: as ``evaluate`` reads them.
        changes: names and strengths, 1 to 3, of corruptions.
        batch_size: windows of a batch.
    """

    def __init__(self, windows: EvaluationWindows, changes: Sequence[tuple[str, int]], batch_size: int) -> None:
        self.windows, self.changes, self.batch_size = windows, list(changes), batch_size
        self._read: tuple[int, list[Sample]] = (-1, [])

    def __len__(self) -> int:
        return -(-len(self.windows) // self.batch_size) * (1 + len(self.changes))

    def __getitem__(self, index: int) -> Batch:
        part, change = divmod(index, 1 + len(self.changes))
        samples = self._samples(part)
        if change == 0:
            return collate(samples)
        name, level = self.changes[change - 1]
        touched = CORRUPTIONS[name].modality
        first = part * self.batch_size
        changed = [corrupted(self.windows, first + at, one, name, level) for at, one in enumerate(samples)]
        return collate([one._replace(tensors=_alone(one.tensors, touched)) for one in changed])

    def _samples(self, part: int) -> list[Sample]:
        """The windows of one batch, kept until those of the next are asked for."""
        if self._read[0] != part:
            first = part * self.batch_size
            last = min(first + self.batch_size, len(self.windows))
            self._read = (part, [self.windows[index] for index in range(first, last)])
        return self._read[1]


def _alone(tensors: WindowTensors, modality: Modality) -> WindowTensors:
    """A window of which one modality alone is handed on: of the others one zero, seen as many."""
    kept = {modality: tensors.inputs[modality]}
    zeros = {name: torch.zeros((), dtype=x.dtype).expand(x.shape) for name, x in tensors.inputs.items()}
    present = {name: there and name == modality for name, there in tensors.present.items()}
    return tensors._replace(inputs=zeros | kept, present=present)


def levels(names: Sequence[str] = tuple(CORRUPTIONS)) -> list[tuple[str, int]]:
    """Every corruption at every strength."""
    return [(name, level) for name in names for level in (1, 2, 3)]


def _bytes(frames: Frames) -> Tensor:
    return frames.mul(255).round().to(torch.uint8)
