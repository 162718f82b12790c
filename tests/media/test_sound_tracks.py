"""Which of several tracks of sound, or moving pictures, is taken: defaults first, what lies beside them last."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.stream import Disposition

from multimodal.media.prepare import prepare_clip
from multimodal.media.prepared import PrepareOptions
from multimodal.media.reading.pictures import VideoPictures
from multimodal.media.reading.probe import probe
from multimodal.media.reading.sound import read_sound
from multimodal.media.reading.streams import packets_of

RATE = 16_000
VOICE = np.clip(np.random.default_rng(0).normal(0, 4_000, RATE), -20_000, 20_000).astype(np.int16)
OTHER = VOICE[::-1].copy()
SILENCE = np.zeros(RATE, np.int16)
NONE, DEFAULT = Disposition(0), Disposition.default


def write_tracks(path: Path, tracks: list[tuple[np.ndarray, Disposition]], codec: str = "pcm_s16le") -> Path:
    """Write mono tracks of 16 bits, each with its marks."""
    with av.open(str(path), "w") as container:
        streams = [container.add_stream(codec, rate=RATE, layout="mono") for _ in tracks]
        for stream, (_, marks) in zip(streams, tracks, strict=True):
            stream.disposition = marks
        for stream, (samples, _) in zip(streams, tracks, strict=True):
            frame = av.AudioFrame.from_ndarray(samples[None], format="s16", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = RATE, 0, Fraction(1, RATE)
            container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize("name", ["a.mkv", "a.mov", "a.nut"])
def test_the_track_that_is_marked_as_default_is_taken_as_players_do_and_told(name, tmp_path):
    sound = read_sound(write_tracks(tmp_path / name, [(VOICE, NONE), (OTHER, DEFAULT)]), RATE)
    np.testing.assert_array_equal(sound.samples, OTHER)
    assert sound.note == "sound track 1 of 2 is not marked as default: track 2 is taken"
    first = read_sound(write_tracks(tmp_path / name, [(VOICE, DEFAULT), (OTHER, NONE)]), RATE)
    np.testing.assert_array_equal(first.samples, VOICE)
    assert first.note is None


def test_a_default_track_that_is_silent_is_left_for_one_that_is_heard(tmp_path):
    tracks = [(SILENCE, NONE), (VOICE, NONE), (SILENCE, DEFAULT)]
    sound = read_sound(write_tracks(tmp_path / "a.mkv", tracks), RATE)
    np.testing.assert_array_equal(sound.samples, VOICE)
    assert sound.note == "sound track 3 of 3 is silent: track 2 is taken"


MARKS = ["comment", "dub", "visual_impaired", "hearing_impaired"]


@pytest.mark.parametrize("is_default", [True, False])
@pytest.mark.parametrize("mark", MARKS)
def test_what_lies_beside_the_picture_is_left_for_a_plain_track_and_told(mark, is_default, tmp_path):
    marks = Disposition[mark] | (DEFAULT if is_default else NONE)
    sound = read_sound(write_tracks(tmp_path / "a.mkv", [(OTHER, marks), (VOICE, NONE)]), RATE)
    np.testing.assert_array_equal(sound.samples, VOICE)
    assert sound.note == f"sound track 1 of 2 is marked as {mark.replace('_', ' ')}: track 2 is taken"


def test_a_comment_that_players_would_play_is_left_for_the_first_track_and_told(tmp_path):
    path = write_tracks(tmp_path / "a.mkv", [(VOICE, NONE), (OTHER, Disposition.comment | DEFAULT)])
    sound = read_sound(path, RATE)
    np.testing.assert_array_equal(sound.samples, VOICE)
    assert sound.note == "sound track 2 of 2 is marked as comment: track 1 is taken"


def test_a_comment_is_taken_where_it_alone_is_heard(tmp_path):
    path = write_tracks(tmp_path / "a.mkv", [(SILENCE, NONE), (VOICE, Disposition.comment)])
    sound = read_sound(path, RATE)
    np.testing.assert_array_equal(sound.samples, VOICE)
    assert sound.note == "sound track 1 of 2 is silent: track 2, marked as comment, is taken"
    alone = read_sound(write_tracks(tmp_path / "b.mkv", [(VOICE, Disposition.comment)]), RATE)
    np.testing.assert_array_equal(alone.samples, VOICE)
    assert alone.note is None


def test_what_is_said_of_a_file_is_said_of_the_track_that_is_taken(tmp_path):
    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as container:
        streams = [container.add_stream("pcm_s16le", rate=rate, layout="mono") for rate in (RATE, 2 * RATE)]
        streams[0].disposition, streams[1].disposition = Disposition.comment, DEFAULT
        for stream in streams:
            frame = av.AudioFrame.from_ndarray(VOICE[None], format="s16", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = stream.rate, 0, Fraction(1, stream.rate)
            container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
    assert probe(path).audio_rate == 2 * RATE


def write_pictures(
    path: Path, streams: list[tuple[list[np.ndarray], Disposition]], codec: str = "libx264"
) -> Path:
    with av.open(str(path), "w") as container:
        videos = [container.add_stream(codec, rate=25) for _ in streams]
        for video, (pictures, marks) in zip(videos, streams, strict=True):
            video.height, video.width = pictures[0].shape[:2]
            video.pix_fmt, video.disposition = "yuv420p", marks
        for video, (pictures, _) in zip(videos, streams, strict=True):
            for picture in pictures:
                container.mux(video.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
            container.mux(video.encode(None))
    return path


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_the_moving_picture_that_is_marked_as_default_is_shown(name, tmp_path, media):
    first, second = media.counting(24)[:12], media.counting(24)[12:]
    path = write_pictures(tmp_path / name, [(first, NONE), (second, DEFAULT)])
    info = probe(path)
    assert info.note == "picture track 1 of 2 is not marked as default: track 2 is taken"
    pictures = VideoPictures(path, info, 25.0, None)
    assert [media.number_in(point.shown) for point in pictures] == list(range(12, 24))


def test_a_picture_that_lies_beside_another_is_left_for_it(tmp_path, media):
    first, second = media.counting(24)[:12], media.counting(24)[12:]
    path = write_pictures(tmp_path / "a.mkv", [(first, Disposition.comment), (second, NONE)])
    assert probe(path).note == "picture track 1 of 2 is marked as comment: track 2 is taken"
    pictures = VideoPictures(path, probe(path), 25.0, None)
    assert [media.number_in(point.shown) for point in pictures] == list(range(12, 24))


def test_a_cover_in_a_track_of_its_own_is_no_moving_picture(tmp_path, media):
    path = tmp_path / "a.mp4"
    with av.open(str(path), "w") as container:
        cover = container.add_stream("mjpeg", rate=25)
        cover.height = cover.width = 64
        cover.pix_fmt, cover.disposition = "yuvj420p", Disposition.attached_pic | DEFAULT
        video = container.add_stream("libx264", rate=25)
        pictures = media.counting(5)
        video.height, video.width = pictures[0].shape[:2]
        video.pix_fmt = "yuv420p"
        container.mux(cover.encode(av.VideoFrame.from_ndarray(np.full((64, 64, 3), 90, np.uint8), format="rgb24")))
        container.mux(cover.encode(None))
        for picture in pictures:
            container.mux(video.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(video.encode(None))
    assert probe(path).note is None
    pictures = VideoPictures(path, probe(path), 25.0, None)
    assert [media.number_in(point.shown) for point in pictures] == list(range(5))


class WithLateStream:
    """A container whose demuxer ends as PyAV's does where streams appeared that the file did not begin with."""

    def __init__(self, container) -> None:
        self._container = container

    def demux(self, *streams):
        yield from self._container.demux(*streams)
        raise IndexError("list index out of range")


def test_streams_that_appear_late_end_no_reading(tmp_path):
    with av.open(str(write_tracks(tmp_path / "a.mkv", [(VOICE, NONE)]))) as container:
        whole = [packet.size for packet in container.demux(container.streams.audio[0])]
        container.seek(0)
        packets = packets_of(WithLateStream(container), container.streams.audio[0])
        assert [packet.size for packet in packets] == whole


def test_which_picture_was_chosen_travels_with_the_clip(tmp_path, media):
    talking = media.talking(12)
    path = write_pictures(
        tmp_path / "a.mkv", [(media.counting(12, (112, 112)), Disposition.comment), (talking, NONE)]
    )
    clip = prepare_clip(path, "a", PrepareOptions(crop_size=48))
    assert clip.frames is not None
    assert clip.picture_note == "picture track 1 of 2 is marked as comment: track 2 is taken"


def test_what_was_chosen_travels_with_the_clip(tmp_path):
    path = write_tracks(tmp_path / "a.mkv", [(OTHER, Disposition.comment | DEFAULT), (VOICE, NONE)])
    clip = prepare_clip(path, "a", PrepareOptions(), media="audio")
    assert clip.sound_note == "sound track 1 of 2 is marked as comment: track 2 is taken"
