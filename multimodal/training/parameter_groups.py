"""At what rate each weight learns, and which of them decay.

New modules learn faster than encoders that begin with trained weights; in these a layer near the input learns
slower than one near the output (Clark et al., ELECTRA, ICLR 2020; Bao et al., BEiT, ICLR 2022). Biases, scales
of norms, positions, tokens of no input and weights of layers do not decay: zero is no good value for any of them.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
from torch import nn

from encoders.base import Encoder
from multimodal.training.options import FitOptions

#: Parts of names of weights that are positions or tokens, as timm, transformers, AASIST and the fusions call them.
_POSITIONS = {
    *("pos_embed", "cls_token", "reg_token", "dist_token", "relative_position_bias_table"),
    *("pos_conv_embed", "rel_attn_embed", "gru_rel_pos_const"),
    *("pos_S", "master1", "master2", "bottlenecks"),
}


class Rate(NamedTuple):
    """How fast a weight learns, relative to the learning rate, and whether it decays."""

    scale: float
    decays: bool


def make_optimizer(model: nn.Module, options: FitOptions) -> torch.optim.Optimizer:
    """AdamW (Loshchilov & Hutter, ICLR 2019), fused, over the parameters that are not frozen."""
    groups: dict[Rate, list[nn.Parameter]] = {}
    for parameter, rate in rates(model, options):
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


def rates(model: nn.Module, options: FitOptions) -> Iterator[tuple[nn.Parameter, Rate]]:
    """Every parameter that learns, and how."""
    learnt = {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}
    scales: dict[str, float] = {}
    for prefix, encoder in model.named_modules():
        if isinstance(encoder, Encoder) and encoder.knows_something:
            depths = encoder.parameter_depths()
            top = max(depths.values(), default=0)
            new = (*encoder.new_modules, ".lora_")  # adapters are new
            known = {name: depth for name, depth in depths.items() if not any(one in name for one in new)}
            scales |= {f"{prefix}.{name}": options.layer_decay ** (top - depth) for name, depth in known.items()}
    has_trained = any(name in scales for name in learnt)
    rate_of_new = options.new_rate if has_trained else 1.0
    for name, parameter in learnt.items():
        decays = parameter.ndim > 1 and _POSITIONS.isdisjoint(name.split("."))
        yield parameter, Rate(scales.get(name, rate_of_new), decays)
