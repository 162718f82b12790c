"""Sound of many channels, and of channels in an order of their own, which PyAV's own frames cannot hold."""

import struct
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from scipy.io import wavfile

from multimodal.media.errors import MediaError
from multimodal.media.prepare import prepare_clip
from multimodal.media.prepared import PrepareOptions
from multimodal.media.reading import sound
from multimodal.media.reading.probe import decode
from multimodal.media.reading.sound import read_sound

RATE = 16_000
VOICE = np.clip(np.random.default_rng(0).normal(0, 4_000, RATE), -20_000, 20_000).astype(np.int16)
OTHERS = [np.roll(VOICE, 700 * number) for number in range(24)]


def write_channels(path: Path, channels: list[np.ndarray], layout: str, codec: str, *, rate: int = RATE) -> Path:
    """Write 16-bit channels; encoders get the format that they like best."""
    with av.open(str(path), "w") as container:
        write_sound(container, container.add_stream(codec, rate=rate, layout=layout), channels, layout)
    return path


def write_sound(container, stream, channels: list[np.ndarray], layout: str) -> None:
    samples = np.stack(channels, axis=1)
    for start in range(0, len(samples), 1_000):
        piece = np.ascontiguousarray(samples[start : start + 1_000].reshape(1, -1))
        frame = av.AudioFrame.from_ndarray(piece, format="s16", layout=layout)
        frame.sample_rate, frame.pts, frame.time_base = stream.rate, start, Fraction(1, stream.rate)
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))


def write_video(
    path: Path, pictures: list[np.ndarray], channels: list[np.ndarray], layout: str, codec: str
) -> Path:
    with av.open(str(path), "w") as container:
        video = container.add_stream("mpeg4", rate=25, options={"qscale": "2"})
        video.height, video.width = pictures[0].shape[:2]
        sound = container.add_stream(codec, rate=RATE, layout=layout)
        for picture in pictures:
            container.mux(video.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(video.encode(None))
        write_sound(container, sound, channels, layout)
    return path


@pytest.mark.parametrize("layout", ["7.1", "hexadecagonal"])
def test_channels_in_planes_of_their_own_are_mixed_as_interleaved_ones_are(layout, tmp_path):
    channels = OTHERS[: av.AudioLayout(layout).nb_channels]
    sound = read_sound(write_channels(tmp_path / "a.nut", channels, layout, "pcm_s16le_planar"), RATE)
    mixed = read_sound(write_channels(tmp_path / "a.wav", channels, layout, "pcm_s16le"), RATE)
    np.testing.assert_array_equal(sound.samples, mixed.samples)
    assert sound.note is None


@pytest.mark.parametrize("layout", ["6.1", "7.1", "octagonal", "7.1.4", "hexadecagonal"])
def test_what_a_decoder_gives_in_many_planes_is_read(layout, tmp_path):
    channels = OTHERS[: av.AudioLayout(layout).nb_channels]
    sound = read_sound(write_channels(tmp_path / "a.mkv", channels, layout, "wavpack"), RATE)
    mixed = read_sound(write_channels(tmp_path / "a.wav", channels, layout, "pcm_s16le"), RATE)
    assert np.corrcoef(sound.samples, mixed.samples)[0, 1] > 0.98


@pytest.mark.parametrize("name", ["a.mp4", "a.mov", "a.mkv", "opus.mkv", "opus.ts"])
def test_sound_of_eight_channels_is_read_in_every_container(name, tmp_path):
    time = np.arange(48_000) / 48_000
    tone = (6_000 * np.sin(2 * np.pi * 440 * time)).astype(np.int16)
    codec = "libopus" if name.startswith("opus") else "aac"
    path = write_channels(tmp_path / name, [tone] * 8, "7.1", codec, rate=48_000)
    sound = read_sound(path, RATE)
    assert len(sound.samples) == pytest.approx(RATE, abs=3_000)
    spectrum = np.abs(np.fft.rfft(sound.samples[: RATE - RATE % 10]))
    assert np.argmax(spectrum) * RATE / (RATE - RATE % 10) == pytest.approx(440, abs=2)


def test_of_eight_planes_those_that_others_cancel_are_left_out(tmp_path):
    channels = [VOICE, -VOICE // 2, *[0 * VOICE] * 6]
    sound = read_sound(write_channels(tmp_path / "a.mkv", channels, "7.1", "wavpack"), RATE)
    assert sound.note == "channels of the sound cancel each other: only FL is taken"
    assert np.corrcoef(sound.samples, VOICE)[0, 1] > 0.99


@pytest.mark.parametrize(
    ("channels", "note"),
    [
        ((VOICE // 2, -VOICE, 0 * VOICE), "channel 2 is"),
        ((VOICE, VOICE, -VOICE // 4, -VOICE // 4), "channels 1 and 2 are"),
        ((VOICE, -VOICE // 2, *[0 * VOICE] * 6), "channel 1 is"),
    ],
)
def test_channels_without_a_name_are_told_by_their_numbers(channels, note, tmp_path):
    path = write_channels(tmp_path / "a.nut", list(channels), f"{len(channels)}C", "pcm_s16le_planar")
    assert read_sound(path, RATE).note == f"channels of the sound cancel each other: only {note} taken"


#: What QuickTime and CAF call six channels whose order is left, right, left and right behind, middle, low ones.
IN_ANOTHER_ORDER = (122 << 16) | 6


def in_another_order(path: Path, channels: list[np.ndarray]) -> Path:
    write_channels(path, channels, "5.1", "pcm_s16le")
    whole = bytearray(path.read_bytes())
    place = whole.index(b"chan") + (8 if path.suffix == ".mov" else 12)
    whole[place : place + 4] = struct.pack(">I", IN_ANOTHER_ORDER)
    path.write_bytes(whole)
    return path


@pytest.mark.parametrize("name", ["a.mov", "a.caf"])
def test_channels_in_an_order_of_their_own_are_mixed_by_their_names(name, tmp_path):
    left, right, middle, low, behind_left, behind_right = OTHERS[:6]
    path = in_another_order(tmp_path / name, [left, right, behind_left, behind_right, middle, low])
    expected = read_sound(write_channels(tmp_path / "a.wav", OTHERS[:6], "5.1", "pcm_s16le"), RATE)
    np.testing.assert_array_equal(read_sound(path, RATE).samples, expected.samples)
    for _ in range(3):  # what is freed twice need not end the process at once
        read_sound(path, RATE)
    turned = in_another_order(tmp_path / name, [VOICE, *[0 * VOICE] * 3, -VOICE // 4, 0 * VOICE])
    assert "only FL is taken" in read_sound(turned, RATE).note


def test_numbers_of_64_bits_are_read(tmp_path):
    channels = np.stack([VOICE, VOICE], axis=1)
    wavfile.write(tmp_path / "a.wav", RATE, channels.astype(np.int64) << 48)
    np.testing.assert_array_equal(read_sound(tmp_path / "a.wav", RATE).samples, VOICE)


def test_of_a_video_whose_sound_cannot_be_mixed_the_picture_is_prepared_and_the_reason_told(tmp_path, media):
    path = write_video(tmp_path / "a.nut", media.talking(12), OTHERS[:9], "9C", "pcm_s16le_planar")
    with pytest.raises(MediaError, match="9 channels that nobody knows to mix"):
        read_sound(path, RATE)
    clip = prepare_clip(path, "a", PrepareOptions(crop_size=48))
    assert clip.frames is not None
    assert "9 channels that nobody knows to mix" in clip.absent["audio"]


def test_a_talking_head_with_eight_channels_of_sound_is_prepared_with_both(tmp_path, media):
    path = write_video(tmp_path / "a.mkv", media.talking(12), OTHERS[:8], "7.1", "wavpack")
    clip = prepare_clip(path, "a", PrepareOptions(crop_size=48))
    assert clip.frames is not None
    assert clip.waveform is not None


def test_a_packet_whose_channels_nobody_knows_to_mix_is_passed_over(tmp_path, monkeypatch):
    path = write_channels(tmp_path / "a.mkv", [VOICE, VOICE], "stereo", "pcm_s16le")
    whole = read_sound(path, RATE).samples

    def damaged(container, stream):
        for number, frame in enumerate(decode(container, stream)):
            if number == 5:
                odd = av.AudioFrame.from_ndarray(np.zeros((1, 9_000), np.int16), format="s16", layout="9C")
                odd.sample_rate, odd.pts, odd.time_base = RATE, frame.pts, frame.time_base
                yield odd
            else:
                yield frame

    monkeypatch.setattr(sound, "decode", damaged)
    samples = read_sound(path, RATE).samples
    assert not samples[5_000:6_000].any()
    is_left = np.arange(len(whole)) // 1_000 != 5
    np.testing.assert_array_equal(samples[is_left], whole[is_left])
