"""The page of ``check``: what the data doctor found, most urgent first."""

from multimodal.audit import Examination
from multimodal.audit.findings import SEVERITIES
from multimodal.report.pages.render import render

_MEANINGS = {
    "error": "a result would be wrong",
    "warning": "a result may mislead",
    "note": "good to know",
}


def check_page(examination: Examination, *, synthetic: bool = False) -> str:
    """A self-contained HTML page: counts by severity, every finding with examples and advice, and what is fine."""
    found = {finding.check for finding in examination.findings}
    return render(
        "check.html.j2",
        title="What the data doctor found",
        synthetic=synthetic,
        clips=examination.clips,
        total=sum(examination.clips.values()),
        counts=[(severity, examination.counts[severity], _MEANINGS[severity]) for severity in SEVERITIES],
        findings=examination.findings,
        clear={
            check: asks
            for check, asks in examination.checks.items()
            if check not in found and check not in examination.skipped
        },
        skipped=examination.skipped,
    )
