"""``make notebook``: execute the notebook over all corpora anew and keep it with its outputs."""

import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
from nbclient import NotebookClient

from experiments.notebooks.show import FOLDER_VARIABLE
from multimodal.files import write_text

NOTEBOOK = Path(__file__).parents[1] / "notebooks" / "all_datasets.ipynb"
MAX_BYTES = 3_000_000


def execute(path: Path, *, timeout_seconds: int = 3600) -> nbformat.NotebookNode:
    """Run every cell in a new kernel; the first error of a cell is raised.

    Progress, which is of use only while one waits, is left out of the outputs, and so is when a cell ran.
    """
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(notebook, timeout=timeout_seconds, kernel_name="python3", record_timing=False)
    client.execute(env={**os.environ, "TQDM_DISABLE": "1"})
    notebook.metadata.language_info = {"name": "python"}
    return notebook


def refresh(path: Path = NOTEBOOK) -> int:
    """Execute the notebook in place; returns its size in bytes, and refuses one that is too large to keep.

    It works in a new folder without corpora beside it, so that what is kept is made of generated media, by the
    present code and not by what an earlier execution left.
    """
    with TemporaryDirectory() as above:
        project = Path(above, "project")
        project.mkdir()
        os.environ[FOLDER_VARIABLE] = str(project)
        text = nbformat.writes(execute(path))
    size = len(text.encode())
    if size > MAX_BYTES:
        raise ValueError(f"{path.name} takes {size:,} bytes with its outputs; keep it below {MAX_BYTES:,}")
    write_text(path, text + "\n")
    return size


if __name__ == "__main__":
    print(f"{NOTEBOOK}: {refresh():,} bytes", file=sys.stderr)
