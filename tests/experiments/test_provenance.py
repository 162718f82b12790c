"""What was loaded and what is frozen is said in numbers that a small part does not vanish in."""

import numpy as np
import pandas as pd
import pytest

from encoders import create_encoder
from experiments.runs.balancing import label_weights, learnt_labels, training_draw
from experiments.runs.provenance import learnt_shares, loaded_text
from multimodal.metrics.options import RuleOptions
from multimodal.training.losses import DetectorLoss


def test_a_small_frozen_part_is_counted_not_rounded_away():
    text = loaded_text(create_encoder("aasist", variant="AASIST-L"), None)
    assert "85,306 weights" in text
    assert text.endswith("frozen: 594")


CLASSES = {"RVRA": 6, "RVFA": 6, "FVRA": 36, "FVFA": 48}  # with one more of each: 0.07, 0.07, 0.37, 0.49
LABELS = np.repeat(np.arange(4), list(CLASSES.values()))


def learnt(loss: str, balance: str = "none", alpha: float = 0.25):
    labels = {"class": LABELS, "video": LABELS // 2, "audio": LABELS % 2}
    clips = pd.DataFrame({"method": "x"}, index=range(len(LABELS)))
    windows = np.ones(len(LABELS), int)
    drawn = training_draw(clips, labels, windows, balance=balance, target="class", seed=0)
    criterion = DetectorLoss(name=loss, weights=label_weights(drawn.counts, balance=balance, loss=loss))
    plain = {"loss": {"name": loss, "alpha": alpha}}
    return learnt_shares(plain, {"learnt": learnt_labels(drawn.counts, criterion)})


def test_cross_entropy_learns_the_shares_of_the_training_clips():
    shares = learnt("cross_entropy")
    assert [shares[name] for name in CLASSES] == pytest.approx([0.07, 0.07, 0.37, 0.49])
    assert shares["video"] == pytest.approx(0.86)
    assert shares["video_alone"] == pytest.approx(85 / 98)


@pytest.mark.parametrize("loss", ["cross_entropy", "weighted_focal"])
@pytest.mark.parametrize("balance", ["class_weights", "weighted_sampler"])
def test_balanced_training_learns_equal_classes_whatever_it_is_combined_with(loss, balance):
    shares = learnt(loss, balance)
    assert [shares[name] for name in CLASSES] == pytest.approx([0.25] * 4)
    assert (shares["any"], shares["video_alone"]) == pytest.approx((0.75, 0.5))


def test_effective_numbers_learn_something_between():
    assert 0.07 < learnt("cross_entropy", "effective_number")["RVRA"] < 0.25


def test_the_alpha_of_the_focal_loss_weighs_the_heads_and_not_the_classes():
    shares = learnt("focal", alpha=0.25)
    assert shares["video"] == pytest.approx(0.86)
    assert shares["video_alone"] == pytest.approx(85 * 0.25 / (85 * 0.25 + 13 * 0.75))


def test_an_option_without_its_rule_is_refused():
    assert RuleOptions(fpr=0.1).for_rules(["target_fpr", "f1"]) == {"target_fpr": {"fpr": 0.1}, "f1": {}}
    with pytest.raises(ValueError, match="rule least_cost is given, which is not chosen; add it to --rules"):
        RuleOptions(cost_miss=10).for_rules(["f1"])
