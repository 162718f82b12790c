"""Files of a list, read with git out of clones; nothing is checked out.

A clone may come from a stranger, and its own configuration names programs that git runs and places that it fetches
what is missing from. So git never reads it: it works in an empty repository of ours, on the clone's objects. Of a
clone that borrows its objects from elsewhere, or links to them, nothing is read: they could be anybody's.
"""

import os
import shutil
import subprocess
import weakref
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from encoders.temporary import temporary_folder
from experiments.trials.listing import Listed
from multimodal.files import atomic_folder, held

#: Where a repository is cloned from if the folder of clones lacks it and the network may be used.
_HOST = "https://github.com"
#: What git is told of a clone whose files are fetched one by one, as they are asked for.
_FETCHES = {
    "core.repositoryFormatVersion": "1",
    "extensions.partialClone": "origin",
    "remote.origin.promisor": "true",
    "remote.origin.partialCloneFilter": "blob:none",
}


#: No recording or clip of a demo is longer; a blob is read into memory.
_MOST_BYTES = 2**29
#: Git on one file; to fetch it over a slow line takes long, and to read it from a hostile pack may never end.
_SECONDS = 600.0
#: Where git looks for objects of other repositories.
_BORROWING = ("info/alternates", "info/http-alternates")


class Clones:
    """A folder of clones, bare or not, named ``owner+name``, ``owner/name`` or ``name``.

    Args:
        folder: where the clones lie.
        may_clone: whether a repository that is not there is cloned into the folder, over the network.
    """

    def __init__(self, folder: Path, *, may_clone: bool = False) -> None:
        if shutil.which("git") is None:
            raise ValueError("git is not installed; install it, since files are read out of clones with it")
        self.folder, self.may_clone = folder, may_clone
        kept = ExitStack()
        self._own = kept.enter_context(temporary_folder("clones-"))
        weakref.finalize(self, kept.close)
        self._whole: set[Path] = set()

    def read(self, one: Listed) -> bytes:
        """The bytes of a file at its commit.

        Raises:
            ValueError: no clone, commit or file of that name, a file of over half a gigabyte, or a clone that
                borrows its objects from elsewhere.
        """
        clone = self._clone_of(one)
        self._must_be_whole(clone)
        size = self._asked(one, clone, "-s")
        if int(size) > _MOST_BYTES:
            raise ValueError(f"{one.path} has {int(size) / 2**20:,.0f} MB, at most {_MOST_BYTES >> 20} are read")
        return self._asked(one, clone, "blob")

    def _asked(self, one: Listed, clone: Path, what: str) -> bytes:
        found = self._git(one, _objects_of(clone), "cat-file", what, f"{one.commit}:{one.path}")
        if found.returncode:
            raise ValueError(
                f"{clone} has no {one.path} at commit {one.commit}: {_first_line(found.stderr)}. "
                "Fetch that commit, or mend the list"
            )
        return found.stdout

    def _must_be_whole(self, clone: Path) -> None:
        """Refuse a clone whose objects lie outside of it, by git's own way or by links."""
        if clone in self._whole:
            return
        objects = _objects_of(clone)
        borrows = next((name for name in _BORROWING if (objects / name).is_file()), None)
        if borrows is not None:
            raise ValueError(
                f"{clone} borrows objects from elsewhere (objects/{borrows}), not followed; clone it whole"
            )
        root = os.path.realpath(clone)
        for folder, folders, files in os.walk(objects):
            for path in (Path(folder), *(Path(folder) / name for name in (*folders, *files))):
                if not Path(os.path.realpath(path)).is_relative_to(root):
                    raise ValueError(f"{clone} has a link out of it ({path.name}), which is not followed")
        self._whole.add(clone)

    def check(self, listed: Sequence[Listed]) -> None:
        """Refuse a list whose repositories are not all there, before anything is read."""
        lacking = sorted({one.repository for one in listed if self._there(one) is None})
        if lacking and not self.may_clone:
            raise ValueError(
                f"{self.folder} has no clone of {', '.join(lacking)}. Clone into {self.folder}/OWNER+NAME, "
                "or say --clone to let this program do it over the network"
            )
        for clone in {self._there(one) for one in listed} - {None}:
            assert clone is not None
            self._must_be_whole(clone)

    def _clone_of(self, one: Listed) -> Path:
        there = self._there(one)
        if there is not None:
            return there
        if not self.may_clone:
            self.check([one])
        target = (self.folder / one.source).absolute()
        with held(self.folder):
            there = self._there(one)  # somebody else may have cloned it meanwhile
            if there is None:
                with atomic_folder(target) as folder:  # one that is killed leaves no half of a clone
                    _run(
                        "git", "clone", "--quiet", "--bare", "--filter=blob:none", "--", _url_of(one), str(folder)
                    )
        return there or target

    def _git(self, one: Listed, objects: Path, *arguments: str) -> "subprocess.CompletedProcess[bytes]":
        """Git on the objects of a clone, in a repository of ours, which knows where to fetch from if it may."""
        own = self._own / one.source
        if not own.is_dir():
            self._make_own(own, one)
        allowed = {"GIT_ALLOW_PROTOCOL": _HOST.partition(":")[0] if self.may_clone else "none"}
        where = {"GIT_DIR": str(own), "GIT_OBJECT_DIRECTORY": str(objects.absolute())}
        environment = {**os.environ, **where, **allowed}
        try:
            return subprocess.run(
                ["git", *arguments], capture_output=True, check=False, env=environment, timeout=_SECONDS
            )
        except subprocess.TimeoutExpired as error:
            raise ValueError(f"git was not done with {one.path} after {_SECONDS:.0f} seconds") from error

    def _make_own(self, own: Path, one: Listed) -> None:
        kind = "sha256" if len(one.commit) == 64 else "sha1"
        _run("git", "init", "--quiet", "--bare", "--template=", f"--object-format={kind}", str(own))
        if self.may_clone:
            for name, value in {**_FETCHES, "remote.origin.url": _url_of(one)}.items():
                _run("git", "-C", str(own), "config", name, value)

    def _there(self, one: Listed) -> Path | None:
        names = (one.source, one.repository, one.repository.split("/")[1])
        folders = (self.folder / f"{name}{ending}" for name in names for ending in ("", ".git"))
        return next((folder for folder in folders if folder.is_dir() and _is_repository(folder)), None)


def _run(*command: str) -> None:
    made = subprocess.run(command, capture_output=True, check=False)
    if made.returncode:
        raise ValueError(f"{' '.join(command[:2])}: {_first_line(made.stderr)}")


def _objects_of(clone: Path) -> Path:
    return next((path for path in (clone / ".git" / "objects", clone / "objects") if path.is_dir()), clone)


def _is_repository(folder: Path) -> bool:
    return _objects_of(folder) != folder


def _url_of(one: Listed) -> str:
    return f"{_HOST}/{one.repository}.git"


def _first_line(text: bytes) -> str:
    return next(iter(text.decode(errors="replace").strip().splitlines()), "git says nothing")[:200]
