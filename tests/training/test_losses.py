import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torchvision.ops import sigmoid_focal_loss

from fusion import create_fusion, list_fusions
from multimodal.detector import DetectorOutput, TokenClassifier
from multimodal.training.losses import (
    DetectorLoss,
    binary_focal_loss,
    class_weights,
    effective_number_weights,
    focal_loss,
    marginal_logits,
    synchrony_loss,
)


def test_focal_loss_equals_numbers_worked_by_hand():
    # p = (0.5, 0.25, 0.25): label 0 gives -0.25 * 0.5^2 * log 0.5, label 1 gives -0.25 * 0.75^2 * log 0.25
    logits = torch.log(torch.tensor([[0.5, 0.25, 0.25], [0.5, 0.25, 0.25]]))
    losses = focal_loss(logits, torch.tensor([0, 1]))
    expected = [0.25 * 0.25 * math.log(2), 0.25 * 0.5625 * math.log(4)]
    torch.testing.assert_close(losses, torch.tensor(expected))


def test_focal_loss_weighs_each_class():
    logits = torch.zeros(2, 4)
    plain = focal_loss(logits, torch.tensor([0, 3]))
    weighted = focal_loss(logits, torch.tensor([0, 3]), weights=torch.tensor([2.0, 1.0, 1.0, 0.5]))
    torch.testing.assert_close(weighted, plain * torch.tensor([2.0, 0.5]))


def test_focal_loss_without_focus_is_cross_entropy():
    generator = torch.Generator().manual_seed(0)
    logits, labels = torch.randn(32, 4, generator=generator), torch.arange(32) % 4
    weights = torch.tensor([0.5, 1.0, 2.0, 4.0])
    torch.testing.assert_close(
        focal_loss(logits, labels, alpha=1, gamma=0, weights=weights),
        F.cross_entropy(logits, labels, weight=weights, reduction="none"),
    )


@pytest.mark.parametrize(("alpha", "gamma"), [(0.25, 2.0), (0.7, 0.0), (0.5, 3.5)])
def test_binary_focal_loss_agrees_with_torchvision(alpha, gamma):
    logits, labels = torch.linspace(-6, 6, 24), torch.arange(24) % 2
    torch.testing.assert_close(
        binary_focal_loss(logits, labels, alpha=alpha, gamma=gamma),
        sigmoid_focal_loss(logits, labels.float(), alpha=alpha, gamma=gamma),
    )


def test_binary_focal_loss_is_the_two_class_focal_loss():
    logits, labels = torch.linspace(-3, 3, 8), torch.arange(8) % 2
    weights = torch.tensor([3.0, 0.5])
    two_class = torch.stack([torch.zeros(8), logits], dim=1)
    torch.testing.assert_close(
        binary_focal_loss(logits, labels, weights=weights), focal_loss(two_class, labels, weights=weights)
    )


def test_an_unknown_label_adds_nothing_and_sends_no_gradient():
    logits = torch.zeros(2, 4, requires_grad=True)
    focal_loss(logits, torch.tensor([-1, 2])).sum().backward()
    assert logits.grad[0].abs().sum() == 0
    assert logits.grad[1].abs().sum() > 0
    assert binary_focal_loss(torch.tensor([30.0]), torch.tensor([-1])).item() == 0


def test_the_loss_of_a_hopeless_error_is_finite():
    logits = torch.tensor([[200.0, -200.0]], requires_grad=True)
    loss = focal_loss(logits, torch.tensor([1])).sum()
    loss.backward()
    assert loss.isfinite()
    assert logits.grad.isfinite().all()


def test_class_weights_balance_the_classes():
    weights = class_weights(np.array([1, 2, 7, 0]))
    torch.testing.assert_close(weights, torch.tensor([10 / 3, 10 / 6, 10 / 21, 0.0]))


def test_effective_number_weights_lie_between_none_and_class_weights():
    counts = np.array([10, 90, 0])
    torch.testing.assert_close(effective_number_weights(counts, beta=0.0), torch.tensor([1.0, 1.0, 0.0]))
    almost_one = effective_number_weights(counts, beta=1 - 1e-9)
    torch.testing.assert_close(almost_one, torch.tensor([5.0, 5 / 9, 0.0]), rtol=1e-5, atol=0)
    by_hand = (1 - 0.9) / (1 - 0.9 ** np.array([10, 90]))
    weights = effective_number_weights(counts, beta=0.9).numpy()
    assert weights[0] / weights[1] == pytest.approx(by_hand[0] / by_hand[1])
    assert weights @ counts == pytest.approx(100)


def test_a_beta_outside_its_range_is_refused():
    with pytest.raises(ValueError, match=r"beta must lie in \[0, 1\); got 1.0"):
        effective_number_weights(np.array([1, 1]), beta=1.0)


def test_detector_loss_adds_the_share_of_the_heads():
    output = DetectorOutput(torch.zeros(2, 4), {"video": torch.zeros(2), "audio": torch.zeros(2)})
    labels = {"class": torch.tensor([0, 3]), "video": torch.tensor([0, 1]), "audio": torch.tensor([0, 1])}
    result = DetectorLoss(name="cross_entropy", head_weight=0.5)(output, labels)
    assert result.item() == pytest.approx(math.log(4) + 0.5 * (math.log(2) + math.log(2)))


def test_the_logit_of_one_modality_is_that_of_the_marginal():
    logits = torch.tensor([[0.3, -1.0, 2.0, 0.5]])
    posterior = logits.softmax(dim=-1)[0]
    torch.testing.assert_close(marginal_logits(logits, "video").sigmoid()[0], posterior[2] + posterior[3])
    torch.testing.assert_close(marginal_logits(logits, "audio").sigmoid()[0], posterior[1] + posterior[3])


def test_a_clip_shown_by_one_modality_teaches_the_fusion_through_its_marginal():
    logits = torch.tensor([[0.3, -1.0, 2.0, 0.5]], requires_grad=True)
    heads = {"video": torch.zeros(1), "audio": torch.zeros(1)}
    nothing = torch.tensor([-1])
    labels = {"class": nothing, "video": nothing, "audio": nothing, "shown_video": torch.tensor([1])}
    result = DetectorLoss(name="cross_entropy")(DetectorOutput(logits, heads), labels)
    posterior = logits.detach().softmax(dim=-1)[0]
    assert result.item() == pytest.approx(-math.log(posterior[2] + posterior[3]))
    result.backward()
    assert logits.grad.abs().min() > 0


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
    assert result > DetectorLoss()(output, labels)
    result.backward()
    assert all(parameter.grad is not None for parameter in fusion.stem.parameters())


@pytest.mark.parametrize("name", sorted(set(list_fusions()) - set(COMPARING)))
def test_a_fusion_that_compares_nothing_is_refused(name):
    fusion = create_fusion(name, dims={"video": 16, "audio": 16}, out_dim=8)
    with pytest.raises(ValueError, match="compares nothing along time"):
        TokenClassifier(fusion, compares=True)


def test_unknown_labels_do_not_shrink_the_mean():
    logits, labels = torch.tensor([[0.0, 1.0], [2.0, 0.0], [1.0, 1.0], [0.5, 0.0]]), torch.tensor([1, -1, -1, -1])
    alone = focal_loss(logits[:1], labels[:1], reduction="mean")
    torch.testing.assert_close(focal_loss(logits, labels, reduction="mean"), alone)
    assert focal_loss(logits, torch.full((4,), -1), reduction="mean").item() == 0
    fakes = torch.tensor([1, -1, -1, -1])
    torch.testing.assert_close(
        binary_focal_loss(logits[:, 0], fakes, reduction="mean"), binary_focal_loss(logits[0, :1], fakes[:1]).sum()
    )


def test_known_labels_all_through_give_the_plain_mean_to_the_last_bit():
    generator = torch.Generator().manual_seed(1)
    logits, labels = torch.randn(31, 4, generator=generator), torch.arange(31) % 4
    assert focal_loss(logits, labels, reduction="mean").equal(focal_loss(logits, labels).mean())
    assert focal_loss(logits, labels, reduction="sum").equal(focal_loss(logits, labels).sum())


def test_a_reduction_that_there_is_not_is_refused():
    with pytest.raises(ValueError, match="reduction must be mean, sum or none; got 'avg'"):
        focal_loss(torch.zeros(1, 2), torch.tensor([0]), reduction="avg")


def test_a_soft_label_mixes_the_losses_of_both_labels():
    logits, whole = torch.tensor([2.0, -1.0, 0.5]), torch.tensor([1, 0, -1])
    torch.testing.assert_close(binary_focal_loss(logits, whole.float()), binary_focal_loss(logits, whole))
    soft = binary_focal_loss(logits[:1], torch.tensor([0.3]))
    real, fake = (binary_focal_loss(logits[:1], torch.tensor([label])) for label in (0, 1))
    torch.testing.assert_close(soft, 0.7 * real + 0.3 * fake)


def test_counts_of_samples_are_not_negative():
    for weigh in (class_weights, effective_number_weights):
        with pytest.raises(ValueError, match=r"counts of samples must be 0 or more; got \[-1, 3\]"):
            weigh([-1, 3])


def test_class_weights_take_any_sequence():
    assert class_weights([1, 3]).equal(class_weights(np.array([1, 3])))
    assert effective_number_weights((1, 3)).equal(effective_number_weights(np.array([1, 3])))


def test_clips_without_a_class_do_not_shrink_the_detectors_loss():
    generator = torch.Generator().manual_seed(2)
    logits, heads = torch.randn(4, 4, generator=generator), torch.randn(2, 4, generator=generator)
    labels = {name: torch.tensor([1, -1, -1, -1]) for name in ("class", "video", "audio")}
    whole = DetectorLoss()(DetectorOutput(logits, {"video": heads[0], "audio": heads[1]}), labels)
    alone = DetectorLoss()(
        DetectorOutput(logits[:1], {"video": heads[0, :1], "audio": heads[1, :1]}),
        {name: label[:1] for name, label in labels.items()},
    )
    torch.testing.assert_close(whole, alone)


def test_a_clip_shown_by_one_modality_counts_as_much_as_any_other():
    logits = torch.zeros(2, 4)
    output = DetectorOutput(logits, {"video": torch.zeros(2), "audio": torch.zeros(2)})
    nothing = torch.tensor([-1, -1])
    labels = {
        "class": torch.tensor([0, -1]),
        "video": nothing,
        "audio": nothing,
        "shown_video": torch.tensor([-1, 1]),
    }
    loss = DetectorLoss(name="cross_entropy")(output, labels)
    assert loss.item() == pytest.approx((math.log(4) + math.log(2)) / 2)
