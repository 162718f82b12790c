"""Windows that come while a file is read: the same as those of a clip in memory, and no more held than needed."""

import pickle
import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from multimodal.data.cutting import WindowShape, judged_spans
from multimodal.media import streamed
from multimodal.media.faces import create_detector
from multimodal.media.prepare import prepare_tracks
from multimodal.media.prepared import PrepareOptions
from multimodal.media.reading.parts import PictureParts
from multimodal.media.streamed import Asked, Looks, Window, pieces_of

OPTIONS = PrepareOptions(crop_size=48)
SHAPE = WindowShape(num_frames=10, frame_size=48, frame_rate=25.0, sample_rate=16_000)
DETECTOR = create_detector("mtcnn")


@pytest.fixture(scope="module")
def two_faces(media, tmp_path_factory):
    """Two faces side by side for 1.4 seconds, the second 0.6 seconds later, and a sound that begins silent."""
    pictures = [np.full((120, 260, 3), (70, 110, 140), np.uint8) for _ in range(36)]
    for number, (picture, face) in enumerate(zip(pictures, media.talking(36), strict=True)):
        picture[4:116, 4:116] = face
        if number >= 15:
            picture[4:116, 140:252] = face
    sound = media.speech(1.44)
    sound[:3200] = 0
    path = tmp_path_factory.mktemp("two") / "two.mp4"
    return media.write(path, pictures=pictures, sound=sound)


def windows_of(path, options=OPTIONS, media="video"):
    asked = Asked(path, media, partial(judged_spans, shape=SHAPE), 3)
    return pieces_of(asked, options=options, detector=DETECTOR)


@pytest.mark.parametrize(("frame_format", "keep_bytes"), [("webp", streamed.KEEP_BYTES), ("jpeg", 100_000)])
def test_windows_are_those_of_the_clip_in_memory(two_faces, frame_format, keep_bytes, monkeypatch):
    options = replace(OPTIONS, frame_format=frame_format)
    monkeypatch.setattr(streamed, "KEEP_BYTES", keep_bytes)  # with little room the file is decoded twice
    clips = prepare_tracks(two_faces, options)
    found, *pieces = windows_of(two_faces, options)
    assert [one.num_frames for one in found] == [clip.num_frames for clip in clips]
    assert len(clips) == 2
    for face, (one, clip) in enumerate(zip(found, clips, strict=True)):
        np.testing.assert_array_equal(one.sound, clip.waveform)
        windows = [piece.clip for piece in pieces if isinstance(piece, Window) and piece.face == face]
        assert len(windows) >= 2
        for window in windows:
            first = round((window.start_seconds - clip.start_seconds) * 25)
            same = clip.window(first, 10)
            np.testing.assert_array_equal(window.frames, same.frames)
            np.testing.assert_array_equal(window.waveform, same.waveform)
        (looks,) = [piece for piece in pieces if isinstance(piece, Looks) and piece.face == face]
        for place, crop in looks.crops.items():
            np.testing.assert_array_equal(crop, clip.frames[place])
    starts = [piece.clip.start_seconds for piece in pieces if isinstance(piece, Window)]
    assert min(starts) > 0.1  # not from the silence


def test_a_window_comes_as_soon_as_its_last_crop_is_cut(two_faces, monkeypatch):
    cut, parts_of = [], PictureParts.of

    def noted(self, numbers, wanted):
        return (cut.append(number) or (number, pixels) for number, pixels in parts_of(self, numbers, wanted))

    monkeypatch.setattr(PictureParts, "of", noted)
    pieces = windows_of(two_faces)
    next(pieces)
    cut.clear()  # of mouths, to see who speaks
    assert isinstance(next(pieces), Window)
    assert max(cut) < 16


def test_of_a_crowd_only_the_first_faces_have_crops_and_sound_to_look_at(two_faces, monkeypatch):
    monkeypatch.setattr(streamed, "_MOST_LOOKS", 1)
    found, *pieces = windows_of(two_faces)
    assert [face.sound is None for face in found] == [False, True]
    looks = {piece.face: len(piece.crops) for piece in pieces if isinstance(piece, Looks)}
    assert looks == {0: 1, 1: 0}


def test_sound_alone_is_windows_too_and_a_long_one_is_drawn_by_its_extremes(media, tmp_path, monkeypatch):
    path = media.write(tmp_path / "song.wav", sound=media.speech(1.0), audio_codec="pcm_s16le", sound_rate=16_000)
    monkeypatch.setattr(streamed, "_SHOWN_SAMPLES", 2000)
    (found,), *pieces = windows_of(path, media="audio")
    assert [piece.clip.frames for piece in pieces] == [None] * 3
    assert [len(piece.clip.waveform) for piece in pieces] == [6400] * 3
    (clip,) = prepare_tracks(path, OPTIONS, media="audio")
    assert len(found.sound) / found.sound_rate == pytest.approx(1.0)
    assert len(found.sound) == 2000
    assert found.sound.max() == clip.waveform.max()


def test_a_process_that_prepares_media_holds_no_library_that_only_others_need():
    asked = Asked(Path("clip.mp4"), "video", partial(judged_spans, shape=SHAPE, moments=True), 3)
    program = (
        "import pickle, sys\nimport numpy as np\nfrom multimodal.media import streamed\n"
        "from multimodal.media.faces import create_detector\n"
        "create_detector('mtcnn').find(np.full((90, 120, 3), 90, np.uint8), 48)\n"
        "pickle.loads(bytes.fromhex(sys.argv[1]))\n"
        "heavy = 'torchvision torch._dynamo sympy scipy.signal scipy.stats sklearn pandas matplotlib timm'\n"
        "print(*[name for name in heavy.split() if name in sys.modules])"
    )
    line = [sys.executable, "-c", program, pickle.dumps(asked).hex()]
    assert subprocess.run(line, capture_output=True, text=True, check=True).stdout.split() == []
