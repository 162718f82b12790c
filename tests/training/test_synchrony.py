import math

import pytest
import torch

from fusion import create_fusion, list_fusions
from multimodal.detector import TokenClassifier
from multimodal.training.losses import DetectorLoss
from multimodal.training.synchrony import synchrony_loss

COMPARING = ["discrepancy", "cross_attention", "transformer", "bottleneck"]
REAL = torch.tensor([True, True, True])


def moving(batch: int = 3, time: int = 8, width: int = 16) -> torch.Tensor:
    return torch.randn(batch, time, width, generator=torch.Generator().manual_seed(0))


def test_tokens_that_move_together_cost_less_than_shifted_ones():
    video = moving()
    aligned, shifted = synchrony_loss(video, video, REAL), synchrony_loss(video, video.roll(2, dims=1), REAL)
    assert aligned < 0.05
    assert shifted > 1


def test_tokens_that_say_nothing_cost_as_much_as_a_guess_among_the_shifts():
    still = torch.ones(3, 8, 16)
    assert synchrony_loss(still, still, REAL).item() == pytest.approx(math.log(9))


def test_fakes_are_left_out_and_a_batch_of_fakes_costs_nothing():
    video, audio = moving(), moving()
    audio[1] = audio[1].roll(3, dims=0)
    only_first = torch.tensor([True, False, False])
    torch.testing.assert_close(
        synchrony_loss(video, audio, only_first), synchrony_loss(video[:1], audio[:1], REAL[:1])
    )
    assert synchrony_loss(video, audio, ~REAL).item() == 0


def test_two_rates_are_brought_to_the_slower():
    video = moving(time=8)
    faster = video.repeat_interleave(3, dim=1)
    torch.testing.assert_close(synchrony_loss(video, faster, REAL), synchrony_loss(video, video, REAL))


def test_windows_too_short_to_be_shifted_are_refused():
    with pytest.raises(ValueError, match="at least 4 tokens a window; got 3"):
        synchrony_loss(moving(time=3), moving(), REAL)


@pytest.mark.parametrize("name", COMPARING)
def test_the_loss_reaches_the_place_where_a_fusion_compares(name):
    torch.manual_seed(0)
    fusion = create_fusion(name, dims={"video": 16, "audio": 16}, out_dim=8, width=16)
    classifier = TokenClassifier(fusion, compares=True)
    output = classifier({"video": moving(), "audio": moving() + 0.1})
    labels = {label: torch.zeros(3, dtype=torch.int64) for label in ("class", "video", "audio")}
    result = DetectorLoss(synchrony_weight=1.0)(output, labels)
    result.parts["synchrony"].item()
    assert result.total > DetectorLoss()(output, labels).total
    result.total.backward()
    assert all(parameter.grad is not None for parameter in fusion.blocks.parameters())


@pytest.mark.parametrize("name", sorted(set(list_fusions()) - set(COMPARING)))
def test_a_fusion_that_compares_nothing_is_refused(name):
    fusion = create_fusion(name, dims={"video": 16, "audio": 16}, out_dim=8)
    with pytest.raises(ValueError, match="compares nothing along time"):
        TokenClassifier(fusion, compares=True)
