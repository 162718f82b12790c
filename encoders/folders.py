"""Folders and files of weights, told apart and written whole, without torch."""

import errno
import fcntl
import json
import os
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

CONFIG_FILE = "config.json"
WEIGHTS_FILE = "model.safetensors"

#: Files of weights: safetensors, and what torch saved, of which nothing but tensors is read.
SUFFIXES = (".safetensors", ".bin", ".pth", ".pt")
#: Names that libraries give; where a folder has one, other files in it are not asked.
_USUAL = (WEIGHTS_FILE, "pytorch_model.bin")

#: By what it is known that a hidden file or folder is this program's, and may be removed when its writer is dead:
#: others give names of hexadecimal digits too.
UNFINISHED = "multimodal-"

#: No description of an encoder, a run or a store is near as long; the text of a longer file alone fills memory.
MOST_JSON_BYTES = 2**27

#: What a disk answers that is full, over somebody's quota, over a limit of size, broken, or read-only.
_OF_THE_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS)


def must_be_readable(path: str | Path) -> None:
    """Tell permission as permission; asked once a library failed at a file, which may call it no such file.

    Raises:
        ValueError: the file or folder is somebody else's, and may not be read.
    """
    try:
        os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK))  # of a pipe nobody waits for a writer
    except PermissionError:
        raise ValueError(
            f"{path} may not be read (permission denied); ask its owner for it, or take a copy of your own"
        ) from None
    except (OSError, ValueError):  # whoever asks says himself what is wrong
        return


def holds_encoder(place: str | Path) -> bool:
    """Whether ``place`` is a folder that ``encoder.save_pretrained`` wrote."""
    return Path(place).is_dir() and "encoder" in read_description(place)


def read_description(place: str | Path) -> dict[str, Any]:
    """What ``config.json`` in a folder, or beside a file, says; nothing where there is none, or it is none.

    Raises:
        ValueError: it may not be read.
    """
    file = (Path(place) if Path(place).is_dir() else Path(place).parent) / CONFIG_FILE
    if not file.is_file():
        return {}
    try:
        found = json.loads(json_text(file))
    except (OSError, ValueError, RecursionError):
        must_be_readable(file)
        return {}
    return found if isinstance(found, dict) else {}


def json_text(file: Path) -> str:
    """The text of a file of JSON that a program like this one wrote.

    Raises:
        ValueError: it is longer than any such file, or no file: reading a pipe may never end.
    """
    if file.exists() and not file.is_file():
        raise ValueError(f"not JSON: {file} is no file")
    if file.stat().st_size > MOST_JSON_BYTES:
        raise ValueError(f"not JSON that this program wrote: {file} has {file.stat().st_size / 1e6:,.0f} MB")
    return file.read_text(encoding="utf-8")


def find_weights(place: str | Path) -> Path:
    """The file of weights that a library saved: ``place`` itself, or the one in that folder.

    Raises:
        ValueError: there is none, it is of another kind, or there are several.
    """
    found = Path(place)
    if found.is_dir():
        found = _in_folder(found)
    if not found.is_file():
        raise ValueError(
            f"no weights at {place}; give a folder that `pretrain` or encoder.save_pretrained wrote, or a folder "
            f"or file of published weights ({', '.join(SUFFIXES)})"
        )
    if found.suffix not in SUFFIXES:
        raise ValueError(f"not a file of weights: {place}; its name must end in one of {', '.join(SUFFIXES)}")
    return found


def _in_folder(folder: Path) -> Path:
    files = sorted(file for file in folder.iterdir() if file.suffix in SUFFIXES)
    usual = [folder / name for name in _USUAL if (folder / name) in files]
    if len(files) > 1 and not usual:
        names = ", ".join(file.name for file in files[:5])
        raise ValueError(f"{folder} holds several files of weights ({names}); give the one that you mean")
    return (usual or files or [folder / WEIGHTS_FILE])[0]


def temporary_name(path: Path) -> Path:
    """Where a file or folder is written until it is whole: beside it, under a name of ours alone."""
    return path.with_name(f".{path.stem}.{UNFINISHED}{uuid.uuid4().hex[:16]}{path.suffix}")


@contextmanager
def written_whole(file: Path) -> Iterator[Path]:
    """A name to write to, which becomes ``file`` when the block ends, synced, with the mode of the umask.

    A crash or a power cut leaves the old file whole, and a name of which it can be told that nobody needs it: the
    lock on what is being written dies with its writer.

    Raises:
        OSError: names ``file``, whatever the library that writes says of a full disk.
    """
    temporary = temporary_name(file)
    try:
        # made here, with the mode of the umask; a library may make one for its owner alone
        with errors_name(file, temporary), temporary.open("xb") as made:
            with suppress(OSError):  # a file system without locks: nobody can take it either
                fcntl.flock(made, fcntl.LOCK_EX)
            mode = temporary.stat().st_mode
            yield temporary
            with temporary.open("rb") as written:
                os.fchmod(written.fileno(), mode)
                os.fsync(written.fileno())
            os.replace(temporary, file)
            folder = os.open(file.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def errors_name(file: Path, temporary: Path | None = None) -> Iterator[None]:
    """What a disk says of no file, or of ``temporary`` in its place, becomes an ``OSError`` that names ``file``.

    Of a full disk the system names no file, and libraries make errors of their own of it.
    """
    try:
        yield
    except Exception as error:
        if isinstance(error, OSError) and temporary is not None and error.filename == str(temporary):
            # a new one: the name in an error of FFmpeg's cannot be changed
            raise OSError(error.errno, error.strerror, str(file)) from error
        number = _said_by_the_disk(error)
        if number is None:
            raise
        raise OSError(number, os.strerror(number), str(file)) from error


def _said_by_the_disk(error: BaseException) -> int | None:
    """The number of a disk's error that names no file: itself, before torch's, or in what safetensors says."""
    for one in (error, error.__context__):
        if isinstance(one, OSError):
            return one.errno if one.filename is None and one.errno in _OF_THE_DISK else None
    found = re.search(r"\(os error (\d+)\)", str(error))
    return int(found[1]) if found and int(found[1]) in _OF_THE_DISK else None
