"""Properties of files that tell fakes from reals without anybody looking at the picture or listening.

A detector finds such a shortcut before it finds a forgery. How well a property alone separates is the area under
the ROC curve of the best direction: 0.5 says nothing, 1 separates entirely.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd
import scipy

from multimodal.audit.findings import Evidence, Finding
from multimodal.audit.statistics import balance_of, corpus_separation

#: Columns of a probe table, with what they are called.
NUMBERS = {
    "duration_seconds": "duration",
    "frame_rate": "frame rate",
    "num_pixels": "size of the picture",
    "audio_rate": "sample rate",
    "bytes_per_second": "bytes per second",
    "start_silence_seconds": "silence at the start",
}
NAMES = {"container": "container", "video_codec": "video codec", "audio_codec": "audio codec"}

#: ROC area from which a column alone is told, and clips that each label must have, so that chance is not.
_WORTH_TELLING = 0.75
_FEWEST = 20


def shortcuts(evidence: Evidence) -> Iterator[Finding]:
    """Whether size, suffix, duration, rates, codecs or silence alone tell fakes from reals."""
    clips = evidence.clips
    table = clips[["corpus", "media", "any_fake", "size_bytes"]].assign(
        suffix=clips["path"].astype(object).str.rpartition(".")[2].str.lower()
    )
    if evidence.probe is not None:
        table = table.join(_probed(evidence, clips))
    for (corpus, media), rows in table[table["any_fake"].notna()].groupby(["corpus", "media"], observed=True):
        for column, title in {"size_bytes": "size of the file", "suffix": "suffix", **NUMBERS, **NAMES}.items():
            if column in rows:
                yield from _judge(str(corpus), str(media), title, rows[column], rows["any_fake"])


def corpus_tells_label(evidence: Evidence) -> Iterator[Finding]:
    """Whether the corpus that a clip comes from alone tells fakes from reals."""
    clips = evidence.clips[~evidence.clips["clip_id"].duplicated()]
    train = clips[(evidence.split[clips.index] == "train").to_numpy(dtype=bool)]
    rows, part = (train, "train") if len(train) else (clips, "all clips")
    rows = rows[rows["any_fake"].notna()]
    fake = rows["any_fake"].astype(int)
    counts = fake.groupby(rows["corpus"].astype(object)).agg(["size", "sum"])
    balance = balance_of(real=int((fake == 0).sum()), fake=int(fake.sum()))
    if len(counts) < 2 or balance.ratio is None:
        return
    area = corpus_separation({str(name): (size - sum_, sum_) for name, size, sum_ in counts.itertuples()})
    if area >= _WORTH_TELLING:
        yield Finding(
            "warning",
            "corpus tells label",
            len(rows),
            f"in {part} of all corpora together (real : fake = {balance.text}) the corpus alone tells fakes from "
            f"reals with an AUC of {area:.3f}",
            "A detector may learn the corpus and not the forgery: prepare all in the same way, add reals and "
            "fakes of each, and judge on one corpus that holds both.",
            tuple(f"{name}: {size - sum_:,} real, {sum_:,} fake" for name, size, sum_ in counts.itertuples()),
        )


def _probed(evidence: Evidence, clips: pd.DataFrame) -> pd.DataFrame:
    assert evidence.probe is not None
    probe = evidence.probe.set_index("clip_id")
    probe = probe[~probe.index.duplicated()].reindex(clips["clip_id"])
    probe.index = clips.index
    probe["num_pixels"] = probe["width"] * probe["height"]
    duration = probe["duration_seconds"].astype("float")
    probe["bytes_per_second"] = clips["size_bytes"] / duration.where(duration > 0)
    return probe[[*NUMBERS, *NAMES]]


def _judge(corpus: str, media: str, title: str, values: pd.Series, label: pd.Series) -> Iterator[Finding]:
    known = values.notna()
    values, fake = values[known], label[known].to_numpy(dtype=np.int8) == 1
    if min(fake.sum(), (~fake).sum()) < _FEWEST or values.nunique() < 2:
        return
    is_number = pd.api.types.is_numeric_dtype(values)
    scores = values.to_numpy(dtype=np.float64) if is_number else _share_of_fakes(values, fake)
    area = separation(scores, fake)
    if area >= _WORTH_TELLING:
        yield Finding(
            "warning",
            "shortcuts",
            int(known.sum()),
            f"{corpus}, {media}: the {title} alone tells fakes from reals with an AUC of {area:.3f}",
            "Make it the same for both before training (one size, rate, codec and length; trim silence), "
            "and report a detector that knows nothing else beside yours.",
            _typical(values, fake, is_number),
        )


def separation(scores: np.ndarray, fake: np.ndarray) -> float:
    """Area under the ROC curve in the better direction, from 0.5 to 1; ties count half.

    >>> separation(np.array([1.0, 2.0, 3.0]), np.array([True, False, False]))
    1.0
    """
    num_fake, num_real = int(fake.sum()), int((~fake).sum())
    area = (scipy.stats.rankdata(scores)[fake].sum() - num_fake * (num_fake + 1) / 2) / (num_fake * num_real)
    return float(max(area, 1 - area))


def _share_of_fakes(values: pd.Series, fake: np.ndarray) -> np.ndarray:
    codes, names = pd.factorize(values)
    share = np.bincount(codes, weights=fake) / np.bincount(codes, minlength=len(names))
    return share[codes]


def _typical(values: pd.Series, fake: np.ndarray, is_number: bool) -> tuple[str, ...]:
    lines = []
    for name, mask in (("real", ~fake), ("fake", fake)):
        if is_number:
            low, middle, high = np.quantile(values[mask].to_numpy(dtype=np.float64), (0.1, 0.5, 0.9))
            lines.append(f"{name}: median {middle:,.6g}, from {low:,.6g} to {high:,.6g} (10 % to 90 %)")
        else:
            shares = values[mask].value_counts(normalize=True).head(3)
            lines.append(f"{name}: " + ", ".join(f"{value} {share:.0%}" for value, share in shares.items()))
    return tuple(lines)
