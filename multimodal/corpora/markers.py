"""Whether a folder is the root of a corpus: by the files and folders that it holds beside each other."""

import os
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path

from multimodal.corpora.base import Corpus
from multimodal.corpora.walk import is_folder, is_hidden


@dataclass(frozen=True)
class Listing:
    """Names in one folder, hidden ones left out."""

    path: str
    folders: tuple[str, ...]
    files: tuple[str, ...]

    @cached_property
    def _lower(self) -> dict[bool, frozenset[str]]:
        return {
            True: frozenset(name.lower() for name in self.folders),
            False: frozenset(name.lower() for name in self.files),
        }

    def find(self, pattern: str, *, is_folder: bool) -> list[str]:
        """Names that match a shell glob, without regard to case."""
        pattern = pattern.lower()
        is_glob = any(character in pattern for character in "*?[")
        if not is_glob and pattern not in self._lower[is_folder]:
            return []
        names = self.folders if is_folder else self.files
        return [name for name in names if fnmatchcase(name.lower(), pattern)]


def list_folder(path: str | Path) -> Listing:
    """Names of the folders and files in ``path``; ``OSError`` if it cannot be read."""
    folders: list[str] = []
    files: list[str] = []
    with os.scandir(path) as entries:
        for entry in entries:
            if not is_hidden(entry.name):
                (folders if is_folder(entry) else files).append(entry.name)
    return Listing(str(path), tuple(sorted(folders)), tuple(sorted(files)))


def matches(corpus: Corpus, listing: Listing) -> bool:
    """Whether the folder listed holds one whole marker of the corpus."""
    return any(all(has(listing, pattern) for pattern in marker) for marker in corpus.markers)


def has(listing: Listing, pattern: str) -> bool:
    """Whether a pattern of a marker holds in the folder listed.

    ``"a/b*/"`` is a folder, ``"a/b*"`` a file, and ``"!a/"`` holds where there is no such folder.
    """
    if pattern.startswith("!"):
        return not has(listing, pattern[1:])
    first, slash, rest = pattern.partition("/")
    found = listing.find(first, is_folder=bool(slash))
    if not rest:
        return bool(found)
    return any(_has_below(os.path.join(listing.path, name), rest) for name in found)


def _has_below(path: str, pattern: str) -> bool:
    try:
        return has(list_folder(path), pattern)
    except OSError:
        return False
