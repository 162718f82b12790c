from dataclasses import replace

import numpy as np
import pytest
from scipy.signal import welch

from multimodal.synthetic.identity import invent_person
from multimodal.synthetic.performance import mouth_from_sound
from multimodal.synthetic.voice import add_room, clone_voice, mel_filters, speak, vocode

RATE = 44_100
PERSON = invent_person(0, "someone", race="African", gender="men")


def generator(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def loudest(sound: np.ndarray, seconds: float = 0.08) -> np.ndarray:
    size = int(seconds * RATE)
    parts = sound[: len(sound) // size * size].reshape(-1, size)
    return parts[np.argmax(np.square(parts).sum(axis=1))]


def pitch_of(sound: np.ndarray) -> float:
    part = loudest(sound)
    correlation = np.correlate(part, part, "full")[len(part) - 1 :]
    low, high = RATE // 300, RATE // 70
    return RATE / (low + np.argmax(correlation[low:high]))


@pytest.mark.parametrize("pitch_hz", [100.0, 140.0, 200.0])
def test_a_voice_has_the_pitch_of_its_person(pitch_hz: float) -> None:
    voice = replace(PERSON.voice, pitch_hz=pitch_hz, pitch_range=0.0)
    assert pitch_of(speak(voice, generator(), seconds=1.5, sample_rate=RATE)) == pytest.approx(pitch_hz, rel=0.05)


def test_a_shorter_vocal_tract_moves_the_spectrum_up() -> None:
    def centre(scale: float) -> float:
        sound = speak(replace(PERSON.voice, tract_scale=scale), generator(), seconds=3, sample_rate=RATE)
        frequency, power = welch(sound, RATE, nperseg=2048)
        voiced = frequency < 2500
        return np.average(frequency[voiced], weights=power[voiced])

    assert centre(0.9) < centre(1.0) < centre(1.15)


def test_speech_has_pauses_and_the_length_asked_for() -> None:
    sound = speak(PERSON.voice, generator(3), seconds=4.0, sample_rate=16_000)
    level = np.sqrt(np.square(sound).reshape(-1, 800).mean(axis=1))
    assert sound.shape == (64_000,)
    assert np.abs(sound).max() == pytest.approx(0.5)
    assert 0.1 < (level < 0.02 * level.max()).mean() < 0.7


def test_men_and_women_differ_in_pitch() -> None:
    def pitches(gender: str) -> list[float]:
        return [invent_person(0, f"{n}", race="African", gender=gender).voice.pitch_hz for n in range(20)]

    assert max(pitches("men")) < min(pitches("women"))


def test_an_unknown_group_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown group 'Martian', 'men'; choose a race from African"):
        invent_person(0, "x", race="Martian", gender="men")


def test_a_vocoder_of_no_strength_returns_the_voice() -> None:
    sound = speak(PERSON.voice, generator(), seconds=0.6, sample_rate=RATE)
    assert np.abs(vocode(sound, generator(), sample_rate=RATE, strength=0.0) - sound).max() < 2e-3


def test_a_stronger_vocoder_fills_the_gaps_between_harmonics() -> None:
    voice = replace(PERSON.voice, pitch_hz=220.0, pitch_range=0.0, jitter=0.0)
    sound = speak(voice, generator(), seconds=1.0, sample_rate=RATE)

    def depth(strength: float) -> float:
        part = loudest(vocode(sound, generator(1), sample_rate=RATE, strength=strength))
        spectrum = np.abs(np.fft.rfft(part * np.hanning(len(part)), 8 * len(part)))
        hertz = np.arange(len(spectrum)) * RATE / (8 * len(part))
        harmonics, gaps = np.arange(4, 12) * 220.0, np.arange(4, 12) * 220.0 + 110
        return np.log(np.interp(harmonics, hertz, spectrum) / np.interp(gaps, hertz, spectrum)).mean()

    assert depth(0.0) > depth(0.5) + 0.3 > depth(1.0) + 0.6


def test_mel_filters_cover_every_band_and_sum_to_one() -> None:
    filters = mel_filters(np.fft.rfftfreq(512, 1 / 16_000), 80)
    np.testing.assert_allclose(filters.sum(axis=1), 1)
    assert np.all(np.diff(filters.argmax(axis=1)) >= 0)


def test_a_clone_of_no_strength_is_the_voice_and_a_strong_one_is_flatter() -> None:
    assert clone_voice(PERSON.voice, generator(), strength=0.0) == PERSON.voice
    strong = clone_voice(PERSON.voice, generator(), strength=1.0)
    assert strong.pitch_range < 0.5 * PERSON.voice.pitch_range
    assert strong.jitter < 0.5 * PERSON.voice.jitter


def test_a_room_adds_noise_where_the_voice_is_silent() -> None:
    silent_then_loud = np.concatenate([np.zeros(1000), np.full(1000, 0.5)]).astype(np.float32)
    heard = add_room(silent_then_loud, generator(), sample_rate=RATE)
    assert 0.001 < heard[:1000].std() < 0.01


def test_the_mouth_opens_in_loud_parts_of_loud_and_of_quiet_recordings() -> None:
    sound = np.sin(np.arange(RATE) / 20) * np.repeat([0.0, 1.0], RATE // 2)
    for level in (1.0, 0.05):
        mouth = mouth_from_sound(level * sound, sample_rate=RATE, frame_rate=25, num_frames=25)
        assert mouth[:10].max() < 0.05
        assert mouth[15:].min() > 0.9
