"""Published detectors by reference: what to get where, under which licence, and what proves that it is the one.

Nothing is bundled and nothing downloaded: whoever wants a detector gets its file from its authors. What it has
learnt from is known by the file's hash. The architecture does not tell: the same network trained on other data has
the same names and shapes.

>>> load_detector("aasist/asvspoof2019-la")  # doctest: +ELLIPSIS
Traceback (most recent call last):
ValueError: get AASIST.pth from https://github.com/clovaai/aasist (models/weights; MIT), then say file=...
"""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from encoders.audio.aasist import LEARNT_FROM, AasistEncoder
from encoders.weights import sha256_of
from multimodal.catalog import unknown
from multimodal.labels import Modality

Scores = Float[Tensor, " batch"]


class Adapter(nn.Module):
    """A published network as a detector of one modality: its input in, a fake score out."""

    modality: Modality
    #: hertz, of sound
    sample_rate: int

    def forward(self, x: Float[Tensor, "batch ..."]) -> Scores:
        """Shape: as the modality has it, ``(B, samples)`` in [-1, 1] for sound; higher is more likely fake."""
        raise NotImplementedError


class AasistAdapter(Adapter):
    """AASIST as its authors score with it: 64,600 samples, shorter sounds repeated; spoof less bona fide."""

    modality: Modality = "audio"
    sample_rate = 16_000
    num_samples = 64_600

    def __init__(self, variant: str, file: Path) -> None:
        super().__init__()
        self.encoder = AasistEncoder(variant=variant, weights=str(file)).eval()  # type: ignore[arg-type]

    @torch.inference_mode()
    def forward(self, x: Float[Tensor, "batch samples"]) -> Scores:
        """Shape: ``(B, samples)`` to ``(B,)``."""
        repeated = x.repeat(1, -(-self.num_samples // x.shape[1]))[:, : self.num_samples]
        logits = self.encoder.logits(repeated)
        return logits[:, 0] - logits[:, 1]


class Entry(NamedTuple):
    """A published detector.

    ``file`` is the name of its weights, ``place`` where its authors have them, ``licence`` as they state it,
    ``sha256`` of the file, ``paper`` who to cite; ``adapt`` makes a detector of a file.
    """

    file: str
    place: str
    licence: str
    sha256: str
    paper: str
    adapt: Callable[[Path], Adapter]

    @property
    def trained_on(self) -> str:
        """What the file has learnt from."""
        return LEARNT_FROM[self.sha256]


_AASIST = "https://github.com/clovaai/aasist (models/weights"
_AASIST_PAPER = "Jung et al., ICASSP 2022, arXiv 2110.01200"

ZOO: dict[str, Entry] = {
    "aasist/asvspoof2019-la": Entry(
        file="AASIST.pth",
        place=_AASIST,
        licence="MIT",
        sha256="51d2d9cf0738172f61e2a384ec50a54a55363240f67c971ed55a92435bc1a1c0",
        paper=_AASIST_PAPER,
        adapt=lambda file: AasistAdapter("AASIST", file),
    ),
    "aasist-l/asvspoof2019-la": Entry(
        file="AASIST-L.pth",
        place=_AASIST,
        licence="MIT",
        sha256="814331d088032bb4c3fa61cc014789eadeed464209dd094ab3a2dd6ffbdce27a",
        paper=_AASIST_PAPER,
        adapt=lambda file: AasistAdapter("AASIST-L", file),
    ),
}


def load_detector(name: str, file: str | Path | None = None) -> Adapter:
    """A published detector from the file that its authors publish.

    Args:
        name: in :data:`ZOO`.
        file: the weights, or a folder that holds them under their published name.

    Raises:
        ValueError: an unknown name, no file, or another file than the published one.
    """
    if name not in ZOO:
        raise ValueError(unknown("published detector", name, ZOO))
    entry = ZOO[name]
    path = None if file is None else Path(file)
    if path is not None and path.is_dir():
        path = path / entry.file
    if path is None or not path.is_file():
        lacking = "" if path is None else f"no such file: {path}; "
        raise ValueError(f"{lacking}get {entry.file} from {entry.place}; {entry.licence}), then say file=...")
    found = sha256_of(path)
    if found != entry.sha256:
        raise ValueError(
            f"{path} is not {name}: its SHA-256 is {found[:16]}..., that of the published file "
            f"{entry.sha256[:16]}... What other weights learnt from is not known; load them with "
            "create_encoder, and judge them where they cannot have been"
        )
    return entry.adapt(path).eval()
