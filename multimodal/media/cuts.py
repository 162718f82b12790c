"""Where one shot ends and the next begins: hard cuts and black, to the frame, so that no face is followed across.

Each picture is reduced to 48 x 48 means of its brightness. Two of them are of one shot if the blocks of the one
are found in the other, moved by a few cells: what a camera that shakes or a head that turns leaves of the picture
is little (0.15 of its contrast at most in real recordings at 25 pictures a second), what a cut leaves is much (0.3
and more). The pictures before and after a flash agree, those about a cut do not. Cells that stay as they are (bars
about the picture, a channel's logo, the studio around an inset) tell nothing, and are left out.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import NamedTuple, TypeAlias

import numpy as np
from jaxtyping import Bool, Float
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
#: A step that leaves less shows the same picture again. Where most do, the others are few and far apart: if there
#: are so many at least, a cut leaves so many times as much as any of them.
_HELD, _FEWEST_STEPS, _OUTSTANDING_FEW = 0.008, 3, 1.6
#: What comes back after so long was a flash, or two, or somebody who passed close by; a shorter shot is taken for
#: one.
_FLASH_SECONDS = 0.36
#: A cell is still if it changes by no more, of 255, in the pictures that a cut is told by. A cut changes such a
#: share of the picture at least; a caption that comes changes less.
_STILL, _LEAST_SHARE = 4.0, 0.2
#: Brightest cell of a black picture, of 255; the one after a black one is black until it is a little brighter. Of
#: cells that were so much brighter or darker in the shot, such a share is as dark: the rest is a logo's edge.
_BLACK, _NO_LONGER_BLACK = 32, 40
_FADED, _FADED_SHARE = 32.0, 0.95
#: So much of a picture is black if nobody is seen in it: not in an inset, and not beside a screen that goes dark.
_ALL_SHARE = 0.99
#: What changes all the time along the lower or upper edge, up to a quarter of the height, is a ticker.
_BESIDE_TICKER = (slice(None), slice(42), slice(36), slice(6, None), slice(12, None))
#: With fewer dark cells none of those parts can be black: most pictures are told by this sum alone.
_LEAST_GONE = _FADED_SHARE * _LEAST_SHARE * _SIDE * (_SIDE - 12)
#: Black differs by less, twice that until it is over: in a scene at night something can be seen.
_FLAT = 14.0
#: Of the bright cells of a logo so many stand still while the black about it goes; the rest are its edges.
_LOGO_SHARE = 0.5
#: A picture of less contrast (standard deviation, of 255) counts as flat, and its noise for little.
_LEAST_CONTRAST = 4.0


class ShotPoint(NamedTuple):
    """A point of the time grid, the number of its shot, whether the shot ends with it, and if it is all black.

    That is what something brighter went into; what is dark from the start of a clip on may be a scene at night.
    """

    point: PicturePoint
    shot: int
    is_last: bool
    is_black: bool = False


def in_shots(points: Iterable[PicturePoint], frame_rate: float) -> Iterator[ShotPoint]:
    """Number the shots of a clip; a stretch of black is a shot too.

    Points come about a third of a second late, since only what follows tells a cut from a flash.

    Args:
        points: of a time grid, in order.
        frame_rate: points a second.
    """
    shot, before, is_black = 0, None, False
    for point, begins, fades in _marked(points, max(2, round(_FLASH_SECONDS * frame_rate))):
        if before is not None:
            yield ShotPoint(before, shot, begins, is_black)
        shot, before = shot + begins, point
        is_black = fades if begins else is_black
    if before is not None:
        yield ShotPoint(before, shot, True, is_black)


Cells: TypeAlias = Float[np.ndarray, "48 48"]
#: Cells that count.
Mask: TypeAlias = Bool[np.ndarray, "48 48"]


def _marked(points: Iterable[PicturePoint], reach: int) -> Iterator[tuple[PicturePoint, bool, bool]]:
    """Each point, whether a shot begins there, and whether all that was seen has gone into black.

    Judged by up to ``reach`` pictures before and after it.
    """
    waiting: deque[PicturePoint] = deque()
    around: deque[Cells] = deque(maxlen=2 * reach + 1)
    black = _Black()
    for point in points:
        around.append(_reduced(point))
        waiting.append(point)
        if len(waiting) > reach:
            yield waiting.popleft(), _begins_shot(list(around), len(around) - 1 - reach, black), black.is_gone
    for left in range(len(waiting), 0, -1):
        near = list(around)[max(0, len(around) - left - reach) :]
        yield waiting.popleft(), _begins_shot(near, len(near) - left, black), black.is_gone


def _begins_shot(around: list[Cells], place: int, black: "_Black") -> bool:
    was_black, is_black = black.now, black.see(around, place)
    if place == 0:
        return False
    if was_black or is_black:
        return was_black != is_black
    if _is_cut(around, place):
        black.forget(around[place:])
        return True
    return False


class _Black:
    """Whether a picture is black, by what its cells were in the shot so far and are soon after."""

    def __init__(self) -> None:
        self.now = False
        #: Whether it is, nearly all of it, and something was bright before.
        self.is_gone = False
        self._darkest = np.full((_SIDE, _SIDE), np.inf)
        self._brightest = -self._darkest

    def see(self, around: list[Cells], place: int) -> bool:
        """Whether the picture at ``place`` is black; pictures come in order."""
        for cells in around[place:] if place == 0 else around[-1:]:
            self._darkest, self._brightest = (
                np.minimum(self._darkest, cells),
                np.maximum(self._brightest, cells),
            )
        faded = self._brightest - self._darkest > _FADED
        if faded.mean() > _LEAST_SHARE:
            cells = around[place]
            dark = faded & (cells < self._limit)
            self.now = bool(dark.sum() > _LEAST_GONE) and any(
                self._is_gone(cells[rows], faded[rows], dark[rows]) for rows in _BESIDE_TICKER
            )
        else:  # nothing was bright so far, as at the start of a clip: what stands still beside the black is a logo
            dark = around[place] < self._limit
            stands = self._brightest - self._darkest <= _STILL
            is_logo = not dark.all() and stands[~dark].mean() > _LOGO_SHARE
            share = dark.mean() if is_logo else float(dark.all())
            self.now = bool(share >= _FADED_SHARE and self._is_flat(around[place][dark]))
        self.is_gone = self.now and bool(faded.mean() > _LEAST_SHARE) and self._is_all(around[place])
        return self.now

    def _is_all(self, cells: Cells) -> bool:
        return any(float((cells[rows] < self._limit).mean()) >= _ALL_SHARE for rows in _BESIDE_TICKER)

    @property
    def _limit(self) -> int:
        return _NO_LONGER_BLACK if self.now else _BLACK

    def _is_gone(self, cells: np.ndarray, faded: np.ndarray, dark: np.ndarray) -> bool:
        """Whether what was brighter is black; no where it is too little to tell. Each has the same rows of 48."""
        if faded.mean() <= _LEAST_SHARE:
            return False
        return bool(dark.sum() >= _FADED_SHARE * faded.sum()) and self._is_flat(cells[dark])

    def _is_flat(self, dark: Float[np.ndarray, " cells"]) -> bool:
        return bool(np.ptp(dark) < (2 * _FLAT if self.now else _FLAT))

    def forget(self, shot: list[Cells]) -> None:
        """Another shot begins with these pictures."""
        self._darkest, self._brightest = np.min(shot, axis=0), np.max(shot, axis=0)


def _is_cut(around: list[Cells], place: int) -> bool:
    if np.mean(np.abs(around[place] - around[place - 1]) > _STILL) < _LEAST_SHARE:  # cheap
        return False
    moves = np.ptp(around, axis=0) > _STILL
    pictures = [_with_contrast_one(cells, moves) for cells in around]
    before, here = pictures[place - 1], pictures[place]
    if _change(before, here, moves) <= _CUT_RESIDUE:  # never less than the residue, and cheap
        return False
    left = _residue(before, here, moves)
    if left <= _CUT_RESIDUE:
        return False
    pairs = [(before, later) for later in pictures[place + 1 :]]
    pairs += [(earlier, here) for earlier in pictures[: place - 1]]
    least = max(_CUT_RESIDUE, _LASTING * left)
    if any(_change(*pair, moves) < least or _residue(*pair, moves) < least for pair in pairs):
        return False
    steps = np.array(
        [_residue(*pair, moves) for number, pair in enumerate(pairwise(pictures)) if number != place - 1]
    )
    moving = steps[steps > _HELD]
    if _FEWEST_STEPS <= len(moving) < len(steps) / 2:  # a few pictures a second, held on a denser grid
        return left > _OUTSTANDING_FEW * float(moving.max())
    return not len(steps) or left > _OUTSTANDING * float(np.median(steps))


def _reduced(point: PicturePoint) -> Cells:
    grey = point.grey() if isinstance(point, ToSee) else None
    image = Image.fromarray(thinned(point.shown)).convert("L") if grey is None else Image.fromarray(grey)
    return np.asarray(image.resize((_SIDE, _SIDE), Image.Resampling.BOX), dtype=np.float32)


def _with_contrast_one(cells: Cells, moves: Mask) -> Cells:
    """The picture with mean 0 and contrast 1 where it moves."""
    moving = cells[moves]
    return (cells - moving.mean()) / max(float(moving.std()), _LEAST_CONTRAST)


def _change(one: Cells, other: Cells, moves: Mask) -> float:
    return float(np.abs(one - other)[moves].mean())


def _residue(one: Cells, other: Cells, moves: Mask) -> float:
    """What is left of one picture when the most similar place of the other, near by, is taken from each block."""
    places = sliding_window_view(np.pad(other, _REACH, mode="edge"), (_SIDE, _SIDE))
    blocks = _SIDE // _BLOCK
    left = (np.abs(places - one) * moves).reshape(-1, blocks, _BLOCK, blocks, _BLOCK).sum(axis=(2, 4))
    return float(left.min(axis=0).sum() / moves.sum())
