import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from multimodal.report.figures import method_figure, png_bytes, run, run_figures, save_images, style
from multimodal.report.figures.thresholds import Results, RunFigure
from multimodal.report.pages import run_report

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(scope="module")
def figures(scores, metrics, thresholds, history) -> dict[str, Figure]:
    return run_figures(metrics=metrics, thresholds=thresholds, scores=scores, history=history)


def draw(figure: Figure) -> None:
    """Draw small and without layout, which is what takes time."""
    figure.set_layout_engine("none")
    figure.set_dpi(30)
    figure.canvas.draw()


def words(figure: Figure) -> str:
    """Everything that is written on the axes of a figure."""
    texts = [text.get_text().replace("\n", " ") for axes in figure.axes for text in axes.texts]
    return " ".join(texts + [axes.get_title(loc="left") for axes in figure.axes])


def test_every_figure_has_a_title_and_names_on_both_axes(figures):
    assert len(figures) == 13
    for name, figure in figures.items():
        assert figure.get_suptitle(), name
        for axes in figure.axes:
            if axes.get_label() != "<colorbar>":
                assert axes.get_xlabel(), name
            assert axes.get_ylabel(), name


def test_every_figure_can_be_drawn(figures):
    for name, figure in figures.items():
        assert png_bytes(figure).startswith(PNG), name


def test_every_letter_of_every_figure_has_one_size(figures):
    for name, figure in figures.items():
        sizes = {text.get_fontsize() for text in figure.findobj(Text) if text.get_text()}
        assert sizes == {style.TYPE_SIZE}, name
        assert figure.get_figwidth() == style.COLUMN, name


def test_a_legend_lies_beneath_the_axes_and_covers_no_data(figures):
    for name in ("roc", "f1_by_threshold", "label_histograms"):
        figure = figures[name]
        figure.canvas.draw()
        for axes in figure.axes:
            assert axes.get_legend().get_window_extent().y1 < axes.get_window_extent().y0, name


def test_a_new_figure_reaches_the_page_by_a_line_in_the_table(monkeypatch, scores, metrics):
    def title_only(results: Results) -> Figure:
        return style.blank_figure(f"{len(results.scores)} clips", 0.5)

    monkeypatch.setitem(run.FIGURES, "new", RunFigure(title_only, "training", "How to read it."))
    drawn = run_figures(metrics=metrics, thresholds=None, scores=scores)["new"]
    assert drawn.get_suptitle() == "80 clips"
    page = run_report(
        title="x", config={}, metrics=metrics, thresholds=None, images={"new": png_bytes(drawn)}, synthetic=False
    )
    assert 'alt="new"' in page[page.index("<h2>Training</h2>") :]
    assert "How to read it." in page


def test_the_same_results_give_the_same_png(metrics):
    images = [png_bytes(method_figure(metrics["per_method"])) for _ in range(2)]
    assert images[0].startswith(PNG)
    assert images[0] == images[1]


def test_only_clips_of_the_split_that_the_metrics_speak_of_are_drawn(scores, figures):
    known = scores[(scores.split == "test") & scores.score_audio.notna()]
    title = figures["roc"].axes[2].get_title(loc="left")
    assert title.startswith(f"audio: {(known.audio_fake == 0).sum()} real, {(known.audio_fake == 1).sum()} fake")
    assert title.endswith(f"{4 - 1} not scored")


def test_a_missing_class_is_said_and_the_other_panels_are_drawn(scores, metrics):
    figures = run_figures(metrics=metrics, thresholds=None, scores=scores[scores.any_fake == 1])
    assert "not defined: no real clip" in words(figures["roc"])
    assert not figures["roc"].axes[0].lines
    assert figures["roc"].axes[1].lines
    for figure in figures.values():
        draw(figure)


@pytest.mark.parametrize("rows", [0, 1])
def test_no_clip_or_one_clip_draws_every_figure_without_a_curve(scores, rows):
    figures = run_figures(metrics={"split": "test"}, thresholds=None, scores=scores[scores.split == "test"][:rows])
    assert "not defined" in words(figures["precision_recall"])
    for figure in figures.values():
        draw(figure)


def test_scores_that_are_all_nan_are_counted_and_nothing_is_drawn(scores):
    scores = scores.assign(score_video=np.nan)
    figures = run_figures(metrics={"split": "test"}, thresholds=None, scores=scores)
    assert "video: 0 real, 0 fake, 80 not scored" in words(figures["label_histograms"])


def test_anybodys_scores_need_one_label_and_one_score_only():
    table = pd.DataFrame({"any_fake": [0, 0, 1, 1], "score_any": [-3.0, 0.2, np.inf, 7.5]})
    figures = run_figures(metrics={}, thresholds=None, scores=table)
    assert list(figures) == [
        "label_histograms",
        "roc",
        "precision_recall",
        "det",
        "f1_by_threshold",
        "reliability",
    ]
    assert "any: 2 real, 1 fake, 1 not scored" in words(figures["roc"])
    assert "scores are not probabilities" in words(figures["reliability"])


def test_constant_scores_are_drawn_on_the_line_of_chance(scores):
    table = scores[["any_fake"]].assign(score_any=3.0)
    figures = run_figures(metrics={}, thresholds=None, scores=table)
    legend = figures["roc"].axes[0].get_legend()
    assert "AUC 0.500" in [text.get_text() for text in legend.get_texts()]
    for figure in figures.values():
        draw(figure)


def test_images_are_saved_by_name_and_nothing_else_is_left(tmp_path, figures):
    images = {name: png_bytes(figures[name]) for name in ("roc", "confusion")}
    paths = save_images(images, tmp_path / "figures")
    assert [path.name for path in paths] == ["roc.png", "confusion.png"]
    assert sorted(path.name for path in paths[0].parent.iterdir()) == ["confusion.png", "roc.png"]
    assert paths[0].read_bytes() == images["roc"]
