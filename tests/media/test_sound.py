"""Which sound of a file is read, and which sound is refused before it fills the memory."""

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
from multimodal.media.probe_corpus import probe_file
from multimodal.media.reading.probe import probe
from multimodal.media.reading.sound import read_sound
from multimodal.synthetic.identity import invent_person
from multimodal.synthetic.voice import speak

RATE = 16_000
VOICE = np.clip(np.random.default_rng(0).normal(0, 4_000, RATE), -20_000, 20_000).astype(np.int16)
SILENCE = np.zeros(RATE, np.int16)
LAYOUTS = {1: "mono", 2: "stereo", 4: "quad", 6: "5.1"}


def write_tracks(
    path: Path, tracks: list[tuple[np.ndarray, ...]], *, rate: int = RATE, codec: str = "pcm_s16le"
) -> Path:
    """Write 16-bit tracks of sound, each a tuple of channels."""
    with av.open(str(path), "w") as container:
        layouts = [LAYOUTS[len(track)] for track in tracks]
        streams = [container.add_stream(codec, rate=rate, layout=layout) for layout in layouts]
        for stream, track, layout in zip(streams, tracks, layouts, strict=True):
            interleaved = np.ascontiguousarray(np.stack(track, axis=1).reshape(1, -1))
            frame = av.AudioFrame.from_ndarray(interleaved, format="s16", layout=layout)
            frame.sample_rate, frame.pts, frame.time_base = rate, 0, Fraction(1, rate)
            container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize(("gain", "side"), [(-1.0, "left"), (-0.8, "left"), (-1.1, "right")])
def test_channels_that_cancel_each_other_are_not_averaged_and_the_louder_is_taken(gain, side, tmp_path):
    other = (gain * VOICE).astype(np.int16)
    sound = read_sound(write_tracks(tmp_path / "a.wav", [(VOICE, other)]), RATE)
    np.testing.assert_array_equal(sound.samples, VOICE if side == "left" else other)
    assert sound.note == f"the two channels of the sound cancel each other: only the {side} is taken"


@pytest.mark.parametrize("gain", [1.0, 0.3, 0.0])
def test_channels_that_agree_are_averaged_without_a_word(gain, tmp_path):
    path = write_tracks(tmp_path / "a.wav", [(VOICE, (gain * VOICE).astype(np.int16))])
    sound = read_sound(path, RATE)
    assert np.abs(sound.samples - (1 + gain) / 2 * VOICE).max() <= 1
    assert sound.note is None


def test_two_unlike_channels_are_averaged(tmp_path):
    sound = read_sound(write_tracks(tmp_path / "a.wav", [(VOICE, VOICE[::-1])]), RATE)
    assert sound.note is None
    assert np.abs(sound.samples - (VOICE.astype(int) + VOICE[::-1]) / 2).max() <= 1


MUSIC = np.random.default_rng(1).normal(0, 2_400, RATE).astype(np.int16)


@pytest.mark.parametrize(
    "right",
    [MUSIC - VOICE, np.where(np.arange(RATE) < RATE // 2, MUSIC + VOICE, -MUSIC - VOICE)],
    ids=["a voice in front of music that does not cancel", "half of the time"],
)
def test_what_cancels_in_part_is_not_averaged_either(right, tmp_path):
    left = MUSIC + VOICE
    sound = read_sound(write_tracks(tmp_path / "a.wav", [(left, right.astype(np.int16))]), RATE)
    np.testing.assert_array_equal(sound.samples, left if (left**2.0).sum() >= (right**2.0).sum() else right)
    assert "cancel each other: only the" in sound.note


def test_a_quiet_stretch_that_cancels_is_no_reason_to_leave_a_channel(tmp_path):
    flipped = np.where(np.arange(2 * RATE) < RATE, 1, -0.1)
    left = np.abs(flipped) * np.tile(VOICE, 2)
    sides = (left.astype(np.int16), (np.sign(flipped) * left).astype(np.int16))
    assert read_sound(write_tracks(tmp_path / "a.wav", [sides]), RATE).note is None


@pytest.fixture(scope="module")
def speech() -> np.ndarray:
    """Six seconds of somebody who speaks, of power 1."""
    person = invent_person(0, "a", race="African", gender="women")
    voice = speak(person.voice, np.random.default_rng(0), seconds=6.0, sample_rate=RATE).astype(float)
    return voice / voice.std()


@pytest.fixture(scope="module")
def music() -> np.ndarray:
    """Six seconds of chords and drums, of power 1."""
    rng, seconds = np.random.default_rng(1), np.arange(6 * RATE) / RATE
    sound = np.zeros(len(seconds))
    for start in np.arange(0, 6, 0.5):
        since = np.clip(seconds - start, 0, None)
        for note in rng.choice([110, 147, 165, 196, 220, 262, 330, 392, 440], 3, replace=False):
            for overtone in range(1, 12):
                turn = rng.uniform(0, 2 * np.pi)
                sound += (
                    (since > 0)
                    * np.exp(-3 * since)
                    * np.sin(2 * np.pi * note * overtone * since + turn)
                    / overtone
                )
        sound += (since > 0) * np.exp(-30 * since) * rng.normal(0, 1, len(seconds))
    return sound / sound.std()


def sides(left: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return (1_500 * left).astype(np.int16), (1_500 * right).astype(np.int16)


@pytest.mark.parametrize("louder_db", [0, 3, 6])
def test_a_voice_that_cancels_under_louder_music_is_kept(louder_db, speech, music, tmp_path):
    louder = 10 ** (louder_db / 20) * music
    left, right = sides(louder + speech, louder - speech)
    sound = read_sound(write_tracks(tmp_path / "a.wav", [(left, right)]), RATE)
    assert "cancel each other: only the" in sound.note
    assert any(np.array_equal(sound.samples, side) for side in (left, right))


def in_a_room(sound: np.ndarray, seed: int) -> np.ndarray:
    rng, seconds = np.random.default_rng(seed), np.arange(RATE // 2) / RATE
    heard = np.convolve(sound, rng.normal(0, 1, len(seconds)) * np.exp(-seconds / 0.12))[: len(sound)]
    return heard / heard.std()


@pytest.mark.parametrize("kind", ["in a room", "a microphone later", "far apart", "two voices"])
def test_what_is_merely_wide_is_averaged(kind, speech, music, tmp_path):
    left, right = {
        "in a room": (music + in_a_room(music, 1), music + in_a_room(music, 2)),
        "a microphone later": (speech[16:], speech[:-16]),
        "far apart": (music[320:], music[:-320]),
        "two voices": (speech, np.roll(speech[::-1], 99)),
    }[kind]
    assert read_sound(write_tracks(tmp_path / "a.wav", [sides(left, right)]), RATE).note is None


@pytest.mark.parametrize("share", [0.04, 0.07])
def test_a_short_part_that_is_turned_round_is_noticed_from_a_second_on(share, speech, tmp_path):
    left = np.tile(speech, 5)
    is_turned = np.arange(len(left)) > (1 - share) * len(left) - RATE
    right = np.where(is_turned & (np.arange(len(left)) < len(left) - RATE), -left, left)
    sound = read_sound(write_tracks(tmp_path / "a.wav", [sides(left, right)]), RATE)
    np.testing.assert_array_equal(sound.samples, sides(left, right)[0])
    assert "only the left is taken" in sound.note


def test_of_many_channels_those_that_others_cancel_are_left_out_and_the_rest_is_named(tmp_path):
    quad = write_tracks(tmp_path / "a.wav", [(VOICE, -VOICE, VOICE, -VOICE)])
    sound = read_sound(quad, RATE)
    assert sound.note == "channels of the sound cancel each other: only FL and BL are taken"
    assert np.corrcoef(sound.samples, VOICE)[0, 1] > 0.999
    five = write_tracks(tmp_path / "b.wav", [(VOICE, -VOICE, SILENCE, SILENCE, SILENCE, SILENCE)])
    sound = read_sound(five, RATE)
    assert sound.note == "channels of the sound cancel each other: only FL is taken"
    assert np.corrcoef(sound.samples, VOICE)[0, 1] > 0.999


def test_of_many_channels_all_are_mixed_where_none_cancels_another(tmp_path):
    shifted = [np.roll(VOICE, 2_000 * number) for number in range(6)]
    path = write_tracks(tmp_path / "a.wav", [tuple(shifted)])
    assert read_sound(path, RATE).note is None


def test_channels_without_a_place_that_cannot_be_mixed_are_refused_in_words(tmp_path):
    wavfile.write(tmp_path / "a.wav", RATE, np.stack([VOICE] * 9, axis=1))
    with pytest.raises(MediaError, match="9 channels that nobody knows to mix"):
        read_sound(tmp_path / "a.wav", RATE)


CLICK = np.where(np.arange(RATE) // 10 == 500, 20_000, 0).astype(np.int16)
HISS = (VOICE / 100).astype(np.int16)


@pytest.mark.parametrize("silent", [CLICK, HISS], ids=["one click", "hiss"])
def test_a_click_or_hiss_is_not_heard_beside_a_voice(silent, tmp_path):
    sound = read_sound(write_tracks(tmp_path / "a.mkv", [(silent,), (VOICE,)]), RATE)
    np.testing.assert_array_equal(sound.samples, VOICE)
    assert sound.note == "sound track 1 of 2 is silent: track 2 is taken"


@pytest.mark.parametrize("other", [VOICE, SILENCE])
def test_a_word_in_a_long_silence_is_heard(other, tmp_path):
    first = np.concatenate([np.zeros(20 * RATE, np.int16), VOICE, VOICE // 2])
    sound = read_sound(write_tracks(tmp_path / "a.mkv", [(first,), (np.tile(other, 22),)]), RATE)
    np.testing.assert_array_equal(sound.samples, first)
    assert sound.note is None


def test_a_silent_first_track_is_left_for_one_that_is_heard(tmp_path):
    path = write_tracks(tmp_path / "a.mkv", [(SILENCE,), (SILENCE,), (VOICE,)])
    sound = read_sound(path, RATE)
    np.testing.assert_array_equal(sound.samples, VOICE)
    assert sound.note == "sound track 1 of 3 is silent: track 3 is taken"


def test_beside_a_first_track_that_holds_nothing_a_whisper_is_heard(tmp_path):
    whisper = (VOICE / 60).astype(VOICE.dtype)
    path = write_tracks(tmp_path / "a.mkv", [(SILENCE,), (whisper,)])
    assert read_sound(path, RATE).note == "sound track 1 of 2 is silent: track 2 is taken"


@pytest.mark.parametrize("tracks", [[(VOICE,), (VOICE[::-1],)], [(SILENCE,), (SILENCE,)]])
def test_the_first_track_is_taken_where_it_is_heard_or_all_are_silent(tracks, tmp_path):
    sound = read_sound(write_tracks(tmp_path / "a.mkv", tracks), RATE)
    np.testing.assert_array_equal(sound.samples, tracks[0][0])
    assert sound.note is None


def test_what_was_chosen_travels_with_the_clip_and_into_the_table_of_a_probe(tmp_path):
    path = write_tracks(tmp_path / "a.mkv", [(SILENCE, SILENCE), (VOICE, -VOICE)])
    clip = prepare_clip(path, "a", PrepareOptions(), media="audio")
    assert clip.damage is None
    assert "track 2 is taken" in clip.sound_note
    assert "only the left is taken" in clip.sound_note
    assert "track 2 is taken" in probe_file(path, "audio").damage


@pytest.mark.parametrize("rate", [8, 3_999, 400_000])
def test_sample_rates_that_hold_no_voice_are_refused_before_they_fill_the_memory(rate, tmp_path):
    wavfile.write(tmp_path / "a.wav", rate, np.full(32_000, 9_000, np.int16))
    with pytest.raises(MediaError, match=f"{rate:,} samples a second; 4,000 to 384,000 are read"):
        read_sound(tmp_path / "a.wav", RATE)


def test_telephone_speech_is_read(tmp_path):
    wavfile.write(tmp_path / "a.wav", 4_000, np.full(4_000, 9_000, np.int16))
    assert len(read_sound(tmp_path / "a.wav", RATE).samples) == RATE


def write_packets(path: Path, starts: list[float], samples: int = 320) -> Path:
    """A track of short packets of one value, each at its second."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=RATE, layout="mono")
        for start in starts:
            frame = av.AudioFrame.from_ndarray(np.full((1, samples), 9_000, np.int16), format="s16", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = RATE, round(start * RATE), Fraction(1, RATE)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def test_one_lost_packet_of_20_milliseconds_becomes_silence_of_its_length(tmp_path):
    starts = [0.02 * number for number in range(50) if number != 20]
    samples = read_sound(write_packets(tmp_path / "a.mkv", starts), RATE).samples
    assert len(samples) == RATE
    np.testing.assert_array_equal(np.flatnonzero(samples == 0), np.arange(6_400, 6_720))


def test_pauses_that_cost_no_bytes_may_not_fill_the_memory(tmp_path):
    path = write_packets(tmp_path / "a.mkv", [29.0 * number for number in range(60)])
    with pytest.raises(MediaError, match="nearly all pauses"):
        read_sound(path, RATE)
    assert len(read_sound(path, RATE, max_seconds=60.0).samples) == 60 * RATE


def test_a_sound_that_starts_late_on_its_clock_is_read_as_long_as_asked(tmp_path):
    path = write_packets(tmp_path / "a.mkv", [500 + 0.02 * number for number in range(100)])
    assert (read_sound(path, RATE, max_seconds=1.5).samples == 9_000).all()
    assert len(read_sound(path, RATE, max_seconds=1.5).samples) == 1.5 * RATE


@pytest.mark.parametrize(("rate", "codec"), [(16_000, "libmp3lame"), (22_050, "libmp3lame"), (48_000, "eac3")])
def test_where_the_header_of_avi_names_another_length_of_packets_the_samples_count(rate, codec, tmp_path):
    path = write_tracks(tmp_path / "a.avi", [(np.resize(VOICE, 3 * rate),)], rate=rate, codec=codec)
    whole = bytearray(path.read_bytes())
    place = whole.index(b"auds") + 20  # of the length of a packet in the header of the stream
    if codec == "libmp3lame":  # E-AC-3 is told wrongly by FFmpeg itself
        whole[place : place + 4] = struct.pack("<I", 2 * struct.unpack("<I", whole[place : place + 4])[0])
        path.write_bytes(whole)
    assert len(read_sound(path, RATE).samples) == pytest.approx(3 * RATE, abs=RATE // 5)
    assert probe(path).audio_end == pytest.approx(3.0, abs=0.2)


def test_sound_of_avi_that_is_counted_by_samples_ends_where_it_does(tmp_path):
    path = write_tracks(tmp_path / "a.avi", [(np.resize(VOICE, 3 * RATE),)], codec="pcm_mulaw")
    assert probe(path).audio_end == pytest.approx(3.0, abs=0.01)
