"""MTCNN's three networks as a cascade that can also follow: its last two refine any box that is nearly right.

Zhang et al. 2016 ("Joint Face Detection and Alignment Using Multitask Cascaded Convolutional Networks", section
II). The networks and weights are facenet-pytorch's. Its own loop resizes the candidates one by one and runs in the
slow layout of memory: on a CPU it takes several times as long, and always at one scale of the picture.
"""

import math
from collections.abc import Iterator
from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Float, Int
from PIL import Image
from torch import Tensor, nn

from multimodal.media.faces import Detections, Picture, pairwise_iou
from multimodal.media.mtcnn_networks import output, propose, refine
from multimodal.media.networks import Images, Networks, Outputs
from multimodal.media.reading.time_grid import thinned

#: P-Net sees windows of so many pixels, at every second place.
_WINDOW, _STRIDE = 12, 2
_PYRAMID_STEP = 0.62
#: Probabilities that a candidate must have to pass P-Net, R-Net and O-Net. facenet-pytorch begins with 0.6: more
#: than twice as many candidates for R-Net in a textured picture, and hardly a face more; 0.8 loses faces.
_PASS = (0.75, 0.7, 0.7)
#: Dark pictures, of which 99 in 100 pixels are below the second of these (of 255) and some above the first, are
#: made so bright: in the dark the networks find nothing, though a face can be told.
_NOTHING, _DARK, _LIT = 6.0, 60.0, 200.0
#: The value of a pixel that the networks take for 0, nearly: (127.5 - 127.5) / 128.
_GREY = 128
#: Of two boxes that overlap by more than this, one is left.
_SAME_SCALE, _SAME_FACE = 0.5, 0.7
#: Boxes that are held against all others at a time.
_ROWS = 64

Boxes = Float[Tensor, "n 4"]


class MtcnnNetworks:
    """P-Net ("propose"), R-Net ("refine") and O-Net ("output"): images in; regression and probabilities out.

    Args:
        device: where they run, ``"cpu"`` or ``"cuda"``.
    """

    together: ClassVar = {"propose": 1, "refine": 64, "output": 64}

    def __init__(self, device: str = "cpu") -> None:
        self._device = torch.device(device)
        self._networks = {
            name: self._ready(network())
            for name, network in (("propose", propose), ("refine", refine), ("output", output))
        }

    def _ready(self, network: nn.Module) -> nn.Module:
        for weights in network.parameters():
            if weights.dim() == 4:
                weights.data = weights.data.contiguous(memory_format=torch.channels_last)
        return network.eval().to(self._device)

    def __call__(self, name: str, images: Images) -> Outputs:
        """What a network says, on the CPU."""
        return tuple(part.cpu() for part in self.compute(name, images))

    @torch.inference_mode()
    def compute(self, name: str, images: Images) -> Outputs:
        """What a network says, on its device."""
        pixels = torch.from_numpy(images).to(self._device)
        outputs: Outputs = self._networks[name]((pixels.permute(0, 3, 1, 2).float() - 127.5) * 0.0078125)
        return outputs


class MtcnnDetector:
    """MTCNN as a :class:`~multimodal.media.faces.FaceDetector`.

    Args:
        device: where it runs, ``"cpu"`` or ``"cuda"``.
        networks: what computes in place of networks on that device.
    """

    load = MtcnnNetworks

    def __init__(self, device: str = "cpu", networks: Networks | None = None) -> None:
        self._cascade = FaceCascade(networks or self.load(device))

    def find(self, picture: Picture, smallest: float) -> Detections:
        """All faces of a picture; the smaller they may be, the longer it takes."""
        picture = lit(picture)
        return keep_one_of_each(self._cascade.outputs(picture, self._cascade.candidates(picture, smallest)))

    def follow(self, picture: Picture, boxes: Float[np.ndarray, "faces 4"]) -> Detections:
        """Faces that moved by less than a third of their size."""
        picture = lit(picture)
        squares = self._cascade.corrected(picture, torch.from_numpy(boxes).float())
        return keep_one_of_each(self._cascade.outputs(picture, squares))


def lit(picture: Picture) -> Picture:
    """A dark picture as bright as others are, to look for faces in; any other as it is.

    >>> lit(np.full((9, 9, 3), 20, np.uint8)).max(), lit(np.full((9, 9, 3), 90, np.uint8)).max()
    (np.uint8(200), np.uint8(90))
    """
    brightest = float(np.percentile(thinned(picture), 99))
    if not _NOTHING <= brightest < _DARK:
        return picture
    levels = np.clip(np.arange(256) * (_LIT / brightest), 0, 255).astype(np.uint8)
    brighter: Picture = levels[picture]
    return brighter


class FaceCascade:
    """P-Net, R-Net and O-Net; boxes are ``x0, y0, x1, y1``."""

    def __init__(self, networks: Networks) -> None:
        self._networks = networks

    @torch.inference_mode()
    def candidates(self, picture: Picture, smallest: float) -> Boxes:
        """Squares of a picture that may hold a face of ``smallest`` pixels or more: P-Net, then R-Net."""
        found = [self._scan(*level) for level in _pyramid(picture, smallest)]
        if not found:
            return torch.zeros(0, 4)
        boxes, scores = (torch.cat(part) for part in zip(*found, strict=True))
        kept = nms(boxes[:, :4], scores, _SAME_FACE)
        squares = _squared(_regressed(boxes[kept, :4], boxes[kept, 4:], one=0))
        if not len(squares):
            return squares
        shift, probabilities = self._networks("refine", _patches(picture, squares, 24))
        return _squared(_best(squares, shift, probabilities[:, 1]))

    @torch.inference_mode()
    def outputs(self, picture: Picture, squares: Boxes) -> Float[np.ndarray, "n 5"]:
        """O-Net's boxes and probabilities for squares of a picture, one row each."""
        if not len(squares):
            return np.zeros((0, 5))
        shift, _, probabilities = self._networks("output", _patches(picture, squares, 48))
        boxes = _regressed(squares, shift)
        return torch.cat([boxes, probabilities[:, 1:]], dim=1).double().numpy()

    @torch.inference_mode()
    def five_points(self, picture: Picture, square: Float[Tensor, "4"]) -> Float[np.ndarray, "5 2"] | None:
        """Eyes, nose, corners of the mouth, ``(x, y)`` in pixels, each left before right; None without a face."""
        shape = self._networks("output", _patches(picture, square[None], 48))
        if float(shape[2][0, 1]) < _PASS[2]:
            return None
        corner, sides = square[:2], square[2:] - square[:2] + 1
        return (corner + sides * shape[1][0].view(2, 5).T).double().numpy()

    @torch.inference_mode()
    def corrected(self, picture: Picture, boxes: Boxes) -> Boxes:
        """Squares around boxes that are about right, moved by R-Net to where the faces are."""
        squares = _squared(boxes)
        if not len(boxes):
            return squares
        shift, _ = self._networks("refine", _patches(picture, squares, 24))
        return _squared(_regressed(squares, shift))

    def _scan(self, reduced: Image.Image, scale: float) -> tuple[Tensor, Tensor]:
        """P-Net on a picture reduced by ``scale``: boxes with their regression (n, 8) and probabilities (n,)."""
        shift, probabilities = self._networks("propose", np.stack([np.asarray(reduced)]))
        scores = probabilities[0, 1]
        places = (scores >= _PASS[0]).nonzero()
        corners = places.flip(1) * _STRIDE + 1
        boxes = torch.cat([corners, corners + _WINDOW - 1], dim=1).div(scale).floor()
        kept = nms(boxes, scores[places[:, 0], places[:, 1]], _SAME_SCALE)
        rows, columns = places[kept].unbind(1)
        return torch.cat([boxes[kept], shift[0, :, rows, columns].T], dim=1), scores[rows, columns]


def _patches(picture: Picture, squares: Boxes, side: int) -> Images:
    """Squares cut out of a picture of any size, averaged down to ``side`` pixels."""
    return np.stack([_patch(picture, *_corners(square), side) for square in squares.tolist()])


def _patch(picture: Picture, x0: int, y0: int, x1: int, y1: int, side: int) -> Picture:
    """A square of a picture; grey, the networks' zero, where it leaves the picture.

    facenet-pytorch stretches what is left of such a square, but places the box in all of it: a face at the edge
    came out too large, and larger the longer it was followed. Zhang et al.'s own program fills up, too.
    """
    height, width = picture.shape[:2]
    if min(x0, y0) >= 0 and x1 <= width and y1 <= height:
        return np.asarray(_reduced(picture[y0:y1, x0:x1], (side, side)))
    step = max(1, min(x1 - x0, y1 - y0) // (3 * side))  # as _reduced takes it: the square may be huge
    rows, columns = np.arange(y0, y1, step), np.arange(x0, x1, step)
    has_row, has_column = (rows >= 0) & (rows < height), (columns >= 0) & (columns < width)
    patch = np.full((len(rows), len(columns), 3), _GREY, np.uint8)
    patch[np.ix_(has_row, has_column)] = picture[np.ix_(rows[has_row], columns[has_column])]
    return np.asarray(Image.fromarray(patch).resize((side, side), Image.Resampling.BOX))


def nms(boxes: Boxes, scores: Float[Tensor, " n"], most: float) -> Int[Tensor, " kept"]:
    """Numbers of the boxes that overlap each better one that is left by ``most`` or less, the best first.

    As torchvision has it, which brings torch's compiler into each process that looks for faces: 80 MB.

    >>> nms(torch.tensor([[0.0, 0, 4, 4], [0, 0, 4, 5], [9, 9, 12, 12]]), torch.tensor([0.8, 0.9, 0.7]), 0.7)
    tensor([1, 2])
    """
    order = scores.argsort(descending=True, stable=True).numpy()
    ordered = boxes.numpy()[order]
    is_kept = np.ones(len(order), dtype=bool)
    for first in range(0, len(order), _ROWS):
        overlaps = pairwise_iou(ordered[first : first + _ROWS], ordered)
        for place, row in enumerate(overlaps, first):
            if is_kept[place]:
                is_kept[place + 1 :] &= row[place + 1 :] <= most
    return torch.from_numpy(order[is_kept])


def keep_one_of_each(found: Float[np.ndarray, "n 5"]) -> Float[np.ndarray, "n 5"]:
    """The surest of each set of boxes that lie mostly in one another; unsure boxes are left out."""
    kept: list[np.ndarray] = []
    for face in sorted(found[found[:, 4] > _PASS[2]], key=lambda row: -row[4]):
        if all(_share_of_smaller(face, other) <= _SAME_FACE for other in kept):
            kept.append(face)
    return np.stack(kept) if kept else np.zeros((0, 5))


def _share_of_smaller(one: np.ndarray, other: np.ndarray) -> float:
    sides = np.minimum(one[2:4], other[2:4]) - np.maximum(one[:2], other[:2])
    areas = [float(np.prod(box[2:4] - box[:2])) for box in (one, other)]
    return float(np.prod(np.clip(sides, 0, None))) / max(min(areas), 1e-9)


def _pyramid(picture: Picture, smallest: float) -> Iterator[tuple[Image.Image, float]]:
    """The picture reduced so that the smallest face fills P-Net's window, then larger and larger ones."""
    height, width = picture.shape[:2]
    scale = _WINDOW / smallest
    level = _reduced(picture, (int(width * scale + 1), int(height * scale + 1)))
    while min(height, width) * scale >= _WINDOW:
        yield level, scale
        scale *= _PYRAMID_STEP
        level = level.resize((int(width * scale + 1), int(height * scale + 1)), Image.Resampling.BILINEAR)


def _reduced(picture: Picture, size: tuple[int, int]) -> Image.Image:
    """Average a picture down; whole rows and columns are left out down to about three of each for one.

    That is good enough to find faces in, and several times faster than averaging all pixels.
    """
    coarse = max(1, min(picture.shape[1] // (3 * size[0]), picture.shape[0] // (3 * size[1])))
    thinned = np.ascontiguousarray(picture[::coarse, ::coarse])
    return Image.fromarray(thinned).resize(size, Image.Resampling.BOX)


def _regressed(boxes: Tensor, shift: Tensor, *, one: int = 1) -> Tensor:
    """Move corners by shares of the width and height, as the networks were trained to say."""
    sides = (boxes[:, 2:] - boxes[:, :2] + one).repeat(1, 2)
    return boxes + shift * sides


def _squared(boxes: Tensor) -> Tensor:
    """The square around the middle of each box, of its longer side."""
    centres, sides = (boxes[:, :2] + boxes[:, 2:]) / 2, (boxes[:, 2:] - boxes[:, :2]).amax(dim=1, keepdim=True)
    return torch.cat([centres - sides / 2, centres + sides / 2], dim=1)


def _corners(square: list[float]) -> tuple[int, int, int, int]:
    """Whole pixels of a square, at least one; the networks count them from 1."""
    left, top = math.floor(square[0]) - 1, math.floor(square[1]) - 1
    return left, top, max(math.floor(square[2]), left + 1), max(math.floor(square[3]), top + 1)


def _best(squares: Tensor, shift: Tensor, scores: Tensor) -> Tensor:
    passed = scores > _PASS[1]
    squares, shift, scores = squares[passed], shift[passed], scores[passed]
    kept = nms(squares, scores, _SAME_FACE)
    return _regressed(squares[kept], shift[kept])
