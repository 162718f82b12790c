"""What planned files show and sound like, before they are encoded."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from multimodal.synthetic.layouts import LayoutOptions
from multimodal.synthetic.layouts.planned import (
    ImageFile,
    MaskFile,
    Sound,
    Take,
    VideoFile,
    group_of,
    num_frames,
    person_called,
)
from multimodal.synthetic.layouts.studio import hear, hear_video, portray, show, show_mask
from multimodal.synthetic.layouts.tree import write_sound

OPTIONS = LayoutOptions(clip_seconds=0.6, frame_size=64)
TAKE = Take("somebody")
REAL = VideoFile(path="real.mp4", take=TAKE, sound=Sound(TAKE), sample_rate=16_000)
CLONE = Sound(Take("somebody", 1), "tts", "somebody")


def shown(video: VideoFile, options: LayoutOptions = OPTIONS) -> np.ndarray:
    return np.stack(list(show(options, video)))


def heard(video: VideoFile) -> np.ndarray:
    sound = hear_video(OPTIONS, video)
    assert sound is not None
    return sound


def test_a_take_is_the_same_in_every_file() -> None:
    other = replace(REAL, path="elsewhere/again.mp4")
    assert np.array_equal(shown(REAL), shown(other))
    assert np.array_equal(heard(REAL), heard(other))


def test_another_take_of_the_person_differs_in_picture_and_sound() -> None:
    sounds = [hear(OPTIONS, Sound(Take("somebody", n)), seconds=0.5, sample_rate=16_000) for n in (0, 1)]
    assert not np.array_equal(sounds[0], sounds[1])
    assert not np.array_equal(shown(REAL)[:5], shown(replace(REAL, take=Take("somebody", 1)))[:5])


def test_a_forged_period_differs_from_the_recording_inside_and_nowhere_else() -> None:
    fake = replace(REAL, path="fake.mp4", sound=CLONE, lips=CLONE, period=(0.2, 0.4))
    changed = (shown(REAL) != shown(fake)).any(axis=(1, 2, 3))
    assert list(np.flatnonzero(changed)) == [5, 6, 7, 8, 9]
    different = np.flatnonzero(heard(REAL) != heard(fake))
    assert 0.2 * 16_000 <= different.min() < different.max() < 0.4 * 16_000
    assert len(different) > 0.19 * 16_000


def test_a_swapped_face_leaves_the_corners_of_the_picture_alone_and_the_mask_says_where() -> None:
    fake = replace(REAL, path="fake.mp4", face="another")
    real, forged = shown(REAL), shown(fake)
    assert np.array_equal(real[:, :8, :8], forged[:, :8, :8])
    mask = np.stack(list(show_mask(OPTIONS, MaskFile(path="mask.mp4", of=fake))))
    assert set(np.unique(mask)) == {0, 255}
    assert np.array_equal(mask[..., 0] == 255, (real != forged).any(axis=3))


def test_without_strength_copy_synthesis_is_the_recording() -> None:
    weak = replace(OPTIONS, strength=0.0)
    copied = hear(weak, Sound(TAKE, "melgan"), seconds=0.5, sample_rate=16_000)
    assert np.allclose(copied, hear(weak, Sound(TAKE), seconds=0.5, sample_rate=16_000), atol=1e-3)
    strong = hear(OPTIONS, Sound(TAKE, "melgan"), seconds=0.5, sample_rate=16_000)
    assert np.abs(strong - copied).max() > 0.05


def test_systems_differ_and_a_cloned_voice_differs_from_copy_synthesis() -> None:
    sounds = (Sound(TAKE, "melgan"), Sound(TAKE, "hifiGAN"), Sound(TAKE, "melgan", "another"))
    voices = [hear(OPTIONS, sound, seconds=0.5, sample_rate=16_000) for sound in sounds]
    assert not any(np.array_equal(voices[a], voices[b]) for a, b in ((0, 1), (0, 2), (1, 2)))


def test_a_video_without_sound_is_silent_and_a_clip_at_30_frames_a_second_has_more_frames() -> None:
    assert hear_video(OPTIONS, replace(REAL, sound=None)) is None
    assert num_frames(OPTIONS, replace(REAL, frame_rate=30)) > num_frames(OPTIONS, REAL)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "L"])
def test_portraits_come_in_every_mode_and_size(mode: str) -> None:
    picture = portray(OPTIONS, ImageFile(path="a.png", take=TAKE, face="another", scale=1.5, mode=mode))
    assert (picture.mode, picture.size) == (mode, (96, 96))


def test_people_from_voxceleb2_are_those_of_the_generated_fakeavceleb() -> None:
    assert group_of(0, "id91002") == group_of(9, "id91417") == ("Caucasian (American)", "women")
    assert person_called(3, "id91002") == person_called(3, "id91002") != person_called(4, "id91002")


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".m4a", ".mp3"])
def test_sound_files_have_bytes_that_depend_on_the_sound_alone(tmp_path: Path, suffix: str) -> None:
    sound = hear(OPTIONS, Sound(TAKE), seconds=0.5, sample_rate=16_000)
    for name in ("one", "two"):
        write_sound(tmp_path / f"{name}{suffix}", sound, sample_rate=16_000)
    first, second = ((tmp_path / f"{name}{suffix}").read_bytes() for name in ("one", "two"))
    assert first == second
    assert len(first) > 1000


def test_sound_refuses_what_it_cannot_write(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"\.mp3 is written with one channel here; got 2"):
        write_sound(tmp_path / "a.mp3", np.zeros(100), sample_rate=16_000, channels=2)
    with pytest.raises(ValueError, match=r"cannot write sound as '\.ogg'"):
        write_sound(tmp_path / "a.ogg", np.zeros(100), sample_rate=16_000)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"identities": 2}, r"identities must lie in \[3, 4990\]; got 2"),
        ({"frame_size": 65}, "frame_size must be even; got 65"),
        ({"strength": 1.5}, r"strength must lie in \[0, 1\]; got 1.5"),
    ],
)
def test_options_that_make_no_corpus_are_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        LayoutOptions(**wrong)
