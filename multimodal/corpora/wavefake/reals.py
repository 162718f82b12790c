"""Where the genuine recordings of WaveFake lie: LJSpeech and JSUT, which come from elsewhere."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from multimodal.corpora.markers import list_folder
from multimodal.corpora.scan_report import ScanReport
from multimodal.corpora.walk import walk_files

#: family → folders that hold its recordings, below a folder in which people keep corpora
_PLACES: dict[str, tuple[str, ...]] = {
    "ljspeech": ("ljspeech-*/wavs", "ljspeech/wavs", "ljspeech-*/ljspeech-*/wavs"),
    "jsut": ("jsut_ver*/basic5000/wav", "jsut/basic5000/wav", "jsut_ver*/jsut_ver*/basic5000/wav"),
}
#: the same, where a person named the corpus itself
_INSIDE: dict[str, tuple[str, ...]] = {"ljspeech": ("wavs",), "jsut": ("basic5000/wav",)}
_GENUINE = {"ljspeech": re.compile(r"LJ\d{3}-\d{4}"), "jsut": re.compile(r"BASIC5000_\d{4}")}
_LEVELS_ABOVE = 2


def find_reals(root: Path, report: ScanReport, reals: str) -> dict[str, list[tuple[str, int]]]:
    """Family → (path relative to the root, size in bytes) of its genuine recordings.

    They are looked for at the root and up to two levels above it, where people keep one corpus beside another, or
    in the folder ``reals`` and up to one level below. A path that leaves the root begins with ``../``.
    """
    real_root = Path(os.path.realpath(root))
    if reals:
        start = Path(reals).expanduser()
        if not start.is_dir():
            raise ValueError(
                f"no such folder: {start}. Give --options reals DIR, the folder with LJSpeech-1.1 and jsut_ver1.1"
            )
        folders = [Path(os.path.realpath(start))]
        places = {family: (*_PLACES[family], *_INSIDE[family]) for family in _PLACES}
    else:
        folders = [real_root, *list(real_root.parents)[:_LEVELS_ABOVE]]
        places = _PLACES
    return {family: list(_read(real_root, _first(folders, places[family]), family, report)) for family in places}


def _first(folders: list[Path], places: tuple[str, ...]) -> Path | None:
    return next((found for folder in folders for place in places for found in _match(folder, place)), None)


def _match(folder: Path, place: str) -> Iterator[Path]:
    """Folders below ``folder`` that a path of globs names, without regard to case."""
    first, _, rest = place.partition("/")
    try:
        names = list_folder(folder).find(first, is_folder=True)
    except OSError:
        return
    for name in names:
        if rest:
            yield from _match(folder / name, rest)
        else:
            yield folder / name


def _read(root: Path, folder: Path | None, family: str, report: ScanReport) -> Iterator[tuple[str, int]]:
    if folder is None:
        return
    report.note(f"genuine recordings from {folder}")
    prefix = Path(os.path.relpath(folder, root)).as_posix()
    for name, size_bytes in walk_files(folder, report, suffixes={".wav"}):
        path = f"{prefix}/{name}"
        if _GENUINE[family].fullmatch(path[path.rfind("/") + 1 : path.rfind(".")]):
            yield path, size_bytes
        else:
            report.skip("name is not that of a genuine recording", path)
