from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from scipy.io import wavfile

from multimodal.media.errors import MediaError
from multimodal.media.reading import with_decord, with_pyav
from multimodal.media.reading.pictures import VideoPictures
from multimodal.media.reading.probe import probe
from multimodal.media.reading.sound import read_sound
from multimodal.media.reading.time_grid import Area, part_of

CODECS = {
    "libx264": "a.mp4",
    "libx265": "a.mp4",
    "libvpx-vp9": "a.webm",
    "libsvtav1": "a.mp4",
    "mpeg4": "a.avi",
}


def read(path: Path, frame_rate: float = 25.0) -> VideoPictures:
    return VideoPictures(path, probe(path), frame_rate, None)


@pytest.mark.parametrize(("codec", "name"), CODECS.items())
def test_every_codec_gives_its_frames_in_order(codec, name, tmp_path, media):
    path = media.write(tmp_path / name, pictures=media.counting(12), video_codec=codec)
    assert [media.number_in(point.shown) for point in read(path)] == list(range(12))


@pytest.mark.parametrize(("codec", "name"), [("libx264", "a.mp4"), ("libx265", "a.mp4"), ("libvpx-vp9", "a.mkv")])
def test_decord_and_pyav_give_the_same_pixels(codec, name, tmp_path, media):
    pytest.importorskip("decord")
    times = np.cumsum([0.1, *[0.03, 0.07] * 10]).tolist()
    path = media.write(tmp_path / name, pictures=media.counting(21), times=times, video_codec=codec)
    info = probe(path)
    for frame_rate in (25.0, 8.0):
        readers = (reader.pictures(path, info, frame_rate) for reader in (with_decord, with_pyav))
        since = []
        for ours, theirs in zip(*readers, strict=True):
            assert ours.since_seconds == pytest.approx(theirs.since_seconds)
            np.testing.assert_array_equal(ours.shown, theirs.shown)
            since.append(ours.since_seconds)
        assert len(since) > 5


def test_what_decord_cannot_read_is_read_by_pyav_and_the_reason_is_kept(tmp_path, media):
    path = media.write(tmp_path / "a.mp4", pictures=media.counting(5), video_codec="libsvtav1")
    pictures = read(path)
    assert len(list(pictures)) == 5
    assert pictures.reader == "pyav"
    assert "decord" in pictures.reader_note


def test_a_clip_whose_frames_would_fill_the_memory_is_not_given_to_decord(tmp_path, media, monkeypatch):
    path = media.write(tmp_path / "a.mp4", pictures=media.counting(5))
    monkeypatch.setattr("multimodal.media.reading.with_decord._AHEAD_BYTES", 5 * 128 * 96 * 3 - 1)
    pictures = read(path)
    assert [media.number_in(point.shown) for point in pictures] == list(range(5))
    assert pictures.reader_note == "long: decord may hold all frames in memory"


def test_pictures_are_upright_when_the_file_says_that_they_are_turned(tmp_path, media):
    path = media.write(tmp_path / "a.mp4", pictures=media.counting(3))
    turned = tmp_path / "turned.mp4"
    turned.write_bytes(_with_rotation(path.read_bytes()))
    for module in (with_pyav, with_decord):
        for point in module.pictures(turned, probe(turned), 25.0):
            assert point.shown.shape == (128, 96, 3)
            assert media.number_in(np.rot90(point.shown)) == point.number


@pytest.mark.parametrize("size", [(101, 75), (34, 50)])
def test_odd_sizes_keep_their_pixels(size, tmp_path, media):
    pictures = [np.full((size[1], size[0], 3), 20 * k, np.uint8) for k in range(4)]
    path = media.write(tmp_path / "a.mkv", pictures=pictures, video_codec="ffv1", pixel_format="bgr0")
    for point in read(path):
        np.testing.assert_array_equal(point.shown, pictures[point.number])


def test_ten_bit_video_is_read(tmp_path, media):
    path = media.write(tmp_path / "a.mp4", pictures=media.counting(4), pixel_format="yuv420p10le")
    assert [media.number_in(point.shown) for point in read(path)] == [0, 1, 2, 3]
    pictures = read(path)  # the two readers would round ten bits otherwise
    assert len(list(pictures)) == 4
    assert pictures.reader == "pyav"
    assert "10 bits" in pictures.reader_note


def test_one_frame_is_one_picture(tmp_path, media):
    assert len(list(read(media.write(tmp_path / "a.mp4", pictures=media.counting(1))))) == 1


def test_a_raw_stream_without_times_is_read_at_its_frame_rate(tmp_path, media):
    path = media.write(tmp_path / "a.mp4", pictures=media.counting(6))
    raw = tmp_path / "a.h264"
    with av.open(str(path)) as source, av.open(str(raw), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(source.streams.video[0]):
            if packet.size:
                packet.stream = stream
                target.mux(packet)
    assert [media.number_in(point.shown) for point in read(raw)] == list(range(6))


@pytest.mark.parametrize(
    ("codec", "name", "rate"),
    [
        ("aac", "a.mp4", 48_000),
        ("aac", "a.m4a", 44_100),
        ("libmp3lame", "a.mp3", 44_100),
        ("flac", "a.flac", 16_000),
        ("pcm_s16le", "a.wav", 22_050),
        ("libopus", "a.ogg", 48_000),
    ],
)
def test_clicks_stand_at_their_sample_in_every_codec(codec, name, rate, tmp_path, media):
    clicks = [0.31, 0.75, 1.2]
    path = media.write(tmp_path / name, sound=media.clicks(1.5, clicks), audio_codec=codec, sound_rate=rate)
    heard = read_sound(path, 16_000).samples
    burst = np.hanning(34)[1:-1]
    for click in clicks:
        first = round(click * 16_000) - 100
        likeness = np.correlate(heard[first : first + 232].astype(float), burst, "valid")
        assert abs(np.argmax(likeness) - 100) <= 1


def test_sound_is_cut_or_padded_to_the_asked_start_and_length(tmp_path, media):
    path = media.write(
        tmp_path / "a.wav", sound=media.clicks(1.0, [0.5]), audio_codec="pcm_s16le", sound_rate=16_000
    )
    whole = read_sound(path, 16_000).samples
    cut = read_sound(path, 16_000, start_seconds=0.25, max_seconds=0.5).samples
    early = read_sound(path, 16_000, start_seconds=-0.25).samples
    np.testing.assert_array_equal(cut, whole[4_000:12_000])
    np.testing.assert_array_equal(early, np.concatenate([np.zeros(4_000), whole]))


@pytest.mark.parametrize("broken", [np.nan, np.inf])
def test_sound_that_is_not_a_number_is_refused_rather_than_made_a_click(broken, tmp_path):
    sound = np.full(8_000, 0.1, dtype=np.float32)
    wavfile.write(tmp_path / "whole.wav", 16_000, sound)
    sound[500] = broken
    wavfile.write(tmp_path / "broken.wav", 16_000, sound)
    assert len(read_sound(tmp_path / "whole.wav", 16_000).samples) == 8_000
    with pytest.raises(MediaError, match="the sound has NaN or infinite samples"):
        read_sound(tmp_path / "broken.wav", 16_000)


def test_a_pause_of_the_stream_becomes_silence_of_its_length(tmp_path):
    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=16_000, layout="mono")
        for start in (0, 16_000):  # the second second of sound starts half a second late
            frame = av.AudioFrame.from_ndarray(np.full((1, 8_000), 9_000, np.int16), format="s16", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = 16_000, start, Fraction(1, 16_000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    samples = read_sound(path, 16_000).samples
    assert len(samples) == 24_000
    assert not samples[8_000:16_000].any()
    assert (samples[16_000:] == 9_000).all()


def test_stereo_is_averaged_to_mono(tmp_path):
    path = tmp_path / "a.wav"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=16_000, layout="stereo")
        sides = np.stack([np.full(4_000, 8_000), np.full(4_000, 2_000)], axis=1).reshape(1, -1).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(sides, format="s16", layout="stereo")
        frame.sample_rate = 16_000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    assert np.abs(read_sound(path, 16_000).samples - 5_000).max() <= 1


def test_a_song_with_a_cover_is_no_video(tmp_path, media):
    path = tmp_path / "a.mp3"
    with av.open(str(path), "w") as container:
        audio = container.add_stream("libmp3lame", rate=16_000, layout="mono")
        cover = container.add_stream("mjpeg", rate=1)
        cover.width, cover.height, cover.pix_fmt = 32, 32, "yuvj420p"
        cover.disposition = av.stream.Disposition.attached_pic
        picture = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), format="rgb24")
        container.mux(cover.encode(picture))
        container.mux(cover.encode(None))
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 1152), np.float32), format="fltp", layout="mono")
        sound.sample_rate = 16_000
        container.mux(audio.encode(sound))
        container.mux(audio.encode(None))
    info = probe(path)
    assert info.has_audio
    assert not info.has_video


@pytest.mark.parametrize(("content", "reason"), [(b"", "empty"), (b"just text\n" * 50, "FFmpeg")])
def test_what_is_no_media_file_is_named_at_opening(content, reason, tmp_path):
    path = tmp_path / "a.mp4"
    path.write_bytes(content)
    with pytest.raises(MediaError, match=reason) as caught:
        probe(path)
    assert caught.value.stage == "open"


def test_a_missing_file_is_named_at_opening(tmp_path):
    with pytest.raises(MediaError, match="no such file"):
        probe(tmp_path / "a.mp4")


def _with_rotation(content: bytes) -> bytes:
    """Turn the picture by a quarter in the header of the only track."""
    quarter = np.array([0, 65_536, 0, -65_536, 0, 0, 0, 0, 2**30], ">i4").tobytes()
    matrix = content.index(b"tkhd") + 44
    return content[:matrix] + quarter + content[matrix + 36 :]


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="threads are counted as Linux shows them")
def test_parts_of_pictures_that_are_kept_keep_no_threads(tmp_path, media):
    path, corner = media.write(tmp_path / "a.mp4", pictures=media.counting(8)), Area(0, 0, 32, 32)
    parts = [part_of(point, corner) for point in with_pyav.pictures(path, probe(path), 25.0)]
    before = len(list(Path("/proc/self/task").iterdir()))
    assert {part.pixels(corner).shape for part in parts} == {(32, 32, 3)}
    assert len(parts) == 8
    assert len(list(Path("/proc/self/task").iterdir())) <= before
