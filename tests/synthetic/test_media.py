from pathlib import Path

import av
import numpy as np
import pytest
from scipy.io import wavfile

from multimodal.synthetic.clip import write_audio, write_video

SOUND = (0.3 * np.sin(np.arange(16_000) / 10)).astype(np.float32)
FRAMES = [np.full((64, 96, 3), 40 + 10 * index, dtype=np.uint8) for index in range(10)]


def test_a_video_without_sound_has_no_audio_stream(tmp_path: Path) -> None:
    write_video(tmp_path / "silent.mp4", FRAMES, frame_rate=25, crf=23)
    with av.open(str(tmp_path / "silent.mp4")) as container:
        assert not container.streams.audio
        shown = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert len(shown) == len(FRAMES)
    for frame, written in zip(shown, FRAMES, strict=True):
        assert np.abs(frame.astype(int) - written).max() <= 4


def test_a_video_keeps_its_sound_in_time(tmp_path: Path) -> None:
    click = np.zeros(17_640, dtype=np.float32)
    click[8820:8900] = 0.8
    write_video(tmp_path / "click.mp4", FRAMES, frame_rate=25, crf=23, sound=click, sample_rate=44_100)
    with av.open(str(tmp_path / "click.mp4")) as container:
        frames = list(container.decode(audio=0))
    start = frames[0].time
    heard = np.concatenate([frame.to_ndarray()[0] for frame in frames])
    assert start + np.argmax(np.abs(heard)) / 44_100 == pytest.approx(0.2, abs=0.005)


def test_a_video_of_no_frames_is_refused_and_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no frame to write"):
        write_video(tmp_path / "empty.mp4", [], frame_rate=25, crf=23)
    assert not list(tmp_path.iterdir())


def test_wav_and_flac_hold_the_same_sound(tmp_path: Path) -> None:
    write_audio(tmp_path / "a.wav", SOUND, sample_rate=16_000)
    write_audio(tmp_path / "a.flac", SOUND, sample_rate=16_000)
    rate, samples = wavfile.read(tmp_path / "a.wav")
    with av.open(str(tmp_path / "a.flac")) as container:
        again = np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio=0)])
        assert container.streams.audio[0].sample_rate == rate == 16_000
    np.testing.assert_array_equal(samples, again)
    np.testing.assert_allclose(samples / 32767, SOUND, atol=1e-4)


def test_sound_of_another_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"cannot write sound as '\.mp3'; choose \.wav or \.flac"):
        write_audio(tmp_path / "a.mp3", SOUND, sample_rate=16_000)
