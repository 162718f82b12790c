"""The same bytes under two names: harmless at best, a test clip seen in training or a wrong label at worst."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from multimodal.corpora.doctor.evidence import Evidence
from multimodal.corpora.doctor.findings import Finding, Severity, some
from multimodal.corpora.doctor.identical_files import identical_files

#: kind of group → severity, what is said of it, what to do; a group counts for the first kind that holds.
_KINDS: dict[str, tuple[Severity, str, str]] = {
    "label": (
        "error",
        "stand under different labels",
        "Look at them and leave them out: at most one of the labels is right.",
    ),
    "split": (
        "error",
        "stand in different splits",
        "Drop all but one of each group; what is tested was seen in training.",
    ),
    "corpus": (
        "warning",
        "stand in different corpora",
        "Leave them out of one of the two before any claim about unseen corpora.",
    ),
    "none": (
        "warning",
        "stand under different names with the same label and split",
        "Drop all but one of each group, or they weigh more than others.",
    ),
}


def same_content(evidence: Evidence) -> Iterator[Finding]:
    """Whether files with the same bytes stand under two labels, in two splits or under two names."""
    first = ~pd.Series(evidence.files.path).duplicated().to_numpy()
    rows = np.flatnonzero(first)
    paths, sizes = evidence.files.path[rows], evidence.files.size_bytes[rows]
    groups = [rows[group] for group in identical_files(paths.tolist(), sizes)]
    kinds = [_kind(evidence, group) for group in groups]
    for kind, (severity, what, advice) in _KINDS.items():
        found = [group for group, one in zip(groups, kinds, strict=True) if one == kind]
        if found:
            count = sum(len(group) for group in found)
            yield Finding(
                severity,
                "same content",
                count,
                f"{count:,} files in {len(found):,} group{'s' * (len(found) != 1)} of identical ones {what}",
                advice,
                some(_describe(evidence, group) for group in found),
            )


def _kind(evidence: Evidence, group: np.ndarray) -> str:
    clips = evidence.clips.iloc[group]
    labels = (clips[name].dropna().nunique() for name in ("video_fake", "audio_fake", "any_fake"))
    if max(labels) > 1:
        return "label"
    splits = set(evidence.split.iloc[group].dropna())
    if len(splits) > 1 and splits & {"train", "val"}:
        return "split"
    return "corpus" if clips["corpus"].nunique() > 1 else "none"


def _describe(evidence: Evidence, group: np.ndarray) -> str:
    """Members of a group with their label and split.

    The first few are enough to go and look.
    """
    parts = []
    for row in group[:3]:
        clip = evidence.clips.iloc[row]
        label = "no label" if pd.isna(clip["any_fake"]) else "fake" if clip["any_fake"] else "real"
        split = evidence.split.iloc[row]
        parts.append(f"{clip['clip_id']} ({label}{f', {split}' if split else ''})")
    return " = ".join(parts) + (f" = {len(group) - 3} more" if len(group) > 3 else "")
