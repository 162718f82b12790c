"""One clip that counts twice: the same bytes under two names, a row in two manifests, a name that means two clips.

Harmless at best; a test clip seen in training, or a wrong label, at worst.
"""

import hashlib
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd

from multimodal.audit.findings import Evidence, Finding, Severity, some

# Files with the same bytes, found by size first and by a hash of what is left.


#: Ends that are hashed before a whole file is. Disks answer several readers faster than one.
_EDGE_BYTES = 16_384
_WORKERS = 4

#: Hash of one file, or None where it cannot be read.
_Digest = Callable[[str], bytes | None]


def identical_files(paths: Sequence[str], size_bytes: np.ndarray) -> list[np.ndarray]:
    """Groups of positions whose files have the same bytes, in the order of their first member.

    Files of one size are told apart by their first and last 16 KiB, and only where these are the same by all of
    their bytes, so that most large files are hardly read. Empty, missing and unreadable files are in no group.
    """
    candidates = _repeated(pd.Series(size_bytes), np.flatnonzero(size_bytes > 0))
    edges = _digests(paths, candidates, _digest_of_edges)
    key = pd.Series([None if edge is None else (size_bytes[row], edge) for row, edge in edges.items()], edges)
    candidates = _repeated(key, key.dropna().index.to_numpy(dtype=np.int64))
    is_whole = size_bytes[candidates] <= 2 * _EDGE_BYTES
    whole = _digests(paths, candidates[~is_whole], _digest_of_all)
    digests = {row: edges[row] for row in candidates[is_whole]} | whole
    table = pd.DataFrame({"row": list(digests), "digest": list(digests.values())}).dropna().sort_values("row")
    groups = table.groupby("digest", sort=False)["row"]
    return [rows.to_numpy(dtype=np.int64) for _, rows in groups if len(rows) > 1]


def _repeated(key: pd.Series, rows: np.ndarray) -> np.ndarray:
    """Rows whose key another row has too."""
    return rows[key.loc[rows].duplicated(keep=False).to_numpy()]


def _digests(paths: Sequence[str], rows: np.ndarray, digest: _Digest) -> dict[int, bytes | None]:
    with ThreadPoolExecutor(_WORKERS) as pool:  # hashing lets go of the interpreter's lock
        return dict(zip(rows.tolist(), pool.map(digest, [paths[row] for row in rows]), strict=True))


def _digest_of_edges(path: str) -> bytes | None:
    try:
        with open(path, "rb") as file:
            digest = hashlib.blake2b(file.read(_EDGE_BYTES), digest_size=16)
            end = file.seek(0, 2)
            file.seek(max(_EDGE_BYTES, end - _EDGE_BYTES))
            digest.update(file.read(_EDGE_BYTES))
    except OSError:
        return None
    return digest.digest()


def _digest_of_all(path: str) -> bytes | None:
    digest = hashlib.blake2b(digest_size=16)
    try:
        with open(path, "rb") as file:
            while block := file.read(2**20):
                digest.update(block)
    except OSError:
        return None
    return digest.digest()


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


# Clips that stand in the manifests more than once, under one name or two.


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


# File names that stand for several clips: whoever keys clips by name mixes them up.


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
