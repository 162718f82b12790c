"""How many real and fake clips there are, and how far from even; :mod:`multimodal.audit.advice` says what to do.

The ratio is always the larger side over the smaller, with its direction said beside it. Marks: below 3:1
balanced, 3:1 to 5:1 moderate, above 5:1 severe, above 10:1 extreme.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from multimodal.corpora.manifest import Manifest
from multimodal.labels import CLASSES, MODALITIES
from multimodal.splits.split import Split

MARKS = ("balanced", "moderate", "severe", "extreme")
MODERATE_FROM, SEVERE_ABOVE, EXTREME_ABOVE = 3.0, 5.0, 10.0


@dataclass(frozen=True)
class Balance:
    """Real against fake, for a clip as a whole or for one modality.

    ``ratio`` is the larger count over the smaller, None where one of them is zero; ``majority`` is ``"real"``,
    ``"fake"`` or ``"even"``; ``mark`` is one of :data:`MARKS`, or ``"one class only"``, or ``"no label"``.
    """

    real: int
    fake: int
    unknown: int
    ratio: float | None
    majority: str
    mark: str

    @property
    def text(self) -> str:
        """Real:fake with the smaller side as 1.

        >>> balance_of(real=500, fake=21_044).text, balance_of(real=100, fake=299).text
        ('1 : 42.1', '1 : 2.99')
        """
        if self.ratio is None:
            return f"{self.real:,} : {self.fake:,}"
        text = ratio_text(self.ratio)
        return f"{text} : 1" if self.majority == "real" else f"1 : {text}"


@dataclass(frozen=True)
class PartStatistics:
    """Counts of one corpus in one split (``"all"`` for the whole corpus).

    ``any``, ``video`` and ``audio`` count real and fake by that label; a modality that no clip has is None.
    ``classes`` holds the four audio-visual classes, where both labels are known. ``methods`` is method → clips.
    """

    corpus: str
    split: str
    clips: int
    media: dict[str, int]
    any: Balance
    video: Balance | None
    audio: Balance | None
    classes: dict[str, int]
    methods: dict[str, int]
    identities: int


def balance_of(*, real: int, fake: int, unknown: int = 0) -> Balance:
    """Ratio, direction and mark of two counts."""
    majority = "even" if real == fake else "real" if real > fake else "fake"
    if min(real, fake) == 0:
        return Balance(real, fake, unknown, None, majority, "one class only" if real + fake else "no label")
    ratio = max(real, fake) / min(real, fake)
    return Balance(real, fake, unknown, ratio, majority, mark_of(ratio))


def mark_of(ratio: float) -> str:
    """Mark of a ratio of at least 1.

    >>> [mark_of(ratio) for ratio in (1, 2.9, 3, 5, 5.1, 10, 42)]
    ['balanced', 'balanced', 'moderate', 'moderate', 'severe', 'severe', 'extreme']
    """
    if ratio < MODERATE_FROM:
        return "balanced"
    if ratio <= SEVERE_ABOVE:
        return "moderate"
    return "severe" if ratio <= EXTREME_ABOVE else "extreme"


def ratio_text(ratio: float) -> str:
    """A ratio with one decimal, or with as many as tell it from the number at which its mark changes.

    >>> [ratio_text(ratio) for ratio in (2.9, 2.99, 3, 3.01, 3.1, 2.9999, 10.04)]
    ['2.9', '2.99', '3.00', '3.01', '3.1', '2.9999', '10.04']
    """
    if all(abs(ratio - bound) >= 0.05 for bound in (MODERATE_FROM, SEVERE_ABOVE, EXTREME_ABOVE)):
        return f"{ratio:.1f}"
    decimals = 2
    while decimals < 9 and mark_of(round(ratio, decimals)) != mark_of(ratio):
        decimals += 1
    return f"{ratio:.{decimals}f}"


def corpus_separation(counts: Mapping[str, tuple[int, int]]) -> float:
    """Area under the ROC curve of the share of fakes in a clip's corpus: 0.5 says nothing, 1 separates entirely.

    ``counts`` is corpus → (real, fake), with a clip of each in all of them together.

    >>> corpus_separation({"voxceleb2": (90, 0), "fakeavceleb": (10, 100)})
    0.95
    """
    shares = {name: fake / (real + fake) for name, (real, fake) in counts.items() if real + fake}
    num_real, num_fake = (sum(one[label] for one in counts.values()) for label in (0, 1))
    wins = sum(
        counts[one][1] * counts[other][0] * (0.5 if shares[one] == shares[other] else shares[one] > shares[other])
        for one in shares
        for other in shares
    )
    return float(wins / (num_real * num_fake))


def compute_statistics(manifest: Manifest, split: Split | None = None) -> list[PartStatistics]:
    """Statistics of every corpus as a whole and in every split of it.

    Splits are those of ``split``, else the corpus's official ones. Corpora come in alphabetical order, the whole
    corpus first, then train, val, test, other names, and ``"dropped"``.
    """
    clips = manifest.clips
    part = clips["official_split"] if split is None else split.of(clips)
    if split is not None:
        part = part.astype(object).where(part.notna(), "dropped")
    narrow = _narrow(clips, part)
    results = []
    for corpus, rows in narrow.groupby("corpus", observed=True):
        results.append(_describe(str(corpus), "all", rows))
        parts = sorted(rows["split"].dropna().unique(), key=_split_order)
        results.extend(_describe(str(corpus), name, rows[rows["split"] == name]) for name in parts)
    return results


def to_json(statistics: list[PartStatistics]) -> list[dict[str, Any]]:
    """Plain values that ``json`` can write."""
    return [asdict(one) for one in statistics]


def _narrow(clips: pd.DataFrame, part: pd.Series) -> pd.DataFrame:
    """Only what is counted, as categories and small numbers (-1 for null): fast for a million rows."""
    names = {name: clips[name].astype("category") for name in ("corpus", "media", "method", "identity")}
    labels = {
        name: clips[name].to_numpy(dtype=np.int8, na_value=-1) for name in ("any_fake", "video_fake", "audio_fake")
    }
    return pd.DataFrame({**names, **labels, "split": part.astype("category")})


def _split_order(name: str) -> tuple[int, str]:
    known = ("train", "val", "test", "dropped")
    return (known.index(name) if name in known[:3] else 4 if name == "dropped" else 3, name)


def _describe(corpus: str, split: str, rows: pd.DataFrame) -> PartStatistics:
    video, audio = rows["video_fake"].to_numpy(), rows["audio_fake"].to_numpy()
    known = (video >= 0) & (audio >= 0)
    classes = np.bincount(2 * video[known] + audio[known], minlength=len(CLASSES))
    modalities = {name: _balance(rows[f"{name}_fake"].to_numpy()) for name in MODALITIES}
    return PartStatistics(
        corpus=corpus,
        split=split,
        clips=len(rows),
        media=_value_counts(rows["media"]),
        any=_balance(rows["any_fake"].to_numpy()),
        video=modalities["video"] if modalities["video"].mark != "no label" else None,
        audio=modalities["audio"] if modalities["audio"].mark != "no label" else None,
        classes={name: int(count) for name, count in zip(CLASSES, classes, strict=True)} if known.any() else {},
        methods=_value_counts(rows["method"]),
        identities=int(rows["identity"].nunique()),
    )


def _balance(labels: np.ndarray) -> Balance:
    unknown, real, fake = np.bincount(labels + 1, minlength=3)
    return balance_of(real=int(real), fake=int(fake), unknown=int(unknown))


def _value_counts(column: pd.Series) -> dict[str, int]:
    counts = column.value_counts()
    return {str(name): int(count) for name, count in counts[counts > 0].items()}
