"""What every generator does alike: claim a folder, go on after a kill, make files in processes."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from multimodal import files
from multimodal.corpora.manifest import GENERATED_MARK
from multimodal.processes import worker_pool

Progress = Callable[[Iterable[Any]], Iterable[Any]]
Item = TypeVar("Item")
Options = TypeVar("Options")

NOTICE = (
    "All media in this folder were drawn and synthesised by a program. The people do not exist, and results "
    "obtained here say nothing about real deepfakes."
)


@contextmanager
def claimed(root: Path, described: dict[str, Any]) -> Iterator[None]:
    """Mark an empty folder as ours, or check that it is, and be its one writer while the block runs.

    What a killed job left half-written is removed.

    Raises ``ValueError`` when the folder holds anything else, or what other options made, or another process
    writes it.
    """
    described = {"notice": NOTICE, **described}
    if files.claim(root, GENERATED_MARK, described, kind="generated corpus") != described:
        raise ValueError(f"{root} holds a corpus generated with other options; choose another folder")
    with files.held(root):
        files.sweep(root, is_deep=True)
        yield


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
    with worker_pool(workers, start_method="spawn") as pool:
        futures: list[Future[None]] = [pool.submit(make, root, item, options) for item in items]
        for future in progress(futures):
            future.result()


def require_files(root: Path, paths: Iterable[str]) -> None:
    """Refuse to call a corpus written while a planned file is not there."""
    lacking = [path for path in paths if not (root / path).is_file()]
    if lacking:
        raise ValueError(
            f"{len(lacking)} files were not written to {root}, {lacking[0]} for one; call again to go on"
        )
