"""Figures, drawn with matplotlib's objects. Functions return a ``Figure`` that the caller saves or embeds."""

from typing import TYPE_CHECKING

from multimodal.catalog import public_names

if TYPE_CHECKING:
    from multimodal.report.figures.calibration import reliability_figure
    from multimodal.report.figures.confusion import confusion_figure, threshold_confusions
    from multimodal.report.figures.methods import method_figure
    from multimodal.report.figures.ranking import det_figure, precision_recall_figure, roc_figure
    from multimodal.report.figures.run import run_figures
    from multimodal.report.figures.sample import OperatingPoint, Sample, operating_points, sample_of, samples_of
    from multimodal.report.figures.scores import class_histograms, label_histograms, score_scatter
    from multimodal.report.figures.style import png_bytes, save_images
    from multimodal.report.figures.thresholds import f1_figure
    from multimodal.report.figures.training import training_figure
else:
    __getattr__ = public_names(
        __name__,
        {
            "calibration": ("reliability_figure",),
            "confusion": ("confusion_figure", "threshold_confusions"),
            "methods": ("method_figure",),
            "ranking": ("det_figure", "precision_recall_figure", "roc_figure"),
            "run": ("run_figures",),
            "sample": ("OperatingPoint", "Sample", "operating_points", "sample_of", "samples_of"),
            "scores": ("class_histograms", "label_histograms", "score_scatter"),
            "style": ("png_bytes", "save_images"),
            "thresholds": ("f1_figure",),
            "training": ("training_figure",),
        },
    )

__all__ = [
    "OperatingPoint",
    "Sample",
    "class_histograms",
    "confusion_figure",
    "det_figure",
    "f1_figure",
    "label_histograms",
    "method_figure",
    "operating_points",
    "png_bytes",
    "precision_recall_figure",
    "reliability_figure",
    "roc_figure",
    "run_figures",
    "sample_of",
    "samples_of",
    "save_images",
    "score_scatter",
    "threshold_confusions",
    "training_figure",
]
