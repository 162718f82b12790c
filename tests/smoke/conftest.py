"""Verbs draw a figure of each kind once; what figures show, at any numbers, is judged in tests/report."""

from collections.abc import Hashable, Iterator

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

_DRAWN: dict[Hashable, bytes] = {}


@pytest.fixture(scope="module", autouse=True)
def each_figure_drawn_once() -> Iterator[None]:
    """A figure of the same title, size and panels as one before is made, and its file is that one's."""
    draw = FigureCanvasAgg.print_png

    def draw_once(canvas: FigureCanvasAgg, file, **options) -> None:
        kind = _kind_of(canvas.figure)
        if kind not in _DRAWN:
            draw(canvas, file, **options)
            _DRAWN[kind] = file.getvalue()
        else:
            file.write(_DRAWN[kind])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FigureCanvasAgg, "print_png", draw_once)
        yield


def _kind_of(figure: Figure) -> Hashable:
    panels = tuple((axes.get_xlabel(), axes.get_ylabel(), len(axes.texts), axes.axison) for axes in figure.axes)
    return figure.get_suptitle(), *figure.get_size_inches(), figure.dpi, panels
