import json

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from multimodal.labels import CLASSES
from multimodal.metrics import compare, costs, evaluate_scores, ranking
from multimodal.metrics.floors import expected_average_precision
from multimodal.metrics.target_metrics import CLASS_METRICS
from multimodal.report.terminal import metric_table


def scores_table(clips=240, seed=0, identities=30):
    rng = np.random.default_rng(seed)
    video, audio = rng.integers(0, 2, (2, clips))
    p_video = 1 / (1 + np.exp(-(3 * video - 1.5 + rng.normal(0, 1, clips))))
    p_audio = 1 / (1 + np.exp(-(2 * audio - 1 + rng.normal(0, 1, clips))))
    method = np.where(
        video == 1, np.where(audio == 1, "faceswap-wav2lip", "wav2lip"), np.where(audio, "rtvc", "real")
    )
    return pd.DataFrame(
        {
            "clip_id": [f"made/{index}.mp4" for index in range(clips)],
            "split": "test",
            "identity": [f"id{index % identities}" for index in range(clips)],
            "method": method,
            "av_class": np.array(CLASSES)[2 * video + audio],
            "video_fake": pd.array(video, dtype="Int8"),
            "audio_fake": pd.array(audio, dtype="Int8"),
            "any_fake": pd.array(video | audio, dtype="Int8"),
            "score_video": p_video,
            "score_audio": p_audio,
            "score_any": 1 - (1 - p_video) * (1 - p_audio),
            "p_RVRA": (1 - p_video) * (1 - p_audio),
            "p_RVFA": (1 - p_video) * p_audio,
            "p_FVRA": p_video * (1 - p_audio),
            "p_FVFA": p_video * p_audio,
        }
    )


@pytest.fixture(scope="module")
def report():
    thresholds = {"video": {"f1": {"threshold": 0.4}, "youden": {"threshold": None, "reason": "none"}}}
    return evaluate_scores(scores_table(), thresholds=thresholds, replicates=100)


def test_the_report_has_the_agreed_shape_and_is_json_without_nan(report):
    assert json.loads(json.dumps(report, allow_nan=False)) == report
    assert report["split"] == "test"
    assert report["intervals"] == {
        "method": "bootstrap over identities",
        "replicates": 100,
        "level": 0.95,
        "seed": 0,
    }
    for target in ("any", "video", "audio"):
        assert {"auc", "ap_fake", "ap_real", "eer", "balanced_accuracy", "f1"} <= set(report[target])
        assert {"real", "fake", "identities", "not_judged", "unlabelled"} == set(report["counts"][target])
        assert {"random", "always_fake"} == set(report["floors"][target])
    assert {"balanced_accuracy", "macro_auc", "accuracy"} <= set(report["class"])
    assert list(report["class"]) == list(CLASS_METRICS)
    assert report["confusion"]["classes"] == list(CLASSES)
    assert np.sum(report["confusion"]["counts"]) == 240


def test_every_value_lies_inside_its_interval(report):
    for target in ("any", "video", "audio", "class"):
        for name, entry in report[target].items():
            assert entry["low"] <= entry["value"] <= entry["high"], (target, name)


def test_values_are_those_of_the_single_functions(report):
    table = scores_table()
    for target in ("any", "video", "audio"):
        labels, scores = table[f"{target}_fake"].to_numpy(int), table[f"score_{target}"].to_numpy()
        pair = scores[labels == 1], scores[labels == 0]
        ratios = [costs.log_likelihood_ratios(part, 0.5) for part in pair]
        expected = {
            "auc": ranking.roc_auc(*pair),
            "ap_fake": ranking.average_precision_fake(*pair),
            "ap_real": ranking.average_precision_real(*pair),
            "eer": ranking.equal_error_rate(*pair).rate,
            "tpr_at_fpr_1pct": ranking.tpr_at_fpr(*pair, 0.01),
            "min_dcf": costs.min_dcf(*pair),
            "act_dcf": costs.act_dcf(*ratios),
            "cllr": costs.cllr(*ratios),
            "brier": np.mean((scores - labels) ** 2),
        }
        for name, value in expected.items():
            assert report[target][name]["value"] == pytest.approx(value, abs=1e-9), (target, name)
    macro = roc_auc_score(
        table["av_class"].map(CLASSES.index), table[[f"p_{name}" for name in CLASSES]], multi_class="ovr"
    )
    assert report["class"]["macro_auc"]["value"] == pytest.approx(macro, abs=1e-9)


def test_each_method_is_ranked_against_all_reals(report):
    table = scores_table()
    methods = report["per_method"]["video"]
    assert set(methods) == {"wav2lip", "faceswap-wav2lip"}
    fake = table[(table["method"] == "wav2lip")]["score_video"]
    real = table[table["video_fake"] == 0]["score_video"]
    assert methods["wav2lip"]["count"] == len(fake)
    assert methods["wav2lip"]["auc"]["value"] == pytest.approx(ranking.roc_auc(fake, real))
    assert methods["wav2lip"]["ap_fake"]["value"] == pytest.approx(ranking.average_precision_fake(fake, real))
    assert methods["wav2lip"]["ap_real"]["value"] == pytest.approx(ranking.average_precision_real(fake, real))
    caught, spared = (fake >= 0.5).mean(), (real < 0.5).mean()
    assert methods["wav2lip"]["balanced_accuracy"]["value"] == pytest.approx((caught + spared) / 2)
    precision = (fake >= 0.5).sum() / ((fake >= 0.5).sum() + (real >= 0.5).sum())
    assert methods["wav2lip"]["f1"]["value"] == pytest.approx(2 * precision * caught / (precision + caught))
    assert methods["wav2lip"]["floors"]["random"]["ap_fake"] == pytest.approx(
        expected_average_precision(len(fake), len(real))
    )
    mean = np.mean([entry["auc"]["value"] for entry in methods.values()])
    assert report["macro_over_methods"]["video"]["auc"]["value"] == pytest.approx(mean)


def test_stored_thresholds_stand_beside_the_default_and_undefined_ones_are_left_out(report):
    at = report["at_thresholds"]["video"]
    table = scores_table()
    caught = (table["score_video"][table["video_fake"] == 1] >= 0.4).mean()
    assert list(at) == ["even_odds", "f1"]
    assert at["even_odds"]["recall"] == report["video"]["recall"]
    assert at["f1"]["threshold"] == 0.4
    assert at["f1"]["recall"]["value"] == pytest.approx(caught)
    assert report["video"]["recall"]["value"] != at["f1"]["recall"]["value"]


def test_the_own_head_of_a_modality_is_judged_beside_the_fused_scores():
    table = scores_table().assign(head_video=lambda t: 1 - t["score_video"], head_audio=np.nan)
    report = evaluate_scores(table, thresholds={"video_alone": {"f1": {"threshold": 0.3}}}, replicates=20)
    assert report["video_alone"]["auc"]["value"] == pytest.approx(1 - report["video"]["auc"]["value"])
    assert list(report["at_thresholds"]["video_alone"]) == ["even_odds", "f1"]
    assert "video_alone" not in report["per_method"]
    assert report["counts"]["audio_alone"]["not_judged"] == 240
    assert any("video_alone: AUC" in said and "polarity" in said for said in report["warnings"])


def test_the_same_seed_gives_the_same_report_and_another_gives_other_intervals():
    table = scores_table(80)
    first, again, other = (evaluate_scores(table, replicates=50, seed=seed) for seed in (3, 3, 4))
    assert first == again
    assert first["any"]["auc"]["value"] == other["any"]["auc"]["value"]
    assert first["any"]["auc"]["low"] != other["any"]["auc"]["low"]


def test_the_order_of_rows_changes_nothing_but_the_draws():
    table = scores_table(100)
    report, shuffled = (
        evaluate_scores(t, replicates=0) for t in (table, table.sample(frac=1, random_state=1, ignore_index=False))
    )
    assert shuffled["any"]["auc"] == report["any"]["auc"]
    assert shuffled["confusion"] == report["confusion"]


def test_clips_that_could_not_be_judged_are_counted_and_told():
    table = scores_table()
    table.loc[:9, ["score_audio", "p_RVRA"]] = np.nan
    table.loc[10:14, "audio_fake"] = pd.NA
    report = evaluate_scores(table, replicates=0)
    counts = report["counts"]["audio"]
    assert counts["not_judged"] == 10
    assert counts["unlabelled"] == 5
    assert counts["real"] + counts["fake"] == 225
    assert report["counts"]["class"]["not_judged"] == 10
    assert any("audio: 10 clips" in said for said in report["warnings"])


def test_a_class_missing_from_the_test_set_leaves_what_can_be_said():
    table = scores_table()
    report = evaluate_scores(table[table["any_fake"] == 1], replicates=20)
    assert report["any"]["auc"]["value"] is None
    assert "reason" in report["any"]["auc"]
    assert report["any"]["recall"]["value"] > 0.5
    assert report["any"]["recall_real"]["value"] is None
    for metric in ("ap_fake", "ap_real", "precision", "precision_real", "f1", "f1_real"):
        assert report["any"][metric]["value"] is None
    assert report["class"]["balanced_accuracy"]["value"] is None
    assert report["class"]["recall_FVFA"]["value"] > 0
    assert any("no real clip" in said for said in report["warnings"])


def test_a_target_that_nobody_could_judge_is_not_defined():
    table = scores_table().assign(score_audio=np.nan, p_RVRA=np.nan)
    report = evaluate_scores(table, replicates=20)
    assert report["audio"]["auc"]["value"] is None
    assert report["counts"]["audio"]["not_judged"] == 240
    assert set(report["class"]) == set(CLASS_METRICS)
    assert all(entry["value"] is None for entry in report["class"].values())


def test_constant_scores_are_worth_one_half_and_a_warning():
    report = evaluate_scores(scores_table().assign(score_any=0.3), replicates=20)
    assert report["any"]["auc"]["value"] == 0.5
    assert report["any"]["eer"]["value"] == pytest.approx(0.5)
    assert any("any: all 240 scores are 0.3" in said for said in report["warnings"])


def test_one_identity_gives_values_without_intervals_and_says_why():
    report = evaluate_scores(scores_table().assign(identity="ann"), replicates=50)
    assert report["any"]["auc"]["value"] > 0.5
    assert report["any"]["auc"]["low"] is None
    assert "one identity" in report["any"]["auc"]["reason"]


def test_without_identities_clips_are_drawn():
    report = evaluate_scores(scores_table().drop(columns="identity"), replicates=20)
    assert report["intervals"]["method"] == "bootstrap over clips"
    assert report["counts"]["any"]["identities"] == 240


def test_an_inverted_polarity_is_suspected():
    table = scores_table()
    report = evaluate_scores(table.assign(score_video=1 - table["score_video"]), replicates=50)
    assert any("video: AUC" in said and "polarity inverted" in said for said in report["warnings"])
    assert not any("audio: AUC" in said for said in report["warnings"])


def test_a_metric_near_its_floor_is_told():
    rng = np.random.default_rng(1)
    report = evaluate_scores(scores_table().assign(score_any=rng.random(240)), replicates=100)
    assert any("any: auc" in said and "not clearly better" in said for said in report["warnings"])
    assert not any("video: auc" in said for said in report["warnings"])


def test_accuracy_below_that_of_always_fake_is_told_on_lopsided_data():
    table = pd.DataFrame(
        {"any_fake": [1] * 420 + [0] * 10, "score_any": [0.9] * 418 + [0.2] * 2 + [0.1] * 5 + [0.8] * 5}
    )
    report = evaluate_scores(table, replicates=50)
    assert report["any"]["accuracy"]["value"] > 0.98
    assert any("accuracy" in said and "always_fake" in said for said in report["further_warnings"])
    assert not any("accuracy" in said for said in report["warnings"])


def test_mere_ranks_get_ranking_metrics_only():
    table = scores_table().assign(score_any=lambda t: 10 * t["score_any"] - 3)
    report = evaluate_scores(table[["any_fake", "score_any"]], kind="score", replicates=20)
    assert report["any"]["auc"]["value"] > 0.8
    assert not {"accuracy", "cllr", "brier"} & set(report["any"])


def test_log_likelihood_ratios_and_their_probabilities_are_judged_alike():
    table = scores_table()[["any_fake", "score_any", "identity"]]
    ratios = table.assign(score_any=costs.log_likelihood_ratios(table["score_any"], 0.75))
    as_ratio = evaluate_scores(ratios, kind="llr", fake_prior={"any": 0.75}, replicates=0)["any"]
    as_probability = evaluate_scores(table, fake_prior={"any": 0.75}, replicates=0)["any"]
    for name, entry in as_probability.items():
        assert as_ratio[name]["value"] == pytest.approx(entry["value"], abs=1e-6), name


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"score_any": 3.0}, r"score_any must lie in \[0, 1\].*logits"),
        ({"score_any": np.inf}, "infinite"),
        ({"any_fake": 2}, "any_fake must be 1"),
        ({"av_class": "FAKE"}, "av_class must be one of RVRA"),
        ({"split": ["train", "test"] * 120}, "several splits: test, train"),
        ({"clip_id": "the same"}, "239 rows repeat a clip, e.g. the same"),
    ],
)
def test_tables_that_cannot_be_judged_are_refused(change, says):
    with pytest.raises(ValueError, match=says):
        evaluate_scores(scores_table().assign(**change))


def test_tables_without_rows_or_columns_are_refused():
    with pytest.raises(ValueError, match="no row"):
        evaluate_scores(scores_table().iloc[:0])
    with pytest.raises(ValueError, match="want a label and a score column"):
        evaluate_scores(scores_table()[["clip_id", "score_any"]])
    with pytest.raises(ValueError, match="unknown kind of score"):
        evaluate_scores(scores_table(), kind="logit")


def test_intervals_do_not_depend_on_the_order_of_rows():
    generator = np.random.default_rng(0)
    label = np.arange(90) % 3 > 0
    table = pd.DataFrame(
        {
            "clip_id": [f"clip {row}" for row in range(90)],
            "any_fake": label.astype(int),
            "score_any": generator.normal(label, 1),
            "identity": [None if row % 7 == 0 else f"person {row % 15}" for row in range(90)],
        }
    )
    shuffled = table.sample(frac=1, random_state=1)
    other = table.assign(score_any=generator.normal(label, 1))
    for columns in (list(table), [name for name in table if name != "identity"]):
        one, two = (evaluate_scores(of[columns], kind="score", replicates=40) for of in (table, shuffled))
        assert one == two
        one, two = (
            compare(of[columns], other, kinds=("score", "score"), replicates=40) for of in (table, shuffled)
        )
        assert one == two


def test_the_bias_of_average_precision_with_few_reals_is_told():
    for num_real, told in ((20, True), (60, False)):
        label = np.repeat([0, 1], [num_real, 60])
        scores = np.random.default_rng(0).normal(label, 1)
        report = evaluate_scores(
            pd.DataFrame({"any_fake": label, "score_any": scores}), kind="score", replicates=0
        )
        assert any("too high on average" in said for said in report["further_warnings"]) == told
        assert any("too high on average" in line for line in metric_table(report, "any")) == told
