"""Audit of data: looks at manifests and files for what makes results wrong.

A check is a function from :class:`Evidence` to findings; the first line of its docstring is what it asks. A new
one is a file and a line here.
"""

from collections.abc import Callable, Iterator

from multimodal.audit.duplicates import colliding_names, duplicate_rows, same_content
from multimodal.audit.findings import (
    Evidence,
    Examination,
    Finding,
    LooksAt,
    by_severity,
    findings_text,
    gather,
    to_json,
)
from multimodal.audit.polarity import polarity
from multimodal.audit.shared_people import shared_people
from multimodal.audit.shortcuts import corpus_tells_label, shortcuts
from multimodal.audit.split_faults import split_fit, split_leaks
from multimodal.audit.unusable_files import missing_files, rejected_files

__all__ = [
    "CHECKS",
    "Evidence",
    "Examination",
    "Finding",
    "LooksAt",
    "examine",
    "findings_text",
    "gather",
    "to_json",
]

CHECKS: dict[str, Callable[[Evidence], Iterator[Finding]]] = {
    "duplicate rows": duplicate_rows,
    "missing files": missing_files,
    "same content": same_content,
    "label polarity": polarity,
    "split leakage": split_leaks,
    "split fit": split_fit,
    "shared people": shared_people,
    "colliding names": colliding_names,
    "shortcuts": shortcuts,
    "corpus tells label": corpus_tells_label,
    "rejected files": rejected_files,
}


def examine(evidence: Evidence) -> Examination:
    """Make every check that the evidence allows."""
    skipped = _skipped(evidence)
    findings = [finding for name, check in CHECKS.items() if name not in skipped for finding in check(evidence)]
    clips = evidence.clips["corpus"].value_counts().sort_index()
    return Examination(
        by_severity(findings),
        {str(corpus): int(count) for corpus, count in clips.items()},
        {name: (check.__doc__ or "").splitlines()[0] for name, check in CHECKS.items()},
        skipped,
    )


def _skipped(evidence: Evidence) -> dict[str, str]:
    skipped = {}
    if evidence.looks_at == "nothing":
        skipped["missing files"] = "no file was looked at"
    if evidence.looks_at != "contents":
        skipped["same content"] = "no file was opened"
    if evidence.assigned is None:
        skipped["split fit"] = "no split was given; give --split FILE"
    if evidence.probe is None:
        skipped["rejected files"] = "not probed; scan with --probe"
    return skipped
