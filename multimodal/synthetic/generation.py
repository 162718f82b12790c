"""What every generator does alike: claim a folder, go on after a kill, make files in processes."""

import multiprocessing
import re
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from multimodal.corpora.manifest import GENERATED_MARK
from multimodal.files import read_json, write_json

Progress = Callable[[Iterable[Any]], Iterable[Any]]
Item = TypeVar("Item")
Options = TypeVar("Options")

NOTICE = (
    "All media in this folder were drawn and synthesised by a program. The people do not exist, and results "
    "obtained here say nothing about real deepfakes."
)
#: What a killed job leaves behind: the temporary names of :func:`multimodal.files.atomic_path`.
_LEFTOVER = re.compile(r"\..+\.[0-9a-f]{32}(\.\w+)?")


def claim(root: Path, described: dict[str, Any]) -> None:
    """Mark an empty folder as ours, or check that it is ours and free it of what a killed job left.

    Raises ``ValueError`` when the folder holds anything else, or what other options made.
    """
    marker = root / GENERATED_MARK
    described = {"notice": NOTICE, **described}
    if marker.is_file():
        if read_json(marker) != described:
            raise ValueError(f"{root} holds a corpus generated with other options; choose another folder")
        for path in root.rglob(".*"):
            if _LEFTOVER.fullmatch(path.name):
                path.unlink()
    elif root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise ValueError(f"{root} is not empty and no generated corpus; choose another folder")
    else:
        write_json(marker, described)


def make_all(
    make: Callable[[Path, Item, Options], None],
    root: Path,
    items: Sequence[Item],
    options: Options,
    *,
    workers: int,
    progress: Progress,
) -> None:
    """Call ``make(root, item, options)`` for every item, in this process or in ``workers`` others."""
    if workers <= 1:
        for item in progress(items):
            make(root, item, options)
        return
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=workers, mp_context=spawn) as pool:
        futures: list[Future[None]] = [pool.submit(make, root, item, options) for item in items]
        try:
            for future in progress(futures):
                future.result()
        except BaseException:  # an interrupt too must not wait for the clips that have not begun
            pool.shutdown(cancel_futures=True)
            raise


def require_files(root: Path, paths: Iterable[str]) -> None:
    """Refuse to call a corpus written while a planned file is not there."""
    lacking = [path for path in paths if not (root / path).is_file()]
    if lacking:
        raise ValueError(
            f"{len(lacking)} files were not written to {root}, {lacking[0]} for one; call again to go on"
        )
