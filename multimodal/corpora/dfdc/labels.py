"""Labels of DFDC: ``metadata.json`` beside training videos, ``labels.csv`` beside test videos (1 is fake)."""

import json
from pathlib import Path
from typing import NamedTuple

from multimodal.corpora.scan_report import ScanReport
from multimodal.corpora.table_file import read_rows

_FAKE = {"real": 0, "fake": 1, "0": 0, "1": 1}
_SPLITS = {"train": "train", "val": "val", "valid": "val", "validation": "val", "test": "test"}


class Entry(NamedTuple):
    """What a table says of one file."""

    fake: int
    original: str | None = None
    split: str | None = None


def read_labels(folder: Path, report: ScanReport) -> dict[str, Entry]:
    """Entries by file name, of the table in a folder; empty if there is none.

    A table that is damaged is a warning, and as if it were not there: other parts can still be read. Raises
    ``ValueError`` where the labels of a table are the other way round.
    """
    for name, read in (("metadata.json", _read_json), ("labels.csv", _read_csv)):
        if (folder / name).is_file():
            try:
                entries = read(folder / name, report)
            except (ValueError, OSError) as error:
                report.warn(f"{error}; the videos beside it have no label")
                return {}
            return _without_contradictions(folder / name, entries, report)
    return {}


def fake_of(label: object) -> int | None:
    """1 for fake, 0 for real, None for anything else.

    >>> fake_of("FAKE"), fake_of("real"), fake_of(1), fake_of("maybe")
    (1, 0, 1, None)
    """
    return None if isinstance(label, bool) else _FAKE.get(str(label).strip().lower())


def read_json_object(path: Path) -> dict[str, dict[str, object]]:
    """A JSON file with one object of objects; ``ValueError`` in one line if it is anything else."""
    try:
        content = json.loads(path.read_bytes().decode("utf-8-sig"))
    except (ValueError, OSError) as error:
        raise ValueError(f"{path} is not JSON, perhaps cut off ({error})") from error
    if not isinstance(content, dict) or not all(isinstance(value, dict) for value in content.values()):
        raise ValueError(f"{path} is not a JSON object with an entry a video")
    return content


def _read_json(path: Path, report: ScanReport) -> dict[str, Entry]:
    entries = {}
    content = read_json_object(path)
    for name, value in content.items():
        original = value.get("original")
        fake = fake_of(value.get("label"))
        if fake is not None:
            split = _SPLITS.get(str(value.get("split")).lower())
            entries[_base_name(name)] = Entry(fake, _base_name(str(original)) if original else None, split)
    if len(entries) < len(content):
        report.warn(f"{path}: {len(content) - len(entries):,} entries have no label of REAL and FAKE")
    return entries


def _read_csv(path: Path, report: ScanReport) -> dict[str, Entry]:
    rows = list(read_rows(path))
    names = list(dict.fromkeys(column for row in rows for column in row))
    if any(name.lower().endswith(".mp4") for name in names):
        raise ValueError(f"{path} has no header; its first line must be filename,label")
    label = _label_column(path, names, rows)
    entries: dict[str, Entry] = {}
    contradicted = set()
    num_unread = 0
    for row in rows:
        file = next((cell for cell in row.values() if cell.lower().endswith(".mp4")), None)
        fake = fake_of(row.get(label))
        if file is None or fake is None:
            num_unread += 1
        elif entries.setdefault(_base_name(file), Entry(fake)).fake != fake:
            contradicted.add(_base_name(file))
    if num_unread:
        report.warn(f"{path}: {num_unread:,} rows lack a file or a label")
    if contradicted:
        report.warn(f"{path} gives {len(contradicted):,} files two labels, e.g. {min(contradicted)}; left out")
    return {name: entry for name, entry in entries.items() if name not in contradicted}


def _label_column(path: Path, names: list[str], rows: list[dict[str, str]]) -> str:
    """The column called label, else the only one that holds nothing but labels."""
    called = [name for name in names if name.lower() == "label"]
    fitting = [name for name in names if all(fake_of(row.get(name)) is not None for row in rows)]
    found = called or fitting
    if len(found) != 1:
        raise ValueError(f"{path} has no column called label, and the columns {', '.join(names)} do not tell")
    return found[0]


def _without_contradictions(path: Path, entries: dict[str, Entry], report: ScanReport) -> dict[str, Entry]:
    """Only fakes are made from an original; an entry that is called real and names one has no certain label."""
    made = [name for name, entry in entries.items() if entry.original]
    wrong = [name for name in made if not entries[name].fake]
    if wrong and len(wrong) * 2 >= len(made):
        raise ValueError(
            f"{path} calls {len(wrong):,} of {len(made):,} videos REAL that name an original, as only fakes do. "
            "Its labels seem to be the other way round: compare with the download."
        )
    if wrong:
        report.warn(f"{path} calls {len(wrong):,} videos REAL that name an original, e.g. {wrong[0]}; left out")
    return {name: entry for name, entry in entries.items() if entry.fake or not entry.original}


def _base_name(path: str) -> str:
    return path.replace("\\", "/").rpartition("/")[2]
