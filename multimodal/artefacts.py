"""What is read from files that a stranger may have made, and what is shown of them: refused or shown, in one line.

An artefact is damaged, or made to do harm, in more ways than its reader can think of, and libraries answer with
errors of every kind. :func:`reading` makes them one; :func:`check_inside`, :func:`inside` and
:func:`check_folders_inside` keep names below their folder; :func:`shown` and :func:`safe_cells` keep names from
being orders to a terminal or a spreadsheet.
"""

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from encoders import strangers
from encoders.folders import must_be_readable
from encoders.strangers import CONTROLS, escaped, quiet_libraries

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

#: Where a name could leave its folder: a root, a drive, a part that goes up, a NUL that ends it early.
_LEAVES = r"^/|^[A-Za-z]:[/\\]|(^|[/\\])\.\.([/\\]|$)|\x00|^\\"
_PLAIN_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?(\s?%)?|[+-]?(inf|nan)")
#: Characters by which a spreadsheet knows a formula, of full width too; quotes and blanks may stand before.
_FORMULA = re.compile(r"([\s\"']*)([=+\-@\uff1d\uff0b\uff0d\uff20])")
#: Where a spreadsheet of another country, or who pastes into one, begins a new cell; of a comma CSV takes care.
_NEW_CELL = re.compile(r"([;|\t\r\n\v\f\x1c-\x1e\x85\u2028\u2029]+)")


def one_line(error: BaseException) -> str:
    """What an error says, on one line of at most 300 characters; its kind where it says nothing."""
    if isinstance(error, MemoryError):
        return "it asks for more memory than there is"
    return strangers.one_line(error)


def must_be_plain(path: str | Path) -> None:
    """Refuse a pipe, a socket or a device in the place of a file: to open or to read one may never end.

    Raises:
        ValueError: it is one.
    """
    path = Path(path)
    if path.exists() and not path.is_file() and not path.is_dir():
        raise ValueError(f"{shown(path)} is no plain file, but a pipe or a device; put the file there")


@contextmanager
def reading(path: str | Path, kind: str, wrong: str = "cannot be read") -> Iterator[None]:
    """Whatever goes wrong while a file is read becomes a ``ValueError`` of one line that names it.

    One that names it already passes.

    Args:
        path: of the file.
        kind: what it should be, with its article: "a manifest".
        wrong: what is said of it before the reason.
    """
    must_be_plain(path)
    try:
        yield
    except Exception as error:  # a stranger's file makes a library raise anything
        text = str(error)
        if type(error) is ValueError and str(path) in text and shown(text) == text:
            raise
        must_be_readable(path)
        raise ValueError(f"not {kind}: {shown(path)} {wrong} ({one_line(error)})") from error


@contextmanager
def building(path: str | Path, kind: str) -> Iterator[None]:
    """Whatever a library says of values that a stranger chose becomes a ``ValueError`` of one line; ours pass.

    Nothing that a library logs or warns of meanwhile is shown.

    Args:
        path: of the file or folder that the values stand in.
        kind: what is built of them, with its article: "a detector".
    """
    try:
        with quiet_libraries():
            yield
    except Exception as error:  # sizes, names and types that nobody meant make a library raise anything
        if type(error) is ValueError and shown(error) == str(error):
            raise
        must_be_readable(path)
        if isinstance(error, PermissionError):  # of another file than this one, which it names
            raise
        raise ValueError(f"not {kind}: {shown(path)} ({one_line(error)})") from error


def read_table(path: str | Path, kind: str, *, columns: Iterable[str] = (), **options: Any) -> "pa.Table":
    """Read a parquet file; ``ValueError`` if it is none, is damaged, or lacks one of ``columns``.

    Args:
        path: of the file.
        kind: what it should be, with its article, for the error.
        columns: that it must have; others are kept.
        options: of ``pyarrow.parquet.read_table``.
    """
    import pyarrow.parquet as pq

    with reading(path, kind, "is no parquet file"):
        table = pq.read_table(path, **options)
        table.validate(full=True)
    missing = [name for name in columns if name not in table.column_names]
    if missing:
        raise ValueError(f"not {kind}: {path} lacks the columns {', '.join(missing)}")
    return table


def read_frame(path: str | Path, kind: str, *, columns: Iterable[str] = (), **options: Any) -> "pd.DataFrame":
    """As :func:`read_table`, for pandas."""
    table = read_table(path, kind, columns=columns, **options)
    with reading(path, kind):
        return table.to_pandas()


def require(found: Any, kinds: Mapping[str, type], path: Path) -> None:
    """Raise ``ValueError`` unless ``found`` is an object whose values, those that it has, are of these kinds."""
    if not isinstance(found, dict):
        raise ValueError(f"{path} was not written by this program: want an object; got {type(found).__name__}")
    for name, kind in kinds.items():
        if name in found and not isinstance(found[name], kind):
            raise ValueError(f"{path} was not written by this program: {name} is {found.get(name)!r:.60}")


def is_number(value: Any) -> bool:
    """Whether a value of a file is a number, and one that can be computed with."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300


# Names that stay below their folder.


def check_inside(names: "pa.ChunkedArray | list[str]", what: str, source: str | Path) -> None:
    """Raise ``ValueError`` if a name would leave the folder that it is put behind, or is none.

    Args:
        names: relative paths; all must be there.
        what: they are, for the error: "path".
        source: the file that they stand in.

    >>> check_inside(["a/b.mp4", "../b.mp4"], "path", "manifest.parquet")
    Traceback (most recent call last):
    ValueError: manifest.parquet has a path that leaves its folder: '../b.mp4'. Make the file anew from your data
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    array = pa.chunked_array([pa.array(names, pa.string())]) if isinstance(names, list) else names
    if array.null_count:
        raise ValueError(f"{source} has {array.null_count} rows without {what}. Make the file anew from your data")
    leaving = array.filter(pc.match_substring_regex(array, _LEAVES))
    if len(leaving):
        raise ValueError(
            f"{source} has a {what} that leaves its folder: {leaving[0].as_py()!r:.200}. "
            "Make the file anew from your data"
        )


def inside(folder: Path, name: str) -> Path:
    """``folder / name``, a file or none; ``ValueError`` where the name, or a link, leads out, or to a pipe."""
    if "\0" in name or PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
        raise ValueError(f"{name!r:.200} leaves {folder}; names in a file must stay in its folder")
    path = folder / name
    if not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder)):
        raise ValueError(f"{shown(path)} is a link out of {folder}; put there what it leads to")
    must_be_plain(path)
    return path


def check_folders_inside(folder: Path) -> None:
    """Refuse to write into a folder that is ours where a link in it, however deep, leads to a folder elsewhere.

    Verbs write, sweep and remove in the folders that they find there, and who made those may be a stranger.
    ``folder`` itself may be a link: whoever gave it meant where it leads.

    Raises:
        ValueError: names the link.
    """
    top = os.path.realpath(folder)
    for above, names, _ in os.walk(folder):
        for path in (Path(above, name) for name in names):
            if path.is_symlink() and not Path(os.path.realpath(path)).is_relative_to(top):
                raise ValueError(
                    f"{shown(path)} is a link out of {folder}, and what it leads to would be written; "
                    "put a folder there in its place, or give another folder"
                )


# Names that are shown.


def shown(name: object) -> str:
    """A name for the terminal: control characters as escapes, so that it moves no cursor and hides no text.

    >>> print(shown("a\\x1b[2Jb"))
    a\\u001b[2Jb
    """
    return escaped(str(name))


def shown_text(text: str) -> str:
    """As :func:`shown`, of text whose lines and tabs are meant."""
    return CONTROLS.sub(lambda found: found[0] if found[0] in "\n\t" else escaped(found[0]), text)


def safe_cells(frame: "pd.DataFrame") -> "pd.DataFrame":
    """A table for CSV in which no cell is a formula to a spreadsheet, or an order to a terminal that prints it.

    An apostrophe goes before what would be a formula, also behind a semicolon, a tab or a line break in a cell,
    where a spreadsheet of another country begins a new one. Plain numbers stay. The guard is what OWASP advises
    against CSV injection. Control characters become escapes as :func:`shown_text` has them.
    """
    from pandas.api.types import is_numeric_dtype

    guarded = {name: frame[name].map(_safe_cell) for name in frame if not is_numeric_dtype(frame[name])}
    return frame.assign(**guarded).rename(columns=_safe_cell)


def _safe_cell(cell: Any) -> Any:
    if not isinstance(cell, str):
        return cell
    return "".join(map(_safe_part, _NEW_CELL.split(shown_text(cell))))


def _safe_part(part: str) -> str:
    found = _FORMULA.match(part)
    if found is None or _PLAIN_NUMBER.fullmatch(part.strip()):
        return part
    return f"{found[1]}'{part[found.end(1) :]}"
