import math

import pandas as pd
import pytest
import torch

from multimodal.training.losses import DetectorLoss
from multimodal.training.tasks import BranchTask, DetectorTask, drop_modality


def scores(any_scores, video_scores, audio_scores) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "corpus": "fakeavceleb",
            "av_class": ["RVRA", "RVFA", "FVRA", None],
            **{f"p_{name}": [0.1, 0.2, 0.4, 0.5] for name in ("RVRA", "RVFA", "FVRA", "FVFA")},
            "head_video": [0.1, 0.1, 0.9, 0.9],
            "head_audio": [0.5, 0.5, 0.5, float("nan")],
            "video_fake": [0, 0, 1, 1],
            "audio_fake": [0, 1, 0, 1],
            "any_fake": [0, 1, 1, 1],
            "score_any": any_scores,
            "score_video": video_scores,
            "score_audio": audio_scores,
        }
    )


def test_a_detector_is_selected_by_the_mean_auc_of_any_video_and_audio():
    table = scores([0.1, 0.5, 0.6, 0.9], [0.1, 0.2, 0.8, 0.9], [0.9, 0.1, 0.8, 0.2])
    task = DetectorTask(criterion=DetectorLoss(), score_validation=lambda _: table)
    result = task.validate(torch.nn.Identity())
    aucs = {name: value for name, value in result.items() if "loss" not in name}
    assert aucs == {"auc_any": 1.0, "auc_video": 1.0, "auc_audio": 0.0, "selection": pytest.approx(2 / 3)}


def test_of_a_detector_that_judges_moments_their_order_counts_for_the_selection():
    table = scores([0.1, 0.5, 0.6, 0.9], [0.1, 0.2, 0.8, 0.9], [0.9, 0.1, 0.8, 0.2])
    table = table.assign(moments_video=[math.nan, math.nan, 0.5, 0.7], moments_audio=[math.nan] * 4)
    result = DetectorTask(criterion=DetectorLoss(), score_validation=lambda _: table).validate(torch.nn.Identity())
    assert (result["auc_moments_video"], result["auc_moments_audio"]) == (pytest.approx(0.6), None)
    assert result["selection"] == pytest.approx((1 + 1 + 0 + 0.6) / 4)


def test_the_loss_of_validation_is_the_cross_entropy_of_what_is_known_with_the_heads_share():
    table = scores([0.1, 0.5, 0.6, 0.9], [0.1, 0.2, 0.8, 0.9], [0.9, 0.1, 0.8, 0.2])
    task = DetectorTask(criterion=DetectorLoss(head_weight=0.5), score_validation=lambda _: table)
    result = task.validate(torch.nn.Identity())
    by_class, video, audio = -math.log(0.1 * 0.2 * 0.4) / 3, -math.log(0.9), -math.log(0.5)
    assert result["validation_loss_class"] == pytest.approx(by_class)
    assert result["validation_loss_video"] == pytest.approx(video)
    assert result["validation_loss_audio"] == pytest.approx(audio)
    assert result["validation_loss"] == pytest.approx(by_class + 0.5 * (video + audio))


def test_a_branch_is_selected_by_the_auc_of_its_modality():
    table = scores([0.0] * 4, [0.4, 0.1, 0.3, 0.9], [0.0] * 4)
    task = BranchTask(modality="video", criterion=DetectorLoss(), score_validation=lambda _: table)
    loss = pytest.approx(-math.log(0.6 * 0.9 * 0.3 * 0.9) / 4)
    assert task.validate(torch.nn.Identity()) == {"auc_video": 0.75, "validation_loss": loss, "selection": 0.75}


def test_an_auc_that_is_not_defined_is_none_and_counts_in_no_mean():
    table = scores([0.1, 0.5, 0.6, 0.9], [float("nan")] * 4, [0.1, 0.8, 0.2, 0.9])
    task = DetectorTask(criterion=DetectorLoss(), score_validation=lambda _: table)
    result = task.validate(torch.nn.Identity())
    assert result["auc_video"] is None
    assert result["selection"] == 1.0


def test_a_label_counts_only_where_its_modality_is_present():
    seen = {}

    class Spy:
        def in_parts(self, output, labels, known=None, frame_labels=None):
            seen.update(labels)

    batch = {
        "inputs": {},
        "present": {"video": torch.tensor([True, False]), "audio": torch.tensor([True, True])},
        "lengths": {},
        "labels": {"class": torch.tensor([3, 3]), "video": torch.tensor([1, 1]), "audio": torch.tensor([1, 1])},
        "row": torch.tensor([0, 1]),
    }
    next(
        DetectorTask(criterion=Spy(), score_validation=lambda _: None).losses(
            lambda inputs, present, lengths: None, batch
        )
    )
    assert {name: values.tolist() for name, values in seen.items()} == {
        "video": [1, -1],
        "audio": [1, 1],
        "class": [3, -1],
    }


def test_modality_dropout_leaves_out_one_modality_of_its_share_of_the_clips_that_have_both():
    torch.manual_seed(0)
    present = {"video": torch.arange(4000) > 99, "audio": torch.ones(4000, dtype=torch.bool)}
    shown = drop_modality(present, 0.4)
    assert (shown["video"] | shown["audio"]).all()
    assert not shown["video"][:100].any()
    assert shown["audio"][:100].all()
    for name in present:
        assert (~shown[name][100:]).float().mean().item() == pytest.approx(0.2, abs=0.03)
    assert drop_modality(present, 0.0) is present


def test_a_dropped_modality_hides_the_class_and_keeps_the_label_of_the_other():
    seen = {}

    class Spy:
        def in_parts(self, output, labels, known=None, frame_labels=None):
            seen.update(labels)

    both = torch.tensor([True, True])
    batch = {
        "inputs": {},
        "present": {"video": both, "audio": both},
        "lengths": {},
        "labels": {"class": torch.tensor([1, 2]), "video": torch.tensor([0, 1]), "audio": torch.tensor([1, 0])},
        "row": torch.tensor([0, 1]),
    }
    task = DetectorTask(criterion=Spy(), score_validation=lambda _: None, modality_dropout=1.0)
    next(task.losses(lambda inputs, present, lengths: None, batch))
    assert seen["class"].tolist() == [-1, -1]
    assert seen["video"].tolist() == [0, 1]
    for row, (video, audio) in enumerate([(0, 1), (1, 0)]):
        assert (seen["shown_video"][row].item(), seen["shown_audio"][row].item()) in [(video, -1), (-1, audio)]
