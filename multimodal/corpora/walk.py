"""One walk for every corpus: files below a folder in a fixed order, with their sizes."""

import os
import stat
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterator
from operator import attrgetter
from pathlib import Path
from typing import NamedTuple

from multimodal.corpora.base import ScanReport
from multimodal.corpora.manifest import GENERATED_MARK
from multimodal.files import IMAGE_SUFFIXES

#: What unpacking on another system leaves behind; ``__MACOSX`` repeats the whole tree.
JUNK_FOLDERS = frozenset({"__MACOSX", "System Volume Information", "$RECYCLE.BIN"})

#: Folders that tell a video from its frames; FaceForensics++'s own script says images, DeepfakeBench's frames.
KIND_FOLDERS = frozenset({"videos", "frames", "images"})

#: Why a link was left out, and what to do.
LEADS_OUT = "a link out of the corpus; if it is yours, give --follow-links"

_BY_NAME = attrgetter("name")


def walk_files(
    root: str | Path, report: ScanReport, *, suffixes: Collection[str], under: str = ""
) -> Iterator[tuple[str, int]]:
    """Yield (path relative to ``root`` with forward slashes, size in bytes) of every file with such a suffix.

    ``suffixes`` are lower-case with the dot and match without regard to case. ``under`` limits the walk to one
    folder below ``root``. Entries come sorted by name within each folder. Everything else is told to ``report``:
    files with another suffix, hidden files, names that are not UTF-8, unreadable folders, broken links, and
    symbolic links that lead back into a folder being walked or, unless it says so, out of the corpus, and folders
    marked as generated.
    """
    prefix = under.strip("/") + "/" if under.strip("/") else ""
    folder = os.path.join(root, under.strip("/")).rstrip("/")
    report.walked.append(folder)
    roots = tuple(os.path.realpath(one) for one in (root, report.root) if one is not None)
    return _walk(folder, prefix, frozenset(suffixes), report, roots)


def walk_clips(
    root: str | Path,
    report: ScanReport,
    *,
    is_clip: Callable[[str], bool],
    suffixes: Collection[str] = (".mp4",),
    under: str = "",
) -> Iterator[tuple[str, int]]:
    """Files with such a suffix as :func:`walk_files` gives them, and folders that hold the frames of a video.

    Such a folder is given once, by its own path and with the size of all of its images and of its sound: a WAV of
    its name, beside it or in it. ``is_clip`` says by its path whether it is called like a clip; images elsewhere
    are told to ``report``, and so are the frames of a video that is there too.
    """
    folders: dict[str, int] = {}
    sounds, videos = [], set()
    for path, size_bytes in walk_files(root, report, suffixes={*suffixes, *IMAGE_SUFFIXES, ".wav"}, under=under):
        folder, _, name = path.rpartition("/")
        suffix = name[name.rfind(".") :].lower()
        if suffix == ".wav":
            sounds.append((path, size_bytes))
        elif suffix in suffixes:
            videos.add(_wherever(path[: -len(suffix)]))
            yield path, size_bytes
        else:
            folders[folder] = folders.get(folder, 0) + size_bytes
    for path, size_bytes in sounds:
        owner = next((one for one in (path[:-4], _inside(path)) if one in folders), None)
        if owner is not None:
            folders[owner] += size_bytes
        elif ".wav" in suffixes:
            yield path, size_bytes
        else:
            report.skip(_why_no_clip(path), path)
    for folder, size_bytes in folders.items():
        if _wherever(folder) in videos:
            report.skip("frames of a video that is there too", folder)
        elif not is_clip(folder):
            report.skip("images in a folder that is not called like a clip", folder)
        else:
            yield folder, size_bytes


def _inside(sound: str) -> str | None:
    """The folder that a sound lies in and is called like; None where it is called otherwise."""
    folder, _, name = sound.rpartition("/")
    return folder if folder.rpartition("/")[2] == name[:-4] else None


def _wherever(path: str) -> str:
    """A path without the folders that tell a video from its frames."""
    return "/".join(part for part in path.split("/") if part.lower() not in KIND_FOLDERS)


def is_hidden(name: str) -> bool:
    """Hidden files and folders, and what other systems leave behind, hold no clips."""
    return name.startswith(".") or name in JUNK_FOLDERS


def leads_out(link: str, roots: Collection[str]) -> bool:
    """Whether what a link leads to is there and lies in none of these folders, which are real paths."""
    target = os.path.realpath(link)
    return os.path.exists(target) and not any(os.path.commonpath((target, root)) == root for root in roots)


def is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether an entry is a folder, or a link to one; a link to itself is neither folder nor file."""
    try:
        return entry.is_dir()
    except OSError:
        return False


def printable(path: str) -> str:
    """A path that can be printed and stored, whatever bytes it has."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


class _Level(NamedTuple):
    """A folder being walked: what is left in it, and the real paths of folders that links were followed from."""

    folder: str
    prefix: str
    entries: Iterator[os.DirEntry[str]]
    link_parents: tuple[str, ...]


def _walk(
    folder: str, prefix: str, suffixes: frozenset[str], report: ScanReport, roots: Collection[str]
) -> Iterator[tuple[str, int]]:
    # a stack and not a recursion: a file in the tenth folder would pass through ten generators
    levels = [_Level(folder, prefix, _sorted_entries(folder, prefix, report), ())]
    while levels:
        level = levels[-1]
        prefix = level.prefix
        for entry in level.entries:
            name = entry.name
            path = prefix + name
            if not name.isascii() and not _is_utf8(name):
                report.skip("name is not UTF-8, rename it to use it", printable(path))
            elif entry.is_symlink() and not report.follows_links and leads_out(entry.path, roots):
                report.skip(LEADS_OUT, path)
            elif is_folder(entry):
                below = _enter(entry, path, level, report)
                if below is not None:
                    levels.append(below)
                    break
            elif name[name.rfind(".") :].lower() not in suffixes or name[0] == ".":
                report.skip(_why_no_clip(name), path)
            else:
                try:
                    found = entry.stat()
                except OSError as error:
                    report.skip(f"unreadable file ({error.strerror})", path)
                    continue
                if stat.S_ISREG(found.st_mode):
                    yield path, found.st_size
                else:
                    report.skip("a pipe, socket or device", path)
        else:
            levels.pop()


def _sorted_entries(folder: str, prefix: str, report: ScanReport) -> Iterator[os.DirEntry[str]]:
    """Entries by name, without the mark of a generated corpus: ``report`` learns of that before they are used."""
    try:
        with os.scandir(folder) as listing:
            entries = sorted(listing, key=_BY_NAME)
    except OSError as error:
        report.warn(f"unreadable folder {printable(folder)}: {error.strerror}; nothing in it was read")
        return iter(())
    place = bisect_left(entries, GENERATED_MARK, key=_BY_NAME)
    if place < len(entries) and entries[place].name == GENERATED_MARK:
        report.generated.append(prefix)
        del entries[place]
    return iter(entries)


def _enter(entry: os.DirEntry[str], path: str, level: _Level, report: ScanReport) -> _Level | None:
    """The folder that an entry is, or None where it is not to be walked."""
    if is_hidden(entry.name):
        report.skip("hidden folder", path)
        return None
    link_parents = level.link_parents
    if entry.is_symlink():
        if _leads_back(entry.path, level.folder, link_parents):
            report.skip("symbolic link that leads back into its own folder", path)
            return None
        link_parents = (*link_parents, os.path.realpath(level.folder))
    return _Level(entry.path, path + "/", _sorted_entries(entry.path, path + "/", report), link_parents)


def _why_no_clip(name: str) -> str:
    if name[0] == ".":
        return "hidden file"
    return f"not a clip: {name[name.rfind('.') :].lower() if '.' in name else 'no suffix'}"


def _is_utf8(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _leads_back(link: str, folder: str, link_parents: tuple[str, ...]) -> bool:
    """Whether a link's target holds a folder that is being walked, so that following it would never end."""
    target = os.path.realpath(link)
    walked = (*link_parents, os.path.realpath(folder))
    return any(os.path.commonpath((target, parent)) == target for parent in walked)
