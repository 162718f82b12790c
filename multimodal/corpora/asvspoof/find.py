"""Finding protocols and keys, which people unpack beside the recordings in one way or another."""

from collections.abc import Iterator
from pathlib import Path

from multimodal.corpora.roots import Listing, list_folder

_MAX_DEPTH = 4


def find_files(folder: Path, patterns: tuple[str, ...]) -> list[Path]:
    """Files in ``folder`` or up to four levels below whose names match a pattern, nearest and first pattern first.

    Folders of recordings are not looked into.
    """
    listings = list(_listings(folder))
    return [
        Path(listing.path) / name
        for pattern in patterns
        for listing in listings
        for name in listing.find(pattern, is_folder=False)
    ]


def _listings(folder: Path) -> Iterator[Listing]:
    level = [folder]
    for _ in range(_MAX_DEPTH + 1):
        below: list[Path] = []
        for path in level:
            try:
                listing = list_folder(path)
            except OSError:
                continue
            yield listing
            below.extend(path / name for name in listing.folders if not name.lower().startswith("flac"))
        level = below
