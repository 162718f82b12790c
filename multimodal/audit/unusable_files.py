"""Files that cannot be used: gone, forbidden, empty, changed since the scan, or rejected by probing."""

from collections.abc import Iterator

import numpy as np

from multimodal.audit.findings import FORBIDDEN, MISSING, Evidence, Finding, Severity, folder_exists, some

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


# Files that probing could not open, and clips that it did not look at.


def rejected_files(evidence: Evidence) -> Iterator[Finding]:
    """Whether every file could be opened and holds the streams that its corpus promises."""
    assert evidence.probe is not None
    probe = evidence.probe[evidence.probe["clip_id"].isin(evidence.clips["clip_id"])]
    rejected = probe[probe["reason"].notna()]
    total = len(evidence.clips)
    if len(rejected):
        examples = rejected["clip_id"].astype(str) + ": " + rejected["reason"].astype(str)
        yield Finding(
            "warning",
            "rejected files",
            len(rejected),
            f"{len(rejected):,} of {total:,} files cannot be used",
            "Download them again; what stays broken fails in prepare and is counted there.",
            some(examples),
        )
    damaged = probe[probe["damage"].notna()]
    if len(damaged):
        yield Finding(
            "note",
            "rejected files",
            len(damaged),
            f"{len(damaged):,} of {total:,} files are damaged but can be read in part",
            "Compare their number among reals and fakes; damage must not tell the two apart.",
            some(damaged["clip_id"].astype(str) + ": " + damaged["damage"].astype(str)),
        )
    missing = total - len(probe)
    if missing > 0:
        yield Finding(
            "note",
            "rejected files",
            missing,
            f"{missing:,} of {total:,} clips were not probed",
            "Scan with --probe again; it goes on from where it stopped.",
        )
