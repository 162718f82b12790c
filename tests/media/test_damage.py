"""A file that can be read in part is read in part, and says so."""

from contextlib import suppress
from pathlib import Path

import av
import numpy as np
import pytest

from multimodal.media.errors import MediaError
from multimodal.media.prepare import prepare_clip
from multimodal.media.prepared import PrepareOptions
from multimodal.media.reading.missing_bytes import missing_bytes
from multimodal.media.reading.packets import find_gaps
from multimodal.media.reading.pictures import VideoPictures
from multimodal.media.reading.probe import probe
from multimodal.media.reading.sound import read_sound
from multimodal.media.reading.with_decord import DecordRefusedError

SMALL = PrepareOptions(crop_size=48)
FRAGMENTED = {"movflags": "frag_keyframe+empty_moov"}
WAYS = {
    "index_first.mp4": {"options": {"movflags": "faststart"}},
    "fragmented.mp4": {"options": FRAGMENTED},
    "a.mkv": {},
    "a.webm": {"video_codec": "libvpx-vp9", "audio_codec": "libopus"},
    "a.avi": {"video_codec": "mpeg4", "audio_codec": "libmp3lame"},
    "a.flv": {"sound_rate": 44_100},
}


def cut(path: Path, share: float) -> Path:
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    return path


@pytest.mark.parametrize("name", WAYS)
def test_a_video_that_is_whole_says_nothing_and_one_cut_off_says_so(name, tmp_path, media):
    path = media.write(tmp_path / name, pictures=media.counting(50), sound=media.speech(2.0), **WAYS[name])
    assert probe(path).damage is None
    assert "cut off" in probe(cut(path, 0.6)).damage


@pytest.mark.parametrize(("name", "codec"), [("a.wav", "pcm_s16le"), ("a.flac", "flac")])
def test_a_sound_cut_off_says_so(name, codec, tmp_path, media):
    path = media.write(tmp_path / name, sound=media.speech(2.0), audio_codec=codec, sound_rate=16_000)
    assert probe(path).damage is None
    assert "cut off" in probe(cut(path, 0.6)).damage


def test_the_frames_that_an_index_names_are_counted(tmp_path, media):
    path = media.write(tmp_path / "a.mp4", pictures=media.counting(50), options={"movflags": "faststart"})
    info = probe(cut(path, 0.5))
    assert info.missing_frames + len(info.frame_times) == 50
    assert f"cut off: {info.missing_frames} frames that the header names are missing" in info.damage


def test_a_file_that_lacks_its_last_bytes_only_says_so(tmp_path, media):
    path = media.write(tmp_path / "a.mkv", pictures=media.counting(20), sound=media.speech(0.8))
    path.write_bytes(path.read_bytes()[:-300])
    assert missing_bytes(path) == 300
    assert probe(path).damage == "cut off: 300 bytes that the header names are missing"


@pytest.mark.parametrize(("sound_seconds", "says"), [(0.8, "the sound ends 1."), (3.2, "the picture ends 1.")])
def test_streams_of_unequal_length_are_told(sound_seconds, says, tmp_path, media):
    path = media.write(tmp_path / "a.mp4", pictures=media.counting(50), sound=media.speech(sound_seconds))
    assert says in probe(path).damage


def test_what_is_prepared_carries_the_damage_of_its_file(tmp_path, media):
    options = {"movflags": "faststart"}
    path = media.write(tmp_path / "a.mp4", pictures=media.talking(30), sound=media.speech(1.2), options=options)
    assert prepare_clip(path, "a", SMALL).damage is None
    cut(path, 0.7)
    assert "cut off" in prepare_clip(path, "a", SMALL).damage
    assert "cut off" in prepare_clip(path, "a", SMALL).window(2, 4).damage


def numbers_in(path: Path, media) -> list[tuple[int, int]]:
    pictures = VideoPictures(path, probe(path), 25.0, None)
    with suppress(MediaError):  # no picture is left
        try:
            return [(point.number, media.number_in(point.shown)) for point in pictures]
        except DecordRefusedError:
            pictures.give_up_decord("damaged")
            return [(point.number, media.number_in(point.shown)) for point in pictures]
    return []


def test_what_can_still_be_read_of_damaged_streams_stands_at_its_time(tmp_path, media):
    clicks, sound = [0.31, 0.75, 1.2], media.clicks(1.6, [0.31, 0.75, 1.2])
    options = {"movflags": "faststart"}
    path = media.write(tmp_path / "a.mp4", pictures=media.counting(40), sound=sound, options=options)
    content, rng, late, heard = path.read_bytes(), np.random.default_rng(0), [], []
    for _ in range(25):
        damaged = np.frombuffer(content, np.uint8).copy()
        places = rng.integers(content.index(b"mdat") + 8, len(content), 20)
        damaged[places] = rng.integers(0, 256, len(places))
        path.write_bytes(damaged.tobytes())
        late += [number - shown for number, shown in numbers_in(path, media) if shown < 40]
        loud = np.flatnonzero(np.abs(read_sound(path, 16_000, start_seconds=0.0).samples) > 8_000)
        heard += (loud[np.diff(loud, prepend=-9_999) > 400] / 16_000).tolist()
    assert len(late) > 600
    assert np.mean(np.array(late) == 0) > 0.8  # a picture that is lost is covered by one before it
    assert len(heard) > 30
    assert np.mean([min(abs(time - click) for click in clicks) < 2e-3 for time in heard]) > 0.8


def test_a_title_that_is_no_utf8_does_not_keep_a_file_shut(tmp_path, media):
    path = media.write(tmp_path / "a.mp4", pictures=media.counting(5))
    named = path.read_bytes()
    assert b"Lavf" in named  # the name of the program that wrote it, read as a title is
    path.write_bytes(named.replace(b"Lavf", b"L\xe4vf"))  # in Latin-1
    assert probe(path).has_video


def without(path: Path, first: int, count: int) -> Path:
    """The same file without some packets of its picture, every one of which can be decoded alone."""
    left = path.with_stem("left")
    with av.open(str(path)) as source, av.open(str(left), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for number, packet in enumerate(source.demux(video=0)):
            if packet.size and not first <= number < first + count:
                packet.stream = stream
                target.mux(packet)
    return left


#: Seconds of each step of videos that have no regular rate, by who makes such.
UNEVEN = {
    "two_rates": [0.033, 0.067] * 30,
    "jitter": (0.04 + np.random.default_rng(0).uniform(-0.012, 0.012, 60)).tolist(),
}


@pytest.mark.parametrize("steps", UNEVEN.values(), ids=UNEVEN)
def test_a_second_that_is_lost_of_a_video_of_varying_rate_is_told(steps, tmp_path, media):
    times = [0.0, *np.cumsum(steps)]
    path = media.write(
        tmp_path / "a.mkv",
        pictures=media.counting(len(times)),
        times=times,
        video_codec="mjpeg",
        pixel_format="yuvj420p",
    )
    assert probe(path).damage is None
    count = round(1.0 / np.mean(steps))
    info = probe(without(path, 20, count))
    assert info.num_gaps == 1
    assert abs(info.lost_frames - count) <= 1
    assert info.damage == f"{info.lost_frames} frames missing in 1 place"


def test_a_recording_that_stands_still_as_long_as_it_likes_lacks_nothing():
    rng = np.random.default_rng(1)
    screen = rng.choice([0.033, 0.05, 0.067, 0.1, 0.4, 0.9, 2.5], 200, p=[0.3, 0.25, 0.2, 0.15, 0.04, 0.04, 0.02])
    slides = rng.uniform(0.5, 6.0, 40)
    webcam = np.where(np.arange(300) % 12 == 0, 0.6, rng.uniform(0.03, 0.07, 300))
    for steps in (screen, slides, webcam):
        assert find_gaps(np.cumsum(steps)) == (0, 0)


@pytest.mark.parametrize("video_codec", ["mpeg4", "libx264"])
def test_what_an_encoder_puts_before_the_sound_of_avi_moves_the_picture_too_and_lacks_no_frame(
    video_codec, tmp_path, media
):
    # of MP3 at 32 kHz 35 ms are written before its first sound, a frame nearly
    sound = media.clicks(1.6, [0.5, 1.0])
    path = media.write(
        tmp_path / "a.avi",
        pictures=media.counting(40),
        sound=sound,
        video_codec=video_codec,
        audio_codec="libmp3lame",
        sound_rate=32_000,
    )
    info = probe(path)
    assert info.damage is None
    second = info.frame_times[1] - 1 / 25  # where the first frame stands, which AVI itself has at 0
    heard = read_sound(path, 16_000, start_seconds=float(second)).samples
    loud = np.flatnonzero(np.abs(heard) > 8_000)
    onsets = loud[np.diff(loud, prepend=-9_999) > 400] / 16_000
    assert np.abs(onsets - [0.5, 1.0]).max() < 5e-3
