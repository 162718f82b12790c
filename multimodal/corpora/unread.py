"""What lies beside the folders that a reader walked: a part unpacked elsewhere is said, not dropped."""

import os
from collections.abc import Collection, Iterator
from pathlib import Path

from multimodal.corpora.folder.labelled import SUFFIXES
from multimodal.corpora.scan_report import ScanReport
from multimodal.corpora.walk import is_folder, is_hidden, printable


def tell_unread(root: Path, report: ScanReport) -> None:
    """Tell ``report`` of media files, and folders that hold any, which lie in no folder that was walked."""
    for path in _unread(str(root), frozenset(report.walked)):
        report.skip("outside the folders of this corpus, not read", printable(os.path.relpath(path, root)))


def _unread(folder: str, walked: Collection[str]) -> Iterator[str]:
    if folder in walked:
        return
    try:
        with os.scandir(folder) as listing:
            entries = sorted(listing, key=lambda entry: entry.name)
    except OSError:  # who walked there has said so
        return
    for entry in entries:
        if is_hidden(entry.name):
            continue
        if not is_folder(entry):
            if _is_media(entry.name):
                yield entry.path
        elif any(path == entry.path or path.startswith(entry.path + os.sep) for path in walked):
            yield from _unread(entry.path, walked)
        elif any(_is_media(name) for _, _, names in os.walk(entry.path) for name in names):
            yield entry.path


def _is_media(name: str) -> bool:
    return not is_hidden(name) and os.path.splitext(name)[1].lower() in SUFFIXES
