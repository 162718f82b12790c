"""Cross entropy, focal and weighted focal loss against how sure a model is of the right class."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from matplotlib.figure import Figure

from multimodal.labels import CLASSES
from multimodal.report.figures.canvas import add_legend, panel_row, panel_title
from multimodal.report.figures.palette import CLASS_COLOURS, GRID, MUTED


class LossPoints(NamedTuple):
    """Windows of real batches: probability of the right class, loss, and class of each. Shapes: (N,)."""

    probability: Float[np.ndarray, " windows"]
    loss: Float[np.ndarray, " windows"]
    label: Int[np.ndarray, " windows"]


def loss_figure(points: Mapping[str, LossPoints]) -> Figure:
    """A panel a loss: every window a dot in the colour of its class, on the curve of cross entropy.

    What lies far below the grey curve counts for little in that loss; dots of one class on a curve of their own
    show what its weight does.
    """
    figure, panels = panel_row("Loss of a window", len(points), height=4.0, width=4.0)
    probability = np.linspace(0.01, 1, 200)
    highest = max(-np.log(0.01), *(float(one.loss.max()) for one in points.values()))
    for axes, (name, one) in zip(panels, points.items(), strict=True):
        panel_title(axes, f"{name}: mean {one.loss.mean():.3f} nats")
        axes.plot(probability, -np.log(probability), color=GRID, linewidth=3)
        axes.plot(probability, -np.log(probability), color=MUTED, linewidth=0.8, label="cross entropy")
        for index, label in enumerate(CLASSES):
            mine = one.label == index
            axes.plot(
                one.probability[mine],
                one.loss[mine],
                "o",
                markersize=4,
                alpha=0.7,
                color=CLASS_COLOURS[label],
                label=label,
            )
        axes.set(
            xlabel="probability of the right class",
            ylabel="loss, nats",
            xlim=(0, 1),
            ylim=(-0.05 * highest, highest),
        )
    add_legend(panels[0])
    return figure
