import re

import pytest

from multimodal.metrics.evaluation import evaluate_scores
from multimodal.report.figures import method_figure, png_bytes, training_figure
from multimodal.report.pages import run_report
from multimodal.report.pages.render import Table
from multimodal.report.pages.run import SECTIONS, Section, headline
from multimodal.report.pages.tables import Run


@pytest.fixture(scope="module")
def page(metrics, thresholds, history) -> str:
    figures = {"methods": method_figure(metrics["per_method"]), "training": training_figure(history)}
    return run_report(
        title="<script>alert(1)</script>",
        config={"seed": 0, "encoders": {"video": {"name": '"><img src=x onerror=alert(1)>'}}},
        metrics=metrics,
        thresholds=thresholds,
        images={name: png_bytes(figure) for name, figure in figures.items()},
        synthetic=True,
        timings={"prepare <b>": 80.0, "train": 120.0},
        split_summary="donor_disjoint <i>seed 0</i>",
        warnings=["</style><script>alert(2)</script>"],
    )


def test_hostile_names_are_written_out_and_not_obeyed(page):
    assert re.findall(r"<\s*(?:script|i|b)\b[^>]*>", page) == ["<b>"]
    assert page.count("<img") == 2
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert page.count("</style>") == 1


def test_the_page_fetches_nothing_and_allows_nothing_to_be_fetched(page):
    without_pictures = re.sub(r"data:image/png;base64,[A-Za-z0-9+/=]+", "PICTURE", page)
    assert re.findall(r'(?:src|href|action)="([^"]*)"', without_pictures) == ["PICTURE", "PICTURE"]
    assert "url(" not in without_pictures
    assert "@import" not in without_pictures
    assert "default-src 'none'" in page


def test_numbers_carry_their_interval_and_null_is_not_defined(page, metrics):
    auc = metrics["video"]["auc"]
    numbers = [f"{auc[name]:.3f}" for name in ("value", "low", "high")]
    assert re.search(r"{}\s*</td><td class=\"bounds\">\[{}, {}\]".format(*map(re.escape, numbers)), page)
    row = page[page.index("<td>log loss</td>") :]
    assert "not defined" in row[: row.index("</tr>")]
    assert not re.search(r">\s*(nan|None|null)\s*<", page)


def test_every_headline_has_its_floor_beside_it(page):
    cards = re.findall(r'class="what">(.*?)</div>.*?class="floor">(.*?)</div>', page, re.DOTALL)
    assert cards == [
        ("any: ROC-AUC", "floor: 0.500 (random)"),
        ("video: ROC-AUC", "floor: 0.500 (random)"),
        ("audio: ROC-AUC", "floor: 0.500 (random)"),
        ("class: balanced accuracy", "floor: 0.250 (random)"),
    ]
    assert "not above its floor" not in page


def test_decisions_at_the_stored_thresholds_stand_beside_those_at_one_half(page, metrics):
    table = page[page.index("Decisions on test") :]
    rules = re.findall(
        r"<tr><td class=\"name\">(.*?)</td><td class=\"number\">\s*([\d.]+)", table[: table.index("</table>")]
    )
    youden = metrics["at_thresholds"]["any"]["youden"]["threshold"]
    assert [rule for rule, _ in rules] == ["even odds", "best F1", "Youden&#39;s J"]
    assert rules[2][1] == f"{youden:.3f}"


def test_warnings_of_the_metrics_are_on_the_page(page, metrics):
    assert any("could not be judged" in line for line in metrics["warnings"])
    assert "could not be judged" in page
    assert f"{len(metrics['further_warnings'])} more" in page


def test_why_there_is_no_interval_is_said(scores):
    one_person = scores[scores["split"] == "test"].assign(identity="person 1")
    page = run_report(
        title="x", config={}, metrics=evaluate_scores(one_person), thresholds=None, images={}, synthetic=False
    )
    assert "No number or no interval: one identity only: nothing can be drawn from it." in page
    assert "no interval</div>" in page


def test_generated_media_are_announced_and_real_ones_are_not(page, metrics):
    banner = "Generated media: a smoke test; a result here says nothing about real videos."
    assert banner in page
    real = run_report(title="x", config={}, metrics=metrics, thresholds=None, images={}, synthetic=False)
    assert "Generated media" not in real


def test_a_new_section_reaches_the_page_by_a_line_in_the_table(monkeypatch):
    def table(run: Run) -> list[Table]:
        return [Table(("name", "value"), [["<b>seed", run.config["seed"]]])]

    sections = (*SECTIONS, Section("new", "Something new", "Why it is here.", table))
    monkeypatch.setattr("multimodal.report.pages.run.SECTIONS", sections)
    page = run_report(title="x", config={"seed": 7}, metrics={}, thresholds=None, images={}, synthetic=False)
    section = page[page.index("<h2>Something new</h2>") :]
    assert "Why it is here." in section
    assert '<td class="name">&lt;b&gt;seed</td><td class="number">7</td>' in section


def test_metrics_that_are_all_but_empty_still_make_a_page():
    page = run_report(
        title="x", config={}, metrics={"split": "test"}, thresholds=None, images={}, synthetic=False, timings={}
    )
    assert "Results on the split <b>test</b>" in page
    assert "Thresholds" not in page


@pytest.mark.parametrize(
    ("metric", "result", "at_floor"),
    [
        ("auc", {"value": 0.6, "low": 0.49, "high": 0.7}, True),
        ("auc", {"value": 0.6, "low": 0.51, "high": 0.7}, False),
        ("eer", {"value": 0.4, "low": 0.3, "high": 0.52}, True),
        ("eer", {"value": 0.4, "low": 0.3, "high": 0.45}, False),
        ("auc", {"value": None, "low": None, "high": None}, False),
        ("auc", {"value": 0.5, "low": None, "high": None}, True),
    ],
)
def test_a_headline_whose_interval_reaches_its_floor_is_marked(metric, result, at_floor):
    metrics = {"any": {metric: result}, "floors": {"any": {"random": {metric: 0.5}}}}
    assert headline(metrics, "any", metric)["at_floor"] is at_floor


def test_the_harder_floor_is_the_one_shown():
    metrics = {"any": {"f1": 0.95}, "floors": {"any": {"random": {"f1": 0.6}, "always_fake": {"f1": 0.97}}}}
    card = headline(metrics, "any", "f1")
    assert (card["floor"], card["floor_of"], card["at_floor"]) == (0.97, "always fake", True)
