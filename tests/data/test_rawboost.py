import numpy as np
import pytest
import torch

from multimodal.data.augment import SoundAugmentation
from multimodal.data.augment.rawboost import (
    convolutive_noise,
    impulsive_noise,
    notch_filter,
    rawboost,
    stationary_noise,
)

RATE = 16_000


def speech(seconds=0.5):
    time = np.arange(round(seconds * RATE)) / RATE
    return 0.1 * sum(np.sin(2 * np.pi * 140 * k * time + k * k) / k for k in range(1, 20)) * (time > 0.1)


def test_a_notch_filter_has_gaps_and_unit_gain_at_its_loudest():
    for seed in range(10):
        response = np.abs(np.fft.rfft(notch_filter(np.random.default_rng(seed), sample_rate=RATE), n=2048))
        assert response.max() == pytest.approx(1)
        assert response.min() < 0.5


def test_convolutive_noise_keeps_the_peak_and_adds_frequencies_that_were_not_there():
    tone = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(8000) / RATE)
    for seed in range(5):
        noisy = convolutive_noise(tone, np.random.default_rng(seed), sample_rate=RATE)
        assert np.abs(noisy).max() == pytest.approx(0.5)
        spectrum = np.abs(np.fft.rfft(noisy))
        assert spectrum[1500] > 1e-3 * spectrum.max()  # the third harmonic, 3 kHz
        assert np.abs(np.fft.rfft(tone))[1500] < 1e-6 * np.abs(np.fft.rfft(tone)).max()


def test_impulsive_noise_hits_at_most_a_tenth_of_the_samples_and_no_silence():
    sound = speech()
    for seed in range(10):
        noisy = impulsive_noise(sound, np.random.default_rng(seed))
        hit = noisy != sound
        assert hit.mean() <= 0.1
        assert not hit[sound == 0].any()
        assert (np.abs(noisy) <= 3 * np.abs(sound) + 1e-12).all()
    assert any((impulsive_noise(sound, np.random.default_rng(seed)) != sound).any() for seed in range(3))


def test_stationary_noise_lies_10_to_40_decibels_below_the_sound():
    sound, found = speech(), []
    for seed in range(50):
        noise = stationary_noise(sound, np.random.default_rng(seed), sample_rate=RATE) - sound
        found.append(20 * np.log10(np.linalg.norm(sound) / np.linalg.norm(noise)))
    assert 10 - 1e-6 <= min(found) < 15
    assert 35 < max(found) <= 40 + 1e-6


def test_rawboost_keeps_length_and_peak_follows_its_generator_and_leaves_silence():
    sound = torch.from_numpy(speech().astype(np.float32))
    one, again, other = (rawboost(sound, np.random.default_rng(seed), sample_rate=RATE) for seed in (1, 1, 2))
    assert one.shape == sound.shape
    assert one.dtype == torch.float32
    assert one.abs().max() == pytest.approx(sound.abs().max().item(), rel=1e-5)
    assert torch.equal(one, again)
    assert not torch.equal(one, other)
    assert not rawboost(torch.zeros(100), np.random.default_rng(0), sample_rate=RATE).any()


def test_rawboost_is_off_unless_asked_for_and_on_where_it_is():
    off = dict.fromkeys(("shift_seconds", "reverberation", "band_pass", "codec", "noise", "gain_db"), 0.0)
    sound = torch.from_numpy(speech().astype(np.float32))
    for share, is_changed in ((0.0, False), (1.0, True)):
        changed = SoundAugmentation(**off, rawboost=share)(sound, np.random.default_rng(0), sample_rate=RATE)
        assert torch.equal(changed, sound) is not is_changed
