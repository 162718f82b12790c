"""The page of ``predict``: a section a file with verdicts, the scores behind them and what they stand on."""

import base64
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from importlib import resources
from typing import Any, NamedTuple

from markupsafe import Markup
from matplotlib.figure import Figure

from multimodal.artefacts import one_line
from multimodal.labels import CLASSES, MODALITIES, TARGETS
from multimodal.report.figures.style import png_bytes
from multimodal.report.figures.timeline import timeline_figure
from multimodal.report.pages.heat import attention_of, heats_of
from multimodal.report.pages.render import embed, render
from multimodal.report.pages.timeline import timeline_of
from multimodal.report.verdict import FileVerdict, Judgement
from multimodal.report.words import questions


def prediction_page(verdicts: Sequence[FileVerdict], *, title: str = "Verdicts") -> str:
    """One HTML page about media files, a section each; nothing but their players lies outside of it."""
    script = _script()
    return render(
        "prediction.html.j2",
        title=title,
        script=Markup(script),
        script_hash=policy_hash(script),
        media_source="'self' file:" if any(_is_beside(verdict) for verdict in verdicts) else "",
        summary=[_summary(verdict) for verdict in verdicts],
        synthetic=any(verdict.synthetic for verdict in verdicts),
        files=[_file(verdict) for verdict in verdicts],
    )


@cache
def _script() -> str:
    return resources.files("multimodal.report.pages").joinpath("player.js").read_text(encoding="utf-8")


def policy_hash(script: str) -> str:
    """What a content security policy calls the one script that may run.

    >>> policy_hash("")
    'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='
    """
    return f"sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}"


def _is_beside(verdict: FileVerdict) -> bool:
    return verdict.player is not None and not verdict.player.uri.startswith("data:")


def _summary(verdict: FileVerdict) -> dict[str, Any]:
    said = verdict.main.modalities
    return {
        "name": verdict.file,
        "word": said["any"].verdict,
        "probability": said["any"].probability,
        **{name: said[name].verdict for name in MODALITIES},
        "notes": len(verdict.warnings) + len(verdict.main.conflicts),
    }


#: Faces of a file with figures beside their time lines: of the hundreds of a film these would take longer than
#: judging it.
_MOST_WITH_FIGURES = 20


def _file(verdict: FileVerdict) -> dict[str, Any]:
    """What the page says of a file; where its figures fail on what one odd file holds, the words alone."""
    try:
        return _whole_file(verdict)
    except Exception as error:
        main, *faces = (replace(one, evidence=None, windows=()) for one in (verdict.main, *verdict.faces))
        note = f"What there is to see of it could not be drawn: {one_line(error)}."
        return _whole_file(replace(verdict, main=main, faces=faces, warnings=[*verdict.warnings, note]))


def _whole_file(verdict: FileVerdict) -> dict[str, Any]:
    judged = (verdict.main, *verdict.faces)
    return {
        "name": verdict.file,
        "warnings": verdict.warnings,
        "questions": questions(verdict),
        "player": verdict.player,
        "judgements": [
            _judgement(one, FIGURES if place < _MOST_WITH_FIGURES else {}) for place, one in enumerate(judged)
        ],
    }


class VerdictFigure(NamedTuple):
    """A figure beside a judgement: what draws it (None where there is nothing to draw), and how to read it."""

    draw: Callable[[Judgement], Figure | None]
    caption: str


def _timeline(judgement: Judgement) -> Figure | None:
    if not (judgement.windows or judgement.evidence):
        return None
    thresholds = {target: verdict.threshold for target, verdict in judgement.modalities.items()}
    segments, start = judgement.segments or (), judgement.start_seconds
    return timeline_figure(judgement.windows, thresholds, judgement.evidence, segments, start)


#: Every figure of a judgement by name. Another one (a map of what the detector looked at, say) is a function that
#: takes the judgement, and a line here; what it is drawn from lies in the judgement's ``Evidence``.
FIGURES: dict[str, VerdictFigure] = {
    "scores over time": VerdictFigure(
        _timeline,
        "Each frame has the colour of what the video score says at its time, and a line to that time.",
    ),
}


def _judgement(judgement: Judgement, figures: Mapping[str, VerdictFigure]) -> dict[str, Any]:
    posterior = judgement.posterior or {}
    drawn = {name: figure.draw(judgement) for name, figure in figures.items()}
    return {
        **{name: getattr(judgement, name) for name in ("name", "is_speaker", "start_seconds", "end_seconds")},
        "word": judgement.modalities["any"].verdict,
        "boxes": [box._asdict() for box in judgement.boxes],
        "timeline": timeline_of(judgement),
        "cards": [(target, judgement.modalities[target]) for target in TARGETS if target in judgement.modalities],
        "heats": heats_of(judgement),
        "attention": attention_of(judgement),
        "posterior": [(name, posterior[name]) for name in CLASSES if name in posterior],
        "conflicts": judgement.conflicts,
        "segments": judgement.segments,
        "figures": [
            {"name": name, "image": embed(png_bytes(figure)), "caption": figures[name].caption}
            for name, figure in drawn.items()
            if figure is not None
        ],
    }
