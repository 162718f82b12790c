"""Long-term statistics: what was met before is not computed again, and no kind of them drowns another."""

import pytest
import torch

from encoders import create_encoder


@pytest.fixture(scope="module")
def encoder():
    return create_encoder("traces", embed_dim=4).eval()


@pytest.fixture
def sound():
    return 0.1 * torch.randn(2, 8000, generator=torch.Generator().manual_seed(0))


def test_a_window_that_was_met_before_is_not_computed_again(encoder, sound, monkeypatch):
    first = encoder(sound)
    monkeypatch.setattr(encoder, "statistics", lambda *_: pytest.fail("computed again"))
    assert torch.equal(encoder(sound.flip(0)), first.flip(0))


def test_the_same_samples_with_more_padding_are_another_window(encoder, sound):
    mask = torch.arange(8000) < torch.tensor([[8000], [6000]])
    assert not torch.equal(encoder(sound, mask)[1], encoder(sound)[1])
    assert torch.equal(encoder(sound, mask)[0], encoder(sound)[0])


def test_every_kind_of_statistics_is_as_heavy_as_another(encoder):
    weights = encoder.evened.square()
    kinds = torch.unique_consecutive(weights, return_counts=True)
    assert torch.allclose(kinds[0] * kinds[1], (kinds[0] * kinds[1] / 64).round() * 64, rtol=1e-3)
