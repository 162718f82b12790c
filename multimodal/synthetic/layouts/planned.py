"""What a layout plans: files, each with a path and with what its content is made of.

Paths are relative to the root, with forward slashes. A plan is plain data, so that it can be sent to a worker
and so that the same options always give the same plan.
"""

import csv
import io
import json
import re
import string
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

from multimodal.catalog import choose
from multimodal.ranges import OutOfRangeError, at_least, between, check_ranges
from multimodal.synthetic.identity import Person, invent_person
from multimodal.synthetic.plan import GROUPS, SwapMethod
from multimodal.synthetic.randomness import keyed_generator

if TYPE_CHECKING:
    from multimodal.synthetic.generation import Progress

FRAME_RATE, SAMPLE_RATE, CRF = 25, 44_100, 23
#: So many differ by their three digits (:func:`voxceleb2_id`).
MOST_VOXCELEB2_IDS = 4990


class Take(NamedTuple):
    """One recording of a person: always the same pose, light, words and length."""

    person: str
    number: int = 0


class Sound(NamedTuple):
    """What is heard: a recording as it was, or as ``system`` forged it.

    Without ``voice`` the system only vocodes the recording (copy synthesis); with it, the person's cloned voice
    speaks the recording's syllables.
    """

    take: Take
    system: str | None = None
    voice: str | None = None


@dataclass(frozen=True, kw_only=True)
class VideoFile:
    """A talking head, ``.mp4``: H.264, and AAC where there is ``sound``.

    ``face`` is the person whose face was swapped in, ``lips`` the sound that the mouth was redrawn to. With
    ``period`` (start and end in seconds) picture and sound are as recorded outside of it.
    """

    path: str
    take: Take
    sound: Sound | None = None
    face: str | None = None
    swap: SwapMethod = "faceswap"
    lips: Sound | None = None
    period: tuple[float, float] | None = None
    frame_rate: int = FRAME_RATE
    sample_rate: int = SAMPLE_RATE
    crf: int = CRF

    @property
    def is_picture_forged(self) -> bool:
        """Whether anything is laid over what was filmed."""
        return self.face is not None or self.lips is not None


@dataclass(frozen=True, kw_only=True)
class MaskFile:
    """A silent video, white where the forged video differs from what was filmed."""

    path: str
    of: VideoFile


@dataclass(frozen=True, kw_only=True)
class ImageFile:
    """A portrait, ``.jpg`` or ``.png``, of ``scale`` times the frame size and of a Pillow ``mode``."""

    path: str
    take: Take
    face: str | None = None
    scale: float = 1.0
    mode: str = "RGB"


@dataclass(frozen=True, kw_only=True)
class AudioFile:
    """Speech, ``.wav``, ``.flac``, ``.m4a`` or ``.mp3``; ``seconds`` None: as long as the recording."""

    path: str
    sound: Sound
    sample_rate: int = 16_000
    channels: int = 1
    seconds: float | None = None


@dataclass(frozen=True, kw_only=True)
class CopyFile:
    """The same bytes as another file of the plan."""

    path: str
    of: str


@dataclass(frozen=True, kw_only=True)
class TextFile:
    """Text as planned, UTF-8."""

    path: str
    text: str


@dataclass(frozen=True, kw_only=True)
class LateTextFile:
    """Text that describes the written files: ``write(root)`` is asked when all of them are there."""

    path: str
    write: Callable[[Path], str]


MediaFile = VideoFile | MaskFile | ImageFile | AudioFile
File = MediaFile | CopyFile | TextFile | LateTextFile


@dataclass(frozen=True, kw_only=True)
class Tree:
    """All files of a generated corpus.

    ``roots`` are the folders that a reader may take for the corpus root; each gets the mark of a generated
    corpus. "" is the folder that was asked for.
    """

    files: list[File]
    roots: tuple[str, ...] = ("",)


# Names, numbers and tables as corpora write them.


CAPITALS_AND_DIGITS = string.ascii_uppercase + string.digits
_ADDRESS = string.ascii_letters + string.digits + "-_"
_SPLIT_CYCLE = ("train", "val", "test", "train")


def word(seed: int, *key: str | int, alphabet: str, length: int) -> str:
    """A random word that depends on the seed and the key alone."""
    return "".join(keyed_generator(seed, "word", *key).choice(list(alphabet), size=length))


def address(seed: int, *key: str | int) -> str:
    """The eleven characters of a YouTube video's address."""
    return word(seed, "address", *key, alphabet=_ADDRESS, length=11)


def numbers(seed: int, *key: str | int, count: int, below: int) -> list[int]:
    """Distinct numbers in [0, below), in random order."""
    return keyed_generator(seed, "numbers", *key).choice(below, size=count, replace=False).tolist()


def split_of(index: int, *, names: Sequence[str] = ("train", "val", "test")) -> str:
    """Split of the ``index``-th unit: two of four to train, one to val, one to test; any three have all.

    >>> [split_of(index) for index in range(5)]
    ['train', 'val', 'test', 'train', 'train']
    """
    return dict(zip(("train", "val", "test"), names, strict=True))[_SPLIT_CYCLE[index % 4]]


def csv_text(rows: Iterable[Sequence[object]], *, delimiter: str = ",") -> str:
    """Rows as delimited text, quoted where needed."""
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator="\n").writerows(rows)
    return text.getvalue()


def lines_text(lines: Iterable[str]) -> str:
    """Lines, each with its end."""
    return "".join(f"{line}\n" for line in lines)


def json_text(value: Any) -> str:
    """JSON on one line, as corpora ship it."""
    return json.dumps(value, ensure_ascii=False) + "\n"


# Who appears in generated layouts.


def person_called(seed: int, name: str) -> Person:
    """The person of that name."""
    race, gender = group_of(seed, name)
    return invent_person(seed, name, race=race, gender=gender)


def group_of(seed: int, name: str) -> tuple[str, str]:
    """Race and gender (``men`` or ``women``) of the person of that name."""
    numbered = re.fullmatch(r"id9(\d)\d{3}", name)
    if numbered:
        return GROUPS[int(numbered[1])]
    return GROUPS[int(keyed_generator(seed, "group", name).integers(len(GROUPS)))]


def voxceleb2_id(index: int, *, in_fakeavceleb: bool) -> str:
    """VoxCeleb2-like id of the ``index``-th person, from id90001 on, above the real ones.

    The same ids as the generated FakeAVCeleb's (its groups in turn), or ids that it never has.

    >>> voxceleb2_id(1, in_fakeavceleb=True), voxceleb2_id(11, in_fakeavceleb=False)
    ('id91001', 'id91502')
    """
    group, number = index % len(GROUPS), index // len(GROUPS) + 1
    return f"id9{group}{number + (0 if in_fakeavceleb else 500):03d}"


# What a generated layout is made of; few options, common to all corpora but FakeAVCeleb.


@dataclass(frozen=True, kw_only=True)
class LayoutOptions:
    """Options of a generated layout; the same options give the same bytes.

    What is forged follows from the layout. Where a corpus knows no people there are ``identities * clips``
    recordings; where it has splits or pairs, no fewer than they need.

    Args:
        seed: of everything that is drawn.
        variant: one of the forms that a corpus is distributed in; None is the first of them.
        identities: people; a layout whose names have room for fewer says so.
        clips: genuine recordings of each person.
        clip_seconds: length of a recording, give or take a tenth.
        frame_size: side of frames and pictures in pixels, even.
        strength: of the traces that give a forgery away, in [0, 1].
        forged_seconds: shortest and longest forged stretch where a corpus replaces words in genuine clips (lavdf,
            avdeepfake1m); no stretch takes more than half of its clip.
    """

    seed: Annotated[int, at_least(0)] = 0
    variant: str | None = None
    identities: Annotated[int, between(3, MOST_VOXCELEB2_IDS)] = 4
    clips: Annotated[int, between(1, 99)] = 2
    clip_seconds: Annotated[float, between(0.3, 60)] = 0.6
    frame_size: Annotated[int, at_least(64)] = 128
    strength: Annotated[float, between(0, 1)] = 0.5
    forged_seconds: Annotated[tuple[float, float], between(0.05, 60)] = (0.3, 1.5)

    def __post_init__(self) -> None:
        check_ranges(self)
        if self.frame_size % 2:
            raise ValueError(f"frame_size must be even; got {self.frame_size}")
        if self.forged_seconds[0] > self.forged_seconds[1]:
            raise ValueError(f"forged_seconds are the shortest and the longest; got {self.forged_seconds}")

    @property
    def recordings(self) -> int:
        """Genuine recordings of all people together."""
        return self.identities * self.clips

    def as_json(self) -> dict[str, Any]:
        """The options as plain values, the same as those read back from a file."""
        return {**asdict(self), "forged_seconds": list(self.forged_seconds)}


def seconds_of(options: LayoutOptions, take: Take) -> float:
    """Length of a recording."""
    return options.clip_seconds * float(keyed_generator(options.seed, "length", *take).uniform(0.9, 1.1))


def num_frames(options: LayoutOptions, video: VideoFile) -> int:
    """Frames of a video, at its own frame rate."""
    return max(2, round(seconds_of(options, video.take) * video.frame_rate))


# A corpus whose layout is known.


@dataclass(frozen=True, kw_only=True)
class Layout:
    """One corpus's layout; calling it writes a small generated copy.

    Args:
        name: of the corpus.
        variants: the forms that the corpus is distributed in → what each plans; the first is the default.
        most_people: whom its names have room for.
    """

    name: str
    variants: Mapping[str, Callable[[LayoutOptions], Tree]]
    most_people: int = 90

    def __call__(
        self, root: str | Path, options: LayoutOptions, *, workers: int = 1, progress: "Progress | None" = None
    ) -> dict[str, int]:
        """Write the corpus under ``root``, or finish one that was begun with the same options.

        ``progress`` wraps the sequence of files being made (``tqdm`` fits). The bytes do not depend on
        ``workers``, the number of processes. Returns how many ``videos``, ``images`` and ``audios`` there are
        and how many of them were ``made`` now and ``kept``. Raises ``ValueError`` when the folder holds
        anything else, the variant is unknown, or the names have no room for so many people.
        """
        if options.identities > self.most_people:
            raise OutOfRangeError(
                "identities", f"must be at most {self.most_people} in {self.name}; got {options.identities}"
            )
        variant = options.variant or next(iter(self.variants))
        tree = choose(self.variants, variant, f"variant of {self.name}")(options)
        from multimodal.synthetic.layouts.tree import write_tree  # codecs and the studio, which no plan needs

        return write_tree(
            Path(root),
            tree,
            {"layout": self.name, "variant": variant},
            options,
            workers=workers,
            progress=progress or (lambda steps: steps),
        )
