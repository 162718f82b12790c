"""Files of a list, read with git out of clones; nothing is checked out.

A clone may come from a stranger, and its own configuration names programs that git runs and places that it fetches
what is missing from. So git never reads it: it works in an empty repository of ours, on the clone's objects.
"""

import os
import shutil
import subprocess
import tempfile
import weakref
from collections.abc import Sequence
from pathlib import Path

from experiments.trials.listing import Listed

#: Where a repository is cloned from if the folder of clones lacks it and the network may be used.
_HOST = "https://github.com"
#: What git is told of a clone whose files are fetched one by one, as they are asked for.
_FETCHES = {
    "core.repositoryFormatVersion": "1",
    "extensions.partialClone": "origin",
    "remote.origin.promisor": "true",
    "remote.origin.partialCloneFilter": "blob:none",
}


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
        self._own = Path(tempfile.mkdtemp(prefix="clones-"))
        weakref.finalize(self, shutil.rmtree, self._own, ignore_errors=True)

    def read(self, one: Listed) -> bytes:
        """The bytes of a file at its commit.

        Raises:
            ValueError: no clone, commit or file of that name.
        """
        clone = self._clone_of(one)
        found = self._git(one, _objects_of(clone), "cat-file", "blob", f"{one.commit}:{one.path}")
        if found.returncode:
            raise ValueError(
                f"{clone} has no {one.path} at commit {one.commit}: {_first_line(found.stderr)}. "
                "Fetch that commit, or mend the list"
            )
        return found.stdout

    def check(self, listed: Sequence[Listed]) -> None:
        """Refuse a list whose repositories are not all there, before anything is read."""
        lacking = sorted({one.repository for one in listed if self._there(one) is None})
        if lacking and not self.may_clone:
            raise ValueError(
                f"{self.folder} has no clone of {', '.join(lacking)}. Clone into {self.folder}/OWNER+NAME, "
                "or say --clone to let this program do it over the network"
            )

    def _clone_of(self, one: Listed) -> Path:
        there = self._there(one)
        if there is not None:
            return there
        if not self.may_clone:
            self.check([one])
        target = self.folder / one.source
        self.folder.mkdir(parents=True, exist_ok=True)
        _run("git", "clone", "--quiet", "--bare", "--filter=blob:none", _url_of(one), str(target))
        return target

    def _git(self, one: Listed, objects: Path, *arguments: str) -> "subprocess.CompletedProcess[bytes]":
        """Git on the objects of a clone, in a repository of ours, which knows where to fetch from if it may."""
        own = self._own / one.source
        if not own.is_dir():
            self._make_own(own, one)
        allowed = {"GIT_ALLOW_PROTOCOL": _HOST.partition(":")[0] if self.may_clone else "none"}
        where = {"GIT_DIR": str(own), "GIT_OBJECT_DIRECTORY": str(objects.absolute())}
        environment = {**os.environ, **where, **allowed}
        return subprocess.run(["git", *arguments], capture_output=True, check=False, env=environment)

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
