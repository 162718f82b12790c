"""What a check found: rows with a severity, and how a whole examination is handed on."""

import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from multimodal.artefacts import shown
from multimodal.corpora.manifest import Manifest
from multimodal.splits import Split

Severity = Literal["error", "warning", "note"]
#: Most urgent first: a result would be wrong, a result may mislead, good to know.
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")

NUM_EXAMPLES = 5


@dataclass(frozen=True)
class Finding:
    """One thing found by one check: how many clips (or people) it concerns, some of them, and what to do."""

    severity: Severity
    check: str
    count: int
    message: str
    advice: str
    examples: tuple[str, ...] = ()


@dataclass(frozen=True)
class Examination:
    """All findings, most urgent first, and what was looked at: ``checks`` is the name of a check → what it asks.

    ``skipped`` is check → why it could not be made.
    """

    findings: tuple[Finding, ...]
    clips: dict[str, int]
    checks: dict[str, str]
    skipped: dict[str, str]

    @property
    def counts(self) -> dict[str, int]:
        """Findings by severity."""
        found = Counter(finding.severity for finding in self.findings)
        return {severity: found[severity] for severity in SEVERITIES}


def some(names: Iterable[object], limit: int = NUM_EXAMPLES) -> tuple[str, ...]:
    """The first few names as examples."""
    return tuple(str(name) for _, name in zip(range(limit), names, strict=False))


def by_severity(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Findings with the most urgent first, else as they come."""
    return tuple(sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity)))


def to_json(examination: Examination) -> dict[str, Any]:
    """Plain values that ``json`` can write."""
    return {**asdict(examination), "counts": examination.counts}


def findings_text(examination: Examination) -> str:
    """The examination for a terminal."""
    clips = ", ".join(f"{corpus} {count:,}" for corpus, count in examination.clips.items())
    lines = [f"looked at {sum(examination.clips.values()):,} clips ({clips})"]
    for finding in examination.findings:
        lines += ["", f"{finding.severity}: {finding.check}: {shown(finding.message)}"]
        lines += [f"    {shown(example)}" for example in finding.examples]
        lines.append(f"  -> {finding.advice}")
    lines += ["", *(f"nothing found: {check}" for check in _clear(examination))]
    lines += [f"not looked at: {check} ({reason})" for check, reason in examination.skipped.items()]
    counts = ", ".join(f"{count} {severity}{'s' * (count != 1)}" for severity, count in examination.counts.items())
    return "\n".join([*lines, counts])


def _clear(examination: Examination) -> Sequence[str]:
    found = {finding.check for finding in examination.findings}
    return [name for name in examination.checks if name not in found and name not in examination.skipped]


# What the checks look at: the rows of all manifests, their split, their files on disk, and what probing told.


#: How far files are opened: not at all, for their sizes, or whole.
LooksAt = Literal["nothing", "sizes", "contents"]

#: In :attr:`FilesOnDisk.size_bytes`, for a file that is not there or may not be read.
MISSING, FORBIDDEN = -1, -2


@dataclass(frozen=True)
class FilesOnDisk:
    """Absolute path and size of each row's file, aligned with the clips; below zero where there is none."""

    path: np.ndarray
    size_bytes: np.ndarray


@dataclass(frozen=True)
class Evidence:
    """Clips of all manifests, with rows repeated where manifests overlap, and a column ``root`` beside the usual.

    ``split`` is aligned with the clips and holds train, val, test or null. ``probe`` has a row a clip that was
    probed, or is None. ``assigned`` is the split that somebody made, or None where official ones are taken.
    """

    clips: pd.DataFrame
    split: pd.Series
    probe: pd.DataFrame | None
    looks_at: LooksAt
    assigned: Split | None = None

    @cached_property
    def files(self) -> FilesOnDisk:
        """Every file, looked up once."""
        roots = self.clips["root"].astype(str).tolist()
        paths = [os.path.join(root, path) for root, path in zip(roots, self.clips["path"], strict=True)]
        sizes = np.array([_size(path) for path in paths], dtype=np.int64)
        return FilesOnDisk(np.array(paths, dtype=object), sizes)


def gather(
    manifests: Iterable[Manifest],
    *,
    split: Split | None = None,
    roots: Mapping[str, str] | None = None,
    probe: pd.DataFrame | None = None,
    looks_at: LooksAt = "contents",
) -> Evidence:
    """Put manifests side by side.

    Args:
        manifests: at least one; the same corpus may come in two.
        split: else the corpora's official splits are taken.
        roots: where corpora lie now, by name, if not where they were scanned.
        probe: rows by ``clip_id``, as probing writes them.
        looks_at: how far files are opened.
    """
    frames = []
    for manifest in manifests:
        where = {**manifest.roots, **(roots or {})}
        root = manifest.clips["corpus"].map(where).fillna("")
        frames.append(manifest.clips.assign(root=root.astype("category")))
    clips = pd.concat(frames, ignore_index=True)
    if split is None:
        part = clips["official_split"].astype(object)
    else:
        part = clips["clip_id"].map(split.assignment.set_index("clip_id")["split"]).astype(object)
    return Evidence(clips, part.where(part.notna(), None), probe, looks_at, split)


def folder_exists(root: str) -> bool:
    """Whether a corpus lies where it is said to."""
    return bool(root) and Path(root).is_dir()


def _size(path: str) -> int:
    try:
        size = os.stat(path).st_size
    except OSError:
        return MISSING
    return size if os.access(path, os.R_OK) else FORBIDDEN
