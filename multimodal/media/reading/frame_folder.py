"""A folder of images as a video: frames that somebody extracted, with a WAV of the folder's name as its sound.

What an image is called says when it is shown: image 50 of 25 a second at 2 seconds, so that every tenth frame of
a video lasts as long as the video did. A folder does not say how many frames a second it holds; where nobody says
it, 25 are assumed, and told.
"""

import math
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageOps

from multimodal.files import IMAGE_SUFFIXES
from multimodal.media.errors import MediaError, why_not_reached
from multimodal.media.reading.images import open_image, read_image
from multimodal.media.reading.packets import find_gaps
from multimodal.media.reading.probe import MediaInfo, probe
from multimodal.media.reading.time_grid import MAX_GAP_SECONDS, ToSee, on_grid

#: What :class:`MediaInfo` calls such a container.
FRAMES = "frames"
_ASSUMED_RATE = 25.0
_LAST_NUMBER = re.compile(r"(\d+)\D*$")
_DIGITS = re.compile(r"(\d+)")
#: Names that hardly anything but the frames of a video have: a number, or one after "frame".
_FRAME_NAME = re.compile(r"(.*frame.*?)?\d+", re.IGNORECASE)
#: Sides of two images that differ by less have one shape.
_SAME_SHAPE = 0.01

Picture = UInt8[np.ndarray, "height width 3"]


class _Frame(NamedTuple):
    number: int
    path: Path


def probe_clip(path: str | Path, image_rate: float | None = None) -> MediaInfo:
    """As :func:`~multimodal.media.reading.probe.probe`, also of a folder of frames, ``image_rate`` a second."""
    path = Path(path)
    return _probe_folder(path, image_rate) if os.path.isdir(path) else probe(path)


def sound_file(path: Path) -> Path:
    """Where the sound of a clip is: in the file itself; of a folder in the WAV of its name, beside it or in it."""
    if not os.path.isdir(path):
        return path
    found = [
        file
        for folder in (path.parent, path)
        for file in (folder / f"{path.name}{suffix}" for suffix in (".wav", ".WAV"))
        if os.path.isfile(file)  # False of a folder that nobody may look into
    ]
    return found[0] if found else path


def must_lie_in(root: str | None, path: Path) -> None:
    """Refuse a clip of which a file lies behind a link that leads out of its corpus; with no root, none.

    Raises:
        MediaError: names what does.
    """
    if root is None:
        return
    inner = [file for file in path.iterdir() if file.is_symlink()] if os.path.isdir(path) else []
    top = os.path.realpath(root)
    for file in (path, sound_file(path), *inner):
        if not Path(os.path.realpath(file)).is_relative_to(top):
            raise MediaError(
                "open", f"a link of {file.name} leads out of the corpus; if it is yours, scan with --follow-links"
            )


def looks_like_frames(folder: Path) -> bool:
    """Whether a folder holds images alone, at least two, whose names are numbers of frames."""
    files = [file for file in folder.iterdir() if not file.name.startswith(".") and file.suffix.lower() != ".wav"]
    return len(files) > 1 and all(
        file.suffix.lower() in IMAGE_SUFFIXES and _FRAME_NAME.fullmatch(file.stem) for file in files
    )


def pictures(folder: Path, info: MediaInfo, frame_rate: float, max_seconds: float | None) -> Iterator[ToSee]:
    """RGB pictures on a grid of times; an image is read when it is looked at.

    One that cannot be read is passed over: the one before stays. ``MediaError`` where the first cannot.
    """
    assert info.frame_times is not None
    assert info.display_size is not None
    frames, _ = _frames_in(folder)
    reader = _Reader(info.display_size)
    times = _times(frames, info.frame_rate or _ASSUMED_RATE)
    timed = zip(times.tolist(), (frame.path for frame in frames), strict=True)
    last_seconds = info.last_frame_seconds or 0.0
    for point in on_grid(timed, frame_rate, last_seconds=last_seconds, max_seconds=max_seconds):
        yield ToSee(point.number, point.since_seconds, partial(reader.read, point.shown))


class _Reader:
    """Reads images in one size; the last one stays in memory, since it may stand at many points of the grid."""

    def __init__(self, size: tuple[int, int]) -> None:
        self._size = size
        self._path: Path | None = None
        self._picture: Picture | None = None

    def read(self, path: Path) -> Picture:
        if path != self._path:
            try:
                self._picture = _fitted(read_image(path), self._size)
            except MediaError:
                if self._picture is None:
                    raise
            self._path = path
        assert self._picture is not None
        return self._picture


def _fitted(picture: Picture, size: tuple[int, int]) -> Picture:
    """A picture in the size of the first one: its middle, where it has another shape."""
    if picture.shape[1::-1] == size:
        return picture
    image = Image.fromarray(picture)
    if abs(math.log(image.width / image.height * size[1] / size[0])) > _SAME_SHAPE:
        return np.asarray(ImageOps.fit(image, size, Image.Resampling.BICUBIC))
    return np.asarray(image.resize(size, Image.Resampling.BICUBIC))


def _probe_folder(folder: Path, image_rate: float | None) -> MediaInfo:
    frames, is_numbered = _frames_in(folder)
    if not frames:
        raise MediaError("open", "a folder without images; give one that holds the frames of a video, or a file")
    sizes = [size for frame in frames if (size := _size_of(frame.path)) is not None]
    if not sizes:
        raise MediaError("open", f"of the folder's images ({len(frames)}) none can be opened")
    rate = image_rate or _ASSUMED_RATE
    times = _times(frames, rate)
    steps = np.diff(times)
    gaps = find_gaps(times)
    sound = _probe_sound(folder)
    return MediaInfo(
        container=FRAMES,
        duration_seconds=float(times[-1] - times[0]) + 1 / rate,
        video_codec=frames[0].path.suffix.lower().lstrip("."),
        width=sizes[0][0],
        height=sizes[0][1],
        frame_rate=rate,
        frame_times=times,
        last_frame_seconds=float(np.median(steps)) if len(steps) else 1 / rate,
        audio_codec=None if sound is None else sound.audio_codec,
        audio_rate=None if sound is None else sound.audio_rate,
        video_end=float(times[-1]) + 1 / rate,
        audio_end=None if sound is None else sound.audio_end,
        damaged_packets=len(frames) - len(sizes),
        lost_frames=gaps.lost_frames,
        num_gaps=gaps.num_gaps,
        clock_jumps=int((steps > MAX_GAP_SECONDS).sum()),
        note=_note(frames, is_numbered, image_rate, sum(size != sizes[0] for size in sizes)),
    )


def _note(frames: Sequence[_Frame], is_numbered: bool, image_rate: float | None, num_other_sizes: int) -> str:
    rate = f"{image_rate or _ASSUMED_RATE:g} frames a second"
    rate += " as told" if image_rate else ", which is assumed"
    order = f"by their numbers, {frames[0].number} to {frames[-1].number}" if is_numbered else "by their names"
    scaled = f"; {num_other_sizes} of another size are scaled to the first" if num_other_sizes else ""
    return f"a folder of {len(frames)} image{'s' * (len(frames) > 1)}, read {order}, at {rate}{scaled}"


def _probe_sound(folder: Path) -> MediaInfo | None:
    path = sound_file(folder)
    if path == folder:
        return None
    with suppress(MediaError):  # the picture can be judged without it
        return probe(path)
    return None


def _frames_in(folder: Path) -> tuple[list[_Frame], bool]:
    """Images of a folder in order, and whether their own numbers say it: the last one in each name, all different.

    Else they are numbered in the order of their names, in which 10 comes after 9.
    """
    try:
        files = list(folder.iterdir())
    except OSError as error:
        raise MediaError("open", why_not_reached(error)) from error
    paths = [path for path in files if path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith(".")]
    numbers = [int(found[1]) for path in paths if (found := _LAST_NUMBER.search(path.stem))]
    if len(numbers) == len(paths) == len(set(numbers)) and max(numbers, default=0) < 2**31:
        return sorted(map(_Frame, numbers, paths)), True
    in_order = sorted(paths, key=lambda path: [_natural(part) for part in _DIGITS.split(path.stem)])
    return [_Frame(number, path) for number, path in enumerate(in_order)], False


def _natural(part: str) -> tuple[int, str]:
    return (int(part), "") if part.isdecimal() and part.isascii() else (0, part)


def _times(frames: Sequence[_Frame], rate: float) -> np.ndarray:
    """Seconds at which frames are shown. FFmpeg numbers its images from 1, so a folder that begins so does too."""
    numbers = np.array([frame.number for frame in frames], dtype=np.float64)
    return (numbers - (numbers[0] == 1)) / rate


def _size_of(path: Path) -> tuple[int, int] | None:
    """Width and height of an image as it is shown, without decoding it; None where it cannot be opened."""
    with suppress(MediaError), open_image(path) as image:
        lies = image.getexif().get(0x0112, 1) >= 5  # turned by a quarter
        return (image.height, image.width) if lies else image.size
    return None
