"""Which of several faces speaks: the one whose mouth moves when there is sound."""

from itertools import combinations
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
from jaxtyping import Float, Int16, UInt8
from PIL import Image

from multimodal.media.reading.parts import PictureParts
from multimodal.media.reading.time_grid import Area
from multimodal.media.tracks import BoxPath

#: Shares of a face box, left, top, right and bottom: where the mouth is, and what moves with the head alone.
_MOUTH, _UPPER = (0.15, 0.6, 0.85, 1.05), (0.1, 0.1, 0.9, 0.5)
_PATCH = (24, 16)
#: Mouths are looked at so often, or a little oftener, whatever the rate of crops, so that clips cropped at 10 and
#: at 25 a second have one main face; and the motion of a tenth of a second tells more than that of one picture.
_LOOKS_A_SECOND = 10.0
#: A mouth and a voice are compared over so long at least, smoothed over so long, at lags of up to so much.
_LEAST_SECONDS, _SMOOTHING_SECONDS, _LAG_SECONDS = 2.0, 0.28, 0.12
#: A face speaks if its correlation is so sure, and so much surer than any other's, in standard deviations of what
#: mouths and voices of two persons give (Fisher's z; both change about every third of a second). Of mouths and
#: voices that do not belong together, in a few real recordings, one in a hundred is so sure.
_SURE, _SURER = 2.5, 1.0
#: Surer than nearly nine in ten of those: a better guess than size, but no more.
_LIKELY = 1.5
_CHANGE_SECONDS = 0.3
#: A picture on a wall stays as it is between most looks (median 0.04 of 255 grey levels, coded anew); the least
#: lively of real talking heads moves by a seventh of the liveliest. What moves by less than this share is still.
_STILL_SHARE = 0.1
#: Only the first faces by time and size are compared, over the first minutes.
_MOST_FACES, _MOST_SECONDS = 12, 120.0

#: What the main face of several was told by, and what is said of it.
By: TypeAlias = Literal["speech", "likely", "moving", "size"]
#: The same, or that there is one face only.
Told: TypeAlias = Literal["alone", "speech", "likely", "moving", "size"]
SAID: dict[By, str] = {
    "speech": "whose mouth moves with the sound",
    "likely": "whose mouth goes best with the sound, though not surely",
    "moving": "seen longest and largest of those whose mouths move: none clearly moves with the sound",
    "size": "seen longest and largest: no mouth clearly moves with the sound",
}


class MainFace(NamedTuple):
    """Number of a track, and what it was told by."""

    number: int
    by: By


def can_tell(frame_rate: float) -> bool:
    """Whether a grid is fine enough: a mouth moves too much between two points of a coarser one."""
    return frame_rate >= _LOOKS_A_SECOND


def main_face(
    tracks: list[BoxPath],
    parts: PictureParts,
    size: tuple[int, int],
    sound: Int16[np.ndarray, " samples"],
    *,
    frame_rate: float,
    sample_rate: int,
) -> MainFace:
    """The track whose mouth moves with the sound, of the first twelve; else the first whose mouth is not still.

    A mouth is still if it hardly moves while that of another, seen at the same time, does. A few seconds tell only
    where mouth and sound agree very well; ten or twenty tell most of the time.

    Args:
        tracks: on the time grid, the one to be taken where nothing tells first.
        parts: of the pictures of the time grid.
        size: width and height of the pictures.
        sound: from the first picture on.
        frame_rate: points of the grid a second; :func:`can_tell` says of which.
        sample_rate: of the sound.
    """
    assert can_tell(frame_rate)
    step = int(frame_rate / _LOOKS_A_SECOND)
    tracks, looks_a_second = tracks[:_MOST_FACES], frame_rate / step
    loudness = _loudness(sound[: round(_MOST_SECONDS * sample_rate)], looks_a_second, sample_rate)
    looks = [_looks(track, step) for track in tracks]
    motions = _motions(tracks, parts, size, step=step, last=round(_MOST_SECONDS * frame_rate))
    still = _still(looks, motions, least=round(_LEAST_SECONDS * looks_a_second))
    scores = {
        number: _sureness(motions[number], loudness[seen.start + 1 :], looks_a_second)
        for number, seen in enumerate(looks)
        if number not in still
    }
    best = max(scores, key=lambda number: scores[number])
    others = max((score for number, score in scores.items() if number != best), default=0.0)
    if scores[best] >= max(_LIKELY, others + _SURER):
        return MainFace(best, "speech" if scores[best] >= _SURE else "likely")
    return MainFace(min(scores), "moving" if still else "size")


def _looks(track: BoxPath, step: int) -> range:
    """Numbers of the looks at a face, at every so many points of the grid."""
    return range(-(-track.first // step), -(-(track.first + len(track.boxes)) // step))


def _still(looks: list[range], motions: list[Float[np.ndarray, "steps 2"]], *, least: int) -> set[int]:
    """Faces whose mouths hardly move while that of another, seen together with it for so many looks, does."""
    still = set()
    for one, other in combinations(range(len(motions)), 2):
        start = max(looks[one].start, looks[other].start)
        mouths = [motions[number][start - looks[number].start :, 0] for number in (one, other)]
        count = min(map(len, mouths))
        if count >= least:
            first, second = (float(np.median(mouth[:count])) for mouth in mouths)
            still |= {one} if first < _STILL_SHARE * second else set()
            still |= {other} if second < _STILL_SHARE * first else set()
    return still


def _loudness(
    sound: Int16[np.ndarray, " samples"], frame_rate: float, sample_rate: int
) -> Float[np.ndarray, " points"]:
    """Logarithm of the sound's energy at each point of the grid."""
    edges = np.round(np.arange(int(len(sound) / sample_rate * frame_rate) + 1) / frame_rate * sample_rate).astype(
        int
    )
    if len(edges) < 2:
        return np.zeros(0)
    energy = np.add.reduceat(np.square(sound[: edges[-1]].astype(np.float64)), edges[:-1]) / np.diff(edges)
    return np.log10(energy + 1e3)  # about -60 dB: what is softer is silence


def _motions(
    tracks: list[BoxPath], parts: PictureParts, size: tuple[int, int], *, step: int, last: int
) -> list[Float[np.ndarray, "steps 2"]]:
    """How much the mouth and the upper face change from each look at a track to the next, ``step`` points on."""
    before: list[np.ndarray | None] = [None] * len(tracks)
    motions: list[list[list[float]]] = [[] for _ in tracks]
    spans = [range(track.first, track.first + len(track.boxes)) for track in tracks]
    numbers = range(min(span.start for span in spans), min(last, max(span.stop for span in spans)))

    def seen(number: int) -> list[int]:
        return [place for place, span in enumerate(spans) if number in span and number % step == 0]

    def areas(number: int) -> list[Area]:
        boxes = [tracks[place].boxes[number - tracks[place].first] for place in seen(number)]
        return [_area(box, part, size) for box in boxes for part in (_MOUTH, _UPPER)]

    for number, pixels in parts.of(numbers, areas):
        for place, mouth, upper in zip(seen(number), pixels[::2], pixels[1::2], strict=True):
            patches = np.stack([_patch(mouth), _patch(upper)])
            earlier, before[place] = before[place], patches
            if earlier is not None:
                motions[place].append(np.abs(patches - earlier).mean(axis=(1, 2)).tolist())
    return [np.array(steps).reshape(-1, 2) for steps in motions]


def _area(box: np.ndarray, part: tuple[float, float, float, float], size: tuple[int, int]) -> Area:
    """Pixels of a part of a face, at least two by two."""
    width, height = size
    x0, y0, x1, y1 = box.tolist()
    left = int(min(max(x0 + (x1 - x0) * part[0], 0.0), width - 2))
    top = int(min(max(y0 + (y1 - y0) * part[1], 0.0), height - 2))
    right = int(min(max(x0 + (x1 - x0) * part[2], left + 2), width))
    bottom = int(min(max(y0 + (y1 - y0) * part[3], top + 2), height))
    return Area(left, top, right, bottom)


def _patch(pixels: UInt8[np.ndarray, "height width 3"]) -> Float[np.ndarray, "16 24"]:
    image = Image.fromarray(np.ascontiguousarray(pixels)).convert("L")
    return np.asarray(image.resize(_PATCH, Image.Resampling.BOX), dtype=np.float32)


def _sureness(
    motion: Float[np.ndarray, "steps 2"], loudness: Float[np.ndarray, " points"], frame_rate: float
) -> float:
    """Fisher's z of Pearson's correlation of mouth and sound, at the best lag, in standard deviations.

    What the motion of the upper face tells of either is taken out first, since heads move with speech and without.
    0 if the face is seen, or the sound heard, for less than two seconds.
    """
    count = min(len(motion), len(loudness))
    if count < _LEAST_SECONDS * frame_rate:
        return 0.0
    width = max(1, round(_SMOOTHING_SECONDS * frame_rate))
    mouth, upper = (np.convolve(part, np.ones(width) / width, "valid") for part in np.log1p(motion[:count]).T)
    voice = np.convolve(loudness[:count], np.ones(width) / width, "valid")
    lags = round(_LAG_SECONDS * frame_rate)
    correlation = max(_partial(mouth, upper, voice, lag) for lag in range(-lags, lags + 1))
    return float(np.arctanh(min(correlation, 0.999)) * np.sqrt(count / frame_rate / _CHANGE_SECONDS - 3))


def _partial(mouth: np.ndarray, upper: np.ndarray, voice: np.ndarray, lag: int) -> float:
    here, there = slice(max(0, lag), len(mouth) + min(0, lag)), slice(max(0, -lag), len(voice) + min(0, -lag))
    known = np.stack([np.ones_like(upper[here]), upper[here]], axis=1)
    mouth, voice = (
        values - known @ np.linalg.lstsq(known, values, rcond=None)[0] for values in (mouth[here], voice[there])
    )
    scale = float(np.linalg.norm(mouth) * np.linalg.norm(voice))
    return float(mouth @ voice) / scale if scale > 1e-9 else 0.0
