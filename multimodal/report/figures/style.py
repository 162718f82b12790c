"""The one style of all figures: colours, one type size, empty panels, marks that figures share, the way to PNG.

Figures are one column wide with their panels beneath each other: a page can set them side by side where there is
room, and their letters keep their size where there is none. No pyplot, so no state is shared.
"""

import io
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from textwrap import fill

import numpy as np
from jaxtyping import Float
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import Colormap, LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.transforms import ScaledTranslation

from multimodal.files import atomic_path

# Colours, the same in every figure and (as variables of style.css) on every page, told apart by colour-blind eyes.


REAL_COLOUR = "#0072B2"
FAKE_COLOUR = "#D55E00"
LABEL_COLOURS = {"real": REAL_COLOUR, "fake": FAKE_COLOUR}

#: A clip with nothing fake has the colour of real, one with both fake that of fake.
CLASS_COLOURS = {"RVRA": REAL_COLOUR, "RVFA": "#009E73", "FVRA": "#CC79A7", "FVFA": FAKE_COLOUR}

INK, MUTED, GRID, PAPER = "#222222", "#6B6B6B", "#E4E4E4", "#FFFFFF"

TARGET_COLOURS = {"any": INK, "video": "#8A4F7D", "audio": "#B07D00"}

#: For curves that stand for none of the above.
SERIES_COLOURS = (REAL_COLOUR, FAKE_COLOUR, "#009E73", "#CC79A7", "#E69F00", "#56B4E9", INK)

# Heat maps end in a colour that is still light: ink is read on every cell, and on its inverse in the dark scheme.
SHARE_HEAT = LinearSegmentedColormap.from_list("shares", (PAPER, "#6FA8D6"))
ERROR_HEAT = LinearSegmentedColormap.from_list("errors", (PAPER, "#F0A36B"))
SOUND_HEAT = "magma"
#: Light red and blue (8 bits each of red, green and blue) that lie over a grey picture: fake, and real.
MAP_COLOURS = (255, 70, 40), (40, 130, 255)


#: Points of every letter: 12.5 pixels of a page.
TYPE_SIZE = 9
#: Inches of a column of figures: 370 pixels of a page, which a telephone has.
COLUMN = 3.7
#: Dots of a PNG for each pixel of a page, so that it is sharp on screens with small pixels too.
DOTS_PER_PIXEL = 1.6
_DOTS_PER_INCH = round(100 * DOTS_PER_PIXEL)
_LINE = 0.17  # inches from one line of text to the next
_UNDER_AXES = 0.42  # inches that tick labels and the name of an axis take beneath it


def blank_figure(title: str, height: float, width: float = COLUMN) -> Figure:
    """An empty figure of ``width`` x ``height`` inches and a bold title at the left."""
    figure = Figure(figsize=(width, height), dpi=_DOTS_PER_INCH, layout="constrained", facecolor=PAPER)
    FigureCanvasAgg(figure)
    if title:
        wrapped = fill(title, round(width * 11.5))
        figure.suptitle(wrapped, x=0.01, ha="left", fontsize=TYPE_SIZE, fontweight="bold", color=INK)
        figure.set_figheight(height + _LINE * (1.5 + wrapped.count("\n")))
    return figure


def panel_column(title: str, num_panels: int, height: float, width: float = COLUMN) -> tuple[Figure, list[Axes]]:
    """A figure with ``num_panels`` styled axes beneath each other, each ``width`` x ``height`` inches."""
    figure = blank_figure(title, height * num_panels, width)
    panels = [figure.add_subplot(num_panels, 1, place + 1) for place in range(num_panels)]
    for axes in panels:
        style_axes(axes)
    return figure, panels


def style_axes(axes: Axes) -> None:
    """Light grid, no frame above and at the right, quiet ticks."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(MUTED)
    axes.grid(color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(labelsize=TYPE_SIZE, color=MUTED, labelcolor=INK)
    for axis in (axes.xaxis, axes.yaxis):
        axis.label.set(size=TYPE_SIZE, color=INK)
        axis.get_offset_text().set_fontsize(TYPE_SIZE)


def add_legend(axes: Axes) -> None:
    """Draw the legend beneath the axes, where it covers no data, and make the figure higher by what it takes."""
    handles, labels = axes.get_legend_handles_labels()
    if not handles:
        return
    columns = 2 if max(map(len, labels)) <= 20 else 1
    figure = axes.get_figure(root=True)
    assert figure is not None  # of axes that are drawn
    figure.set_figheight(figure.get_figheight() + _LINE * (-(-len(labels) // columns) + 0.5))
    beneath = axes.transAxes + ScaledTranslation(0, -_UNDER_AXES, axes.figure.dpi_scale_trans)
    axes.legend(
        handles,
        labels,
        loc="upper left",
        bbox_to_anchor=(0, 0),
        bbox_transform=beneath,
        borderaxespad=0,
        ncols=columns,
        fontsize=TYPE_SIZE,
        labelcolor=INK,
        frameon=False,
        labelspacing=0.25,
        columnspacing=1.2,
    )


def panel_title(axes: Axes, text: str, max_letters: int = 44) -> None:
    """Title of one panel, at its left, on as many lines as it needs."""
    lines = "\n".join(fill(line, max_letters) if len(line) > max_letters else line for line in text.split("\n"))
    # nothing is above these axes that a title without a height would be held against, at every layout anew
    axes.set_title(lines, loc="left", fontsize=TYPE_SIZE, color=INK, y=1.0)


def note(axes: Axes, text: str) -> None:
    """Write ``text`` in the middle of axes on which nothing can be drawn."""
    words = axes.text(0.5, 0.5, fill(text, 36), transform=axes.transAxes, color=MUTED, fontsize=TYPE_SIZE)
    words.set(ha="center", va="center")


# Marks that several figures share: rows with an interval each, and cells with a number each.


def name_rows(axes: Axes, names: Sequence[str]) -> None:
    """Rows from above downwards, a name each."""
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(max(len(names), 1) - 0.5, -0.5)
    axes.grid(visible=False, axis="y")


def interval_mark(
    axes: Axes, place: int, value: float | None, low: float | None, high: float | None, colour: str = INK
) -> None:
    """A dot in row ``place`` with a bar from ``low`` to ``high``; a word where there is no value."""
    if value is None:
        axes.text(0.52, place, "not defined", va="center", color=MUTED, fontsize=TYPE_SIZE)
        return
    if low is not None and high is not None:
        axes.plot([low, high], [place, place], color=colour, linewidth=1.6)
    axes.plot([value], [place], "o", color=colour, markersize=5.5)


def heat_map(
    axes: Axes,
    values: Float[np.ndarray, "rows columns"],
    texts: Sequence[Sequence[str]],
    bounds: tuple[float, float],
    colours: Colormap = SHARE_HEAT,
) -> None:
    """Cells coloured by ``values`` between ``bounds``, a text in each."""
    axes.imshow(values, cmap=colours, vmin=bounds[0], vmax=bounds[1], aspect="auto")
    for row, line in enumerate(texts):
        for column, text in enumerate(line):
            axes.text(column, row, text, ha="center", va="center", color=INK, fontsize=TYPE_SIZE)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)


# From a figure to a file.


def png_bytes(figure: Figure, *, dots_per_inch: int = _DOTS_PER_INCH) -> bytes:
    """The figure as a PNG file, the same bytes for the same figure."""
    buffer = io.BytesIO()
    figure.set_dpi(dots_per_inch)
    # Figure.savefig gives the same bytes, but draws twice: once without ink, to know the layout
    FigureCanvasAgg(figure).print_png(buffer, metadata={"Software": None})
    return buffer.getvalue()


def save_images(images: Mapping[str, bytes], folder: str | Path) -> list[Path]:
    """Write each PNG as ``NAME.png`` in ``folder``, each in one atomic move; the paths in order."""
    paths = [Path(folder) / f"{name}.png" for name in images]
    for path, image in zip(paths, images.values(), strict=True):
        with atomic_path(path) as temporary:
            temporary.write_bytes(image)
    return paths


# Names as figures and tables write them, and text that strangers wrote, made safe to draw.


_RULES = {
    "even_odds": "even odds",
    "f1": "best F1",
    "f_beta": "best F-beta",
    "youden": "Youden's J",
    "eer": "equal error rate",
    "break_even": "precision = recall",
    "least_cost": "least cost",
    "target_fpr": "limit on false alarms",
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


def threshold_name(rule: str, threshold: float) -> str:
    """A threshold in a legend: the number is the threshold's, not that of what its rule is named after.

    >>> threshold_name("target_fpr", 0.875)
    'threshold 0.88: limit on false alarms'
    """
    return f"threshold {threshold:.2f}: {plain(rule_name(rule))}"


def _line(text: object) -> str:
    return " ".join(str(text).split())


@cache
def _glyphs() -> frozenset[int]:
    font = font_manager.get_font(font_manager.findfont("DejaVu Sans"))
    return frozenset(font.get_charmap())
