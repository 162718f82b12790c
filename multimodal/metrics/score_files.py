"""Reading anybody's scores from CSV or parquet into the scores table that :mod:`.evaluation` takes.

Polarity is stated by the caller, never guessed: which label means fake, and whether a high score does. A missing
score is a clip that could not be judged: it is kept and counted.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from multimodal.artefacts import one_line, read_frame, reading
from multimodal.labels import Target
from multimodal.metrics.checks import Ints
from multimodal.metrics.scores_table import ScoreKind

_MISSING = ["", "nan", "NaN", "NA", "null"]


@dataclass(frozen=True, kw_only=True)
class Columns:
    """Names of the columns; those that are None are read under their usual name where the file has it.

    Args:
        clip_id: names the clip.
        score: what the system says.
        label: what the clip is.
        identity: who is seen or heard; intervals come from drawing identities.
        method: how it was forged.
        split: train, val or test.
    """

    clip_id: str = "clip_id"
    score: str = "score"
    label: str = "label"
    identity: str | None = None
    method: str | None = None
    split: str | None = None


def read_scores(
    path: str | Path,
    *,
    columns: Columns | None = None,
    fake_label: str | None = None,
    higher_is_fake: bool = True,
    kind: ScoreKind = "score",
    target: Target = "any",
) -> pd.DataFrame:
    """Read a file of scores.

    Args:
        path: CSV (also tab- or space-separated, by suffix .tsv, .txt) or parquet, a row a clip.
        columns: names of its columns.
        fake_label: the label that means fake ("1", "spoof", "FAKE"), the other one is real; None wants 1 and 0.
        higher_is_fake: whether a higher score means fake; otherwise scores are turned round (1 - probability,
            or the negative).
        kind: what the scores claim to be.
        target: what the label speaks of.

    Returns:
        Table with ``clip_id``, ``{target}_fake`` (Int8), ``score_{target}`` and, where the file has them,
        ``identity``, ``method`` and ``split``.

    Raises:
        ValueError: for a file or column that is not there, labels that are not two, duplicated clips, scores
            that are infinite or no numbers.
    """
    with reading(path, "a file of scores"):
        return _scores_table(path, columns or Columns(), fake_label, higher_is_fake, kind, target)


def _scores_table(
    path: str | Path,
    named: Columns,
    fake_label: str | None,
    higher_is_fake: bool,
    kind: ScoreKind,
    target: Target,
) -> pd.DataFrame:
    table = _read(Path(path))
    for column in (named.clip_id, named.score, named.label, named.identity, named.method, named.split):
        if column is not None and column not in table:
            raise ValueError(f"{path} has no column {column!r}; it has {', '.join(map(str, table.columns))}")
    clip_ids = _clip_ids(table[named.clip_id], path)
    result = {
        "clip_id": clip_ids,
        f"{target}_fake": pd.array(_labels(table[named.label], fake_label, path), dtype="Int8"),
        f"score_{target}": _scores(table[named.score], higher_is_fake, kind, path),
    }
    for field, usual in (("identity", named.identity), ("method", named.method), ("split", named.split)):
        if (usual or field) in table:
            column = table[usual or field]
            result[field] = column.where(column.isna(), column.astype(str)).astype(object).to_numpy()
    return pd.DataFrame(result)


def check_clips(scores: pd.DataFrame, expected: Iterable[str]) -> None:
    """Raise ``ValueError`` unless the table has exactly the clips of ``expected`` (those of a split)."""
    given, wanted = set(scores["clip_id"]), set(expected)
    lacking, foreign = sorted(wanted - given), sorted(given - wanted)
    parts = []
    if lacking:
        parts.append(f"{len(lacking)} of {len(wanted)} clips of the split have no row, e.g. {lacking[0]}")
    if foreign:
        parts.append(f"{len(foreign)} rows are of no clip of the split, e.g. {foreign[0]}")
    if parts:
        raise ValueError(
            f"scores do not match the split: {'; '.join(parts)}. "
            "Give every clip of the split a row; leave the score empty where it could not be judged"
        )


def _read(path: Path) -> pd.DataFrame:
    if not path.is_file():
        raise ValueError(f"no such file of scores: {path}")
    try:
        if path.suffix == ".parquet":
            return read_frame(path, "a file of scores")
        separator = {".tsv": "\t", ".txt": r"\s+"}.get(path.suffix, ",")
        return pd.read_csv(path, sep=separator, dtype=str, keep_default_na=False, na_values=_MISSING)
    except Exception as error:  # a damaged table makes its reader raise anything
        raise ValueError(f"cannot read {path} as {path.suffix or 'CSV'}: {one_line(error)}") from error


def _clip_ids(column: pd.Series, path: str | Path) -> np.ndarray:
    if column.empty:
        raise ValueError(f"{path} has no row")
    if column.isna().any():
        raise ValueError(f"{path}: {int(column.isna().sum())} rows have no {column.name}")
    clip_ids = column.astype(str)
    repeated = clip_ids[clip_ids.duplicated()]
    if len(repeated):
        raise ValueError(
            f"{path}: {len(repeated)} rows repeat a clip, e.g. {repeated.iloc[0]}. "
            "Give one row a clip: average windows first"
        )
    return clip_ids.to_numpy(dtype=object)


def _labels(column: pd.Series, fake_label: str | None, path: str | Path) -> Ints:
    if column.isna().any():
        raise ValueError(f"{path}: {int(column.isna().sum())} rows have no {column.name}; leave them out")
    texts = column.map(_plain)
    found = sorted(texts.unique())
    shown = ", ".join(map(repr, found[:5]))
    if len(found) > 2:
        raise ValueError(f"{path}: want two labels in {column.name}; got {shown}. Is it the column of scores?")
    if fake_label is None and not {"0", "1"}.issuperset(found):
        raise ValueError(f"{path}: labels are {shown}, not 1 and 0. Say with --fake-label which one is fake")
    fake = _plain("1" if fake_label is None else fake_label)
    if fake not in found and (len(found) == 2 or found[0] != "0"):
        raise ValueError(
            f"{path}: no label is {fake_label!r}; got {shown}. Say with --fake-label which one is fake"
        )
    return (texts == fake).to_numpy(dtype=np.int64)


def _plain(label: object) -> str:
    """Text of a label, with 1, 1.0, "1.0" and True alike."""
    text = str(label).strip()
    return {"True": "1", "true": "1", "False": "0", "false": "0", "1.0": "1", "0.0": "0"}.get(text, text)


def _scores(column: pd.Series, higher_is_fake: bool, kind: ScoreKind, path: str | Path) -> np.ndarray:
    numbers = pd.to_numeric(column, errors="coerce")
    words = column[numbers.isna() & column.notna()]
    if len(words):
        raise ValueError(f"{path}: {len(words)} scores are no numbers, e.g. {words.iloc[0]!r}")
    values = numbers.to_numpy(dtype=float, na_value=np.nan)
    if np.isinf(values).any():
        raise ValueError(
            f"{path}: {int(np.isinf(values).sum())} scores are infinite; was a logit taken of 0 or 1?"
        )
    if higher_is_fake:
        return values
    return 1 - values if kind == "probability" else -values
