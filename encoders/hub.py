"""A folder that is on this machine, or a repository of the Hugging Face hub, by one name."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from huggingface_hub import HfApi, snapshot_download

from encoders.strangers import one_line
from encoders.temporary import temporary_folder

#: owner/name; a path that begins with a dot, a slash or a tilde is none.
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")


def find_folder(name: str | Path, files: Sequence[str], **options: Any) -> Path:
    """The folder of that name, or where the hub's repository of that name lies on this machine now.

    A folder here comes first. Of a repository nothing but ``files`` is asked for, so that neither pickles nor
    code come along.

    Args:
        name: a folder, or ``owner/name`` on the hub.
        files: names in it, or patterns of them.
        options: of :func:`huggingface_hub.snapshot_download`: ``revision``, ``token``, ``cache_dir``,
            ``local_files_only``, ``force_download``.

    Raises:
        ValueError: no folder here, and no such repository there or no way to it.
    """
    folder = Path(name)
    if folder.exists() or not _HUB_ID.fullmatch(str(name)):
        return folder
    try:
        return Path(snapshot_download(str(name), allow_patterns=list(files), **options))
    except (OSError, ValueError) as error:  # the hub's own errors are OSErrors: absent, closed, no network
        raise ValueError(
            f"no folder {name} here, and the hub did not give a repository of that name ({one_line(error)})"
        ) from error


def upload(
    write: Callable[[Path], None], repo_id: str, *, token: str | None, private: bool | None, message: str
) -> str:
    """Upload what ``write`` puts into an empty folder as a repository of the hub; returns its address.

    Args:
        write: called with the folder.
        repo_id: ``owner/name``; the repository is made where it is missing.
        token: of the account; None for the one that ``hf auth login`` left.
        private: of a repository that is made now; None for the account's own habit.
        message: of the commit.
    """
    api = HfApi(token=token)
    with temporary_folder("multimodal-upload-") as above:
        folder = above / "repository"
        folder.mkdir()
        write(folder)
        address = api.create_repo(repo_id, private=private, exist_ok=True)
        api.upload_folder(repo_id=repo_id, folder_path=folder, commit_message=message)
    return str(address)
