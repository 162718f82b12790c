import re

import pytest

from multimodal.metrics import evaluate_scores
from multimodal.metrics.prior import observed_shares
from multimodal.metrics.probabilities import fit_probabilities, judge_probabilities, probabilities
from multimodal.metrics.thresholds import transfer_thresholds
from multimodal.report.figures.style import blank_figure, png_bytes
from multimodal.report.figures.thresholds import FIGURES, threshold_figures, transfer_figure
from multimodal.report.pages.thresholds import thresholds_page, transfer_page

PNG = png_bytes(blank_figure("x", 0.5))
HOSTILE = '<script>alert("x")</script> $\\frac{1}$ 日本 https://evil.example/x.png'


@pytest.fixture(scope="module")
def rows_of_test(scores):
    rows = scores[scores["split"] == "test"].reset_index(drop=True)
    return rows.assign(head_video=rows["score_video"], head_audio=rows["score_audio"])


@pytest.fixture(scope="module")
def calibration(rows_of_test):
    return fit_probabilities(rows_of_test, observed_shares(rows_of_test), fake_prior=0.1, method="isotonic")


@pytest.fixture(scope="module")
def page(rows_of_test, thresholds, calibration):
    metrics = evaluate_scores(rows_of_test, thresholds=thresholds["thresholds"], replicates=10)
    metrics["calibration"] = judge_probabilities(rows_of_test, calibration, replicates=10)
    return thresholds_page(
        title="<b>run</b>",
        metrics=metrics,
        thresholds={**thresholds, "rules": {"f1": {}, "target_fpr": {"fpr": 0.01}}},
        calibration=calibration,
        images=dict.fromkeys(FIGURES, PNG),
        synthetic=True,
        notes=["<script>alert(1)</script>"],
    )


def test_hostile_text_is_written_out_and_nothing_is_fetched(page):
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<b>run" not in page
    assert not re.search(r'(?:src|href)="(?!data:image/png)', page)


def test_each_rule_stands_beside_even_odds_for_every_target(page):
    table = page[page.index("Decisions at the stored") : page.index("Ranking, at every threshold")]
    rules = re.findall(r'<tr><td class="name">(.*?)</td><td class="number">\s*([\d.]+)', table)
    assert [rule for rule, _ in rules[:3]] == ["even odds", "best F1", "Youden&#39;s J"]
    assert rules[0][1] == "0.500"
    assert table.count("even odds</td>") >= 3
    assert "limit on false alarms (fpr 0.01)" in page


def test_calibration_before_and_after_stands_above_its_floor(page):
    table = page[page.index("<h2>Calibration</h2>") :]
    stages = re.findall(r'<td class="name">(.*?)</td>', table)[:6]
    assert stages == ["the scores as they are", "prior corrected", "temperature", "Platt", "isotonic", "floor"]
    assert "stated for use" in table


def test_figures_show_targets_side_by_side_with_each_thresholds_uncertainty(rows_of_test, thresholds, calibration):
    calibrated = probabilities(rows_of_test, calibration, "isotonic")
    figures = threshold_figures(rows_of_test, thresholds, calibrated)
    spread = figures["threshold_spread"]
    assert [axes.get_title(loc="left") for axes in spread.axes] == ["any", "video", "audio"]
    f1 = thresholds["thresholds"]["any"]["f1"]
    bar, point = spread.axes[0].lines[1:3]
    assert list(bar.get_xdata()) == [f1["low"], f1["high"]]
    assert list(point.get_xdata()) == [f1["threshold"]]
    assert "not defined" in [text.get_text() for text in spread.axes[0].texts]
    assert len(figures["reliability"].axes[0].containers) == 2


def test_the_page_of_a_transfer_shows_stored_thresholds_and_those_chosen_there(rows_of_test, thresholds):
    undefined = {"threshold": None, "reason": "no fake clip to choose from"}
    thresholds = {"thresholds": {"any": thresholds["thresholds"]["any"].copy(), "audio": {"f1": undefined}}}
    thresholds["thresholds"]["any"].pop(HOSTILE)
    moved = transfer_thresholds(thresholds, rows_of_test, replicates=10)
    figure = transfer_figure(rows_of_test, moved)
    names = [line.get_label() for line in figure.axes[0].lines]
    assert re.fullmatch(r"threshold [\d.]+: best F1, stored", names[0])
    assert re.fullmatch(r"threshold [\d.]+: best F1, chosen there", names[1])
    metrics = evaluate_scores(rows_of_test, thresholds=thresholds["thresholds"], replicates=0)
    page = transfer_page(
        title="run",
        source="<i>",
        transfer=moved,
        metrics=metrics,
        thresholds=thresholds,
        image=PNG,
        synthetic=True,
    )
    assert "&lt;i&gt;" in page
    assert f"{moved['any']['youden']['chosen_there']:.3f}" in page
    assert "no fake clip to choose from" in page
