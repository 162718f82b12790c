"""Which corpora a branch is pretrained on, as options of a command line."""

from dataclasses import dataclass, field
from pathlib import Path

from multimodal.data.copy_synthesis import Vocoder
from multimodal.data.pseudo_fakes import PseudoFakes


@dataclass(frozen=True, kw_only=True)
class MixtureConfig:
    """Which corpora a branch is pretrained on, and how often each is drawn.

    Args:
        sources: folders that each hold manifest.parquet and split.parquet of one corpus or more, of images,
            videos or audio, and their store unless they share --store; without any, --manifest and --split.
        shares: how often each corpus is drawn, as NAME WEIGHT pairs of all corpora; without any, each as often as
            it has clips.
        fake_share: share of fakes in what is drawn of a corpus; none takes them as they come.
        pseudo_fakes: fakes made of the genuine clips while training: add to the others, only instead of them
            (then genuine clips are enough). Of pictures self-blended images (Shiohara and Yamasaki, 2022), of
            sound its copy-synthesis by a vocoder.
        vocoder: of copy-synthesis; world needs pyworld.
    """

    sources: tuple[Path, ...] = ()
    shares: dict[str, float] = field(default_factory=dict)
    fake_share: float | None = None
    pseudo_fakes: PseudoFakes = "none"
    vocoder: Vocoder = "griffin_lim"
