"""Files and folders that survive a kill and a power cut: atomic and synced writes, claims, and locks.

A file is either the old one or the whole new one, never a part, and what is renamed into place is on the disk
before anything older goes. A folder is claimed in one step by whoever comes first, and held by one writer at a
time through a lock that dies with its process.
"""

import errno
import fcntl
import glob
import json
import os
import re
import shutil
import socket
import stat
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from encoders.folders import UNFINISHED, errors_name, json_text, temporary_name, written_whole
from encoders.temporary import HELD_LOCKS
from multimodal.artefacts import check_folders_inside, must_be_plain

#: Taken while a folder is claimed, and held by its writer. They are two, since who claims waits and who writes
#: does not; and they stay: a lock file that goes could be locked twice.
LOCK, WRITER = ".lock", ".writer"

#: What image files are called; a folder of them may hold the frames of a video.
IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff")

#: What makes a detector's folder one that judges files: thresholds, calibration, crops, provenance and metrics.
JUDGE_FILE = "judge.json"

#: Names of what is not in place yet: those of :func:`atomic_path` and :func:`atomic_folder`.
_LEFTOVER = re.compile(rf"\..+\.{UNFINISHED}[0-9a-f]{{16}}(\.\w+)?")
#: A file that is younger may be one that its writer has made and is about to lock.
_LOCKED_SECONDS = 1.0


def must_be_there(path: Path, what: str, command: str) -> None:
    """Refuse a file or folder that is not there, before anything is imported that takes seconds.

    Args:
        path: of what a verb needs.
        what: it is called.
        command: that makes one; it ends where the path follows.

    Raises:
        ValueError: it is not there.
    """
    if not path.exists():
        raise ValueError(f"{what} not found: {path}. Make one with: {command} {path}")


def manifests_must_be_there(paths: Iterable[Path]) -> None:
    """:func:`must_be_there` of the manifests that a verb reads."""
    for path in paths:
        must_be_there(path, "manifest", "scan CORPUS --root DIR --out")


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Give a temporary path beside ``path`` and move it into place when the block ends without error.

    Parent folders are made. The temporary file keeps the suffix, for writers that look at it. File and folder are
    synced, and the file gets the mode that the umask says, whatever its writer gave it.

    Raises:
        OSError: names ``path``, also of a full disk, of which a writer may say something else.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with written_whole(path) as temporary:
        yield temporary


@contextmanager
def atomic_folder(path: str | Path) -> Iterator[Path]:
    """Give an empty temporary folder beside ``path`` and move it into place when the block ends without error.

    Every file in it is synced first. ``path`` must not exist, or be an empty folder.
    """
    path = Path(path)
    temporary = temporary_name(path)
    temporary.mkdir(parents=True)
    try:
        with errors_name(path):
            mode = _mode_of_new_files(temporary)
            yield temporary
            for inner in [*temporary.rglob("*"), temporary]:
                sync(inner, None if inner.is_dir() else mode)
            os.replace(temporary, path)
            sync(path.parent)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def sync(path: Path, mode: int | None = None) -> None:
    """Wait until a file, or the list of names in a folder, is on the disk; with ``mode``, it has that before."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        if mode is not None:
            os.fchmod(descriptor, mode)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def open_itself(path: Path, mode: str) -> IO[Any]:
    """Open a file that is written in place, as ``open`` does in UTF-8; a link, and what is no file, is refused.

    A folder may come from a stranger: a link in it could lead to any file of whoever writes, and a pipe in it
    would be waited for.

    Raises:
        ValueError: a link, a pipe, a socket or a device lies there.
    """

    def opener(name: str, flags: int) -> int:
        descriptor = os.open(name, flags | os.O_NOFOLLOW | os.O_NONBLOCK, 0o666)
        kind = os.fstat(descriptor).st_mode
        if stat.S_ISREG(kind) or stat.S_ISDIR(kind):  # of a folder ``open`` says so itself
            return descriptor
        os.close(descriptor)
        raise OSError(errno.ENXIO, os.strerror(errno.ENXIO), name)  # as of a pipe that nobody reads

    try:
        return open(path, mode, encoding=None if "b" in mode else "utf-8", opener=opener)
    except OSError as error:
        if error.errno == errno.ENXIO:
            must_be_plain(path)
        if error.errno != errno.ELOOP:
            raise
        raise ValueError(
            f"{path} is a link, and would be written through; remove it, or give a new folder"
        ) from None


def is_leftover(path: Path) -> bool:
    """Whether this is the name of a file or folder that was being written when its writer died, or is just now.

    >>> is_leftover(Path(".index.multimodal-0123456789abcdef.parquet")), is_leftover(Path(".a.0123456789abcdef"))
    (True, False)
    """
    return _LEFTOVER.fullmatch(path.name) is not None


def listed(folder: Path) -> list[Path]:
    """What is in a folder, by name; nothing where there is no folder. ``glob`` would say so of a closed one too.

    Raises:
        PermissionError: it may not be read.
    """
    try:
        return sorted(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []


def sweep(folder: Path, *, is_deep: bool = False) -> None:
    """Remove what killed writers left in ``folder``; to be called by its one writer, or while its lock is held.

    Args:
        folder: that exists.
        is_deep: whether folders in it are swept too.
    """
    for path in [path for path in (folder.rglob if is_deep else folder.glob)(".*") if is_leftover(path)]:
        if path.is_symlink() or not path.is_dir():
            _unlink_unless_written(path)
        else:
            shutil.rmtree(path)


def _unlink_unless_written(path: Path) -> None:
    """Remove a file that was left; one whose lock is held is another verb's, which writes into a shared folder."""
    with ExitStack() as opened:
        if path.is_file() and not path.is_symlink():
            with suppress(OSError):  # a file system without locks, or a file that may not be read: nobody holds it
                file = opened.enter_context(path.open("rb"))
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    return
        path.unlink(missing_ok=True)


def sweep_beside(path: Path) -> None:
    """Remove what killed writers of a file left beside it, in a folder that nobody holds.

    Of what another process writes just now the lock is held.
    """
    for left in path.parent.glob(f".{glob.escape(path.stem)}.*"):
        if not is_leftover(left) or left.is_symlink() or not left.is_file():
            continue
        with suppress(OSError), left.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if time.time() - os.fstat(file.fileno()).st_mtime > _LOCKED_SECONDS:
                left.unlink()


def check_free(folder: Path, marker: str, *, kind: str) -> None:
    """Refuse a folder that :func:`claim` would refuse, before anything is computed; nothing is written.

    Raises:
        ValueError: it holds other things and no marker, or is a file.
    """
    if not folder.exists():
        return
    if not folder.is_dir():
        raise ValueError(f"{folder} is a file and no {kind}; give an empty or a new folder")
    # Seen before the marker is asked for: whoever claims puts the marker in place before anything else, and a
    # folder of other things is refused without a lock file being left in it.
    holds_others = any(path.name not in (LOCK, WRITER) and not is_leftover(path) for path in folder.iterdir())
    if holds_others and not (folder / marker).is_file():
        raise ValueError(f"{folder} exists and is no {kind}; give an empty or a new folder")


def claim(folder: Path, marker: str, content: Mapping[str, Any], *, kind: str) -> Any:
    """Make ``folder`` ours by a marker file, in one step: of many that come together one writes it, all read it.

    Args:
        folder: is made where it is missing; may hold what a killed claim left, and nothing else.
        marker: name of the JSON file that tells what the folder is.
        content: of the marker, unless it is there already.
        kind: what such a folder is, in words, for the error.

    Returns:
        what the marker says, from now or from before; the caller compares.

    Raises:
        ValueError: the folder holds other things and no marker, or a link in it leads to a folder elsewhere.
    """
    check_free(folder, marker, kind=kind)
    check_folders_inside(folder)
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / marker).is_file():
        with _locked(folder, wait=True):
            if not (folder / marker).is_file():
                sweep(folder)
                write_json(folder / marker, dict(content))
        with suppress(PermissionError):  # its parent may be a folder that may be written and not be read
            sync(folder.parent)
    return read_json(folder / marker)


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Be the one writer of ``folder`` while the block runs; the lock ends with the process, however it dies.

    What a killed writer left half-written is removed.

    Raises:
        ValueError: another process holds it; the line says which.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with _locked(folder, wait=False):
        sweep(folder)
        yield


@contextmanager
def shared(folder: Path) -> Iterator[None]:
    """Be one of several writers of different files; who comes first removes what killed ones left."""
    folder.mkdir(parents=True, exist_ok=True)
    with open_itself(folder / WRITER, "a") as file:
        with suppress(BlockingIOError):  # somebody is at work, and half-written files are theirs
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            sweep(folder)
        fcntl.flock(file, fcntl.LOCK_SH)
        HELD_LOCKS.add(file)
        try:
            yield
        finally:
            HELD_LOCKS.discard(file)


@contextmanager
def _locked(folder: Path, *, wait: bool) -> Iterator[None]:
    with open_itself(folder / (LOCK if wait else WRITER), "a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip() or "another process"
            raise ValueError(
                f"{folder} is being written by {holder}; wait for it, or give another folder"
            ) from None
        if not wait:
            with errors_name(Path(file.name)):
                os.ftruncate(file.fileno(), 0)  # not through a buffer, which closing would write once more
                os.write(file.fileno(), f"process {os.getpid()} on {socket.gethostname()}".encode())
        HELD_LOCKS.add(file)
        try:
            yield
        finally:
            HELD_LOCKS.discard(file)


def write_text(path: str | Path, text: str) -> None:
    """Write UTF-8 text atomically; a byte of a name that is not UTF-8 as ``\\udce9``, which JSON reads back."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8", errors="backslashreplace")


def write_json(path: str | Path, value: Any) -> None:
    """Write JSON atomically, indented; NaN is refused (write None where a number is not defined)."""
    write_text(path, json.dumps(value, indent=2, allow_nan=False, ensure_ascii=False) + "\n")


def read_json(path: str | Path) -> Any:
    """Read JSON; ``ValueError`` names the file when it is not JSON, or too long or too deep to be ours."""
    try:
        return json.loads(json_text(Path(path)))
    except ValueError as error:  # also of a number of thousands of digits
        if str(path) in str(error):
            raise
        raise ValueError(f"not JSON: {path} ({error})") from error
    except RecursionError as error:
        raise ValueError(f"not JSON that this program wrote: {path} is nested too deeply") from error


def as_written(path: Path, value: Any) -> Any:
    """Write JSON, and give back what the file then holds: a verb reports as done what can be read there."""
    write_json(path, value)
    return read_json(path)


def readable(path: str | Path) -> str:
    """The name of a file as text that can be written anywhere: a byte that is not UTF-8 as ``\\xe9``."""
    try:
        return os.fsencode(path).decode("utf-8", "backslashreplace")
    except UnicodeEncodeError:  # half a character, which a stranger's table may name and no file has
        return str(path).encode("utf-8", "backslashreplace").decode()


def _mode_of_new_files(folder: Path) -> int:
    """The mode that the umask gives a file made there. To ask for the umask itself, all threads' would be set."""
    file = folder / ".mode"
    file.open("xb").close()
    mode = file.stat().st_mode & 0o777
    file.unlink()
    return mode
