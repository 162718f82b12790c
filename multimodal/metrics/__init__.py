"""Numbers that can be believed: metrics of scores, with intervals, floors and thresholds. No torch here.

Convention throughout: label 1 = fake, 0 = real; a score is higher when a clip is more likely fake; a clip is
called fake when its score is at or above the threshold; "not defined" is None in reports and NaN in arrays,
never 0 or 1.
"""

from typing import TYPE_CHECKING

from multimodal.catalog import public_names

if TYPE_CHECKING:
    from multimodal.metrics.bootstrap import Interval
    from multimodal.metrics.calibration import fit_calibration
    from multimodal.metrics.comparison import compare
    from multimodal.metrics.evaluation import evaluate_scores
    from multimodal.metrics.prior import correct_class_prior, correct_prior
    from multimodal.metrics.score_files import read_scores
    from multimodal.metrics.thresholds import Threshold, choose_threshold, choose_thresholds
else:
    __getattr__ = public_names(
        __name__,
        {
            "bootstrap": ("Interval",),
            "calibration": ("fit_calibration",),
            "comparison": ("compare",),
            "evaluation": ("evaluate_scores",),
            "prior": ("correct_class_prior", "correct_prior"),
            "score_files": ("read_scores",),
            "thresholds": ("Threshold", "choose_threshold", "choose_thresholds"),
        },
    )

__all__ = [
    "Interval",
    "Threshold",
    "choose_threshold",
    "choose_thresholds",
    "compare",
    "correct_class_prior",
    "correct_prior",
    "evaluate_scores",
    "fit_calibration",
    "read_scores",
]
