"""Reading anybody's scores from whatever table they lie in into the scores table that :mod:`.evaluation` takes.

Polarity is stated by the caller, never guessed: whether a high score means fake, and which label does, unless the
labels are words that say it themselves (spoof and bonafide). A missing score is a clip that could not be judged:
it is kept and counted. Labels, identities and methods may come from a second file, a manifest or a protocol.
"""

from collections.abc import Iterable, Mapping
from dataclasses import fields
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd
from pandas.api.types import is_list_like

from multimodal.labels import Target
from multimodal.metrics.any_table import FAKE_WORDS, column_of, has_header, is_key, is_number, read_table
from multimodal.metrics.checks import Ints
from multimodal.metrics.options import Columns, JoinedColumns, ScoreKind

#: Columns of FakeAVCeleb's own table, where a clip's folder and file stand apart.
_FOLDER_AND_FILE = {"source", "method", "category", "type", "path"}


def read_scores(
    path: str | Path,
    *,
    columns: Columns | None = None,
    fake_label: str | None = None,
    higher_is_fake: bool = True,
    kind: ScoreKind = "score",
    target: Target = "any",
    join: str | Path | None = None,
    on: str | None = None,
    joined: JoinedColumns | None = None,
) -> pd.DataFrame:
    """Read a file of scores.

    Args:
        path: any table that :func:`~.any_table.read_table` reads, a row a clip. Without a header, ``clip score``,
            ``clip score key`` and ``clip attack key score`` are known by the key, spoof or bonafide.
        columns: names or numbers of its columns.
        fake_label: the label that means fake ("1", "spoof", "FAKE"), the other one is real; None wants 1 and 0, or
            words that say it themselves.
        higher_is_fake: whether a higher score means fake; otherwise scores are turned round (1 - probability,
            or the negative).
        kind: what the scores claim to be.
        target: what the label speaks of.
        join: a manifest or protocol that brings what the file of scores does not have.
        on: the column of ``join`` that names the clip; None finds it by the clips.
        joined: names or numbers of the other columns of ``join``.

    Returns:
        Table with ``clip_id``, ``{target}_fake`` (Int8), ``score_{target}`` and, where the file has them,
        ``identity``, ``method`` and ``split``.

    Raises:
        ValueError: for a file or column that is not there, labels that are not two, duplicated clips, scores
            that are infinite or no numbers.
    """
    named = columns or Columns()
    table = read_table(path, _names_of(named))
    if table.empty:
        raise ValueError(f"{path} has no row")
    found = _named(table, named, path, labelled=join is None)
    _refuse_nested(found, path)
    clip_ids = _clip_ids(found["clip_id"], path)
    source = path
    if join is not None:
        brought = _joined(clip_ids, Path(join), on, joined or JoinedColumns(), target)
        source = join if "label" in brought else path
        found = {**found, **brought}
    if "label" not in found:
        names = ", ".join(map(str, read_table(join).columns)) if join is not None else ""
        raise ValueError(
            f"{join} brings no label; say --joined.label, the name or number of its column: it has {names}"
        )
    result = {
        "clip_id": clip_ids,
        f"{target}_fake": pd.array(_labels(found["label"], fake_label, source), dtype="Int8"),
        f"score_{target}": _scores(found["score"], higher_is_fake, kind, path),
    }
    for field in ("identity", "method", "split"):
        if field in found:
            cells = found[field]
            result[field] = cells.map(str, na_action="ignore").astype(object).to_numpy()
    return pd.DataFrame(result)


def _refuse_nested(found: Mapping[str, pd.Series], path: str | Path) -> None:
    for field, cells in found.items():
        if cells.dtype == object and cells.map(is_list_like).any():
            raise ValueError(f"{path} has lists where a {field} should stand; a row has one {field}")


def lacks_header(path: str | Path, columns: Columns) -> bool:
    """Whether the columns of a file of scores are known by their places alone."""
    return not has_header(read_table(path, _names_of(columns)))


def _names_of(columns: object) -> frozenset[str]:
    values = (getattr(columns, one.name) for one in fields(columns))  # type: ignore[arg-type]
    return frozenset(value for value in values if value is not None and not value.isdigit())


def _named(table: pd.DataFrame, named: Columns, path: str | Path, *, labelled: bool) -> dict[str, pd.Series]:
    """What the file of scores has: field → its column."""
    usual = Columns()
    places = {} if has_header(table) else _places(table)
    found = {}
    for field in ("clip_id", "score", "label", "identity", "method", "split"):
        wanted, default = getattr(named, field), getattr(usual, field)
        if wanted == default:
            wanted = wanted if wanted in table else places.get(field, wanted or field)
            optional = default is None or (field == "label" and not labelled)
            if optional and wanted not in table:
                continue
        if field == "label" and wanted not in table and not wanted.isdigit() and not has_header(table):
            raise ValueError(
                f"{path} has no header, and no column of spoof and bonafide. Say --columns.label NUMBER and "
                "--fake-label, or --join FILE, a manifest or protocol"
            )
        found[field] = column_of(table, wanted, path, f"--columns.{field.replace('_', '-')}")
    return found


def _places(table: pd.DataFrame) -> dict[str, str]:
    """Fields by the numbers of their columns, where a table without header leaves no doubt about them.

    The first column is the clip, that of spoof and bonafide the label, the only one of numbers the score, and one
    between them the attack, as AASIST and ASVspoof write them.
    """
    places = {"clip_id": "1"}
    others = list(table.columns[1:])
    keys = [name for name in others if is_key(table[name])]
    numbers = [name for name in others if table[name].notna().any() and table[name].dropna().map(is_number).all()]
    left = [name for name in others if name not in (*keys, *numbers)]
    if len(numbers) == 1:
        places["score"] = numbers[0]
    if len(keys) == 1:
        places["label"] = keys[0]
        if len(left) == 1:
            places["method"] = left[0]
    return places


# What a manifest or a protocol brings.


def _joined(
    clip_ids: np.ndarray, path: Path, on: str | None, named: JoinedColumns, target: Target
) -> dict[str, pd.Series]:
    """What another file says of the clips, in their order: field → (clips,)."""
    table = read_table(path, _names_of(named) | ({on} if on is not None and not on.isdigit() else set()))
    if table.empty:
        raise ValueError(f"{path} has no row")
    rows = _rows_in(table, clip_ids, path) if on is None else _rows_on(table, on, clip_ids, path)
    places = _places_of_key(table)
    brought = {}
    for field in ("label", "identity", "method", "split"):
        wanted = getattr(named, field)
        usual = [f"{target}_fake", field] if field == "label" else [field]
        name = wanted or next((one for one in usual if one in table), places.get(field))
        if name is not None:
            cells = column_of(table, name, path, f"--joined.{field}")
            brought[field] = cells.iloc[rows].reset_index(drop=True)
    _refuse_nested(brought, path)
    return brought


def _places_of_key(table: pd.DataFrame) -> dict[str, str]:
    """Columns of a table that has a key (spoof or bonafide) under whatever name.

    Without a header it is taken for a protocol of ASVspoof, of whichever year: speaker, file, ..., attack, key,
    where bona fide rows may say so for the attack too.
    """
    keys = [number for number, name in enumerate(table.columns) if is_key(table[name])]
    if not keys:
        return {}
    key = keys[1] if keys[1:] and keys[1] == keys[0] + 1 else keys[0]
    names = [str(name) for name in table.columns]
    if has_header(table):
        return {"label": names[key]} if len(keys) == 1 else {}
    return {"label": names[key], **({"identity": names[0], "method": names[key - 1]} if key > 2 else {})}


def _rows_in(table: pd.DataFrame, clip_ids: np.ndarray, path: Path) -> Ints:
    """The row of each clip, by ``clip_id`` or else the one column in which all clips are found."""
    found = {}
    for name in sorted(table.columns, key=lambda name: name != "clip_id"):
        cells = table[name].map(str)
        rows = _matched(clip_ids, cells) if cells.nunique() >= len(clip_ids) else None
        if rows is not None and name == "clip_id":
            return rows
        if rows is not None:
            found[str(name)] = rows
    if found and all(np.array_equal(rows, next(iter(found.values()))) for rows in found.values()):
        return next(iter(found.values()))
    if found:
        names = " and ".join(found)
        raise ValueError(f"{path} has the clips in the columns {names}, in other rows each. Say --on which")
    if {str(name).lower() for name in table.columns} >= _FOLDER_AND_FILE:
        raise ValueError(
            f"{path} is FakeAVCeleb's own table: a clip's folder and file stand apart in it, and no column names "
            "the clips of the scores. Give --join the manifest of `scan fakeavceleb`, which reads it"
        )
    nearest = max(table.columns, key=lambda name: _num_named(clip_ids, table[name]))
    return _rows_on(table, "clip_id" if "clip_id" in table else str(nearest), clip_ids, path)


def _rows_on(table: pd.DataFrame, on: str, clip_ids: np.ndarray, path: Path) -> Ints:
    """The row of each clip, by that column."""
    clips = column_of(table, on, path, "--on").map(str)
    repeated = clips[clips.duplicated() & clips.isin(clip_ids)]
    if len(repeated):
        raise ValueError(f"{path} has several rows of a clip, e.g. of {repeated.iloc[0]}. Keep one")
    rows = _matched(clip_ids, clips)
    if rows is not None:
        return rows
    lacking = _lacking(clip_ids, clips)
    raise ValueError(
        f"{path} lacks {len(lacking):,} of {len(clip_ids):,} clips of the scores, e.g. {lacking[0]}; its own are "
        f"e.g. {clips.iloc[0]} (column {on}). Say --on COLUMN, the one with names as the scores have"
    )


def _matched(clip_ids: np.ndarray, clips: pd.Series) -> Ints | None:
    """The row of each clip, by its name as it stands, else without folder and ending; None where one lacks."""
    for shorten in (str, _stem):
        wanted, names = (pd.Index([shorten(clip) for clip in of]) for of in (clip_ids, clips))
        once = ~names.duplicated(keep=False)
        rows = names[once].get_indexer(wanted)
        if wanted.is_unique and (rows >= 0).all():
            return np.flatnonzero(once)[rows]
    return None


def _lacking(clip_ids: np.ndarray, clips: pd.Series) -> list[str]:
    names = {*clips, *map(_stem, clips)}
    return [clip for clip in clip_ids if clip not in names and _stem(clip) not in names] or list(clip_ids)


def _num_named(clip_ids: np.ndarray, cells: pd.Series) -> int:
    names = cells.dropna().map(str)
    return len({*clip_ids, *map(_stem, clip_ids)} & {*names, *map(_stem, names)})


def _stem(clip: str) -> str:
    return PurePosixPath(clip.replace("\\", "/")).stem


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


def _clip_ids(column: pd.Series, path: str | Path) -> np.ndarray:
    if column.isna().any():
        raise ValueError(f"{path}: {int(column.isna().sum())} rows have no {column.name}")
    clip_ids = column.map(str)  # astype would read bytes as UTF-8
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
    if fake_label is None and is_key(column):
        return column.map(lambda cell: str(cell).strip().lower() in FAKE_WORDS).to_numpy(dtype=np.int64)
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
    numbers = pd.to_numeric(column.map(_with_point), errors="coerce")
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
    return 1 - values if kind == "probability" else 0.0 - values


def _with_point(cell: object) -> object:
    """A number with the comma that many countries write for the point, with a point."""
    return cell.replace(",", ".") if isinstance(cell, str) and "." not in cell and cell.count(",") == 1 else cell
