"""The detector: named encoders, one fusion, heads. Read this file first."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from encoders import load_encoder
from encoders.base import Encoder
from encoders.folders import CONFIG_FILE as ENCODER_CONFIG
from encoders.folders import WEIGHTS_FILE as ENCODER_WEIGHTS
from encoders.hub import find_folder, upload
from encoders.learnt_from import LEARNT_FILE
from encoders.weights import read_weights, write_weights
from fusion import create_fusion
from fusion.base import Fusion
from multimodal.artefacts import building
from multimodal.files import read_json, write_json, write_text
from multimodal.heads import FrameHead, ModalityHead, encode_padded
from multimodal.labels import CLASSES, MODALITIES

Inputs = Mapping[str, Float[Tensor, "batch ..."]]
Tokens = Mapping[str, Float[Tensor, "batch _ _"]]
Present = Mapping[str, Bool[Tensor, " batch"]]
Lengths = Mapping[str, Int[Tensor, " batch"]]

#: A detector's folder: these two, and a folder of its own for each encoder, named after the modality.
CONFIG_FILE, WEIGHTS_FILE, CARD_FILE = "config.json", "classifier.safetensors", "README.md"
FILES = (
    *(CONFIG_FILE, WEIGHTS_FILE),
    *(f"{name}/{file}" for name in MODALITIES for file in (ENCODER_CONFIG, ENCODER_WEIGHTS, LEARNT_FILE)),
)


#: What the folder says of itself; :class:`multimodal.judge.Judge` writes one with metrics and thresholds over it.
_CARD = """---
library_name: multimodal-deepfake-detection
tags:
- deepfake-detection
- audio-visual
---

# Audio-visual deepfake detector, weights alone

{encoders}
- fusion: `{fusion}`

Nothing came along of how well it does: no metrics, thresholds or calibration, so it gives numbers and no verdict.
`python -m experiments export` makes a folder of a trained run that has them.

```python
from multimodal import AudioVisualDetector

detector = AudioVisualDetector.from_pretrained("path/to/this/folder")
```
"""


class DetectorOutput(NamedTuple):
    """What the detector says of a batch.

    ``class_logits (B, 4)`` are in the order of :data:`multimodal.labels.CLASSES`; ``modality_logits`` holds one
    logit ``(B,)`` for each modality's own head, which has seen nothing but that modality. ``comparable`` holds
    tokens ``(B, T, W)`` of each modality in the space where the fusion compares them, and ``frame_logits`` a logit
    ``(B, T)`` for every token of each modality, higher where that moment is forged, if they were asked for.
    ``embeddings`` ``(B, D)`` are the mean tokens of each modality.
    """

    class_logits: Float[Tensor, "batch 4"]
    modality_logits: dict[str, Float[Tensor, " batch"]]
    comparable: dict[str, Float[Tensor, "batch _ width"]] | None = None
    frame_logits: dict[str, Float[Tensor, "batch _"]] | None = None
    embeddings: dict[str, Float[Tensor, "batch _"]] | None = None


class Marginals(NamedTuple):
    """Probabilities ``(B,)`` that follow from the four-class posterior."""

    any: Float[Tensor, " batch"]
    video: Float[Tensor, " batch"]
    audio: Float[Tensor, " batch"]


class TokenClassifier(nn.Module):
    """The part after the encoders: fusion and heads, on tokens that are at hand.

    Args:
        fusion: a built fusion; its ``dims`` are the widths of the tokens.
        dropout: of the heads.
        compares: give out the tokens where the fusion compares them, for a loss of synchrony.
        localises: judge every moment of each modality, too.

    Raises:
        ValueError: ``compares`` with a fusion that compares nothing.
    """

    def __init__(
        self, fusion: Fusion, *, dropout: float = 0.1, compares: bool = False, localises: bool = False
    ) -> None:
        super().__init__()
        if compares and not fusion.compares():
            raise ValueError(
                f"{type(fusion).__name__} compares nothing along time, so a loss of synchrony has no place there; "
                "choose discrepancy, cross_attention, transformer or bottleneck"
            )
        self.compares = compares
        self.dropout = dropout
        self.modality_heads = nn.ModuleDict(
            {name: ModalityHead(dim, dropout=dropout) for name, dim in sorted(fusion.dims.items())}
        )
        self.fusion = fusion
        # plain linear, so that late fusion of scores stays one
        self.class_head = nn.Sequential(nn.Dropout(dropout), nn.Linear(fusion.out_dim, len(CLASSES)))
        names = sorted(fusion.dims) if localises else []
        self.frame_heads = nn.ModuleDict(
            {name: FrameHead(fusion.dims, name, fusion.out_dim, dropout=dropout) for name in names}
        )

    def forward(
        self, tokens: Tokens, present: Present | None = None, lengths: Lengths | None = None
    ) -> DetectorOutput:
        """Judge a batch of tokens ``{name: (B, T, D)}``; ``present`` as for the detector.

        ``lengths`` is taken so that both are called alike: tokens of padding are dealt with where they are made.
        """
        heads = {name: self.modality_heads[name](tokens[name]) for name in tokens}
        comparable = self.fusion.comparable(tokens) if self.compares else None
        fused = self.fusion(tokens, present)
        frames = {name: head(tokens, fused, present) for name, head in self.frame_heads.items() if name in tokens}
        embeddings = {name: value.mean(dim=1) for name, value in tokens.items()}
        return DetectorOutput(self.class_head(fused), heads, comparable, frames or None, embeddings)


class AudioVisualDetector(nn.Module):
    """Separate encoders feed a fusion, and a head names one of the four audio-visual classes.

    Args:
        encoders: built encoders by modality name.
        fusion: a built fusion whose ``dims`` are those of the encoders.
        dropout: of the heads.
        compares, localises: as for :class:`TokenClassifier`.

    Raises:
        ValueError: an encoder of another modality than its name says, or a fusion of other widths.

    >>> from encoders import create_encoder
    >>> from fusion import create_fusion
    >>> video = create_encoder("frames", backbone="test_vit", frame_size=32)
    >>> audio = create_encoder("spectrogram", backbone="test_resnet", n_mels=32)
    >>> dims = {"video": video.embed_dim, "audio": audio.embed_dim}
    >>> fusion = create_fusion("concat", dims=dims, out_dim=16)
    >>> detector = AudioVisualDetector(encoders={"video": video, "audio": audio}, fusion=fusion)
    >>> output = detector({"video": torch.rand(2, 3, 3, 32, 32), "audio": torch.zeros(2, 16000)})
    >>> output.class_logits.shape, sorted(output.modality_logits)
    (torch.Size([2, 4]), ['audio', 'video'])
    """

    def __init__(
        self,
        *,
        encoders: Mapping[str, Encoder],
        fusion: Fusion,
        dropout: float = 0.1,
        compares: bool = False,
        localises: bool = False,
    ) -> None:
        super().__init__()
        _check_parts(encoders, fusion)
        self.encoders = nn.ModuleDict({name: encoders[name] for name in sorted(encoders)})
        self.classifier = TokenClassifier(fusion, dropout=dropout, compares=compares, localises=localises)
        self.encoders_frozen = False

    def forward(
        self, inputs: Inputs, present: Present | None = None, lengths: Lengths | None = None
    ) -> DetectorOutput:
        """Judge a batch.

        Shape:
            ``inputs["video"]`` ``(B, T, C, H, W)`` in [0, 1], ``inputs["audio"]`` ``(B, samples)`` in [-1, 1];
            ``present[name]`` ``(B,)`` is False where a clip lacks the modality, whose input is then ignored;
            ``lengths[name]`` ``(B,)`` frames or samples come before the padding of a short window.
        """
        return self.classifier(self.encode(inputs, lengths), present)

    @property
    def localises(self) -> bool:
        """Whether it judges every moment, too."""
        return len(self.classifier.frame_heads) > 0

    def encode(self, inputs: Inputs, lengths: Lengths | None = None) -> dict[str, Float[Tensor, "batch time dim"]]:
        """Tokens ``(B, T, D)`` of every modality given."""
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.encoders_frozen):
            return {
                name: encode_padded(encoder, inputs[name], (lengths or {}).get(name))
                for name, encoder in self.encoders.items()
                if name in inputs
            }

    def save_pretrained(self, folder: str | Path) -> None:
        """Write safetensors and JSON that :meth:`from_pretrained` reads back, the same to the bit.

        Each encoder gets a folder of its own in it, ``video`` and ``audio``, which :func:`encoders.load_encoder`
        reads alone. A :class:`multimodal.judge.Judge` keeps thresholds, calibration and crops as well.

        Raises:
            ValueError: the fusion was not built by :func:`fusion.create_fusion`, so nobody knows how to again.
        """
        fusion = self.classifier.fusion
        if fusion.recipe is None:
            raise ValueError(f"{type(fusion).__name__} has no name to be saved by; build it by create_fusion")
        folder = Path(folder)
        for name, encoder in self.encoders.items():
            encoder.save_pretrained(folder / name)  # type: ignore[operator]
        write_weights(self.classifier, folder / WEIGHTS_FILE)
        write_text(folder / CARD_FILE, self.card())
        # The config comes last: a folder that was left half written has none.
        write_json(
            folder / CONFIG_FILE,
            {
                "encoders": list(self.encoders),
                "fusion": fusion.recipe,
                "dropout": self.classifier.dropout,
                "compares": self.classifier.compares,
                "localises": self.localises,
            },
        )

    def card(self) -> str:
        """The model card, as Markdown: the parts, and what each encoder learnt from."""
        lines = [f"- {name}: `{one.name}`, trained on: {one.trained_on}" for name, one in self.encoders.items()]
        return _CARD.format(encoders="\n".join(lines), fusion=type(self.classifier.fusion).__name__)

    @classmethod
    def from_pretrained(cls, name: str | Path, **options: Any) -> "AudioVisualDetector":
        """Read what :meth:`save_pretrained` wrote, in evaluation mode.

        Args:
            name: the folder, or ``owner/name`` on the Hugging Face hub.
            options: of the download, as :func:`encoders.hub.find_folder` takes them, e.g. ``revision="v1"``.

        Raises:
            ValueError: no detector's folder, or weights that do not fit.
        """
        folder = find_folder(name, FILES, **options).absolute()
        if not (folder / CONFIG_FILE).is_file():
            raise ValueError(f"not a detector's folder: {name} has no {CONFIG_FILE}; save_pretrained writes one")
        config = read_json(folder / CONFIG_FILE)
        if isinstance(config, dict) and "dropout" not in config and "fit" in config:
            raise ValueError(f"{name} is a run of `train`; make a detector of it by: export {name} --out DIR")
        with building(folder / CONFIG_FILE, "the config of a detector"):
            encoders: dict[str, Encoder] = {
                name: load_encoder(folder / name) for name in MODALITIES if name in config["encoders"]
            }
            dims: dict[str, int] = {name: encoder.embed_dim for name, encoder in encoders.items()}
            fusion = config["fusion"]
            mode = create_fusion(fusion["name"], dims=dims, out_dim=fusion["out_dim"], **fusion["options"])
            built = {name: config[name] for name in ("dropout", "compares", "localises")}
            detector = cls(encoders=encoders, fusion=mode, **built)
        read_weights(detector.classifier, folder / WEIGHTS_FILE)
        return detector.eval()

    def push_to_hub(
        self,
        repo_id: str,
        *,
        token: str | None = None,
        private: bool | None = None,
        commit_message: str = "Upload the detector",
    ) -> str:
        """Put what :meth:`save_pretrained` writes on the Hugging Face hub, as ``owner/name``; its address."""
        return upload(self.save_pretrained, repo_id, token=token, private=private, message=commit_message)

    def freeze_encoders(self) -> None:
        """Train fusion and heads only; the encoders stay as they are, their running statistics included."""
        self.encoders_frozen = True
        self.encoders.requires_grad_(False)
        self.train(self.training)

    def train(self, mode: bool = True) -> "AudioVisualDetector":
        """As :meth:`torch.nn.Module.train`, but frozen encoders stay in evaluation mode."""
        super().train(mode)
        if self.encoders_frozen:
            self.encoders.eval()
        return self


def marginals(posterior: Float[Tensor, "batch 4"]) -> Marginals:
    """P(any fake), P(video fake) and P(audio fake) from the four-class posterior ``(B, 4)``.

    >>> marginals(torch.tensor([[0.5, 0.2, 0.2, 0.1]])).any
    tensor([0.5000])
    """
    rvra, rvfa, fvra, fvfa = posterior.unbind(dim=-1)
    return Marginals(any=1 - rvra, video=fvra + fvfa, audio=rvfa + fvfa)


def _check_parts(encoders: Mapping[str, Encoder], fusion: Fusion) -> None:
    for name, encoder in encoders.items():
        if encoder.modality != name:
            raise ValueError(f"the encoder named {name!r} is of modality {encoder.modality!r}; swap the names")
    dims = {name: encoder.embed_dim for name, encoder in encoders.items()}
    if dims != fusion.dims:
        raise ValueError(f"the fusion was built for token widths {fusion.dims}; the encoders give {dims}")
