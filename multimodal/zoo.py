"""Published detectors by reference: what to get where, under which licence, and what proves that it is the one.

Nothing is bundled and nothing downloaded: whoever wants a detector gets its file from its authors. What it has
learnt from is known by the file's hash. The architecture does not tell: the same network trained on other data has
the same names and shapes.

>>> load_detector("aasist/asvspoof2019-la")  # doctest: +ELLIPSIS
Traceback (most recent call last):
ValueError: get AASIST.pth from https://github.com/clovaai/aasist (models/weights); licence MIT; then say file=...
"""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional
from torchvision.transforms.v2 import functional as transforms

from encoders.audio.aasist import LEARNT_FROM, AasistEncoder
from encoders.weights import load_strictly, read_published, sha256_of
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


class Meso4(nn.Module):
    """MesoNet's Meso-4 as FakeAVCeleb's authors have it: ReLU before two shared norms, two outputs."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 8, 3, padding=1, bias=False)
        self.conv2 = nn.Conv2d(8, 8, 5, padding=2, bias=False)
        self.conv3 = nn.Conv2d(8, 16, 5, padding=2, bias=False)
        self.conv4 = nn.Conv2d(16, 16, 5, padding=2, bias=False)
        self.bn1, self.bn2 = nn.BatchNorm2d(8), nn.BatchNorm2d(16)
        self.fc1, self.fc2 = nn.Linear(16 * 7 * 7, 16), nn.Linear(16, 2)

    def forward(self, x: Float[Tensor, "batch 3 224 224"]) -> Float[Tensor, "batch 2"]:
        """Shape: normalised pictures to a logit a class, fake first."""
        layers = (self.conv1, self.bn1, 2), (self.conv2, self.bn1, 2), (self.conv3, self.bn2, 2)
        for convolution, norm, pool in (*layers, (self.conv4, self.bn2, 4)):
            x = functional.max_pool2d(norm(convolution(x).relu()), pool)
        return self.fc2(functional.leaky_relu(self.fc1(x.flatten(1)), 0.1))


class MesoAdapter(Adapter):
    """Meso-4 on the crops of a window, their scores averaged; the classes are folders in alphabetical order."""

    modality: Modality = "video"
    side = 224
    mean, deviation = (0.4489, 0.3352, 0.3106), (0.2380, 0.1965, 0.1962)

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.network = Meso4()
        load_strictly(self.network, read_published(file).state, source=str(file))

    @torch.inference_mode()
    def forward(self, x: Float[Tensor, "batch time 3 height width"]) -> Scores:
        """Shape: ``(B, T, 3, H, W)`` in [0, 1] to ``(B,)``."""
        frames = transforms.resize(x.flatten(0, 1), [self.side, self.side], antialias=True)
        logits = self.network(transforms.normalize(frames, list(self.mean), list(self.deviation)))
        return (logits[:, 0] - logits[:, 1]).unflatten(0, x.shape[:2]).mean(dim=1)


class Entry(NamedTuple):
    """A published detector.

    ``file`` is the name of its weights, ``place`` where its authors have them, ``licence`` as they state it,
    ``sha256`` of the file, ``trained_on`` what it has learnt from, ``paper`` who to cite; ``adapt`` makes a
    detector of a file.
    """

    modality: Modality
    file: str
    place: str
    licence: str
    sha256: str
    trained_on: str
    paper: str
    adapt: Callable[[Path], Adapter]


def _aasist(variant: str, sha256: str) -> Entry:
    return Entry(
        modality="audio",
        file=f"{variant}.pth",
        place="https://github.com/clovaai/aasist (models/weights)",
        licence="MIT",
        sha256=sha256,
        trained_on=LEARNT_FROM[sha256],
        paper="Jung et al., ICASSP 2022, arXiv 2110.01200",
        adapt=lambda file: AasistAdapter(variant, file),
    )


ZOO: dict[str, Entry] = {
    "aasist/asvspoof2019-la": _aasist(
        "AASIST", "51d2d9cf0738172f61e2a384ec50a54a55363240f67c971ed55a92435bc1a1c0"
    ),
    "aasist-l/asvspoof2019-la": _aasist(
        "AASIST-L", "814331d088032bb4c3fa61cc014789eadeed464209dd094ab3a2dd6ffbdce27a"
    ),
    "meso4/fakeavceleb": Entry(
        modality="video",
        file="Meso4_realA_fakeC.pt",
        place="https://github.com/DASH-Lab/FakeAVCeleb (Unimodal/weights/video)",
        licence="none stated",
        sha256="79bbda5613704535c831aa6ab98a300da49c44a8d56838d6d277b8b2d90ba68f",
        trained_on="FakeAVCeleb, genuine pictures against those of category C (FakeVideo-RealAudio)",
        paper="Afchar et al., WIFS 2018; Khalid et al., NeurIPS 2021",
        adapt=MesoAdapter,
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
        raise ValueError(
            f"{lacking}get {entry.file} from {entry.place}; licence {entry.licence}; then say file=..."
        )
    found = sha256_of(path)
    if found != entry.sha256:
        raise ValueError(
            f"{path} is not {name}: its SHA-256 is {found[:16]}..., that of the published file "
            f"{entry.sha256[:16]}... What other weights learnt from is not known; load them with "
            "create_encoder, and judge them where they cannot have been"
        )
    return entry.adapt(path).eval()
