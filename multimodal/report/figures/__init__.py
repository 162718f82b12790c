"""Figures, drawn with matplotlib's objects. Functions return a ``Figure`` that the caller saves or embeds."""

from typing import TYPE_CHECKING

from multimodal.catalog import public_names

if TYPE_CHECKING:
    from multimodal.report.figures.run import method_figure, run_figures
    from multimodal.report.figures.scores import score_scatter
    from multimodal.report.figures.style import png_bytes, save_images
    from multimodal.report.figures.training import training_figure
else:
    __getattr__ = public_names(
        __name__,
        {
            "run": ("method_figure", "run_figures"),
            "scores": ("score_scatter",),
            "style": ("png_bytes", "save_images"),
            "training": ("training_figure",),
        },
    )

__all__ = ["method_figure", "png_bytes", "run_figures", "save_images", "score_scatter", "training_figure"]
