from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest
from facenet_pytorch import MTCNN
from PIL import Image

from multimodal.synthetic import SyntheticOptions
from multimodal.synthetic.clip import clip_frames, forge_sound, record, show, write_clip
from multimodal.synthetic.plan import PlannedClip, plan_clips

OPTIONS = SyntheticOptions(
    groups=2, identities_per_group=2, real_clips=2, rtvc_clips=1, clip_seconds=0.8, frame_size=96
)


def clip_of(type_folder: str, method: str, group: int = 0) -> PlannedClip:
    kinds = [clip for clip in plan_clips(OPTIONS) if (clip.type_folder, clip.method) == (type_folder, method)]
    return kinds[group * len(kinds) // 2]


def frames_of(clip: PlannedClip, options: SyntheticOptions = OPTIONS) -> np.ndarray:
    num_frames = clip_frames(clip.take, options)
    filmed = record(clip, clip.take, options, num_frames)
    sound = filmed if clip.voice is None else forge_sound(clip, clip.voice, options, num_frames)
    return np.stack(list(show(clip, options, filmed_sound=filmed, sound=sound))).astype(float)


def opening(frames: np.ndarray) -> np.ndarray:
    """Contrast around the mouth, which grows as it opens: lips, dark, teeth."""
    return frames[:, 50:78, 34:62].mean(axis=-1).std(axis=(1, 2))


def loudness(sound: np.ndarray, num_frames: int) -> np.ndarray:
    return np.array([np.square(part).mean() ** 0.25 for part in np.array_split(sound, num_frames)])


def file_sound(path: Path) -> np.ndarray:
    with av.open(str(path)) as container:
        return np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio=0)])


def bytes_per_pixel(path: Path) -> tuple[int, float]:
    with av.open(str(path)) as container:
        side = container.streams.video[0].width
        size = sum(packet.size for packet in container.demux(video=0))
    return side, size / side**2


@pytest.mark.parametrize(
    ("type_folder", "method"),
    [
        ("RealVideo-RealAudio", "real"),
        ("FakeVideo-RealAudio", "faceswap"),
        ("FakeVideo-RealAudio", "fsgan"),
        ("FakeVideo-FakeAudio", "faceswap-wav2lip"),
    ],
)
def test_mtcnn_finds_the_face_in_real_and_forged_frames(type_folder: str, method: str) -> None:
    detector = MTCNN(keep_all=True, device="cpu")
    options = replace(OPTIONS, frame_size=224, clip_seconds=0.3)
    for group in (0, 1):
        frame = frames_of(clip_of(type_folder, method, group), options)[0].astype(np.uint8)
        boxes, probabilities = detector.detect(Image.fromarray(frame))
        assert probabilities[0] > 0.9
        assert len(boxes) == 1
        assert 90 < (boxes[0, 0] + boxes[0, 2]) / 2 < 134


def test_the_mouth_of_a_real_clip_follows_its_own_sound() -> None:
    options = replace(OPTIONS, clip_seconds=2.5)
    for group in (0, 1):
        clip = clip_of("RealVideo-RealAudio", "real", group)
        num_frames = clip_frames(clip.take, options)
        sound = record(clip, clip.take, options, num_frames)
        assert np.corrcoef(opening(frames_of(clip, options)), loudness(sound, num_frames))[0, 1] > 0.5


def test_a_cloned_voice_over_a_real_picture_leaves_the_mouth_to_the_true_sound() -> None:
    clip = clip_of("RealVideo-FakeAudio", "rtvc")
    real = clip._replace(type_folder="RealVideo-RealAudio", method="real", voice=None)
    np.testing.assert_array_equal(frames_of(clip), frames_of(real))


def test_a_forged_picture_differs_from_its_source_in_the_face_alone() -> None:
    for method in ("faceswap", "fsgan", "wav2lip"):
        clip = clip_of("FakeVideo-RealAudio", method)
        source = clip._replace(type_folder="RealVideo-RealAudio", method="real", face=None, voice=None)
        difference = np.abs(frames_of(clip) - frames_of(source)).max(axis=(0, -1))
        assert difference[30:66, 36:60].max() > 30
        assert difference[:10].max() == difference[:, :8].max() == difference[:, -8:].max() == 0


def test_a_stronger_forgery_leaves_less_of_the_camera_noise_in_the_mouth() -> None:
    clip = clip_of("FakeVideo-RealAudio", "wav2lip")

    def detail(strength: float) -> float:
        frames = frames_of(clip, replace(OPTIONS, picture_strength=strength))
        patch = frames[:, 56:68, 40:56].mean(axis=-1)
        return np.abs(np.diff(patch, n=2, axis=-1)).mean()

    assert detail(0.0) > detail(0.5) > detail(1.0)


@pytest.mark.parametrize("group", [0, 1])
def test_the_lips_of_one_take_are_forged_to_the_sound_that_the_clip_carries(group: int) -> None:
    options = replace(OPTIONS, clip_seconds=2.5, picture_strength=0.0)
    clip = clip_of("FakeVideo-RealAudio", "wav2lip", group)
    num_frames = clip_frames(clip.take, options)
    assert clip.voice is not None
    carried = loudness(forge_sound(clip, clip.voice, options, num_frames), num_frames)
    filmed = loudness(record(clip, clip.take, options, num_frames), num_frames)
    seen = opening(frames_of(clip, options))
    assert np.corrcoef(seen, carried)[0, 1] > 0.5 > np.corrcoef(seen, filmed)[0, 1]


def test_leading_silence_is_planted_in_fakes_only(tmp_path: Path) -> None:
    options = replace(OPTIONS, fake_leading_silence_seconds=0.2)
    quiet = {}
    for kind in (
        ("RealVideo-RealAudio", "real"),
        ("RealVideo-FakeAudio", "rtvc"),
        ("FakeVideo-RealAudio", "fsgan"),
    ):
        clip = clip_of(*kind)
        write_clip(tmp_path, clip, options)
        quiet[kind[1]] = np.abs(file_sound(tmp_path / clip.path)[3000:7000]).max()
    assert quiet["rtvc"] < 1e-4 > quiet["fsgan"]
    assert quiet["real"] > 1e-3


def test_size_and_rate_can_be_made_to_differ_by_class(tmp_path: Path) -> None:
    options = replace(OPTIONS, fake_frame_size=128, fake_crf=35)
    real, fake = clip_of("RealVideo-RealAudio", "real"), clip_of("FakeVideo-RealAudio", "fsgan")
    for clip in (real, fake):
        write_clip(tmp_path, clip, options)
    real_side, real_bytes = bytes_per_pixel(tmp_path / real.path)
    fake_side, fake_bytes = bytes_per_pixel(tmp_path / fake.path)
    assert (real_side, fake_side) == (96, 128)
    assert fake_bytes < 0.6 * real_bytes


def test_two_takes_of_one_person_differ_and_share_the_face() -> None:
    real = [clip for clip in plan_clips(OPTIONS) if clip.method == "real"]
    first, second, other = (frames_of(clip)[0] for clip in (real[0], real[1], real[2]))
    assert real[0].take.person == real[1].take.person != real[2].take.person
    assert np.abs(first - second).mean() > 1
    assert np.abs(first - other).mean() > 2 * np.abs(first - second).mean()
