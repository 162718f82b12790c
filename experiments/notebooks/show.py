"""Figures, tables and pages as a notebook shows them, small enough to be kept in it."""

import io
import os
import re
import time
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pandas as pd
from matplotlib.figure import Figure

import experiments
from experiments.runs.estimate import duration
from multimodal.files import read_json
from multimodal.report.figures import png_bytes, training_figure
from multimodal.training.checkpoints import Checkpoints

if TYPE_CHECKING:
    from IPython.display import HTML, Image


_DOTS_PER_INCH = 85
#: Cells and headers alike at the left.
_CELL = "text-align: left; vertical-align: top"
#: What stays on one line: an option with its value, an interval, a ratio, a word with a hyphen.
_UNBROKEN = re.compile(r"--[\w-]+( \w+)?|\[[\d.]+, [\d.]+\]|[\w.]+ : [\w.]+|\w+-\w+(?= |$)")
#: What may be broken: a path, behind its slashes and underscores.
_LONG_NAME = re.compile(r"\S{24,}")
#: Makes a frame as tall as the page in it.
_GROW = "style.height = contentDocument.documentElement.scrollHeight + 20 + 'px'"


@contextmanager
def quietly() -> Iterator[None]:
    """Keep what a verb prints to the terminal out of a cell that shows the same as a table or figure."""
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        yield


def as_image(figure: Figure) -> "Image":
    """A figure as the picture that a notebook keeps."""
    from IPython.display import Image

    return Image(png_bytes(figure, dots_per_inch=_DOTS_PER_INCH), alt=figure.get_suptitle())


def as_table(table: pd.DataFrame) -> "HTML":
    """A table whose texts are whole, and are text."""
    from IPython.display import HTML

    with pd.option_context("display.max_colwidth", None):
        html = table.to_html(border=0)
    html = re.sub(r"(?<=>)[^<]+", _with_breaks, html)
    return HTML(re.sub(r"<(th|td)\b", rf'<\1 style="{_CELL}"', html))


def as_list(sentences: Sequence[str]) -> "HTML":
    """Sentences as a numbered list."""
    from IPython.display import HTML

    return HTML("<ol>" + "".join(f"<li>{escape(sentence)}</li>" for sentence in sentences) + "</ol>")


def as_videos(files: Mapping[str, Path], *, width: int = 190) -> "HTML":
    """Small videos side by side, with their sound, by title; their bytes are kept in the notebook."""
    from IPython.display import HTML

    players = (
        f'<figure style="display: inline-block; margin: 4px"><video controls width="{width}" '
        f'src="data:video/mp4;base64,{b64encode(file.read_bytes()).decode()}"></video>'
        f"<figcaption>{escape(title)}</figcaption></figure>"
        for title, file in files.items()
    )
    return HTML("".join(players))


def as_frame(page: str, *, is_whole: bool = False) -> "HTML":
    """A self-contained page in a frame of its own, so that its style stays in it.

    The frame is of a height to scroll in, or, where ``is_whole``, as tall as the page.
    """
    from IPython.display import HTML

    style = "width: 100%; height: 620px; border: 1px solid #ccc"
    grow = f' onload="{_GROW}"' if is_whole else ""
    return HTML(f'<div><iframe srcdoc="{escape(page)}" style="{style}"{grow}></iframe></div>')


def _with_breaks(text: re.Match[str]) -> str:
    """The text of a cell, with marks where a line may and may not end, so that a table stays on the page."""
    broken = _LONG_NAME.sub(lambda name: re.sub(r"[/_](?=\w)", r"\g<0><wbr>", name[0]), text[0])
    return _UNBROKEN.sub(r'<span style="white-space: nowrap">\g<0></span>', broken)


# Where the notebook works.


#: Another folder to work in than the project's, e.g. for a test.
FOLDER_VARIABLE = "NOTEBOOK_FOLDER"


def go_to_project() -> Path:
    """Make the project's folder the working directory, so that ``../FakeAVCeleb`` lies beside it.

    Returns the folder, relative to it, of everything that the notebook writes.
    """
    os.chdir(os.environ.get(FOLDER_VARIABLE) or Path(experiments.__file__).parents[1])
    return Path("notebook-work")


# A training whose curves are redrawn while it runs.


Result = TypeVar("Result")


def live(train: Callable[[], Result], run: Path, *, seconds: float = 2.0) -> Result:
    """Call ``train``, and draw the curves of the run folder ``run`` anew whenever a checkpoint adds to them.

    How long it took is printed at the end, to be held against the estimate.
    """
    from IPython.display import display

    began = time.perf_counter()
    handle = display(as_image(training_figure([])), display_id=True)
    with ThreadPoolExecutor(max_workers=1) as pool:
        training = pool.submit(train)
        drawn = 0
        while True:
            done, _ = wait([training], timeout=seconds)
            history = history_of(run)
            if len(history) > drawn:
                handle.update(as_image(training_figure(history)))
                drawn = len(history)
            if done:
                print(f"took {duration(time.perf_counter() - began)}")
                return training.result()


def history_of(run: Path) -> list[dict[str, Any]]:
    """A row for each validation of a training so far, from its latest checkpoint."""
    latest = Checkpoints(run).latest()
    try:
        return [] if latest is None else read_json(latest / "state.json")["history"]
    except (ValueError, OSError):  # a newer checkpoint took its place just now
        return []
