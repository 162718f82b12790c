import numpy as np
import pytest
from sklearn.metrics import f1_score

from multimodal.report.figures.calibration import reliability_figure
from multimodal.report.figures.confusion import confusion_figure, threshold_confusions
from multimodal.report.figures.ranking import roc_figure
from multimodal.report.figures.run import method_figure
from multimodal.report.figures.sample import OperatingPoint, Sample, sample_of
from multimodal.report.figures.scores import score_scatter
from multimodal.report.figures.style import plain
from multimodal.report.figures.thresholds import f1_curves
from multimodal.report.figures.training import curves_of


def test_f1_curves_agree_with_scikit_learn_at_every_threshold():
    generator = np.random.default_rng(1)
    sample = Sample(generator.integers(0, 2, 60), generator.random(60).round(1))
    thresholds = np.linspace(0.05, 0.95, 10)
    of_fake, of_real = f1_curves(sample, thresholds)
    for place, threshold in enumerate(thresholds):
        called = (sample.scores >= threshold).astype(int)
        assert of_fake[place] == pytest.approx(f1_score(sample.labels, called, pos_label=1))
        assert of_real[place] == pytest.approx(f1_score(sample.labels, called, pos_label=0))


def test_the_reliability_diagram_shows_the_probabilities_before_and_after_calibration():
    labels = np.array([0, 1, 1, 1])
    before, after = (
        Sample(labels, np.array([0.12, 0.18, 0.95, 1.0])),
        Sample(labels, np.array([0.5, 0.5, 0.9, 0.9])),
    )
    upper = reliability_figure({"any": before}, {"any": after}).axes[0]
    drawn = {
        container.get_label(): container.lines[0].get_xydata().round(3).tolist() for container in upper.containers
    }
    assert drawn == {
        "before: the scores": [[0.15, 0.5], [0.975, 1.0]],
        "after calibration": [[0.5, 0.5], [0.9, 1.0]],
    }


def test_the_equal_error_point_lies_where_both_errors_are_equal():
    sample = Sample(np.array([0, 0, 0, 1, 1, 1]), np.array([0.1, 0.2, 0.8, 0.3, 0.7, 0.9]))
    figure = roc_figure({"any": sample}, {})
    (point,) = [line for line in figure.axes[0].lines if line.get_marker() == "X"]
    assert (point.get_xdata()[0], point.get_ydata()[0]) == pytest.approx((1 / 3, 2 / 3))


def test_confusion_shows_counts_with_shares_of_the_true_class():
    figure = confusion_figure(["A", "B"], [[3, 1], [0, 0]])
    assert [text.get_text() for text in figure.axes[0].texts] == ["3\n75%", "1\n25%", "0\n-", "0\n-"]


def test_confusion_at_a_threshold_counts_a_score_on_it_as_fake():
    sample = Sample(np.array([0, 0, 1, 1]), np.array([0.3, 0.5, 0.5, 0.4]))
    figure = threshold_confusions({"any": sample}, {"any": [OperatingPoint("f1", 0.35)]})
    texts = [[text.get_text() for text in axes.texts] for axes in figure.axes]
    even_odds, best_f1 = ["1\n50%", "1\n50%", "1\n50%", "1\n50%"], ["1\n50%", "1\n50%", "0\n0%", "2\n100%"]
    assert texts == [even_odds + best_f1]


def test_a_threshold_that_several_rules_chose_has_one_confusion():
    sample = Sample(np.array([0, 0, 1, 1]), np.array([0.3, 0.5, 0.5, 0.4]))
    points = [
        OperatingPoint(rule, threshold) for rule, threshold in (("f1", 0.35), ("eer", 0.4), ("youden", 0.35))
    ]
    figure = threshold_confusions({"any": sample, "video": sample}, {"any": points, "video": points[:1]})
    rows = {
        axes.get_title(loc="left"): [label.get_text() for label in axes.get_yticklabels()] for axes in figure.axes
    }
    assert rows == {
        "any": ["0.50 even odds", "0.35 best F1, Youden's J", "0.40 equal error rate"],
        "video": ["0.50 even odds", "0.35 best F1"],
    }


def test_methods_stand_worst_first_and_what_is_not_defined_last():
    rows = {"good": 0.9, "bad": 0.4, "unknown": None}
    per_method = {"any": {name: {"count": 5, "auc": {"value": value}} for name, value in rows.items()}}
    axes = method_figure(per_method).axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["bad (5)", "good (5)", "unknown (5)"]
    assert [text.get_text() for text in axes.texts] == ["not defined"]


def test_more_methods_than_fit_are_cut_to_the_worst_and_the_title_says_so():
    methods = {f"method {index}": {"count": 1, "auc": {"value": index / 50}} for index in range(50)}
    axes = method_figure({"any": methods}).axes[0]
    assert axes.get_title(loc="left") == "any, worst 30 of 50 methods"
    assert axes.get_yticklabels()[-1].get_text() == "method 29 (1)"


def test_the_scatter_thins_many_clips_and_says_how_many_it_shows(scores):
    many = scores.sample(10_000, replace=True, random_state=0, ignore_index=True)
    axes = score_scatter(many, {}).axes[0]
    shown = sum(len(collection.get_offsets()) for collection in axes.collections)
    assert 2_000 < shown <= 4_000
    assert axes.get_title(loc="left") == f"{shown:,} of 10,000 clips"


def test_null_labels_and_scores_are_left_out_of_a_sample(scores):
    table = scores.copy()
    table.loc[0, "any_fake"] = None
    table.loc[1, "score_any"] = np.inf
    sample = sample_of(table, "any")
    assert (len(sample.labels), sample.left_out) == (118, 1)


def test_history_rows_become_sorted_curves_without_places_and_nulls():
    curves = curves_of([{"step": 2, "loss": 1.0, "epoch": 0}, {"step": 1, "loss": 3.0, "auc": None}])
    assert list(curves) == ["loss"]
    assert curves["loss"][0].tolist() == [1, 2]
    assert curves["loss"][1].tolist() == [3, 1]


@pytest.mark.parametrize("text", ["$\\frac$", "日本語", "a" * 500, "line\nbreak", "\x00\x07"])
def test_text_of_strangers_is_drawn_letter_by_letter(text):
    figure = method_figure({"any": {text: {"count": 1, "auc": {"value": 0.5, "low": 0.4, "high": 0.6}}}})
    figure.canvas.draw()
    assert len(plain(text).replace("\\$", "$")) <= 36
