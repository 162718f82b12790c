"""When frames of an MPEG program stream (.mpg, .vob) are shown: few of its packets say so, not all rightly.

A pack of 2 KB names one time, that of the first frame that begins in it. Where frames are small, FFmpeg guesses
the times of the others, of H.264 not even that; and where a frame begins in the last bytes of a pack, writers
(FFmpeg's among them) and readers differ in whose time the next pack names. So frames are counted: each lasts as
long as its header says, and a named time is believed where most of those around it agree. What is missing moves
all times after it, and is still seen.
"""

from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

import av
import numpy as np
from av.container import InputContainer
from av.video.stream import VideoStream
from jaxtyping import Float
from scipy.ndimage import median_filter

from multimodal.media.reading.streams import packets_of

#: What FFmpeg calls the container.
PROGRAM_STREAM = "mpeg"
#: Codecs whose pictures say by their kind in which order they are shown.
_SAY_ORDER = ("mpeg1video", "mpeg2video")
#: Of so many named times the one in the middle is believed.
_NEIGHBOURS = 5
#: Headers that name another rate of frames than so many named times have are not believed.
_OTHER_RATE, _ENOUGH = 0.01, 10
_PICTURE_HEADER, _TYPE_B = b"\x00\x00\x01\x00", 3


class Named(NamedTuple):
    """What the file says of one frame: when it is shown and decoded, in ticks, and whether others wait for it."""

    shown: int | None
    decoded: int | None
    is_b: bool = False


def says_order(video: VideoStream) -> bool:
    """Whether each frame tells if it is shown before the one that it follows in the file."""
    return video.codec_context.name in _SAY_ORDER


def read_named(container: InputContainer, video: VideoStream) -> list[Named]:
    """The frames of a program stream that was opened with ``fflags=nofillin``, in the order of the file."""
    named: list[Named] = []
    with suppress(av.FFmpegError):  # unreadable from here on
        named.extend(
            Named(packet.pts, packet.dts, says_order(video) and _is_b(bytes(packet)))
            for packet in packets_of(container, video)
            if packet.size
        )
    return named


def count_frames(
    named: Sequence[Named], durations: Sequence[float], *, kinds_say_order: bool
) -> Float[np.ndarray, " frames"] | None:
    """Ticks of the frames, in the order of the file; None where nothing is to be mended.

    Args:
        named: what the file says of each.
        durations: of each, in ticks.
        kinds_say_order: whether ``is_b`` tells in which order they are shown; then each gets its own time. Else
            the decoder alone knows: times are those of frames shown in the order of the file, the first by its
            own, and nothing is mended where all are named.
    """
    times = [frame.shown if kinds_say_order else frame.decoded for frame in named]
    stamps = np.array([np.nan if time is None else time for time in times])
    places = np.flatnonzero(np.isfinite(stamps))
    if not len(places) or (len(places) == len(named) and not kinds_say_order):
        return None
    counted = np.zeros(len(named))
    order = _shown_order(named) if kinds_say_order else np.arange(len(named))
    lasting = np.array(durations, dtype=np.float64)[order]
    counted[order] = np.concatenate([[0.0], np.cumsum(lasting if lasting.any() else lasting + 1)[:-1]])
    counted *= _pace(stamps[places], counted[places])
    late = median_filter(stamps[places] - counted[places], _NEIGHBOURS, mode="mirror")
    # what comes before the first named time goes with it
    since = np.maximum(np.searchsorted(places, np.arange(len(named)), "right") - 1, 0)
    first = named[places[0]]
    delay = 0
    if not kinds_say_order and first.shown is not None and first.decoded is not None:
        delay = first.shown - first.decoded
    return counted + late[since] + delay


def _pace(stamps: Float[np.ndarray, " n"], counted: Float[np.ndarray, " n"]) -> float:
    """How much faster or slower the named times go than the count."""
    steps = np.diff(counted)
    if len(steps) < _ENOUGH or not (steps > 0).any():
        return 1.0
    pace = float(np.median(np.diff(stamps)[steps > 0] / steps[steps > 0]))
    return pace if pace > 0 and abs(pace - 1) > _OTHER_RATE else 1.0


def _shown_order(named: Sequence[Named]) -> np.ndarray:
    """Numbers of the frames as they are shown: one that others may refer to waits for the next such."""
    order: list[int] = []
    waiting: int | None = None
    for number, frame in enumerate(named):
        if frame.is_b:
            order.append(number)
            continue
        if waiting is not None:
            order.append(waiting)
        waiting = number
    return np.array(order if waiting is None else [*order, waiting])


def _is_b(packet: bytes) -> bool:
    """Whether the first picture in a packet of MPEG-1 or MPEG-2 is a B-picture (ISO/IEC 13818-2, 6.2.3)."""
    place = packet.find(_PICTURE_HEADER)
    kind = packet[place + 5 : place + 6]  # after four bytes of header and eight bits of the number
    return place >= 0 and len(kind) == 1 and kind[0] >> 3 & 7 == _TYPE_B
