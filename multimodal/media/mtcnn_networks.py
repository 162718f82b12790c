"""MTCNN's three networks, with the weights that facenet-pytorch is installed with.

That library has them, too, but whoever imports it has torchvision and torch's compiler: 80 MB of the processes
that look for faces, and two seconds before the first looks.
"""

from collections.abc import Mapping
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor, nn


class CascadeNetwork(nn.Module):
    """One of the networks: images (n, 3, height, width) in; regression first, (n, 2) or a map of it last.

    Args:
        file: with the weights, by the names of these layers.
        layers: in turn.
        heads: what they say; of the last it is the share of each class.
    """

    def __init__(self, file: str, layers: Mapping[str, nn.Module], heads: Mapping[str, nn.Module]) -> None:
        super().__init__()
        self._layers, self._heads = list(layers), list(heads)
        for name, layer in {**layers, **heads}.items():
            self.add_module(name, layer)
        self.load_state_dict(torch.load(_weights() / file, weights_only=True))

    def forward(self, x: Float[Tensor, "n 3 height width"]) -> tuple[Tensor, ...]:
        """What each head says of each image."""
        for name in self._layers:
            x = self.get_submodule(name)(x)
        *said, classes = (self.get_submodule(name)(x) for name in self._heads)
        return *said, classes.softmax(dim=1)


class _Flat(nn.Module):
    """Features of an image in the order of facenet-pytorch's weights: by column, row and channel."""

    def forward(self, x: Float[Tensor, "n channels height width"]) -> Float[Tensor, "n features"]:
        return x.permute(0, 3, 2, 1).flatten(1)


_halved = partial(nn.MaxPool2d, stride=2, ceil_mode=True)


def propose() -> CascadeNetwork:
    """P-Net: regression and classes of each window of 12 pixels."""
    layers = {
        **{"conv1": nn.Conv2d(3, 10, 3), "prelu1": nn.PReLU(10), "pool1": _halved(2)},
        **{"conv2": nn.Conv2d(10, 16, 3), "prelu2": nn.PReLU(16)},
        **{"conv3": nn.Conv2d(16, 32, 3), "prelu3": nn.PReLU(32)},
    }
    return CascadeNetwork("pnet.pt", layers, {"conv4_2": nn.Conv2d(32, 4, 1), "conv4_1": nn.Conv2d(32, 2, 1)})


def refine() -> CascadeNetwork:
    """R-Net: regression and classes of images of 24 pixels."""
    layers = {
        **{"conv1": nn.Conv2d(3, 28, 3), "prelu1": nn.PReLU(28), "pool1": _halved(3)},
        **{"conv2": nn.Conv2d(28, 48, 3), "prelu2": nn.PReLU(48), "pool2": _halved(3)},
        **{"conv3": nn.Conv2d(48, 64, 2), "prelu3": nn.PReLU(64)},
        **{"flat": _Flat(), "dense4": nn.Linear(576, 128), "prelu4": nn.PReLU(128)},
    }
    return CascadeNetwork("rnet.pt", layers, {"dense5_2": nn.Linear(128, 4), "dense5_1": nn.Linear(128, 2)})


def output() -> CascadeNetwork:
    """O-Net: regression, five points and classes of images of 48 pixels."""
    layers = {
        **{"conv1": nn.Conv2d(3, 32, 3), "prelu1": nn.PReLU(32), "pool1": _halved(3)},
        **{"conv2": nn.Conv2d(32, 64, 3), "prelu2": nn.PReLU(64), "pool2": _halved(3)},
        **{"conv3": nn.Conv2d(64, 64, 3), "prelu3": nn.PReLU(64), "pool3": _halved(2)},
        **{"conv4": nn.Conv2d(64, 128, 2), "prelu4": nn.PReLU(128)},
        **{"flat": _Flat(), "dense5": nn.Linear(1152, 256), "prelu5": nn.PReLU(256)},
    }
    heads = {"dense6_2": nn.Linear(256, 4), "dense6_3": nn.Linear(256, 10), "dense6_1": nn.Linear(256, 2)}
    return CascadeNetwork("onet.pt", layers, heads)


def _weights() -> Path:
    """Where facenet-pytorch keeps its weights, found without importing it."""
    package = find_spec("facenet_pytorch")
    assert package is not None
    assert package.origin is not None
    return Path(package.origin).with_name("data")
