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

import importlib
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from inspect import Parameter, signature
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fusion.base import Fusion

__all__ = ["FUSIONS", "Fusion", "create_fusion", "fusion_class", "list_fusions", "list_options"]

#: Every mode by name, and where it lies; it is imported when it is asked for.
FUSIONS = {
    "score": "fusion.score:ScoreFusion",
    "concat": "fusion.concat:ConcatFusion",
    "gated": "fusion.gated:GatedFusion",
    "film": "fusion.film:FilmFusion",
    "bilinear": "fusion.bilinear:BilinearFusion",
    "cross_attention": "fusion.cross_attention:CrossAttentionFusion",
    "bottleneck": "fusion.bottleneck:BottleneckFusion",
    "transformer": "fusion.transformer:TransformerFusion",
    "discrepancy": "fusion.discrepancy:DiscrepancyFusion",
    "video_only": "fusion.unimodal:VideoOnlyFusion",
    "audio_only": "fusion.unimodal:AudioOnlyFusion",
}

if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        """The contract's class, imported with torch when it is asked for (PEP 562)."""
        if name != "Fusion":
            raise AttributeError(f"module 'fusion' has no attribute {name!r}")
        return importlib.import_module("fusion.base").Fusion


def list_fusions() -> list[str]:
    """Names of all modes, in the order of the catalog."""
    return list(FUSIONS)


def fusion_class(name: str) -> "type[Fusion]":
    """The class of that mode, imported now; ``ValueError`` offers the nearest name and lists all."""
    if name not in FUSIONS:
        raise ValueError(f"unknown fusion {name!r}; {_offer(name, FUSIONS)}")
    module, _, attribute = FUSIONS[name].partition(":")
    return getattr(importlib.import_module(module), attribute)


def create_fusion(name: str, *, dims: Mapping[str, int], out_dim: int = 256, **options: Any) -> "Fusion":
    """Build a fusion by name.

    Args:
        name: one of :func:`list_fusions`.
        dims: width of each modality's tokens, by name.
        out_dim: width of the result.
        options: what the constructor of the mode takes besides; every mode takes ``width``.

    Raises:
        ValueError: unknown name or option, with the nearest and all choices; an option of the wrong type.
    """
    mode = fusion_class(name)
    choices = _options(name)
    for option, value in options.items():
        if option not in choices:
            raise ValueError(f"unknown option {option!r} of fusion {name!r}; {_offer(option, choices)}")
        kind = type(choices[option])
        if choices[option] is not None and not isinstance(value, kind):
            raise ValueError(f"option {option!r} of fusion {name!r} must be {kind.__name__}; got {value!r}")
    fusion = mode(dims, out_dim, **options)
    fusion.recipe = {"name": name, "out_dim": out_dim, "options": options}
    return fusion


def list_options(name: str) -> list[str]:
    """Options of a mode.

    >>> list_options("cross_attention")
    ['width', 'num_heads']
    """
    return list(_options(name))


def _options(name: str) -> dict[str, Any]:
    """Options of a mode and their defaults."""
    parameters = signature(fusion_class(name)).parameters.items()
    return {option: value.default for option, value in parameters if value.kind is Parameter.KEYWORD_ONLY}


def _offer(wrong: str, known: Iterable[str]) -> str:
    near = get_close_matches(wrong, list(known), n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}? Choose" if near else "choose"
    return f"{hint} from {', '.join(known)}"
