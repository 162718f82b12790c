"""The protocol that takes published lists: AVH-Align's CSVs, lists of people, lists of paths with a label."""

import re
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd

from multimodal.corpora.fakeavceleb.metadata import normalise_race
from multimodal.corpora.manifest import Manifest
from multimodal.corpora.table_file import read_cells
from multimodal.splits.assignment import SPLITS, TEST, TRAIN, VAL, Assignment, assign

_LABEL_AT_END = re.compile(r"[ \t]+(-?\d+|real|fake)$", re.IGNORECASE)
_LABEL_AT_START = re.compile(r"^(-?\d+|real|fake)[ \t]+", re.IGNORECASE)
_PERSON = re.compile(r"id\d+")
_FILE = re.compile(r".*\.[A-Za-z0-9]{2,5}")


def from_file(
    manifest: Manifest,
    generator: np.random.Generator,
    *,
    train: str = "",
    val: str = "",
    test: str = "",
    rest: str = "",
) -> Assignment:
    """Assign what each list names; ``rest`` (train, val or test) takes all others, else they are dropped.

    A list is a CSV (the column with file names is found by content), or text with a path a line, a label before
    or after it, or a person a line (``id00017...``). Paths match from their end, with FakeAVCeleb's races in
    either spelling, whatever folder the list's author had above. Labels in the lists are not used.
    """
    lists = {name: path for name, path in ((TRAIN, train), (VAL, val), (TEST, test)) if path}
    if not lists or (rest and rest not in SPLITS):
        raise ValueError(
            "from_file needs a list: --options train FILE val FILE test FILE, any of the three, "
            "and rest train, val or test for all others"
        )
    clips = manifest.clips
    split = pd.Series([None] * len(clips), index=clips.index, dtype=object)
    finder = _Finder(clips)
    notes = []
    for name, path in lists.items():
        entries = read_list(Path(path).expanduser())
        rows, missing = finder.find(entries)
        twice = rows[split.iloc[rows].notna().to_numpy() & (split.iloc[rows] != name).to_numpy()]
        if len(twice):
            raise ValueError(
                f"{path}: {len(twice):,} clips are in another list too, e.g. {clips['path'].iloc[twice[0]]}"
            )
        if not len(rows):
            raise ValueError(f"{path}: none of its {len(entries):,} entries is in the manifest, e.g. {entries[0]}")
        split.iloc[rows] = name
        if missing:
            notes.append(f"{path}: {len(missing):,} of {len(entries):,} entries not found, e.g. {missing[0]}")
    reasons = {} if rest else {"in no list": split.isna()}
    return assign(split.fillna(rest) if rest else split, reasons, tuple(notes))


def read_list(path: Path) -> list[str]:
    """Entries of a published list: paths or people."""
    if not path.is_file():
        raise ValueError(f"list not found: {path}. Give the published file, e.g. --options test FILE")
    rows = list(read_cells(path))
    entries = [entry for entry in map(_entry_of, rows) if entry]
    if not entries:
        raise ValueError(f"{path} holds no file name and no person (id and digits) in any of {len(rows)} lines")
    return entries


def _entry_of(cells: list[str]) -> str | None:
    """The path in a row (the cell that looks most like one), else a person, else None (a header)."""
    cells = [_LABEL_AT_START.sub("", _LABEL_AT_END.sub("", cell)) for cell in cells]
    files = [cell for cell in cells if _FILE.fullmatch(cell)]
    if files:
        return max(files, key=lambda cell: cell.count("/") + cell.count("\\"))
    person = _PERSON.match(cells[0])
    return person.group() if person else None


class _Finder:
    """Finds clips by the end of their path, or all clips of a person."""

    def __init__(self, clips: pd.DataFrame):
        keys = [_normalise(path) for path in clips["path"]]
        self._rows = {key: row for row, key in enumerate(keys)}
        self._rows_of_name: dict[str, list[int]] = {}
        for row, key in enumerate(keys):
            self._rows_of_name.setdefault(PurePosixPath(key).name, []).append(row)
        self._keys = keys
        # corpora that name nobody have a column of nothing, which text methods of objects refuse
        people = clips["identity"].astype("string").str.split(":").str[-1]
        self._rows_of_person = clips.groupby(people.to_numpy(dtype=object)).indices

    def find(self, entries: list[str]) -> tuple[np.ndarray, list[str]]:
        """Rows of the clips that the entries name, and the entries that name none or several."""
        found: set[int] = set()
        missing = []
        for entry in entries:
            rows = self._find(entry)
            found.update(rows)
            if not len(rows):
                missing.append(entry)
        return np.array(sorted(found), dtype=np.int64), missing

    def _find(self, entry: str) -> list[int]:
        if _PERSON.fullmatch(entry):
            return [int(row) for row in self._rows_of_person.get(entry, ())]
        parts = _normalise(entry).split("/")
        for start in range(len(parts)):
            row = self._rows.get("/".join(parts[start:]))
            if row is not None:
                return [row]
        ending = "/" + "/".join(parts)
        rows = [row for row in self._rows_of_name.get(parts[-1], []) if self._keys[row].endswith(ending)]
        return rows if len(rows) == 1 else []


def _normalise(path: str) -> str:
    return normalise_race(path.replace("\\", "/").strip("/"))
