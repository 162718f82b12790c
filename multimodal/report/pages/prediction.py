"""The page of ``predict``: a section a file with verdicts, the scores behind them and what they stand on."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from matplotlib.figure import Figure

from multimodal.labels import CLASSES, TARGETS
from multimodal.report.figures.style import png_bytes
from multimodal.report.figures.timeline import timeline_figure
from multimodal.report.pages.render import embed, render
from multimodal.report.verdict import FileVerdict, Judgement


def prediction_page(verdicts: Sequence[FileVerdict], *, title: str = "Verdicts") -> str:
    """A self-contained HTML page about media files, a section each."""
    return render(
        "prediction.html.j2",
        title=title,
        synthetic=any(verdict.synthetic for verdict in verdicts),
        files=[_file(verdict) for verdict in verdicts],
        trained_on=list(dict.fromkeys(verdict.trained_on for verdict in verdicts)),
    )


def _file(verdict: FileVerdict) -> dict[str, Any]:
    return {
        "name": verdict.file,
        "warnings": verdict.warnings,
        "judgements": [_judgement(one) for one in (verdict.main, *verdict.faces)],
    }


class VerdictFigure(NamedTuple):
    """A figure beside a judgement: what draws it (None where there is nothing to draw), and how to read it."""

    draw: Callable[[Judgement], Figure | None]
    caption: str


def _timeline(judgement: Judgement) -> Figure | None:
    if not (judgement.windows or judgement.evidence):
        return None
    thresholds = {target: verdict.threshold for target, verdict in judgement.modalities.items()}
    return timeline_figure(judgement.windows, thresholds, judgement.evidence)


#: Every figure of a judgement by name. Another one (a map of what the detector looked at, say) is a function that
#: takes the judgement, and a line here; what it is drawn from lies in the judgement's ``Evidence``.
FIGURES: dict[str, VerdictFigure] = {
    "scores over time": VerdictFigure(
        _timeline,
        "Each frame has the colour of what the video score says at its time, and a line to that time.",
    ),
}


def _judgement(judgement: Judgement) -> dict[str, Any]:
    posterior = judgement.posterior or {}
    drawn = {name: figure.draw(judgement) for name, figure in FIGURES.items()}
    return {
        "name": judgement.name,
        "cards": [(target, judgement.modalities[target]) for target in TARGETS if target in judgement.modalities],
        "posterior": [(name, posterior[name]) for name in CLASSES if name in posterior],
        "figures": [
            {"name": name, "image": embed(png_bytes(figure)), "caption": FIGURES[name].caption}
            for name, figure in drawn.items()
            if figure is not None
        ],
    }
