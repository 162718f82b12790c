"""In-the-Wild: speech of public figures collected from the internet, genuine and forged, to judge only.

On disk: ``release_in_the_wild/<number>.wav`` and ``meta.csv`` with ``file,speaker,label``. Whatever is easily got
wrong here:

* The label is ``bona-fide``, with a hyphen that ASVspoof does not write, or ``spoof``; code that compares with
  ``bonafide`` calls everything a fake.
* It has no training part, and its forgeries are of methods that nobody named: all of it is ``test``.
* Genuine and forged clips show the same 54 people, so a detector cannot tell by the voice alone.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from multimodal.corpora.base import Corpus, ScanReport
from multimodal.corpora.manifest import Clip
from multimodal.corpora.roots import list_folder
from multimodal.corpora.table_file import read_rows
from multimodal.corpora.walk import walk_files

NAMESPACE = "in_the_wild"

_TABLE = "meta.csv"
_LABELS = {"bonafide": 0, "genuine": 0, "real": 0, "spoof": 1, "fake": 1}


class Columns(NamedTuple):
    """Which column is which in ``meta.csv``."""

    file: str
    speaker: str | None
    label: str


def read_clips(root: Path, report: ScanReport) -> Iterator[Clip]:
    """Every recording that ``meta.csv`` lists and that is on disk."""
    path = root / list_folder(root).find(_TABLE, is_folder=False)[0]
    files: dict[str, tuple[str, int]] = {}
    for file, size_bytes in walk_files(root, report, suffixes={".wav"}):
        if files.setdefault(file.rpartition("/")[2].lower(), (file, size_bytes))[0] != file:
            report.skip("second copy of a recording", file)
    missing = []
    for name, (label, speaker) in _read_table(path, report).items():
        found = files.pop(name.lower(), None)
        if found is None:
            missing.append(name)
            continue
        yield Clip(
            found[0],
            "audio",
            None,
            label,
            "unknown" if label else "real",
            found[1],
            identity=f"{NAMESPACE}:{speaker}" if speaker else None,
            official_split="test",
        )
    if missing:
        report.warn(f"{path.name} lists {len(missing):,} recordings that are not on disk, e.g. {missing[0]}")
    for file, _ in files.values():
        report.skip(f"not in {path.name} with one certain label", file)


def _read_table(path: Path, report: ScanReport) -> dict[str, tuple[int, str]]:
    """File name → label and speaker; files with two labels and rows without one are left out with a warning."""
    rows = list(read_rows(path))
    header = list(rows[0]) if rows else []
    if any(name.lower().endswith(".wav") for name in header):
        rows.insert(0, dict(zip(header, header, strict=True)))  # there is no header: its cells are a row
    columns = _find_columns(path, rows)
    listed: dict[str, tuple[int, str]] = {}
    contradicted: set[str] = set()
    num_unread = 0
    for row in rows:
        name, label = row.get(columns.file, "").rpartition("/")[2], _label_of(row.get(columns.label, ""))
        if label is None or not name:
            num_unread += 1
            continue
        speaker = row.get(columns.speaker, "") if columns.speaker else ""
        if listed.setdefault(name, (label, speaker))[0] != label:
            contradicted.add(name)
    if contradicted:
        report.warn(
            f"{path.name} gives {len(contradicted):,} files two labels, e.g. {min(contradicted)}; left out"
        )
    if num_unread:
        report.warn(f"{path.name}: {num_unread:,} rows name no file and label bona-fide or spoof")
    return {name: value for name, value in listed.items() if name not in contradicted}


def _find_columns(path: Path, rows: list[dict[str, str]]) -> Columns:
    """Columns by what they hold: recordings, labels, and the speaker in the first of the others with letters."""
    names = list(rows[0]) if rows else []
    sound = [name for name in names if _share(rows, name, lambda cell: cell.lower().endswith(".wav")) > 0.5]
    labels = [name for name in names if _share(rows, name, lambda cell: _label_of(cell) is not None) > 0.5]
    if not sound or not labels:
        raise ValueError(
            f"{path} must have a column of .wav files and one of bona-fide or spoof; it has "
            f"{', '.join(names) or 'no rows'}. A label that is a number may mean either: take the published table."
        )
    others = [name for name in names if name not in (*sound, *labels)]
    speakers = [name for name in others if _share(rows, name, lambda cell: any(map(str.isalpha, cell))) > 0.5]
    named = [name for name in others if name.lower() == "speaker"]
    return Columns(sound[0], next(iter([*named, *speakers]), None), labels[0])


def _share(rows: list[dict[str, str]], column: str, holds: Callable[[str], bool]) -> float:
    return sum(holds(row.get(column, "")) for row in rows) / len(rows)


def _label_of(cell: str) -> int | None:
    """1 for fake, 0 for real, None for anything else.

    >>> _label_of("Bona-Fide"), _label_of("spoof"), _label_of("1")
    (0, 1, None)
    """
    return _LABELS.get(cell.lower().replace("-", "").replace("_", "").replace(" ", ""))


CORPUS = Corpus(
    name="in_the_wild",
    title="In-the-Wild",
    summary="31,779 recordings of 54 public figures, genuine and forged, for evaluation",
    licence="Apache-2.0, as stated on its page",
    request_url="https://deepfake-total.com/in_the_wild",
    markers=((_TABLE, "[0-9]*.wav"), (_TABLE, "wav*/[0-9]*.wav")),
    clips=read_clips,
    namespace=NAMESPACE,
    expected={"method": {"real": 19_963, "unknown": 11_816}},
    official_split="none: all of it is for tests",
)
