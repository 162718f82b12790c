"""Fusion: named tokens of several modalities in, one representation out.

=================  ===========================================================  ==========================
name               idea                                                         paper
=================  ===========================================================  ==========================
score              late: each modality's own log posteriors, weighted           Kittler et al., 1998
concat             pooled features side by side, one hidden layer               Ngiam et al., 2011
gated              a gate decides, feature by feature, who is heard             Arevalo et al., 2017 (GMU)
film               each modality scales and shifts the other's features         Perez et al., 2018
bilinear           products of features through a low-rank tensor               Liu et al., 2018 (LMF)
cross_attention    each modality's tokens look at the other's                   Tsai et al., 2019 (MulT)
bottleneck         all exchange goes through a few shared tokens                Nagrani et al., 2021 (MBT)
transformer        one self-attention over the tokens of all                    Kim et al., 2021 (ViLT)
discrepancy        do sound and picture move together, token by token           after Chugh et al., 2020
video_only         the picture alone                                            baseline
audio_only         the sound alone                                              baseline
=================  ===========================================================  ==========================

All modes begin with the same projection of every token to ``width`` and answer ``(B, out_dim)``; a linear head
on top makes the classes. ``film``, ``cross_attention`` and ``discrepancy`` want exactly two modalities, the
others any number.

>>> import torch
>>> fusion = create_fusion("gated", dims={"video": 192, "audio": 128}, out_dim=256)
>>> tokens = {"video": torch.randn(4, 8, 192), "audio": torch.randn(4, 50, 128)}
>>> fusion(tokens).shape
torch.Size([4, 256])
>>> fusion(tokens, {"audio": torch.tensor([True, True, False, True])}).shape
torch.Size([4, 256])
"""

from collections.abc import Mapping
from difflib import SequenceMatcher
from inspect import Parameter, signature
from typing import Any

from fusion.base import Fusion
from fusion.bilinear import BilinearFusion
from fusion.bottleneck import BottleneckFusion
from fusion.concat import ConcatFusion
from fusion.cross_attention import CrossAttentionFusion
from fusion.discrepancy import DiscrepancyFusion
from fusion.film import FilmFusion
from fusion.gated import GatedFusion
from fusion.score import ScoreFusion
from fusion.transformer import TransformerFusion
from fusion.unimodal import AudioOnlyFusion, VideoOnlyFusion

__all__ = ["FUSIONS", "Fusion", "create_fusion", "list_fusions", "list_options"]

FUSIONS: dict[str, type[Fusion]] = {
    "score": ScoreFusion,
    "concat": ConcatFusion,
    "gated": GatedFusion,
    "film": FilmFusion,
    "bilinear": BilinearFusion,
    "cross_attention": CrossAttentionFusion,
    "bottleneck": BottleneckFusion,
    "transformer": TransformerFusion,
    "discrepancy": DiscrepancyFusion,
    "video_only": VideoOnlyFusion,
    "audio_only": AudioOnlyFusion,
}


def list_fusions() -> list[str]:
    """Names of all modes, in the order of the catalog."""
    return list(FUSIONS)


def create_fusion(name: str, *, dims: Mapping[str, int], out_dim: int = 256, **options: Any) -> Fusion:
    """Build a fusion by name.

    Args:
        name: one of :func:`list_fusions`.
        dims: width of each modality's tokens, by name.
        out_dim: width of the result.
        options: what the constructor of the mode takes besides; every mode takes ``width``.

    Raises:
        ValueError: unknown name or option, with the choices, the nearest first; an option of the wrong type.
    """
    if name not in FUSIONS:
        raise ValueError(f"unknown fusion {name!r}; choose from {_nearest_first(name, FUSIONS)}")
    choices = _options(name)
    for option, value in options.items():
        if option not in choices:
            raise ValueError(
                f"unknown option {option!r} of fusion {name!r}; choose from {_nearest_first(option, choices)}"
            )
        kind = type(choices[option])
        if choices[option] is not None and not isinstance(value, kind):
            raise ValueError(f"option {option!r} of fusion {name!r} must be {kind.__name__}; got {value!r}")
    return FUSIONS[name](dims, out_dim, **options)


def list_options(name: str) -> list[str]:
    """Options of a mode.

    >>> list_options("cross_attention")
    ['width', 'num_heads']
    """
    return list(_options(name))


def _options(name: str) -> dict[str, Any]:
    """Options of a mode and their defaults."""
    parameters = signature(FUSIONS[name]).parameters.items()
    return {option: value.default for option, value in parameters if value.kind is Parameter.KEYWORD_ONLY}


def _nearest_first(word: str, choices: Mapping[str, Any]) -> str:
    return ", ".join(sorted(choices, key=lambda choice: -SequenceMatcher(None, word, choice).ratio()))
