"""Counts of a corpus that goes round in several variants, each with its own number of files."""

from collections.abc import Mapping
from pathlib import Path

from multimodal.corpora.manifest import lies_in_generated
from multimodal.corpora.scan_report import ScanReport


def compare_counts(
    title: str, root: Path, counts: Mapping[str, int], expected: Mapping[str, int], report: ScanReport
) -> None:
    """Warn, in one line, where a variant differs from its complete download; a generated one is small on purpose.

    >>> report = ScanReport()
    >>> compare_counts("DEEP-VOICE", Path("/none"), {"real": 8, "fake": 55}, {"real": 8, "fake": 56}, report)
    >>> report.warnings
    ['DEEP-VOICE: differs from the complete download: fake 55 of 56. Is the download complete?']
    """
    if lies_in_generated(root):
        return
    wrong = [
        f"{name} {counts.get(name, 0):,} of {number:,}"
        for name, number in expected.items()
        if counts.get(name, 0) != number
    ]
    if wrong:
        report.warn(f"{title}: differs from the complete download: {', '.join(wrong)}. Is the download complete?")
