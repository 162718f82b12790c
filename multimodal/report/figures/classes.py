"""What training batches hold of each class, by the way in which classes are balanced."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from multimodal.labels import CLASSES
from multimodal.report.figures.canvas import add_legend, panel_row, panel_title
from multimodal.report.figures.palette import CLASS_COLOURS
from multimodal.report.figures.text import plain


def class_share_figure(drawn: Mapping[str, np.ndarray], weighted: Mapping[str, np.ndarray]) -> Figure:
    """Stacked shares of the four classes, a bar a strategy.

    Args:
        drawn: strategy → how often each class came in the batches, ``(4,)``.
        weighted: the same, each times what the class weighs in the loss.
    """
    height = 1.7 + 0.36 * len(drawn)
    figure, panels = panel_row("Shares of the four classes", 2, height=height, width=5.2)
    titles = ("windows drawn", "part of the loss (windows x class weight)")
    for axes, title, counts in zip(panels, titles, (drawn, weighted), strict=True):
        panel_title(axes, title)
        shares = np.array([values / values.sum() for values in counts.values()])
        starts = np.cumsum(shares, axis=1) - shares
        for index, name in enumerate(CLASSES):
            axes.barh(
                range(len(counts)), shares[:, index], left=starts[:, index], color=CLASS_COLOURS[name], label=name
            )
        axes.set_yticks(range(len(counts)), [plain(name) for name in counts])
        axes.set_ylim(len(counts) - 0.5, -0.5)
        axes.set(xlabel="share (0.25 each is even)", xlim=(0, 1))
        axes.grid(visible=False, axis="y")
    add_legend(panels[0], below=True)
    return figure
