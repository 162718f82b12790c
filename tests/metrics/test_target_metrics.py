import numpy as np
import pandas as pd
import pytest

from multimodal.labels import CLASSES
from multimodal.metrics import evaluate_scores
from multimodal.metrics.target_metrics import CLASS_METRICS, METRICS, RANKING, Metric
from multimodal.report.figures.style import blank_figure, png_bytes
from multimodal.report.pages.render import metric_name
from multimodal.report.pages.run import run_report

PRIOR = 0.1


def scores_table():
    """Clips of 30 people, a third of them real, and fakes of two methods."""
    generator, kind = np.random.default_rng(0), np.arange(240) % 3
    fake = (kind > 0).astype(int)
    return pd.DataFrame(
        {
            "identity": [f"person {number % 30}" for number in range(240)],
            "method": np.array(["real", "wav2lip", "fsgan"])[kind],
            "video_fake": fake,
            "score_video": 1 / (1 + np.exp(-generator.normal(2 * fake - 1, 1))),
        }
    )


def least_error(counts):
    """Least share of clips called wrong by any threshold where a tenth of them is fake, (replicates,)."""
    missed, flagged = 1 - counts.fake() / counts.num_fake, counts.real() / counts.num_real
    return (PRIOR * missed + (1 - PRIOR) * flagged).min(axis=0)


@pytest.fixture
def report(monkeypatch):
    line = Metric(least_error, "least error at 10 % fakes", higher_is_better=False, per_method=True)
    # METRICS is made of RANKING when the module is read, so that in the file one line does both
    for listed in (RANKING, METRICS):
        monkeypatch.setitem(listed, "least_error", line)
    return evaluate_scores(scores_table(), replicates=50)


def test_one_line_in_the_list_brings_a_metric_into_the_report_with_its_interval(report):
    table = scores_table()
    fake, score = table["video_fake"] == 1, table["score_video"]
    errors = [
        PRIOR * (score[fake] < cut).mean() + (1 - PRIOR) * (score[~fake] >= cut).mean() for cut in (*score, np.inf)
    ]
    found = report["video"]["least_error"]
    assert found["value"] == pytest.approx(min(errors))
    assert found["low"] < found["value"] < found["high"]


def test_the_same_line_brings_it_to_every_method_and_to_the_page_under_its_title(report):
    assert all(row["least_error"]["low"] is not None for row in report["per_method"]["video"].values())
    assert report["macro_over_methods"]["video"]["least_error"]["value"] is not None
    images = {"methods": png_bytes(blank_figure("", 1.0))}
    parts = {"config": {}, "thresholds": None, "images": images, "synthetic": True}
    page = run_report(title="a run", metrics=report, **parts)
    assert page.count("least error at 10 % fakes") == 2  # a row of the metrics, and a column by method


def test_every_metric_has_a_title_that_pages_show():
    for name, metric in METRICS.items():
        assert metric_name(name) == metric.title
    assert metric_name(f"auc_{CLASSES[0]}") == CLASS_METRICS[f"auc_{CLASSES[0]}"] == "ROC-AUC of RVRA"
