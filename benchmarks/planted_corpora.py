"""Generated corpora whose truth is planted: it is known beforehand who can tell real from fake, and who cannot."""

import csv
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from tqdm import tqdm

from multimodal.corpora.synthetic import SyntheticOptions
from multimodal.corpora.synthetic.clip import clip_frames, record, show, write_clip
from multimodal.corpora.synthetic.generation import claim, make_all
from multimodal.corpora.synthetic.media import write_video
from multimodal.corpora.synthetic.plan import PlannedClip, Take, plan_clips

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
    """A genuine picture, and the take whose genuine sound is heard with it."""

    picture: PlannedClip
    heard: Take

    @property
    def is_real(self) -> bool:
        return self.picture.take == self.heard

    @property
    def path(self) -> str:
        kind = "real" if self.is_real else "fake"
        return f"{kind}/{self.picture.take.person}_{self.picture.take.number:03d}.mp4"


def write_disagreement(root: Path, options: SyntheticOptions = GENUINE, *, workers: int = 2) -> None:
    """A corpus where only the disagreement of sound and picture tells.

    Every genuine picture and every genuine sound of a person stands in it twice: once with the other half of its
    own utterance (real), once with that of the person's next utterance (fake). Neither alone says anything.
    """
    _write_all(root, "disagreement", list(_pairings(options)), _write_pairing, options, workers)


def write_forged_pictures(root: Path, options: SyntheticOptions = GENUINE, *, workers: int = 2) -> None:
    """A corpus where only the picture tells: half the clips have a face swapped in, no sound was touched."""
    half = options.real_clips // 2
    clips = plan_clips(replace(options, faceswap_clips=options.real_clips - half, fsgan_clips=half))
    _write_all(root, "pictures", clips, write_clip, options, workers)


def _write_all(
    root: Path, planted: str, clips: list[Any], write: Callable, options: SyntheticOptions, workers: int
) -> None:
    """Make those clips that are not there, and the table that says what they are."""
    claim(root, {"generator_version": 1, "planted": planted, "options": options.as_json()})
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


def _pairings(options: SyntheticOptions) -> Iterator[_Pairing]:
    clips = plan_clips(options)
    takes: dict[str, list[Take]] = {}
    for clip in clips:
        takes.setdefault(clip.take.person, []).append(clip.take)
    for clip in clips:
        own = takes[clip.take.person]
        yield _Pairing(clip, clip.take)
        yield _Pairing(clip, own[(own.index(clip.take) + 1) % len(own)])


def _write_pairing(root: Path, pairing: _Pairing, options: SyntheticOptions) -> None:
    clip = pairing.picture
    num_frames = clip_frames(clip.take, options)
    filmed = record(clip, clip.take, options, num_frames)
    heard = record(clip, pairing.heard, options, num_frames)
    write_video(
        root / pairing.path,
        show(clip, options, filmed_sound=filmed, sound=filmed),
        frame_rate=options.frame_rate,
        crf=options.crf,
        sound=heard,
        sample_rate=options.sample_rate,
    )
