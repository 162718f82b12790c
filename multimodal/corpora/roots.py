"""Finding where a corpus lies: never by the name of its wrapper folder, always by what the folder holds.

:func:`list_folder`, :func:`folders_named` and :func:`file_named` find names without regard to case,
:func:`matches` tells whether a folder holds a corpus, :func:`find_root` looks for one corpus below a folder and
:func:`recognise_in` for all.
"""

import os
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path

from multimodal.corpora.base import Corpus, ScanReport
from multimodal.corpora.walk import is_folder, is_hidden, printable
from multimodal.files import IMAGE_SUFFIXES

# Whether a folder is the root of a corpus: by the files and folders that it holds beside each other.


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


def folders_named(folder: Path, place: str) -> Iterator[Path]:
    """Folders below ``folder`` that a path of shell globs names, without regard to case; none if unreadable."""
    first, _, rest = place.partition("/")
    try:
        names = list_folder(folder).find(first, is_folder=True)
    except OSError:
        return
    for name in names:
        if rest:
            yield from folders_named(folder / name, rest)
        else:
            yield folder / name


def file_named(folder: Path, name: str) -> Path | None:
    """The file in ``folder`` that is called so, without regard to case; None where there is none to be read."""
    try:
        found = list_folder(folder).find(name, is_folder=False)
    except OSError:
        return None
    return folder / found[0] if found else None


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


#: A root is looked for in the folder given and this many levels below it.
MAX_DEPTH = 4

#: Folders that hold parts or labels of so many corpora that they tell nothing of which one lies there.
_COMMON_FOLDERS = frozenset(
    {"train", "training", "val", "valid", "validation", "dev", "test", "testing", "original", "real", "fake"}
)
ARCHIVE_SUFFIXES = (".zip", ".tar", ".tgz", ".tar.gz", ".tar.bz2", ".7z", ".rar", ".zip.001", ".z01")


def find_root(corpus: Corpus, folder: str | Path, *, catalog: Iterable[Corpus], report: ScanReport) -> Path:
    """The root of ``corpus`` at ``folder`` or up to four levels below it.

    Raises ``ValueError`` that says what was found instead: no such folder, two roots, a folder inside a root,
    another corpus, an archive that was not unpacked, half of the marker, or an empty folder.
    """
    folder = existing_folder(folder)
    roots = [path for path, _ in _search(folder, [corpus], report)]
    if not roots:
        raise ValueError(_why_not_found(corpus, folder, catalog))
    if len(roots) > 1:
        listed = " and ".join(str(root) for root in roots)
        raise ValueError(f"{len(roots)} roots of {corpus.title} under {folder}: {listed}. Give one of them.")
    return roots[0]


def recognise_in(catalog: Iterable[Corpus], folder: str | Path, report: ScanReport) -> list[tuple[str, Path]]:
    """Every corpus found at ``folder`` or up to four levels below it, as (name, root), shallow ones first.

    Corpora may lie inside one another; only a corpus inside itself is not looked for. One with a weak marker is
    named only where no other one lies at, above or below its folder, and told to ``report`` where one lies below.
    So are archives that nobody unpacked, and folders that hold a part of what marks a corpus.
    """
    folder, catalog = existing_folder(folder), list(catalog)
    specific = [corpus for corpus in catalog if not corpus.is_generic]
    found = [(corpus.name, path) for path, corpora in _search(folder, specific, report) for corpus in corpora]
    _warn_of_unfinished(folder, specific, {str(path) for _, path in found}, report)
    generic = [corpus for corpus in catalog if corpus.is_generic]
    if not generic:
        return found
    taken = [path for _, path in found]

    def is_free(path: Path) -> bool:
        below = [root for root in taken if root.is_relative_to(path)]
        if below and path not in below:
            report.warn(
                f"{path} is sorted into folders like {generic[0].title} too, but {below[0]} lies in it; "
                f"if they are yours, scan it as {generic[0].name}"
            )
        return not below and not any(path.is_relative_to(root) for root in taken)

    matching = _search(folder, generic, ScanReport(), is_free)
    return found + [(corpus.name, path) for path, corpora in matching for corpus in corpora]


def existing_folder(folder: str | Path) -> Path:
    """Absolute path of a folder that the user named; relative paths count from the working directory."""
    path = Path(os.path.abspath(Path(folder).expanduser()))
    if path.is_dir():
        try:
            os.scandir(path).close()
        except OSError as error:
            raise ValueError(f"cannot read the folder {path}: {error.strerror}. Make it readable.") from error
        return path
    if path.exists():
        kind, advice = ("an archive", "Unpack it and give") if _is_archive(path.name) else ("a file", "Give")
        raise ValueError(f"{path} is {kind}. {advice} the folder that holds the corpus.")
    above = next(parent for parent in path.parents if parent.is_dir())
    raise ValueError(f"no such folder: {path}. The nearest one above it is {above}; there is {contents(above)}.")


def _search(
    folder: Path,
    corpora: list[Corpus],
    report: ScanReport,
    accepts: Callable[[Path], bool] = lambda path: True,
) -> Iterator[tuple[Path, list[Corpus]]]:
    """Breadth first; below a root the same corpus is not searched. Two links to one folder count once."""
    found: dict[str, set[str]] = {}
    finished: set[str] = set()
    for listing in _breadth_first(folder, report, finished):
        closed = {name for parent in _parents(listing.path, folder) for name in found.get(parent, ())}
        matching = [corpus for corpus in corpora if corpus.name not in closed and matches(corpus, listing)]
        if matching and accepts(Path(listing.path)):
            found[listing.path] = {corpus.name for corpus in matching}
            if closed | found[listing.path] == {corpus.name for corpus in corpora}:
                finished.add(listing.path)
            yield Path(listing.path), matching


def _warn_of_unfinished(folder: Path, corpora: list[Corpus], roots: Collection[str], report: ScanReport) -> None:
    """Archives, and folders with some but not all of a marker, wherever no corpus was found."""
    archives: list[str] = []
    for listing in _breadth_first(folder, ScanReport(), roots):
        if listing.path in roots:
            continue
        archives += [os.path.join(listing.path, name) for name in listing.files if _is_archive(name)]
        for corpus in corpora:
            there, lacking = _part_of_marker(corpus, listing)
            if any(map(_is_telling, there)):
                report.warn(
                    f"{printable(listing.path)} holds {', '.join(there)} of {corpus.title} but not "
                    f"{', '.join(lacking)}; not scanned. Finish the download, or put the parts beside each other."
                )
    if archives:
        report.warn(
            f"archives that are not unpacked ({len(archives):,}), e.g. {printable(archives[0])}; not looked into"
        )


def _part_of_marker(corpus: Corpus, listing: Listing) -> tuple[list[str], list[str]]:
    """What of a marker stands in a folder, and what is lacking; nothing where no marker is there in part."""
    for marker in corpus.markers:
        wanted = [pattern for pattern in marker if not pattern.startswith("!")]
        there = [pattern for pattern in wanted if has(listing, pattern)]
        if there and there != wanted:
            return there, [pattern for pattern in wanted if pattern not in there]
    return [], []


def _is_telling(pattern: str) -> bool:
    """Whether a pattern names a folder that hardly any other corpus has."""
    first, slash, _ = pattern.lower().partition("/")
    return bool(slash) and first not in _COMMON_FOLDERS


def _parents(path: str, top: Path) -> Iterator[str]:
    """Folders above a path, up to and with ``top``."""
    while path != str(top):
        path = os.path.dirname(path)
        yield path


def _breadth_first(
    folder: Path, report: ScanReport, finished: Collection[str] = (), *, depth: int = MAX_DEPTH
) -> Iterator[Listing]:
    """Names in a folder and in those below it, but for what lies below a folder that is ``finished`` by then."""
    level, seen = [str(folder)], set()
    for _ in range(depth + 1):
        below: list[str] = []
        for path in level:
            if (real := os.path.realpath(path)) in seen:
                continue
            seen.add(real)
            try:
                listing = list_folder(path)
            except OSError as error:
                report.warn(f"unreadable folder {printable(path)}: {error.strerror}; not searched")
                continue
            yield listing
            if path not in finished:
                below.extend(os.path.join(path, name) for name in listing.folders)
        level = below


def _why_not_found(corpus: Corpus, folder: Path, catalog: Iterable[Corpus]) -> str:
    start = f"no {corpus.title} under {folder}"
    own = own_way(folder)
    for parent in folder.parents[:MAX_DEPTH]:
        if os.access(parent, os.R_OK) and matches(corpus, list_folder(parent)):
            return f"{folder} lies inside {corpus.title}. Give the folder above it: {parent}"
    others = recognise_in(catalog, folder, ScanReport())
    if others:
        listed = ", ".join(f"{name} in {root}" for name, root in others)
        return f"{start}; recognised there: {listed}. Scan that instead, or give another folder."
    listings = list(_breadth_first(folder, ScanReport()))
    for listing in listings:
        there, lacking = _part_of_marker(corpus, listing)
        if there:
            return (
                f"{start}: {listing.path} holds {', '.join(there)} but not {', '.join(lacking)}. "
                f"Finish the download, or put the parts beside each other. {own}"
            )
    archives = [os.path.join(one.path, name) for one in listings for name in one.files if _is_archive(name)]
    if archives:
        return f"{start}: only archives that are not unpacked, e.g. {archives[0]}. Unpack them there."
    if not any(listing.files for listing in listings):
        ask = f". It is asked for at {corpus.request_url}" if corpus.request_url else ""
        more = f". {own}" if frames_seen(folder) else ""  # they lie deeper
        return f"{start}: there is no file down to {MAX_DEPTH} levels. Give the corpus's folder{ask}{more}"
    markers = "; or ".join(" and ".join(marker) for marker in corpus.markers)
    return (
        f"{start}: nowhere down to {MAX_DEPTH} levels is there a folder that holds {markers}. "
        f"There is {contents(folder)}. {own}"
    )


def own_way(folder: Path) -> str:
    """How clips of no known corpus in a folder are read, also where they are folders of frames."""
    how = (
        f"Clips sorted or listed in a way of their own are read by: scan folder --root {folder} --options "
        "real NAME fake NAME (names of folders), or csv FILE"
    )
    frames = frames_seen(folder)
    return f"{how}. {frames}: then add frames true" if frames else how


def frames_seen(folder: Path) -> str | None:
    """What to say of the first folder that looks like the frames of a video; None where there is none.

    Its images are numbered, or it is, and it is not called like a label or a part.
    """
    for listing in _breadth_first(folder, ScanReport(), depth=MAX_DEPTH + 2):  # they lie deeper than roots
        images = [name for name in listing.files if name.lower().endswith(IMAGE_SUFFIXES)]
        name = os.path.basename(listing.path)
        are_numbered = all(image.rpartition(".")[0].isdecimal() for image in images)
        is_clip = are_numbered or any(character.isdigit() for character in name)
        if len(images) > 1 and is_clip and name.lower() not in _COMMON_FOLDERS and listing.path != str(folder):
            return f"Folders such as {printable(listing.path)} with {len(images):,} images may be one clip each"
    return None


def _is_archive(name: str) -> bool:
    return name.lower().endswith(ARCHIVE_SUFFIXES)


def contents(folder: Path, limit: int = 6) -> str:
    """The first names in a folder, for people."""
    listing = list_folder(folder)
    names = [f"{name}/" for name in listing.folders] + list(listing.files)
    shown = ", ".join(printable(name) for name in names[:limit])
    return f"{shown}{', ...' if len(names) > limit else ''}" if names else "nothing in it"
