"""Plans a generated FakeAVCeleb: which clips there are, what each is made of, and what each is called.

Names follow the real corpus: ``CLIP`` is five digits, ``ID`` is ``idNNNNN``, ``YT`` eleven characters of a video's
address. The ids begin at id90001, above VoxCeleb2's, so that nobody generated is taken for a real person.
"""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Annotated, Any, Literal, NamedTuple

import numpy as np

from multimodal.ranges import OutOfRangeError, at_least, between, check_ranges
from multimodal.synthetic.randomness import keyed_generator

# What a generated corpus is made of.


@dataclass(frozen=True, kw_only=True)
class SyntheticOptions:
    """Options of a generated FakeAVCeleb; the same options give the same clips.

    The last three plant shortcuts that have nothing to do with forgery, for checks that should find them.

    Args:
        seed: of all that is drawn.
        groups: how many of the ten race x gender groups are filled.
        identities_per_group: people.
        real_clips: of each identity, as are all counts of clips.
        rtvc_clips: genuine picture, cloned voice.
        wav2lip_clips: lips moved to the genuine sound.
        faceswap_clips: swapped face, genuine sound.
        fsgan_clips: swapped face by another method, genuine sound.
        rtvc_wav2lip_clips: lips moved to a cloned voice.
        faceswap_wav2lip_clips: swapped face, lips moved to a cloned voice.
        fsgan_wav2lip_clips: swapped face by another method, lips moved to a cloned voice.
        clip_seconds: how long a clip lasts.
        clip_seconds_spread: give or take this share of it.
        frame_size: side of the picture in pixels, even.
        frame_rate: frames a second.
        sample_rate: of the sound, in Hz.
        crf: x264's rate factor.
        picture_strength: scales the traces that give a forged picture away.
        sound_strength: scales the traces that give a forged sound away.
        odd_names: add the rarer names and the contradicting metadata rows of the real corpus.
        fake_leading_silence_seconds: digital silence at the start of every fake.
        fake_frame_size: another size for clips with a fake picture.
        fake_crf: another rate factor for clips with a fake picture.
    """

    seed: Annotated[int, at_least(0)] = 0
    groups: Annotated[int, between(1, 10)] = 4
    identities_per_group: Annotated[int, between(2, 999)] = 4
    real_clips: Annotated[int, between(1, 99)] = 4
    rtvc_clips: Annotated[int, at_least(0)] = 4
    wav2lip_clips: Annotated[int, at_least(0)] = 2
    faceswap_clips: Annotated[int, at_least(0)] = 1
    fsgan_clips: Annotated[int, at_least(0)] = 1
    rtvc_wav2lip_clips: Annotated[int, at_least(0)] = 2
    faceswap_wav2lip_clips: Annotated[int, at_least(0)] = 1
    fsgan_wav2lip_clips: Annotated[int, at_least(0)] = 1
    clip_seconds: Annotated[float, between(0.25, 60)] = 2.5
    clip_seconds_spread: Annotated[float, between(0, 0.5)] = 0.15
    frame_size: Annotated[int, at_least(64)] = 224
    frame_rate: Annotated[int, between(1, 120)] = 25
    sample_rate: Annotated[int, between(8000, 192_000)] = 44_100
    crf: Annotated[int, between(0, 51)] = 23
    picture_strength: Annotated[float, between(0, 1)] = 0.7
    sound_strength: Annotated[float, between(0, 1)] = 0.6
    odd_names: bool = False
    fake_leading_silence_seconds: Annotated[float, at_least(0)] = 0.0
    fake_frame_size: Annotated[int | None, at_least(64)] = None
    fake_crf: Annotated[int | None, between(0, 51)] = None

    def __post_init__(self) -> None:
        check_ranges(self)
        self._check_at_most("rtvc_clips", self.real_clips)
        for name in _FORGED_COUNTS:
            self._check_at_most(name, self.real_clips * (self.identities_per_group - 1))
        self._check_at_most("fake_leading_silence_seconds", self.clip_seconds / 2)
        for size in (self.frame_size, self.fake_frame_size or self.frame_size):
            if size % 2:
                raise ValueError(f"frame sizes must be even; got {size}")

    def as_json(self) -> dict[str, Any]:
        """The options as plain values."""
        return asdict(self)

    def _check_at_most(self, name: str, most: float) -> None:
        if getattr(self, name) > most:
            raise OutOfRangeError(name, f"must be at most {most:g} here; got {getattr(self, name)}")


_FORGED_COUNTS = (
    "wav2lip_clips",
    "faceswap_clips",
    "fsgan_clips",
    "rtvc_wav2lip_clips",
    "faceswap_wav2lip_clips",
    "fsgan_wav2lip_clips",
)


#: How a face is swapped; the method of a clip begins with it.
SwapMethod = Literal["faceswap", "fsgan"]

TypeFolder = Literal["RealVideo-RealAudio", "RealVideo-FakeAudio", "FakeVideo-RealAudio", "FakeVideo-FakeAudio"]

#: Category letters of the metadata.
TYPES: dict[TypeFolder, str] = {
    "RealVideo-RealAudio": "A",
    "RealVideo-FakeAudio": "B",
    "FakeVideo-RealAudio": "C",
    "FakeVideo-FakeAudio": "D",
}

#: Race and gender, ordered so that a few groups already differ much.
GROUPS: tuple[tuple[str, str], ...] = (
    ("African", "men"),
    ("Caucasian (American)", "women"),
    ("Asian (East)", "men"),
    ("Asian (South)", "women"),
    ("Caucasian (European)", "men"),
    ("African", "women"),
    ("Caucasian (American)", "men"),
    ("Asian (East)", "women"),
    ("Asian (South)", "men"),
    ("Caucasian (European)", "women"),
)
_ADDRESS = np.array(list("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"))
_FIRST_ID, _IDS_PER_GROUP = 90_001, 1000


class Take(NamedTuple):
    """A recording of a person: the ``number``-th real clip, called ``clip``, from the video at ``address``."""

    person: str
    number: int
    clip: str
    address: str


class PlannedClip(NamedTuple):
    """One clip to be made.

    ``take`` is what was filmed. ``face`` is whose face was swapped in, ``voice`` whose voice is heard and whose
    sound moves the lips; None where that was left as filmed. ``method`` is the metadata's word; ``targets`` its
    two columns. ``second_method`` is the method of a second, contradicting row.
    """

    type_folder: TypeFolder
    race: str
    gender: str
    take: Take
    name: str
    method: str
    face: Take | None = None
    voice: Take | None = None
    targets: tuple[str, str] = ("-", "-")
    second_method: str | None = None

    @property
    def folder(self) -> str:
        """Folder relative to the root, with forward slashes."""
        return f"{self.type_folder}/{self.race}/{self.gender}/{self.take.person}"

    @property
    def path(self) -> str:
        """File relative to the root, with forward slashes."""
        return f"{self.folder}/{self.name}.mp4"


class _Group(NamedTuple):
    race: str
    gender: str
    takes: dict[str, list[Take]]


class _Pair(NamedTuple):
    take: Take
    donor: Take


def plan_clips(options: SyntheticOptions) -> list[PlannedClip]:
    """List every clip of the corpus, sorted by path."""
    clips: list[PlannedClip] = []
    for index, (race, gender) in enumerate(GROUPS[: options.groups]):
        first = _FIRST_ID + index * _IDS_PER_GROUP
        people = [f"id{first + number:05d}" for number in range(options.identities_per_group)]
        group = _Group(race, gender, {person: _takes(options, person) for person in people})
        for position, person in enumerate(people):
            clips += _plan_person(options, group, person, position)
    return sorted(clips, key=lambda clip: clip.path)


def _plan_person(options: SyntheticOptions, group: _Group, person: str, position: int) -> Iterator[PlannedClip]:
    takes, kind = group.takes[person], position % 3 if options.odd_names else None
    for take in takes:
        yield PlannedClip("RealVideo-RealAudio", group.race, group.gender, take, take.clip, "real")
    for number, take in enumerate(takes[: options.rtvc_clips]):
        name = take.clip if kind == 0 and number == 0 else f"{take.clip}_fake"
        yield PlannedClip("RealVideo-FakeAudio", group.race, group.gender, take, name, "rtvc", voice=take)
    for method, (folder, count, describe) in _FORGERIES.items():
        pairs = _pairs(options, group, person, f"{folder}/{method}", getattr(options, count))
        for number, pair in enumerate(pairs):
            voice = _pairs(options, group, person, f"voice/{method}/{number}", 1)[0].donor
            odd = kind if number == 0 else None
            yield PlannedClip(folder, group.race, group.gender, pair.take, *describe(pair, voice, odd))


class _Forgery(NamedTuple):
    name: str
    method: str
    face: Take | None
    voice: Take | None
    targets: tuple[str, str]
    second_method: str | None = None


def _wav2lip(pair: _Pair, voice: Take, odd: int | None) -> _Forgery:
    name = f"{pair.take.clip}_{pair.donor.person}_wavtolip"
    return _Forgery(name, "wav2lip", None, pair.donor, (pair.donor.person, "-"))


def _fsgan(pair: _Pair, voice: Take, odd: int | None) -> _Forgery:
    name = f"{pair.take.clip}_{pair.donor.person}_{pair.donor.address}"
    return _Forgery(name, "fsgan", pair.donor, None, (pair.donor.person, "-"))


def _faceswap(pair: _Pair, voice: Take, odd: int | None) -> _Forgery:
    """Odd names: no suffix at all, or the donor by an index only."""
    if odd == 0:
        return _Forgery(pair.take.clip, "faceswap", pair.donor, None, ("-", "-"))
    if odd == 1:
        return _Forgery(f"{pair.take.clip}_7", "faceswap", pair.donor, None, ("7", "-"))
    name = f"{pair.take.clip}_{pair.donor.person}_{pair.donor.address}_faceswap"
    return _Forgery(name, "faceswap", pair.donor, None, (pair.donor.person, "-"))


def _fsgan_wav2lip(pair: _Pair, voice: Take, odd: int | None) -> _Forgery:
    name = f"{pair.take.clip}_{pair.donor.person}_{pair.donor.address}_{voice.person}_wavtolip"
    return _Forgery(name, "fsgan-wav2lip", pair.donor, voice, (pair.donor.person, voice.person))


def _faceswap_wav2lip(pair: _Pair, voice: Take, odd: int | None) -> _Forgery:
    """Odd names: the donor by an index only, listed as wav2lip, and listed again as faceswap-wav2lip."""
    if odd == 1:
        name = f"{pair.take.clip}_7_{voice.person}_wavtolip"
        return _Forgery(name, "wav2lip", pair.donor, voice, (voice.person, "7"), "faceswap-wav2lip")
    name = f"{pair.take.clip}_{pair.donor.person}_{pair.donor.address}_faceswap_{voice.person}_wavtolip"
    return _Forgery(name, "faceswap-wav2lip", pair.donor, voice, (pair.donor.person, voice.person))


#: Key → type folder, option that counts it, how it is named and what it is made of.
_FORGERIES: dict[str, tuple[TypeFolder, str, Callable[[_Pair, Take, int | None], _Forgery]]] = {
    "wav2lip": ("FakeVideo-RealAudio", "wav2lip_clips", _wav2lip),
    "faceswap": ("FakeVideo-RealAudio", "faceswap_clips", _faceswap),
    "fsgan": ("FakeVideo-RealAudio", "fsgan_clips", _fsgan),
    "rtvc-wav2lip": ("FakeVideo-FakeAudio", "rtvc_wav2lip_clips", _wav2lip),
    "faceswap-wav2lip": ("FakeVideo-FakeAudio", "faceswap_wav2lip_clips", _faceswap_wav2lip),
    "fsgan-wav2lip": ("FakeVideo-FakeAudio", "fsgan_wav2lip_clips", _fsgan_wav2lip),
}


def _takes(options: SyntheticOptions, person: str) -> list[Take]:
    rng = keyed_generator(options.seed, "takes", person)
    numbers = np.sort(rng.choice(400, size=options.real_clips, replace=False)) + 1
    return [
        Take(person, number, f"{clip:05d}", "".join(rng.choice(_ADDRESS, size=11)))
        for number, clip in enumerate(numbers.tolist())
    ]


def _pairs(options: SyntheticOptions, group: _Group, person: str, key: str, count: int) -> list[_Pair]:
    """Draw distinct pairs of one of the person's takes and another person of the group."""
    rng = keyed_generator(options.seed, "pairs", person, key)
    others = [name for name in group.takes if name != person]
    chosen = rng.permutation(options.real_clips * len(others))[:count]
    pairs = []
    for index in chosen.tolist():
        donor_takes = group.takes[others[index // options.real_clips]]
        donor = donor_takes[int(rng.integers(len(donor_takes)))]
        pairs.append(_Pair(group.takes[person][index % options.real_clips], donor))
    return pairs
