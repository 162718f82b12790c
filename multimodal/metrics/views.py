"""Everything in a scores table that can have a threshold of its own, as scores and what is sought by them."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Bool

from multimodal.labels import CLASSES, MODALITIES, TARGETS, Target
from multimodal.metrics.checks import Floats, Ints
from multimodal.metrics.score_meaning import ScoreKind, ScoreMeaning
from multimodal.metrics.targets import (
    binary_target,
    check_once,
    class_target,
    has_binary,
    has_classes,
    has_own_head,
    own_head,
)


class View(NamedTuple):
    """Clips that were judged: ``scores``, ``sought`` and ``identity`` are (clips,).

    ``sought`` says whether a clip is fake; for one of the four classes, whether it is of that class. ``kinds`` are
    the names of those sought and of the others.
    """

    scores: Floats
    sought: Bool[np.ndarray, " clips"]
    identity: Ints
    kinds: tuple[str, str] = ("fake", "real")


def views(scores: pd.DataFrame, kind: ScoreKind = "probability") -> dict[str, View]:
    """What the table can be asked: any, video, audio, each class, and each modality's own head alone.

    Args:
        scores: a scores table; what has no column in it is left out.
        kind: what the scores claim to be.

    Returns:
        Name → view; ``video_alone`` and ``audio_alone`` are the modalities' own heads.
    """
    check_once(scores)
    meaning = ScoreMeaning(kind)
    found: dict[str, View] = {}
    for target in filter(lambda name: has_binary(scores, name), TARGETS):
        found[target] = _binary_view(scores, target, meaning)
    if has_classes(scores):
        classes, _ = class_target(scores)
        for index, name in enumerate(CLASSES):
            members = classes.labels == index
            found[name] = View(classes.posteriors[:, index], members, classes.identity, (name, "other"))
    for modality in filter(lambda name: has_own_head(scores, name), MODALITIES):
        found[f"{modality}_alone"] = _binary_view(own_head(scores, modality), modality, meaning)
    if not found:
        raise ValueError(f"no target to choose thresholds for; columns are {', '.join(map(str, scores.columns))}")
    return found


def _binary_view(scores: pd.DataFrame, target: Target, meaning: ScoreMeaning) -> View:
    judged, _ = binary_target(scores, target, meaning)
    return View(judged.scores, judged.labels == 1, judged.identity)
