"""FakeAVCeleb's ``meta_data.csv``, whose columns are found by what they hold.

As published, ``path`` is the bare file name and the folder stands in a last column without a name; edited copies
call the two ``vid`` and ``path``, spell the races otherwise, or come with another separator. So each row is read
by content: one cell ends in ``.mp4``, one has a type folder in it, one is a method, and ids look like ids.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from multimodal.corpora.base import ScanReport
from multimodal.corpora.fakeavceleb.names import CATEGORIES, METHODS, TYPES
from multimodal.corpora.table_file import read_cells

RACES = ("African", "Asian_East", "Asian_South", "Caucasian_American", "Caucasian_European")

_ID = re.compile(r"id\d{5}", re.IGNORECASE)
_TYPES = {name.lower(): name for name in TYPES}
_RACES = {name.lower(): name for name in RACES}


@dataclass(frozen=True)
class MetadataEntry:
    """All that the table says of one file: its method (several where rows disagree), the target ids, the types.

    ``types`` holds what columns of their own say of the type folder, by its name or by its letter.
    """

    methods: tuple[str, ...]
    targets: tuple[str, ...]
    types: frozenset[str] = frozenset()


def file_key(path: str) -> str:
    """A path from the type folder on, with folders spelt in one way; other text comes back with slashes only.

    >>> file_key("realvideo-realaudio/AFRICAN/Men/ID00076/00109.mp4")
    'RealVideo-RealAudio/African/men/id00076/00109.mp4'
    >>> file_key("FakeAVCeleb/RealVideo-RealAudio/Asian (East)/men/id06776/00021.mp4")
    'RealVideo-RealAudio/Asian_East/men/id06776/00021.mp4'
    """
    parts = path.replace("\\", "/").strip("/").split("/")
    start = next((position for position, part in enumerate(parts) if part.lower() in _TYPES), None)
    if start is None:
        return "/".join(map(normalise_race, parts))
    *folders, name = parts[start:]
    return "/".join([*map(_normalise_folder, folders), normalise_race(name)])


def normalise_race(name: str) -> str:
    """The spelling without blanks and brackets, which some copies use: ``Asian_East``."""
    spelt = name.replace(" (", "_").replace(")", "")
    return _RACES.get(spelt.lower(), spelt)


def type_of(name: str) -> str | None:
    """The type folder that a folder is, in whatever case; None for another."""
    return _TYPES.get(name.lower())


def _normalise_folder(name: str) -> str:
    """One spelling of a type, race, gender or person; other folders as they are."""
    known = type_of(name) or (name.lower() if _ID.fullmatch(name) or name.lower() in ("men", "women") else None)
    return known or normalise_race(name)


def read_metadata(path: Path, report: ScanReport) -> dict[str, MetadataEntry]:
    """Entries by :func:`file_key`. Rows that cannot be understood are counted in ``report``."""
    entries: dict[str, MetadataEntry] = {}
    num_unread = 0
    header: list[str] = []
    try:
        for position, row in enumerate(read_cells(path)):
            header = header or row
            if key := _key_of(row):
                entries[key] = _merge(entries.get(key), row, own_id=key.split("/")[-2])
            else:
                num_unread += position > 0 and row != header
    except ValueError as error:
        # the rows above the fault are whole, but who uses half of a table does not see which half
        report.warn(f"{error} The table was not used; methods come from file names alone")
        return {}
    if num_unread:
        report.warn(f"{path.name}: {num_unread:,} rows name no .mp4 file in one of the four type folders")
    return entries


def list_files(path: Path) -> list[str]:
    """:func:`file_key` of every row in the order of the table, rows for the same file repeated."""
    return [key for row in read_cells(path) if (key := _key_of(row))]


def _key_of(cells: Iterable[str]) -> str | None:
    cells = list(cells)
    file = next((cell for cell in cells if cell.lower().endswith(".mp4")), None)
    folder = next(
        (cell for cell in cells if "/" in file_key(cell) and file_key(cell).split("/")[0] in TYPES), None
    )
    if file is None or folder is None:
        return None
    return file_key(folder if folder == file else f"{folder}/{file}")


def _merge(known: MetadataEntry | None, cells: Iterable[str], own_id: str) -> MetadataEntry:
    cells = list(cells)
    ids = [cell.lower() for cell in cells if _ID.fullmatch(cell)]
    if own_id in ids:
        ids.remove(own_id)
    methods = [cell.lower() for cell in cells if cell.lower() in METHODS]
    types = {type_of(cell) or CATEGORIES.get(cell) for cell in cells} - {None}
    before = known or MetadataEntry((), ())
    return MetadataEntry(
        tuple(dict.fromkeys([*before.methods, *methods])),
        tuple(dict.fromkeys([*before.targets, *ids])),
        before.types | {str(name) for name in types},
    )
