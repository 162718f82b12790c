"""Files that probing could not open, and clips that it did not look at."""

from collections.abc import Iterator

from multimodal.corpora.doctor.evidence import Evidence
from multimodal.corpora.doctor.findings import Finding, some


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
