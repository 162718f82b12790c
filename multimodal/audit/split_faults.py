"""What a split can have wrong: the same people or footage on two sides, other clips than these, uneven parts.

:func:`split_leaks` asks what test and validation share with training, by the measures of
:mod:`multimodal.splits.leakage` and by frames of one video; :func:`split_fit` whether the split is one of these
clips, and whether something can be learnt and judged in each of its parts.
"""

import re
from collections.abc import Iterator

import numpy as np
import pandas as pd

from multimodal.audit.findings import Evidence, Finding, Severity, some
from multimodal.splits.assignment import SPLITS, TEST, TRAIN
from multimodal.splits.leakage import PAIRS, overlap_of, sharing_clips

_LEAKS, _FIT = "split leakage", "split fit"

#: overlap → what two parts share. A donor who also is on screen is told once, by the first that holds.
_SHARED = {
    "source_clip": "a genuine clip beneath, itself or in a fake,",
    "identity": "the person on screen",
    "donor": "a donor of face or voice",
}
_ADVICE = {
    "source_clip": "Use content_disjoint or source_disjoint; what is tested was seen in training.",
    "identity": "Use source_disjoint, donor_disjoint or group_out, or say that people are known.",
    "donor": "Use donor_disjoint or group_out, or say with the number that donors are known.",
    "frames": "Put all frames of a video on one side: neighbours are nearly the same picture.",
}


def split_leaks(evidence: Evidence) -> Iterator[Finding]:
    """Whether people, donors, genuine clips or frames of one video are on two sides of the split."""
    clips, part = _once(evidence)
    overlap, unknown = overlap_of(clips, part)
    for one, other in PAIRS:
        for name, what in _SHARED.items():
            found = sharing_clips(clips, part, one, other, name)
            if found.any():
                bound = "at least " * bool(unknown.loc[[one, other], name].max() > 0)
                share = overlap.loc[f"{one} in {other}", name]
                yield Finding(
                    _severity(evidence, one, other, name),
                    _LEAKS,
                    int(found.sum()),
                    f"{bound}{found.sum():,} of {(part == one).sum():,} {one} clips ({share:.1%}) share "
                    f"{what} with {other}",
                    _ADVICE[name],
                    some(clips["clip_id"][found]),
                )
    yield from _unknown(part, unknown)
    yield from _frames(evidence, clips, part)


def _once(evidence: Evidence) -> tuple[pd.DataFrame, np.ndarray]:
    """Every clip once, with its part (``"none"`` where it is in none)."""
    first = ~evidence.clips["clip_id"].duplicated()
    clips = evidence.clips[first].reset_index(drop=True)
    part = evidence.split[first].astype(object)
    return clips, part.where(part.notna(), "none").to_numpy(dtype=object)


def _severity(evidence: Evidence, one: str, other: str, name: str) -> Severity:
    """A test seen in training makes results wrong; what authors published is as it is, and a warning."""
    is_made = evidence.assigned is not None
    return "error" if is_made and (one, other) == (TEST, TRAIN) and name != "donor" else "warning"


def _unknown(part: np.ndarray, unknown: pd.DataFrame) -> Iterator[Finding]:
    """Clips of which leakage cannot be told, in parts that are compared with training."""
    if not (part == TRAIN).any():
        return
    share = float(unknown.loc[TEST, "person"])
    if share > 0:
        count = round(share * (part == TEST).sum())
        yield Finding(
            "note",
            _LEAKS,
            count,
            f"in {count:,} of {(part == TEST).sum():,} test clips ({share:.1%}) somebody is not named",
            "Whether these people are in training too cannot be found; shares above are bounds from below.",
        )


_NUMBERED = re.compile(r"(?P<video>.*?)[ _.-]*(?:frame|img|image|f)?[ _.-]*\d+", re.IGNORECASE)
#: Folders that hold pictures of many people and not the frames of one video.
_NOT_A_VIDEO = re.compile(
    r"(?:training_|train_|test_)?(?:real|fake|train|training|val|valid|validation|test|testing|images?|faces?|"
    r"frames?|original|[a-z]*fakes?)",
    re.IGNORECASE,
)
_FEWEST_VIDEOS = 3


def video_of_frame(path: str) -> str | None:
    """The video that a picture seems to be a frame of: its folder, or its name without the number at the end.

    >>> video_of_frame("Deepfakes/000_003/0012.png"), video_of_frame("faces/id3_0001_frame12.jpg")
    ('Deepfakes/000_003', 'faces/id3_0001')
    >>> video_of_frame("train/real/31355.jpg"), video_of_frame("fake/fake_12.jpg")
    (None, None)
    """
    folder, _, name = path.rpartition("/")
    found = _NUMBERED.fullmatch(name.rpartition(".")[0])
    if found is None:
        return None
    if any(map(str.isdigit, found["video"])):
        return f"{folder}/{found['video']}"
    is_plain = found["video"] == "" and folder and not _NOT_A_VIDEO.fullmatch(folder.rpartition("/")[2])
    return folder if is_plain else None


def _frames(evidence: Evidence, clips: pd.DataFrame, part: np.ndarray) -> Iterator[Finding]:
    images = clips[(clips["media"] == "image").to_numpy()]
    video = (images["corpus"].astype(object) + "/" + images["path"].astype(object)).map(video_of_frame).dropna()
    parts = pd.Series(part, index=clips.index)[video.index]
    if video.nunique() < _FEWEST_VIDEOS or video.nunique() == len(video):
        return
    for one, other in PAIRS:
        both = set(video[parts == one]) & set(video[parts == other])
        if both:
            count = int((video.isin(both) & (parts == one)).sum())
            yield Finding(
                _severity(evidence, one, other, "frames"),
                _LEAKS,
                count,
                f"{count:,} pictures of {one} seem to be frames of {len(both):,} videos that are in {other} too",
                _ADVICE["frames"],
                some(sorted(both)),
            )


def split_fit(evidence: Evidence) -> Iterator[Finding]:
    """Whether the split is one of these clips, and every part has all classes in about the same shares."""
    assert evidence.assigned is not None
    clips, part = _once(evidence)
    yield from _other_clips(clips, set(evidence.assigned.assignment["clip_id"]))
    label = clips["any_fake"].map({0: "real", 1: "fake"}).astype(object)
    for name in SPLITS:
        there = set(label[part == name].dropna())
        if not (part == name).any():
            severity: Severity = "warning" if name == "val" else "error"
            yield Finding(severity, _FIT, 1, f"{name} is empty", "Choose another protocol or other shares.")
        elif len(there) < 2:
            yield Finding(
                "error",
                _FIT,
                int((part == name).sum()),
                f"{name} has {f'{there.pop()} clips only' if there else 'no label'}",
                "Nothing can be learnt, chosen or judged there: add clips of the other class, or split otherwise.",
            )
    yield from _uneven(clips, part, label)


def _other_clips(clips: pd.DataFrame, listed: set[str]) -> Iterator[Finding]:
    """Clips without a place in the split, and places without a clip."""
    known = clips["clip_id"].isin(listed)
    if not known.any():
        yield Finding(
            "error",
            _FIT,
            len(clips),
            "the split is of another manifest: it names none of these clips",
            "Give the split that was made from these manifests.",
            some(clips["clip_id"]),
        )
        return
    if not known.all():
        yield Finding(
            "error",
            _FIT,
            int((~known).sum()),
            f"{(~known).sum():,} of {len(clips):,} clips are not in the split",
            "Make the split again from these manifests.",
            some(clips["clip_id"][~known]),
        )
    if gone := sorted(listed - set(clips["clip_id"])):
        yield Finding(
            "warning",
            _FIT,
            len(gone),
            f"{len(gone):,} clips of the split are in none of these manifests",
            "Give all manifests that the split was made from.",
            some(gone),
        )


#: A share is told where its odds differ by this factor, and by more than chance.
_ODDS_RATIO, _STANDARD_ERRORS = 2.0, 3.3


def _uneven(clips: pd.DataFrame, part: np.ndarray, label: pd.Series) -> Iterator[Finding]:
    kind = clips["av_class"].astype(object)
    kind = kind.where(kind.notna(), label)
    table = pd.crosstab(part, kind.fillna("no label").to_numpy(dtype=object)).reindex(SPLITS, fill_value=0)
    if not table.loc[TRAIN].sum():
        return
    for name in SPLITS[1:]:
        uneven = [
            f"{one} {_share(table, name, one):.1%} against {_share(table, TRAIN, one):.1%}"
            for one in table.columns
            if table.loc[name].sum() and _differ(table.loc[name], table.loc[TRAIN], one)
        ]
        if uneven:
            yield Finding(
                "warning",
                _FIT,
                int(table.loc[name].sum()),
                f"shares of classes in {name} differ much from those in train: {', '.join(uneven)}",
                "Thresholds and average precision depend on these shares: say both, or split evenly over classes.",
            )


def _share(table: pd.DataFrame, part: str, kind: str) -> float:
    return float(table.loc[part, kind] / table.loc[part].sum())


def _differ(one: pd.Series, other: pd.Series, kind: str) -> bool:
    """Whether two parts have different shares of a class, by log odds with half a clip added to each count."""
    cells = np.array([one[kind], one.sum() - one[kind], other[kind], other.sum() - other[kind]]) + 0.5
    log_ratio = abs(np.log(cells[0] * cells[3] / (cells[1] * cells[2])))
    return bool(log_ratio >= np.log(_ODDS_RATIO) and log_ratio > _STANDARD_ERRORS * np.sqrt((1 / cells).sum()))
