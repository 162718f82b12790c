"""Any timm network by name, as a maker of features, and the normalisation of pixels that it wants."""

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import timm
import torch
from jaxtyping import Float
from timm.models import group_parameters
from timm.models._features import FeatureGetterNet
from torch import Tensor, nn

from encoders.strangers import escaped
from encoders.weights import Published, check_fit, read_published


def resolve_backbone(name: str) -> Any:
    """Input size, mean and std that timm states for ``name``; ``ValueError`` offers the nearest names."""
    architecture = name.split(".")[0]
    # timm.is_model would take old aliases too, which have no description; to sort all names takes long
    if not architecture or architecture not in timm.list_models(architecture, include_tags=False):
        known = timm.list_models(include_tags=False)
        holding = [one for one in known if architecture in one]
        nearest = holding[:5] or difflib.get_close_matches(architecture, known, n=5, cutoff=0.5)
        offer = f"nearest: {', '.join(nearest)}" if nearest else "timm.list_models() lists them"
        raise ValueError(f"unknown timm backbone {name!r}; {offer}")
    try:
        return timm.get_pretrained_cfg(name, allow_unregistered=False)
    except RuntimeError as error:
        tags = [known.partition(".")[2] for known in timm.list_pretrained(f"{architecture}.*")]
        raise ValueError(
            f"unknown timm tag in {name!r}; {architecture} has {', '.join(tags) or 'none'}"
        ) from error


def full_name(name: str) -> str:
    """Name with timm's tag (``resnet18.a1_in1k``), so that a later timm with another default builds the same.

    >>> full_name("resnet18")
    'resnet18.a1_in1k'
    """
    description = resolve_backbone(name)
    return f"{description.architecture}.{description.tag}" if description.tag else description.architecture


def read_timm_weights(place: str | Path, name: str) -> Published:
    """Weights of the timm network ``name`` from a folder or file, without its classifier.

    Raises:
        ValueError: of another network, or of one that saw pixels normalised in another way; all misfits listed.
    """
    description, published = resolve_backbone(name), read_published(place)
    _check_description(published, description, name)
    classifiers = description.classifier or ()
    found = published.without([classifiers] if isinstance(classifiers, str) else classifiers)
    check_fit(timm.create_model(name, pretrained=False, num_classes=0), found.state, source=str(found.place))
    return found


def _check_description(published: Published, wanted: Any, name: str) -> None:
    """Refuse a folder whose config.json, as timm writes it, says another network or other pixels."""
    said, source = published.description, published.place.parent / "config.json"
    architecture, pixels = said.get("architecture"), said.get("pretrained_cfg")
    pixels = pixels if isinstance(pixels, Mapping) else {}
    if architecture not in (None, wanted.architecture):
        raise ValueError(
            f"{source} describes {escaped(str(architecture))}, not {wanted.architecture}; "
            f"give the option backbone={architecture!r}"
        )
    for statistic in ("mean", "std"):
        given = pixels.get(statistic)
        given = tuple(given) if isinstance(given, list) else given
        if given is not None and given != tuple(getattr(wanted, statistic)):
            tag = f"; name its tag, backbone='{architecture}.{pixels['tag']}'" if pixels.get("tag") else ""
            raise ValueError(
                f"{source} says pixels of {statistic} {given!r:.60}, {name!r} has "
                f"{tuple(getattr(wanted, statistic))}{tag}"
            )


def create_backbone(
    name: str, *, pretrained: bool, stage: int | None, published: Published | None = None, **options: Any
) -> nn.Module:
    """Build a timm network without classifier; with ``stage``, only up to that stage of its feature maps.

    Args:
        name: timm name, with or without tag.
        pretrained: load timm's weights (from its cache, or from the network).
        published: weights that :func:`read_timm_weights` read, in place of them; timm fits them to another
            number of channels or another frame size.
        stage: index into timm's ``feature_info``, negative from the end; None for the network's final features.
        options: passed on to ``timm.create_model``.
    """
    resolve_backbone(name)
    if stage is not None:
        # "getter" leaves the later layers out; timm's default keeps some of them, as parameters without gradient
        options |= {"features_only": True, "feature_cls": "getter", "out_indices": (stage,)}
    else:
        options["num_classes"] = 0
    if published is not None:
        pretrained, options["pretrained_cfg_overlay"] = True, {"state_dict": dict(published.state)}
    try:
        return timm.create_model(name, pretrained=pretrained, **options)
    except OSError as error:
        raise ValueError(
            f"cannot get timm's weights of {name!r} ({_first_line(error)}). "
            "Fetch them once with network, or take pretrained=False."
        ) from error
    except (AssertionError, IndexError, KeyError, RuntimeError, TypeError) as error:
        asked = ", ".join(f"{key}={value}" for key, value in options.items() if key != "pretrained_cfg_overlay")
        raise ValueError(
            f"timm cannot build {name!r} with {asked} ({_first_line(error)}); choose another stage or backbone"
        ) from error


def channels_out(backbone: Any, stage: int | None) -> int:
    """Width of what ``backbone`` (from :func:`create_backbone`) gives."""
    if stage is not None:
        return int(backbone.feature_info.channels()[-1])
    return int(getattr(backbone, "head_hidden_size", None) or backbone.num_features)


def layers_before(backbone: nn.Module) -> dict[str, int]:
    """Layers before each parameter of a backbone, as timm groups them; nothing where timm has no order."""
    start, network = _network_in(backbone)
    if not hasattr(network, "group_matcher"):
        return {}
    depths = group_parameters(network, network.group_matcher(coarse=False), reverse=True)
    return {f"{start}{name}": int(depth) for name, depth in depths.items()}


def _network_in(backbone: nn.Module) -> tuple[str, Any]:
    """Begin of its names, and the network: timm puts one of which a stage is asked for into another module."""
    return ("model.", backbone.model) if isinstance(backbone, FeatureGetterNet) else ("", backbone)


def checkpoint_blocks(backbone: nn.Module) -> bool:
    """Let a backbone keep only what enters each block for the gradient, as timm does; whether it can."""
    network = _network_in(backbone)[1]
    # computed twice, a batch would count twice in the running statistics of batch normalisation
    counts_batches = any(isinstance(one, nn.modules.batchnorm._BatchNorm) for one in network.modules())
    if counts_batches or not hasattr(network, "set_grad_checkpointing"):
        return False
    try:
        network.set_grad_checkpointing(True)
    except AssertionError:  # by which many of timm's networks say that they cannot
        return False
    return True


def channels_first(backbone: nn.Module, features: Tensor) -> Tensor:
    """Feature map ``(N, D, H, W)``, whatever order of axes the timm network uses."""
    is_last = str(getattr(backbone, "output_fmt", "NCHW")).upper().endswith("NHWC")
    return features.permute(0, 3, 1, 2) if is_last else features


def has_convolutions(network: nn.Module, kind: type[nn.Conv2d] | type[nn.Conv3d] = nn.Conv2d) -> bool:
    """Whether most of the weights are such convolutions, so that channels-last memory makes the network faster."""
    convolutional = sum(m.weight.numel() for m in network.modules() if isinstance(m, kind))
    return convolutional > 0.5 * sum(parameter.numel() for parameter in network.parameters())


def prefer_memory_format(network: Any) -> torch.memory_format:
    """Lay the weights out in the order of axes that suits the network, and say which order its input should have.

    Channels last for convolutional networks, of pictures or of clips: weights and input together, since a mixture
    costs a copy of every weight in every step.
    """
    for kind, order in ((nn.Conv2d, torch.channels_last), (nn.Conv3d, torch.channels_last_3d)):
        if has_convolutions(network, kind):
            network.to(memory_format=order)
            return order
    return torch.contiguous_format


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


# Pixels in [0, 1] to what a network was trained on.


class PixelNormalisation(nn.Module):
    """``(x - mean) / std`` per colour channel, in one pass over the pixels.

    Args:
        mean, std: per channel (red, green, blue), for pixels in [0, 1].
        num_axes: axes behind the channel axis: 2 for frames ``(N, 3, H, W)``, 3 for clips ``(N, 3, T, H, W)``.
    """

    scale: Tensor
    shift: Tensor

    def __init__(self, mean: tuple[float, ...], std: tuple[float, ...], num_axes: int = 2) -> None:
        super().__init__()
        scale = 1 / torch.tensor(std)
        shape = (-1, *([1] * num_axes))
        self.register_buffer("scale", scale.reshape(shape), persistent=False)
        self.register_buffer("shift", (-torch.tensor(mean) * scale).reshape(shape), persistent=False)

    def forward(self, pixels: Float[Tensor, "n 3 *axes"]) -> Float[Tensor, "n 3 *axes"]:
        """Normalise a batch of pixels."""
        return torch.addcmul(self.shift, pixels, self.scale)
