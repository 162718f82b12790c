"""Statistics of short stretches of sound: where they lie, and what joins and made-up phases do to them."""

import pytest
import torch

from encoders import create_encoder
from encoders.audio.textures import TextureEncoder

RATE = 16_000
#: How steadily phases turn in frames of 512, by band: behind 12 of joins, 96 of frames of 256, 24 of loudness.
STEADINESS = slice(132 + 24, 132 + 36)


def noise(seed: int, seconds: float = 1.6) -> torch.Tensor:
    return 0.05 * torch.randn(1, round(seconds * RATE), generator=torch.Generator().manual_seed(seed))


def voice(seconds: float = 1.6) -> torch.Tensor:
    """Pulses 8 ms apart through a resonance, as of a steady vowel."""
    moments = torch.arange(round(seconds * RATE)) % 128 / RATE
    return (0.3 * torch.exp(-600 * moments) * torch.sin(2 * torch.pi * 900 * moments))[None]


@pytest.fixture(scope="module")
def encoder() -> TextureEncoder:
    made = create_encoder("textures", embed_dim=4).eval()
    assert isinstance(made, TextureEncoder)
    return made


def test_a_token_stands_for_its_own_moment_and_the_milliseconds_around_it(encoder):
    sound, other = noise(0), noise(0)
    other[:, 10 * 1280 : 11 * 1280] = noise(1)[:, :1280]
    changed = (encoder.statistics(sound) != encoder.statistics(other)).any(dim=2)[0]
    assert encoder.statistics(sound).shape[:2] == (1, 20)
    assert changed.nonzero().flatten().tolist() == [9, 10, 11]


def test_where_two_sounds_are_joined_the_loudest_milliseconds_stand_out(encoder):
    sound = voice()
    sound[:, 12_900:] = sound[:, : sound.shape[1] - 12_900].roll(40, dims=1) * 0.7
    jumps = encoder.statistics(sound)[0, 1:-1, -1]
    assert jumps.argmax() == 12_900 // 1280 - 1


def test_a_voice_whose_phases_were_made_up_turns_otherwise(encoder):
    spectrum = torch.stft(voice(), 512, 128, window=torch.hann_window(512), return_complex=True)
    angles = torch.rand(spectrum.shape, generator=torch.Generator().manual_seed(0)) * 2 * torch.pi
    made_up = torch.istft(torch.polar(spectrum.abs(), angles), 512, 128, window=torch.hann_window(512))
    one, other = (encoder.statistics(sound)[0, 2:18, STEADINESS].mean() for sound in (voice(), made_up))
    assert one > 1.5 * other


def test_tokens_last_as_long_as_was_asked_for_and_not_less_than_the_frames_in_them():
    shorter = create_encoder("textures", embed_dim=4, token_seconds=0.048).eval()
    with torch.no_grad():
        assert shorter(noise(0)).shape == (1, 33, 4)
    with pytest.raises(ValueError, match=r"a token lasts at least 0\.016 s; got token_seconds 0\.001"):
        create_encoder("textures", token_seconds=0.001)
