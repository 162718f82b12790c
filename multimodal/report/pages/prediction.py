"""The page of ``predict``: a section a file with verdicts, the scores behind them and what they stand on."""

from collections.abc import Sequence
from typing import Any

from multimodal.labels import TARGETS
from multimodal.report.figures.style import CLASS_COLOURS, png_bytes
from multimodal.report.figures.timeline import timeline_figure
from multimodal.report.pages.render import image_uri, render
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


def _judgement(judgement: Judgement) -> dict[str, Any]:
    modalities = judgement.modalities
    thresholds = {target: verdict.threshold for target, verdict in modalities.items()}
    image = None
    if judgement.windows or judgement.evidence:
        image = image_uri(png_bytes(timeline_figure(judgement.windows, thresholds, judgement.evidence)))
    posterior = judgement.posterior or {}
    return {
        "name": judgement.name,
        "cards": [(target, modalities[target]) for target in TARGETS if target in modalities],
        "posterior": [
            (name, posterior[name], colour) for name, colour in CLASS_COLOURS.items() if name in posterior
        ],
        "image": image,
        "has_frames": bool(judgement.evidence and judgement.evidence.thumbnails),
    }
