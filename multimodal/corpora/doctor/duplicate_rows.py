"""Clips that stand in the manifests more than once, under one name or two."""

from collections.abc import Iterator

import pandas as pd

from multimodal.corpora.doctor.evidence import Evidence
from multimodal.corpora.doctor.findings import Finding, some

_LABELS = ["video_fake", "audio_fake", "any_fake"]


def duplicate_rows(evidence: Evidence) -> Iterator[Finding]:
    """Whether a clip is listed twice, or one file under the names of two corpora."""
    clips = evidence.clips
    yield from _of(clips, clips["clip_id"], "clips are listed in several rows")
    once = clips[~clips["clip_id"].duplicated()]
    file = once["root"].astype(str) + "/" + once["path"].astype(str)
    yield from _of(once[(once["root"] != "").to_numpy()], file, "files are listed under two corpora")


def _of(clips: pd.DataFrame, key: pd.Series, what: str) -> Iterator[Finding]:
    key = key.loc[clips.index].astype(object)
    rows = clips[key.duplicated(keep=False)]
    if rows.empty:
        return
    video, audio, either = (rows[name].fillna(2).astype("int64") for name in _LABELS)
    differs = (9 * video + 3 * audio + either).groupby(key.loc[rows.index]).nunique() > 1
    for has_conflict in (True, False):
        names = differs.index[differs == has_conflict]
        if not len(names):
            continue
        yield Finding(
            "error" if has_conflict else "warning",
            "duplicate rows",
            len(names),
            f"{len(names):,} {what}{', with different labels' if has_conflict else ''}",
            "Find out which label is right and leave the other manifest out."
            if has_conflict
            else "Leave one of the manifests out, or the clips count twice.",
            some(names),
        )
