"""File names that stand for several clips: whoever keys clips by name mixes them up."""

import unicodedata
from collections.abc import Iterator

import pandas as pd

from multimodal.corpora.doctor.evidence import Evidence
from multimodal.corpora.doctor.findings import Finding, some

_CHECK = "colliding names"


def colliding_names(evidence: Evidence) -> Iterator[Finding]:
    """Whether a file name, or the end of a path, stands for several clips, or names differ in their case only."""
    clips = evidence.clips[~evidence.clips["clip_id"].duplicated()]
    for corpus, rows in clips.groupby("corpus"):
        path = rows["path"].astype(object)
        name = path.str.rpartition("/")[2]
        tail = path.str.extract(r"([^/]+/[^/]+)$", expand=False)
        yield from _names(str(corpus), rows, name)
        yield from _tails(str(corpus), rows, tail.dropna())
        yield from _nearly_equal(str(corpus), path)


def _names(corpus: str, rows: pd.DataFrame, name: pd.Series) -> Iterator[Finding]:
    repeated = name[name.duplicated(keep=False)]
    if repeated.empty:
        return
    both = _with_both_labels(rows, repeated)
    yield Finding(
        "note",
        _CHECK,
        len(repeated),
        f"{corpus}: {repeated.nunique():,} file names stand for {len(repeated):,} clips"
        + (f", {len(both):,} of them for a real and a fake one" if len(both) else ""),
        "Key clips by clip_id or by path, never by file name; do not copy them into one folder.",
        some(both if len(both) else repeated.unique()),
    )


def _tails(corpus: str, rows: pd.DataFrame, tail: pd.Series) -> Iterator[Finding]:
    both = _with_both_labels(rows, tail[tail.duplicated(keep=False)])
    if len(both):
        yield Finding(
            "warning",
            _CHECK,
            len(both),
            f"{corpus}: {len(both):,} paths that end alike (folder and name) stand for a real and a fake clip",
            "Key clips by clip_id or by the whole path; features of other programs, keyed by the end of a path, "
            "took each other's place.",
            some(both),
        )


def _nearly_equal(corpus: str, path: pd.Series) -> Iterator[Finding]:
    plain = path.str.lower()
    unusual = ~path.map(str.isascii)
    plain[unusual] = [unicodedata.normalize("NFC", one) for one in plain[unusual]]
    repeated = path[plain.duplicated(keep=False)]
    if len(repeated):
        yield Finding(
            "warning",
            _CHECK,
            len(repeated),
            f"{corpus}: {len(repeated):,} paths differ from another only in upper and lower case "
            "or in how accents are coded",
            "Look whether they are copies; on macOS and Windows one of them takes the other's place.",
            some(repeated),
        )


def _with_both_labels(rows: pd.DataFrame, key: pd.Series) -> pd.Index:
    """Keys that stand for a real and a fake clip."""
    label = rows["any_fake"].loc[key.index].astype("float")
    kinds = label.groupby(key).nunique()
    return kinds.index[kinds > 1]
