"""Empty figures in one style, and their way to PNG. No pyplot, so no state is shared."""

import io
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from multimodal.files import atomic_path

# Colours, the same in every figure and page, told apart by colour-blind eyes too.


REAL_COLOUR = "#0072B2"
FAKE_COLOUR = "#D55E00"
LABEL_COLOURS = {"real": REAL_COLOUR, "fake": FAKE_COLOUR}

#: A clip with nothing fake has the colour of real, one with both fake that of fake.
CLASS_COLOURS = {"RVRA": REAL_COLOUR, "RVFA": "#009E73", "FVRA": "#CC79A7", "FVFA": FAKE_COLOUR}

TARGET_COLOURS = {"any": "#222222", "video": "#8A4F7D", "audio": "#B07D00"}

#: For curves that stand for none of the above.
SERIES_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#222222")

INK, MUTED, GRID = "#222222", "#6B6B6B", "#E4E4E4"


_DOTS_PER_INCH = 140
_PANEL_WIDTH, _PANEL_HEIGHT = 4.2, 4.0
_LEGEND: dict[str, Any] = {"fontsize": 8, "framealpha": 0.85, "edgecolor": GRID}


def blank_figure(title: str, width: float, height: float) -> Figure:
    """An empty figure of ``width`` x ``height`` inches with a bold title at the left."""
    figure = Figure(figsize=(width, height), dpi=_DOTS_PER_INCH, layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    figure.suptitle(title, x=0.01, ha="left", fontsize=12, fontweight="bold", color=INK)
    return figure


def panel_row(
    title: str, num_panels: int, height: float = _PANEL_HEIGHT, width: float = _PANEL_WIDTH
) -> tuple[Figure, list[Axes]]:
    """A figure with ``num_panels`` styled axes side by side, each ``width`` x ``height`` inches."""
    figure = blank_figure(title, width * num_panels + 0.2, height)
    panels = [figure.add_subplot(1, num_panels, place + 1) for place in range(num_panels)]
    for axes in panels:
        style_axes(axes)
    return figure, panels


def style_axes(axes: Axes) -> None:
    """Light grid, no frame above and at the right, quiet ticks."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(MUTED)
    axes.grid(color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(labelsize=8.5, color=MUTED, labelcolor=INK)
    axes.xaxis.label.set(size=9.5, color=INK)
    axes.yaxis.label.set(size=9.5, color=INK)


def add_legend(axes: Axes, *, below: bool = False, columns: int = 2) -> None:
    """Draw the legend small, where anything has a name: in the emptiest corner, or ``below`` the axes."""
    handles, labels = axes.get_legend_handles_labels()
    if not handles:
        return
    if below:
        axes.legend(handles, labels, loc="upper center", bbox_to_anchor=(0.5, -0.21), ncols=columns, **_LEGEND)
    else:
        axes.legend(handles, labels, loc="best", **_LEGEND)


def panel_title(axes: Axes, text: str) -> None:
    """Title of one panel, at its left."""
    axes.set_title(text, loc="left", fontsize=10, color=INK)


def note(axes: Axes, text: str) -> None:
    """Write ``text`` in the middle of axes on which nothing can be drawn."""
    axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", color=MUTED, fontsize=10)


def png_bytes(figure: Figure, *, dots_per_inch: int = _DOTS_PER_INCH) -> bytes:
    """The figure as a PNG file, the same bytes for the same figure."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=dots_per_inch, metadata={"Software": None})
    return buffer.getvalue()


def save_images(images: Mapping[str, bytes], folder: str | Path) -> list[Path]:
    """Write each PNG as ``NAME.png`` in ``folder``, each in one atomic move; the paths in order."""
    paths = [Path(folder) / f"{name}.png" for name in images]
    for path, image in zip(paths, images.values(), strict=True):
        with atomic_path(path) as temporary:
            temporary.write_bytes(image)
    return paths


# Text that strangers wrote, made safe to draw.


_RULES = {
    "even_odds": "even odds",
    "f1": "best F1",
    "f_beta": "best F-beta",
    "youden": "Youden's J",
    "eer": "equal error rate",
    "break_even": "precision = recall",
    "least_cost": "least cost",
    "target_fpr": "false positive rate",
}


def plain(text: object, max_characters: int = 36) -> str:
    r"""One short line of ``text`` as matplotlib will draw it letter by letter: no mathematics, no missing glyph.

    >>> plain("a$b$\n" + "c" * 50, max_characters=12)
    'a\\$b\\$ c…ccccc'
    """
    line = "".join(letter if ord(letter) in _glyphs() else "\N{REPLACEMENT CHARACTER}" for letter in _line(text))
    if len(line) > max_characters:
        half = (max_characters - 1) // 2
        line = f"{line[: max_characters - 1 - half]}…{line[-half:]}"
    return line.replace("$", r"\$")


def rule_name(rule: str) -> str:
    """How a rule of ``thresholds.json`` is called in figures and tables.

    >>> rule_name("youden"), rule_name("precision_at_recall")
    ("Youden's J", 'precision at recall')
    """
    return _RULES.get(rule, rule.replace("_", " "))


def _line(text: object) -> str:
    return " ".join(str(text).split())


@cache
def _glyphs() -> frozenset[int]:
    font = font_manager.get_font(font_manager.findfont("DejaVu Sans"))
    return frozenset(font.get_charmap())
