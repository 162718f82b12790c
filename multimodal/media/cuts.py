"""Where one shot ends and the next begins: hard cuts and black, to the frame, so that no face is followed across.

Each picture is reduced to 48 x 48 means of its brightness. Two of them are of one shot if the blocks of the one
are found in the other, moved by a few cells: what a camera that shakes or a head that turns leaves of the picture
is little (0.15 of its contrast at most in real recordings at 25 pictures a second), what a cut leaves is much (0.3
and more). The pictures before and after a flash agree, those about a cut do not.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from numpy.lib.stride_tricks import sliding_window_view
from PIL import Image

from multimodal.media.reading.time_grid import PicturePoint, ToSee, thinned

#: Pictures are compared as cells of 48 x 48, in blocks of 8, each looked for up to 4 cells around its place, so
#: that what moves, or a camera that shakes, is no cut.
_SIDE, _BLOCK, _REACH = 48, 8, 4
#: Share of a picture's contrast that a cut leaves when its blocks were looked for in the one before.
_CUT_RESIDUE = 0.25
#: A cut leaves so many times as much as the pictures around it do of one another, and lasts: each picture before
#: it differs from the first after it, and each after it from the last before it, by such a share of that.
_OUTSTANDING, _LASTING = 2.0, 0.6
#: What comes back after so long was a flash, or two, or somebody who passed close by; a shorter shot is taken for
#: one.
_FLASH_SECONDS = 0.36
#: Brightest cell of a black picture, of 255; the one after a black one is black until it is a little brighter.
_BLACK, _NO_LONGER_BLACK = 32, 40
#: A picture of less contrast (standard deviation, of 255) counts as flat, and its noise for little.
_LEAST_CONTRAST = 4.0


class ShotPoint(NamedTuple):
    """A point of the time grid, the number of its shot, and whether the shot ends with it."""

    point: PicturePoint
    shot: int
    is_last: bool


def in_shots(points: Iterable[PicturePoint], frame_rate: float) -> Iterator[ShotPoint]:
    """Number the shots of a clip; a stretch of black is a shot too.

    Points come about a third of a second late, since only what follows tells a cut from a flash.

    Args:
        points: of a time grid, in order.
        frame_rate: points a second.
    """
    shot, before = 0, None
    for point, begins in _marked(points, max(2, round(_FLASH_SECONDS * frame_rate))):
        if before is not None:
            yield ShotPoint(before, shot, is_last=begins)
        shot, before = shot + begins, point
    if before is not None:
        yield ShotPoint(before, shot, is_last=True)


class _Reduced(NamedTuple):
    """A picture's cells, with mean 0 and contrast 1, and whether it is black."""

    cells: Float[np.ndarray, "48 48"]
    is_black: bool


def _marked(points: Iterable[PicturePoint], reach: int) -> Iterator[tuple[PicturePoint, bool]]:
    """Each point, and whether a shot begins there; judged by up to ``reach`` pictures before and after it."""
    waiting: deque[PicturePoint] = deque()
    around: deque[_Reduced] = deque(maxlen=2 * reach + 1)
    for point in points:
        around.append(_reduced(point, was_black=bool(around) and around[-1].is_black))
        waiting.append(point)
        if len(waiting) > reach:
            yield waiting.popleft(), _begins_shot(around, len(around) - 1 - reach)
    for left in range(len(waiting), 0, -1):
        near = list(around)[max(0, len(around) - left - reach) :]
        yield waiting.popleft(), _begins_shot(near, len(near) - left)


def _begins_shot(around: "deque[_Reduced] | list[_Reduced]", place: int) -> bool:
    if place == 0:
        return False
    before, here = around[place - 1], around[place]
    if before.is_black or here.is_black:
        return before.is_black != here.is_black
    if _change(before, here) <= _CUT_RESIDUE:  # never less than the residue, and cheap
        return False
    left = _residue(before, here)
    if left <= _CUT_RESIDUE:
        return False
    pictures = list(around)
    pairs = [(before, later) for later in pictures[place + 1 :]]
    pairs += [(earlier, here) for earlier in pictures[: place - 1]]
    least = max(_CUT_RESIDUE, _LASTING * left)
    if any(_change(*pair) < least or _residue(*pair) < least for pair in pairs):
        return False
    steps = [_residue(*pair) for number, pair in enumerate(pairwise(pictures)) if number != place - 1]
    return not steps or left > _OUTSTANDING * float(np.median(steps))


def _reduced(point: PicturePoint, *, was_black: bool) -> _Reduced:
    grey = point.grey() if isinstance(point, ToSee) else None
    image = Image.fromarray(thinned(point.shown)).convert("L") if grey is None else Image.fromarray(grey)
    cells = np.asarray(image.resize((_SIDE, _SIDE), Image.Resampling.BOX), dtype=np.float32)
    is_black = bool(cells.max() < (_NO_LONGER_BLACK if was_black else _BLACK))
    return _Reduced((cells - cells.mean()) / max(float(cells.std()), _LEAST_CONTRAST), is_black)


def _change(one: _Reduced, other: _Reduced) -> float:
    return float(np.abs(one.cells - other.cells).mean())


def _residue(one: _Reduced, other: _Reduced) -> float:
    """What is left of one picture when the most similar place of the other, near by, is taken from each block."""
    places = sliding_window_view(np.pad(other.cells, _REACH, mode="edge"), (_SIDE, _SIDE))
    blocks = _SIDE // _BLOCK
    left = np.abs(places - one.cells).reshape(-1, blocks, _BLOCK, blocks, _BLOCK).mean(axis=(2, 4))
    return float(left.min(axis=0).mean())
