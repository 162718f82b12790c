"""The list of a trial: which public files it takes, from which commits, and what they are.

A CSV with the columns ``repository``, ``commit``, ``path``, ``label`` (real or fake), ``generator``, ``speaker``,
``licence`` and ``split``, a row a file. The files stay with their owners: a list may be shared where they may not.
"""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from multimodal.corpora.table_file import read_rows
from multimodal.splits.assignment import SPLITS

LABELS = ("real", "fake")
_COMMIT = re.compile(r"[0-9a-f]{7,64}")
#: Neither part leads out of a folder, and neither is an option to a program.
_REPOSITORY = re.compile(r"(?![.-])[\w.-]+/(?!\.{1,2}$)(?!-)[\w.-]+", re.ASCII)


class Listed(NamedTuple):
    """One file of a trial.

    ``repository`` is ``owner/name``; ``generator`` what made a fake, empty for a real; ``speaker`` who is heard or
    seen, empty where nobody says; ``licence`` as the repository states it.
    """

    repository: str
    commit: str
    path: str
    label: str
    generator: str
    speaker: str
    licence: str
    split: str

    @property
    def source(self) -> str:
        """The repository as the name of a folder."""
        return self.repository.replace("/", "+")


def read_list(path: Path) -> list[Listed]:
    """The files of a list, in its order.

    Raises:
        ValueError: no such list, a column that lacks, or a row that cannot be meant; names the row.
    """
    if not path.is_file():
        raise ValueError(f"no such list: {path}. Want a CSV with the columns {', '.join(Listed._fields)}")
    rows = list(read_rows(path))
    lacking = [name for name in Listed._fields if not rows or name not in rows[0]]
    if lacking:
        raise ValueError(f"{path} has no column {', '.join(lacking)}; want {', '.join(Listed._fields)}")
    listed = [Listed(*(row[name].strip() for name in Listed._fields)) for row in rows]
    for number, one in enumerate(listed, start=2):
        problem = _problem(one)
        if problem:
            raise ValueError(f"{path}, row {number}: {problem}")
    _refuse_repeated(listed, path)
    return listed


def _problem(one: Listed) -> str | None:
    if not _REPOSITORY.fullmatch(one.repository):
        return f"the repository must be owner/name; got {one.repository!r}"
    if not _COMMIT.fullmatch(one.commit):
        return f"the commit must be 7 to 64 hexadecimal digits; got {one.commit!r}"
    if not one.path or one.path.startswith("/") or ".." in one.path.split("/") or "\0" in one.path:
        return f"the path must lie inside the repository; got {one.path!r}"
    if one.label not in LABELS:
        return f"the label must be real or fake; got {one.label!r}"
    if one.label == "fake" and not one.generator:
        return f"a fake must name its generator; {one.path} names none"
    if one.split not in SPLITS:
        return f"the split must be train, val or test; got {one.split!r}"
    return None


def _refuse_repeated(listed: Iterable[Listed], path: Path) -> None:
    seen: set[tuple[str, str]] = set()
    for one in listed:
        if (one.repository, one.path) in seen:
            raise ValueError(f"{path} lists {one.path} of {one.repository} twice; leave one out")
        seen.add((one.repository, one.path))
