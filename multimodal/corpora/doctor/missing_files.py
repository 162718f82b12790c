"""Files that are not there any more, may not be read, are empty, or are not those that were scanned."""

from collections.abc import Iterator

import numpy as np

from multimodal.corpora.doctor.evidence import FORBIDDEN, MISSING, Evidence, folder_exists
from multimodal.corpora.doctor.findings import Finding, Severity, some

_CHECK = "missing files"


def missing_files(evidence: Evidence) -> Iterator[Finding]:
    """Whether every file is on disk, can be read, holds something, and has the size that it had."""
    clips = evidence.clips
    gone = [root for root in clips["root"].astype(str).unique() if not folder_exists(root)]
    is_gone = clips["root"].isin(gone).to_numpy()
    for root in gone:
        corpora = ", ".join(clips["corpus"][clips["root"] == root].unique())
        count = int((clips["root"] == root).sum())
        yield Finding(
            "error",
            _CHECK,
            count,
            f"{corpora}: there is no folder {root or '(none known)'}",
            "Mount the drive, or say where the corpus lies now with --roots NAME DIR.",
        )
    size, before = evidence.files.size_bytes, clips["size_bytes"].to_numpy()
    cases: tuple[tuple[Severity, np.ndarray, str, str], ...] = (
        ("error", size == MISSING, "are not on disk", "Finish the download, or scan again."),
        ("error", size == FORBIDDEN, "may not be read", "Change their permissions."),
        ("warning", size == 0, "are empty (0 bytes)", "Download them again; they cannot be decoded."),
        (
            "warning",
            (size > 0) & (size != before),
            "have another size than when they were scanned",
            "Scan again, and prepare these again.",
        ),
    )
    for severity, mask, what, advice in cases:
        mask = mask & ~is_gone
        if mask.any():
            yield Finding(
                severity,
                _CHECK,
                int(mask.sum()),
                f"{mask.sum():,} of {len(clips):,} files {what}",
                advice,
                some(clips["clip_id"][mask]),
            )
