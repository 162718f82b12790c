"""Stretches of a recording that an edit list puts one after another, as programs do that cut without coding anew.

FFmpeg reads the packets between two stretches too, marked to be left out, and takes the place of a stretch's first
frame in the file for its place in time: where frames refer to later ones, all of a stretch comes some whole frames
early or late against its sound.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import av
import numpy as np

#: FFmpeg is wrong by so many frames at most: as many as wait for a later one.
_MOST_FRAMES = 16
#: What is left of a frame then, in frames: times are whole ticks.
_WHOLE = 0.1


class Stretches:
    """Numbers the stretches of a stream, whose packets are seen in the order of the file."""

    def __init__(self) -> None:
        self._number = 0
        self._is_any = self._was_left_out = self._was_key = False

    def of(self, packet: "av.Packet[Any]") -> int:
        """The number of the stretch of a packet.

        Another begins behind packets that are left out, with a key frame or behind one; without, they are frames
        shown before a stretch that refer to it.
        """
        if packet.is_discard:
            self._was_key |= self._is_any and packet.is_keyframe
            self._was_left_out = True
            return self._number
        if self._is_any and self._was_left_out and (self._was_key or packet.is_keyframe):
            self._number += 1
        self._is_any, self._was_left_out, self._was_key = True, False, False
        return self._number


def joined(shown: Sequence[int], stretches: Sequence[int]) -> list[int]:
    """Ticks at which frames are shown, each stretch right behind the last, if it is whole frames beside that.

    Both are in the order of the file.

    >>> joined([0, 4, 8, 20, 16, 24], [0, 0, 0, 1, 1, 1])
    [0, 4, 8, 16, 12, 20]
    """
    times, numbers = np.array(shown), np.array(stretches)
    usual = float(np.median(np.diff(np.sort(times)))) if len(times) > 1 else 0.0
    if usual <= 0:
        return list(shown)
    for before, number in pairwise(np.unique(numbers)):
        step = times[numbers == number].min() - times[numbers == before].max()
        wrong = step / usual - 1
        if abs(wrong - round(wrong)) <= _WHOLE and abs(wrong) <= _MOST_FRAMES:
            times[numbers == number] -= round(round(wrong) * usual)
    return [int(time) for time in times]
