"""Labels against what names say: a folder called ``real`` full of fakes is an inverted label."""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from multimodal.audit.findings import Evidence, Finding, some

_REAL = ("real", "reals", "original", "originals", "genuine", "bonafide", "pristine", "authentic")
_FAKE = (
    "fake",
    "fakes",
    "deepfake",
    "deepfakes",
    "spoof",
    "spoofed",
    "manipulated",
    "synthesis",
    "synthesized",
    "synthesised",
    "synthetic",
    "forged",
)
_LABEL = {**dict.fromkeys(_REAL, 0), **dict.fromkeys(_FAKE, 1)}
_MODALITY = {"video": "video", "videos": "video", "visual": "video", "audio": "audio", "voice": "audio"}
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_ANY_LABEL = "|".join(_LABEL)


class Claim(NamedTuple):
    """What a name says, by modality or (``any``) of the clip as a whole; None where it says nothing."""

    any: int | None = None
    video: int | None = None
    audio: int | None = None


def polarity(evidence: Evidence) -> Iterator[Finding]:
    """Whether folders and file names that say real or fake agree with the labels."""
    clips = evidence.clips
    says = pc.match_substring_regex(pa.array(clips["path"], pa.string()), _ANY_LABEL, ignore_case=True)
    named = clips[says.to_numpy(zero_copy_only=False).astype(bool)]
    for corpus, rows in named.groupby("corpus"):
        verdicts = [_judge(*values) for values in _values(rows)]
        from_folder = np.array([verdict.is_folder for verdict in verdicts])
        wrong = np.array([verdict.agrees is False for verdict in verdicts])
        if not wrong.any():
            continue
        share = wrong.sum() / sum(verdict.agrees is not None for verdict in verdicts)
        is_certain = share > 0.5 or bool((wrong & from_folder).any())
        yield Finding(
            "error" if is_certain else "warning",
            "label polarity",
            int(wrong.sum()),
            f"{corpus}: {wrong.sum():,} labels contradict the name of the file or of its folder "
            f"({share:.0%} of the names that say real or fake)",
            "The labels are probably the other way round: 1 must mean fake. "
            "Look at the examples, then mend the table that they come from."
            if share > 0.5
            else "Look at the examples: a clip in the wrong folder, a wrong row of a table, or a name by chance.",
            some(_describe(row) for row in rows[wrong].head(5).to_dict("records")),
        )


@lru_cache(maxsize=65_536)
def claim_of(name: str) -> Claim:
    """What one folder or file name says; nothing where it says real and fake at once.

    >>> claim_of("Celeb-synthesis"), claim_of("real-vs-fake")
    (Claim(any=1, video=None, audio=None), Claim(any=None, video=None, audio=None))
    >>> claim_of("RealVideo-FakeAudio"), claim_of("fake_video_real_audio")
    (Claim(any=None, video=0, audio=1), Claim(any=None, video=1, audio=0))
    """
    words = [word.lower() for word in _WORD.findall(name)]
    general: set[int] = set()
    modal: dict[str, set[int]] = {"video": set(), "audio": set()}
    for word, following in zip(words, [*words[1:], ""], strict=False):
        if word in _LABEL and following in _MODALITY:
            modal[_MODALITY[following]].add(_LABEL[word])
        elif word in _LABEL:
            general.add(_LABEL[word])
    whole, video, audio = (
        next(iter(said)) if len(said) == 1 else None for said in (general, modal["video"], modal["audio"])
    )
    return Claim(whole, video, audio)


class Verdict(NamedTuple):
    """Whether the nearest name that says something agrees with the labels (None: it says nothing of them)."""

    agrees: bool | None
    is_folder: bool


def _values(rows: pd.DataFrame) -> Iterator[tuple[str, int | None, int | None, int | None]]:
    labels = [
        [None if label < 0 else int(label) for label in rows[name].fillna(-1)]
        for name in ("any_fake", "video_fake", "audio_fake")
    ]
    return zip(rows["path"], *labels, strict=True)


def _judge(path: str, any_fake: int | None, video_fake: int | None, audio_fake: int | None) -> Verdict:
    folder, _, name = path.rpartition("/")
    parts = [*folder.split("/"), name.rpartition(".")[0]]
    for position in range(len(parts) - 1, -1, -1):
        agrees = _agreement(claim_of(parts[position]), any_fake, video_fake, audio_fake)
        if agrees is not None:
            return Verdict(agrees, position < len(parts) - 1)
    return Verdict(None, False)


def _agreement(claim: Claim, any_fake: int | None, video_fake: int | None, audio_fake: int | None) -> bool | None:
    """Whether the labels are as claimed; a fake modality makes the clip fake, a real one says nothing of it."""
    compared = [
        label == said
        for said, label in zip(claim, (any_fake, video_fake, audio_fake), strict=True)
        if said is not None and label is not None
    ]
    if not compared and 1 in (claim.video, claim.audio) and any_fake is not None:
        compared = [any_fake == 1]
    return all(compared) if compared else None


def _describe(row: dict[str, object]) -> str:
    names = {"any_fake": "any", "video_fake": "video", "audio_fake": "audio"}
    known = {name: row[column] for column, name in names.items() if pd.notna(row[column])}
    labels = [f"{name} {'fake' if label else 'real'}" for name, label in known.items()]
    return f"{row['clip_id']} ({', '.join(labels)})"
