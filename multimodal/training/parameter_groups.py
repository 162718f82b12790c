"""At what rate each weight learns, and which of them decay.

New modules learn faster than encoders that begin with trained weights; in these a layer near the input learns
slower than one near the output (Clark et al., ELECTRA, ICLR 2020; Bao et al., BEiT, ICLR 2022). Biases, scales
of norms, positions, tokens of no input and weights of layers do not decay: zero is no good value for any of them.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import torch
from torch import nn

from encoders.base import Encoder
from multimodal.training.options import FitOptions

#: Layers whose weights are positions, where nobody else says so: convolutions of wav2vec 2.0 and its kin.
_POSITIONS = re.compile(r"\bpos_conv_embed\.")


class Rate(NamedTuple):
    """How fast a weight learns, relative to the learning rate, and whether it decays."""

    scale: float
    decays: bool


def make_optimizer(
    model: nn.Module, options: FitOptions, encoders: Iterable[Encoder] = ()
) -> torch.optim.Optimizer:
    """AdamW (Loshchilov & Hutter, ICLR 2019), fused, over the parameters that are not frozen.

    Args:
        model: what learns.
        options: rates and decay.
        encoders: that stand before the model and are no part of it, where it learns from their tokens.
    """
    groups: dict[Rate, list[nn.Parameter]] = {}
    for parameter, rate in rates(model, options, encoders):
        groups.setdefault(rate, []).append(parameter)
    described: list[dict[str, Any]] = [
        {
            "params": parameters,
            "scale": rate.scale,
            "lr": options.learning_rate * rate.scale,
            "weight_decay": options.weight_decay if rate.decays else 0.0,
        }
        for rate, parameters in groups.items()
    ]
    return torch.optim.AdamW(described, lr=options.learning_rate, fused=True)


def rates(
    model: nn.Module, options: FitOptions, encoders: Iterable[Encoder] = ()
) -> Iterator[tuple[nn.Parameter, Rate]]:
    """Every parameter that learns, and how; arguments as for :func:`make_optimizer`."""
    scales: dict[str, float] = {}
    # frozen ones count as well: what comes after them is as new as where they learn
    has_trained = any(encoder.knows_something for encoder in encoders)
    for prefix, encoder in model.named_modules():
        if isinstance(encoder, Encoder) and encoder.knows_something:
            has_trained = True
            depths = encoder.parameter_depths()
            top = max(depths.values(), default=0)
            new = (*encoder.new_modules, ".lora_")  # adapters are new
            known = {name: depth for name, depth in depths.items() if not any(one in name for one in new)}
            scales |= {f"{prefix}.{name}": options.layer_decay ** (top - depth) for name, depth in known.items()}
    rate_of_new, decaying = options.new_rate if has_trained else 1.0, decaying_weights(model)
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            yield parameter, Rate(scales.get(name, rate_of_new), name in decaying)


def decaying_weights(model: nn.Module) -> set[str]:
    """Names of the parameters that decay: matrices and filters that multiply what a layer is given.

    By what they are, not by lists of names: an own parameter of a network that is no layer's ``weight`` is a
    position, a token, a bias or a scale, of any shape, and so are a table of embeddings and a norm. timm's
    networks say themselves which of their weights are positions in disguise (``no_weight_decay``).
    """
    found, told = set[str](), set[str]()
    for prefix, module in model.named_modules():
        start = f"{prefix}." if prefix else ""
        if callable(says := getattr(module, "no_weight_decay", None)):
            told |= {f"{start}{name}" for name in says()}
        if not isinstance(module, nn.Embedding | nn.LayerNorm):
            own = module.named_parameters(recurse=False)
            found |= {f"{start}{name}" for name, value in own if value.ndim > 1 and _multiplies(start, name)}
    return {name for name in found if not any(name == one or name.startswith(f"{one}.") for one in told)}


def _multiplies(start: str, name: str) -> bool:
    """Whether a parameter of that name is a layer's weight, or a part that its weight is computed from."""
    is_part = start.endswith(".parametrizations.weight.")
    return ("weight" in name or is_part) and not _POSITIONS.search(start)
