import numpy as np
import pandas as pd
import pytest
from scipy.special import softmax

from multimodal.metrics import evaluate_scores
from multimodal.metrics.checks import by_label
from multimodal.metrics.ranking import average_precision_real, roc_auc
from multimodal.metrics.seeds import judge_seeds


def clips(num_identities: int = 20, per_class: int = 2) -> pd.DataFrame:
    """Every identity has clips of all four classes."""
    rows = [
        {"identity": f"person {person}", "video_fake": video, "audio_fake": audio}
        for person in range(num_identities)
        for video in (0, 1)
        for audio in (0, 1)
        for _ in range(per_class)
    ]
    table = pd.DataFrame(rows)
    table["clip_id"] = [f"clip {number:04d}" for number in range(len(table))]
    table["any_fake"] = table["video_fake"] | table["audio_fake"]
    table["av_class"] = np.array(["RVRA", "RVFA", "FVRA", "FVFA"])[2 * table["video_fake"] + table["audio_fake"]]
    return table


def scored(
    table: pd.DataFrame, generator: np.random.Generator, strength: float, luck: float = 0.0
) -> pd.DataFrame:
    """Scores of one training: ``strength`` apart, with a shift of strength that is the seed's luck."""
    apart = strength + luck * generator.normal()
    noise = {name: generator.normal(size=len(table)) for name in ("any", "video", "audio")}
    columns = {f"score_{name}": apart * table[f"{name}_fake"] + noise[name] for name in noise}
    for name in ("RVRA", "RVFA", "FVRA", "FVFA"):
        columns[f"p_{name}"] = apart * (table["av_class"] == name) + generator.normal(size=len(table))
    return table.assign(**columns)


def test_a_measure_is_the_mean_of_its_value_in_each_seed():
    generator, table = np.random.default_rng(0), clips()
    seeds = [scored(table, generator, 1.0) for _ in range(3)]
    entry = judge_seeds({"one": seeds}, "one", replicates=50)["one"]
    aucs = [roc_auc(*by_label(t["any_fake"].to_numpy(), t["score_any"].to_numpy())) for t in seeds]
    precisions = [
        average_precision_real(*by_label(t["any_fake"].to_numpy(), t["score_any"].to_numpy())) for t in seeds
    ]
    assert entry["auc_any"]["seeds"] == pytest.approx(aucs)
    assert entry["auc_any"]["value"] == pytest.approx(np.mean(aucs))
    assert entry["ap_real"]["value"] == pytest.approx(np.mean(precisions))
    assert entry["auc_any"]["low"] < np.mean(aucs) < entry["auc_any"]["high"]


def test_a_clip_of_which_no_label_is_known_counts_for_nothing():
    generator, table = np.random.default_rng(0), clips()
    whole = scored(table, generator, 1.0).astype(dict.fromkeys(("video_fake", "audio_fake", "any_fake"), float))
    unknown = whole.assign(any_fake=whole["any_fake"].where(whole.index > 0))
    entry = judge_seeds({"one": [unknown]}, "one", replicates=20)["one"]["auc_any"]
    assert entry["value"] == roc_auc(
        *by_label(whole["any_fake"][1:].to_numpy(), whole["score_any"][1:].to_numpy())
    )
    assert entry["low"] < entry["value"] < entry["high"]


def test_a_macro_area_with_a_class_that_is_always_right_is_as_sure_as_that_of_a_table_alone():
    table = scored(clips(), np.random.default_rng(0), 1.0)
    posteriors = [f"p_{name}" for name in ("RVRA", "RVFA", "FVRA", "FVFA")]
    table[posteriors] = softmax(table[posteriors].to_numpy(), axis=1)
    table["p_RVRA"] = 0.1 * table["p_RVRA"] + 0.9 * (table["av_class"] == "RVRA")
    of_study = judge_seeds({"one": [table]}, "one", replicates=50, primary="macro_auc")["one"]["macro_auc"]
    alone = evaluate_scores(table, kind="score", replicates=50)["class"]["macro_auc"]
    assert [of_study[name] for name in alone] == pytest.approx(list(alone.values()))
    assert alone["low"] < alone["value"] - 0.02


def test_seeds_that_disagree_widen_the_interval():
    table = clips()

    def width(luck: float) -> float:
        generator = np.random.default_rng(1)
        seeds = [scored(table, generator, 1.0, luck) for _ in range(3)]
        entry = judge_seeds({"one": seeds}, "one", replicates=100)["one"]["auc_any"]
        return entry["high"] - entry["low"]

    assert width(0.5) > 1.3 * width(0.0)


def test_a_variant_that_is_better_by_far_is_found():
    generator, table = np.random.default_rng(2), clips()
    tables = {
        name: [scored(table, generator, by, 0.05) for _ in range(3)] for name, by in [("a", 0.5), ("b", 2.0)]
    }
    difference = judge_seeds(tables, "a", replicates=200)["b"]["auc_any"]["difference"]
    assert difference["low"] > 0
    assert difference["p_value"] < 0.01
    assert difference["p_holm"] == difference["p_value"]
    assert 0 < difference["detectable"] < difference["value"]


def test_the_primary_measure_alone_takes_the_full_level_and_the_others_are_exploratory():
    generator, table = np.random.default_rng(5), clips()
    tables = {name: [scored(table, generator, 1.0, 0.1) for _ in range(3)] for name in ("a", "b", "c")}
    row = judge_seeds(tables, "a", replicates=50, primary="ap_real")["b"]
    told = {measure: entry["difference"]["exploratory"] for measure, entry in row.items()}
    assert [measure for measure, exploratory in told.items() if not exploratory] == ["ap_real"]
    assert len(told) == 5
    with pytest.raises(ValueError, match="unknown primary measure 'auc'"):
        judge_seeds(tables, "a", replicates=50, primary="auc")


def test_of_twenty_pairs_of_the_same_training_about_one_is_called_different():
    found, table = 0, clips()
    for pair in range(20):
        generator = np.random.default_rng(100 + pair)
        tables = {name: [scored(table, generator, 1.0, 0.2) for _ in range(3)] for name in ("a", "b")}
        p_value = judge_seeds(tables, "a", replicates=100)["b"]["auc_any"]["difference"]["p_value"]
        found += p_value < 0.05
    assert found <= 2


def test_with_one_seed_no_difference_is_tested():
    generator, table = np.random.default_rng(3), clips()
    tables = {"a": [scored(table, generator, 0.5)], "b": [scored(table, generator, 2.0)]}
    difference = judge_seeds(tables, "a", replicates=50)["b"]["auc_any"]["difference"]
    assert difference["value"] > 0
    assert difference["p_value"] is None
    assert "one seed" in difference["reason"]


def test_scores_of_other_clips_and_an_unknown_baseline_are_refused():
    generator, table = np.random.default_rng(4), clips()
    one = scored(table, generator, 1.0)
    with pytest.raises(ValueError, match="compare like with like"):
        judge_seeds({"a": [one], "b": [one.iloc[1:]]}, "a")
    with pytest.raises(ValueError, match="unknown variant to compare with 'c'; choose from a"):
        judge_seeds({"a": [one]}, "c")
