"""What a run's figures are called on its page, and how to read them."""

from typing import NamedTuple


class Section(NamedTuple):
    """A heading with the figures beneath it, ``images`` from a figure's name to its caption."""

    name: str
    title: str
    text: str
    images: dict[str, str]
    pair: bool = False


SECTIONS = (
    Section(
        "ranking",
        "Ranking, at every threshold",
        "How well the scores put fakes above real clips, before any threshold is chosen.",
        {
            "roc": "The cross marks the equal error rate, the other marks the chosen thresholds.",
            "precision_recall": "Read it against the dashed line: where fakes are common, guesses are right.",
            "det": "The same errors on axes that spread the corner where good detectors live.",
        },
    ),
    Section(
        "classes",
        "The four classes",
        "R real, F fake, V video, A audio: FVRA is a fake picture with a genuine voice.",
        {
            "confusion": "Shares are of each row, so that rare classes count as much as common ones.",
            "score_scatter": "Each class belongs in a corner of its own; lines are the first threshold of each.",
        },
        pair=True,
    ),
    Section(
        "methods",
        "By forgery method",
        "Each method against all real clips: the mean hides the method that the detector cannot see.",
        {"methods": "Number of clips in parentheses; few clips give wide intervals."},
    ),
    Section(
        "scores",
        "Scores and thresholds",
        "Where the two labels lie, where the thresholds cut them, and what another threshold would change.",
        {
            "label_histograms": "Heights are shares of each label's own clips. The band is the uncertainty of the "
            "first threshold.",
            "class_histograms": "A score for one modality should not move with the label of the other.",
            "threshold_confusions": "Shares are of each row: false alarms at the upper right, misses at the "
            "lower left.",
            "f1_by_threshold": "No training is needed to move along these curves.",
            "threshold_spread": "The bar holds 95 % of what the rule chooses when identities are drawn again.",
        },
    ),
    Section(
        "calibration",
        "Are the probabilities true?",
        "Points above the line: more clips are fake than the detector says.",
        {"reliability": "Bars are Wilson intervals for independent clips; calibration was fitted on validation."},
    ),
    Section("training", "Training", "Loss and validation metrics by optimizer step.", {"training": ""}),
)
