"""Generated corpora whose truth is planted: it is known beforehand who can tell real from fake, and who cannot."""

import csv
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from tqdm import tqdm

from multimodal.synthetic import SyntheticOptions
from multimodal.synthetic.clip import clip_frames, record, show, write_clip, write_video
from multimodal.synthetic.generation import claimed, make_all
from multimodal.synthetic.plan import PlannedClip, Take, plan_clips
from multimodal.synthetic.randomness import keyed_generator

#: Every identity has genuine clips only, all of one length, so that any sound fits any picture.
GENUINE = SyntheticOptions(
    groups=5,
    identities_per_group=8,
    real_clips=6,
    rtvc_clips=0,
    wav2lip_clips=0,
    faceswap_clips=0,
    fsgan_clips=0,
    rtvc_wav2lip_clips=0,
    faceswap_wav2lip_clips=0,
    fsgan_wav2lip_clips=0,
    clip_seconds=1.8,
    clip_seconds_spread=0.0,
    frame_size=160,
)
TABLE = "clips.csv"
_COLUMNS = ("path", "video", "audio", "identity", "method")
#: How ``scan folder`` is told to read the table.
COLUMN_OPTIONS = {
    "csv": TABLE,
    "video_column": "video",
    "audio_column": "audio",
    "identity_column": "identity",
    "method_column": "method",
}


class _Pairing(NamedTuple):
    """A genuine picture, and the take whose genuine sound is heard with it.

    With ``some_silent`` every other utterance is a word and a long silence.
    """

    picture: PlannedClip
    heard: Take
    some_silent: bool

    @property
    def is_real(self) -> bool:
        return self.picture.take == self.heard

    @property
    def path(self) -> str:
        kind = "real" if self.is_real else "fake"
        return f"{kind}/{self.picture.take.person}_{self.picture.take.number:03d}.mp4"


def write_disagreement(
    root: Path, options: SyntheticOptions = GENUINE, *, some_silent: bool = False, workers: int = 2
) -> None:
    """A corpus where only the disagreement of sound and picture tells.

    Every genuine picture and every genuine sound of a person stands in it twice: once with the other half of its
    own utterance (real), once with that of the person's next utterance (fake). Neither alone says anything.
    People talk all the time, so that what tells is when a mouth moves; with ``some_silent`` they say but a word in
    every other utterance, and how much it moves tells too.

    Raises:
        ValueError: some take of a person has no other next to it, or none in which more or less is said.
    """
    if options.real_clips < 2 or (some_silent and options.real_clips % 2):
        wanted = "an even number of" if some_silent else "at least 2"
        raise ValueError(f"a disagreement needs {wanted} takes a person; got {options.real_clips}")
    planted = "disagreement in amount" if some_silent else "disagreement"
    _write_all(root, planted, list(_pairings(options, some_silent)), _write_pairing, options, workers)


def write_forged_pictures(root: Path, options: SyntheticOptions = GENUINE, *, workers: int = 2) -> None:
    """A corpus where only the picture tells: half the clips have a face swapped in, no sound was touched."""
    half = options.real_clips // 2
    clips = plan_clips(replace(options, faceswap_clips=options.real_clips - half, fsgan_clips=half))
    _write_all(root, "pictures", clips, write_clip, options, workers)


def _write_all(
    root: Path, planted: str, clips: list[Any], write: Callable, options: SyntheticOptions, workers: int
) -> None:
    """Make those clips that are not there, and the table that says what they are."""
    with claimed(root, {"generator_version": 2, "planted": planted, "options": options.as_json()}):
        missing = [one for one in clips if not (root / one.path).is_file()]
        make_all(write, root, missing, options, workers=workers, progress=partial(tqdm, desc=planted, unit="clip"))
        with open(root / TABLE, "w", newline="", encoding="utf-8") as text:
            writer = csv.writer(text)
            writer.writerow(_COLUMNS)
            writer.writerows(_described(one) for one in clips)


def _described(clip: PlannedClip | _Pairing) -> tuple[str, ...]:
    if isinstance(clip, PlannedClip):
        video = "real" if clip.method == "real" else "fake"
        return (clip.path, video, "real", clip.take.person, clip.method)
    audio, method = ("real", "real") if clip.is_real else ("fake", "other_utterance")
    return (clip.path, "real", audio, clip.picture.take.person, method)


def _pairings(options: SyntheticOptions, some_silent: bool) -> Iterator[_Pairing]:
    clips = plan_clips(options)
    takes: dict[str, list[Take]] = {}
    for clip in clips:
        takes.setdefault(clip.take.person, []).append(clip.take)
    for clip in clips:
        own = takes[clip.take.person]
        yield _Pairing(clip, clip.take, some_silent)
        yield _Pairing(clip, own[(own.index(clip.take) + 1) % len(own)], some_silent)


def _write_pairing(root: Path, pairing: _Pairing, options: SyntheticOptions) -> None:
    clip = pairing.picture
    filmed, heard = (_said(pairing, take, options) for take in (clip.take, pairing.heard))
    write_video(
        root / pairing.path,
        show(clip, options, filmed_sound=filmed, sound=filmed),
        frame_rate=options.frame_rate,
        crf=options.crf,
        sound=heard,
        sample_rate=options.sample_rate,
    )


def _said(pairing: _Pairing, take: Take, options: SyntheticOptions) -> np.ndarray:
    """The sound of a take of the person, as long as the picture. Shape: → (samples,) float32."""
    sound = record(pairing.picture, take, options, clip_frames(pairing.picture.take, options))
    return _silenced(sound, take, options.seed) if pairing.some_silent and take.number % 2 else sound


def _silenced(sound: np.ndarray, take: Take, seed: int) -> np.ndarray:
    """A quarter of the sound, somewhere in the middle half, and little else. Shape: (samples,) → the same."""
    start = keyed_generator(seed, "a word", take.person, take.number).uniform(0.25, 0.5)
    moments = np.arange(len(sound)) / len(sound)
    speaking = (start <= moments) & (moments < start + 0.25)
    return np.where(speaking, sound, 0.01 * sound).astype(np.float32)
