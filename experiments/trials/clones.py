"""Files of a list, read with git out of clones; nothing is checked out."""

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from experiments.trials.listing import Listed

#: Where a repository is cloned from if the folder of clones lacks it and the network may be used.
_HOST = "https://github.com"


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

    def read(self, one: Listed) -> bytes:
        """The bytes of a file at its commit.

        Raises:
            ValueError: no clone, commit or file of that name.
        """
        clone = self._clone_of(one)
        found = _git(clone, "cat-file", "blob", f"{one.commit}:{one.path}")
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
        url = f"{_HOST}/{one.repository}.git"
        made = subprocess.run(
            ["git", "clone", "--quiet", "--bare", "--filter=blob:none", url, str(target)],
            capture_output=True,
            check=False,
        )
        if made.returncode:
            raise ValueError(f"cannot clone {url}: {_first_line(made.stderr)}")
        return target

    def _there(self, one: Listed) -> Path | None:
        names = (one.source, one.repository, one.repository.split("/")[1])
        folders = (self.folder / f"{name}{ending}" for name in names for ending in ("", ".git"))
        return next((folder for folder in folders if folder.is_dir() and _is_repository(folder)), None)


def _is_repository(folder: Path) -> bool:
    return (folder / ".git").exists() or (folder / "objects").is_dir()


def _git(clone: Path, *arguments: str) -> "subprocess.CompletedProcess[bytes]":
    # a clone that another user made is only read
    command = ["git", "-c", "safe.directory=*", "-C", str(clone), *arguments]
    return subprocess.run(command, capture_output=True, check=False)


def _first_line(text: bytes) -> str:
    return next(iter(text.decode(errors="replace").strip().splitlines()), "git says nothing")[:200]
