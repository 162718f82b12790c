"""Figures, tables and pages as a notebook shows them, small enough to be kept in it."""

import io
import re
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
from matplotlib.figure import Figure

from multimodal.report.figures import png_bytes

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
