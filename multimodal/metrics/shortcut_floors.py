"""How far one gets without looking at the face or listening to the voice: floors that a detector must beat.

A small forest of trees sees one family of shortcuts alone (:mod:`multimodal.audit.shortcut_features`), and is
judged on people that it has not seen: its AUC, with an interval over identities, is the floor. With a detector's
scores beside, the forest also says which share of them follows from the shortcut.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import scipy
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.model_selection import GroupKFold, StratifiedGroupKFold, cross_val_predict

from multimodal.metrics.bootstrap import IdentityResampler, bootstrap, interval, precision_of
from multimodal.metrics.checks import Floats, Ints
from multimodal.metrics.perfect import AREA
from multimodal.metrics.ranking import roc_auc_of
from multimodal.metrics.sorted_scores import SortedScores

#: Clips of either label below which nothing is judged, and people.
FEWEST, FEWEST_PEOPLE = 20, 4
#: An area that is told as a shortcut, where chance is ruled out as well; all floors of a page share 5 %.
WORTH_TELLING, ALARM_LEVEL = 0.6, 0.05
#: How much further guesses on held-out people stray by chance than their bootstrap, which takes them as given.
#: Where nothing is to be learnt, what fold i guesses of fold j goes with what j guesses of i: each pair of folds
#: counts twice in the area, and its variance is twice that of guesses which would not depend on the labels judged.
STRAY = math.sqrt(2)
TOGETHER = "all together"
FOLDS, TREES = 5, 60


def shortcut_floors(
    features: Mapping[str, pd.DataFrame],
    fake: Ints,
    identity: Ints,
    *,
    scores: Floats | None = None,
    replicates: int = 1000,
    seed: int = 0,
    comparisons: int | None = None,
) -> dict[str, Any]:
    """Judge every family alone, and all of them together.

    Args:
        features: family → numbers of each clip; NaN where a clip has none. Columns without a number are left out.
        fake: (clips,) 1 for fake, 0 for real.
        identity: (clips,) index of each clip's person from 0; nobody is in two folds.
        scores: of a detector, higher for fakes; NaN where it gave none.
        replicates: of the bootstrap over identities.
        seed: of folds, trees and bootstrap.
        comparisons: floors that share :data:`ALARM_LEVEL`; as many as there are families where left out.

    Returns:
        family → ``"auc"`` (``value``, ``low``, ``high``), ``"alarm"`` (more than chance, and worth telling) and,
        with scores, ``"explained"`` and ``"explained_within_label"``: the share of the variance of their ranks
        that follows from the family, on people held out, over all clips and among clips of one label.
        ``{"reason": ...}`` where there are too few clips.
    """
    if (reason := too_few(fake, identity)) is not None:
        return {"reason": reason}
    known = {name: table.loc[:, table.notna().any()] for name, table in features.items()}
    known = {name: table for name, table in known.items() if table.shape[1]}
    if len(known) > 1:
        known[TOGETHER] = pd.concat([table.add_prefix(f"{name}: ") for name, table in known.items()], axis=1)
    level = 1 - ALARM_LEVEL / (comparisons or len(known))
    floors: dict[str, Any] = {}
    for name, table in known.items():
        values = table.to_numpy(dtype=float)
        guessed = _guess(values, fake, identity, seed)
        found, is_sure = _area(guessed, fake, identity, replicates, seed, level)
        floors[name] = {"auc": found, "alarm": bool(is_sure and found["value"] >= WORTH_TELLING)}
        if scores is not None:
            floors[name] |= _explained(values, scores, fake, identity, seed)
    return floors


def too_few(fake: Ints, identity: Ints) -> str | None:
    """Why these clips cannot be judged; None where they can."""
    counts = np.bincount(fake, minlength=2)
    people = min(len(np.unique(identity[fake == label])) for label in (0, 1))
    if counts.min() >= FEWEST and people >= FEWEST_PEOPLE:
        return None
    return (
        f"{counts[1]} fakes and {counts[0]} reals, of {people} people or more each; floors of shortcuts need "
        f"{FEWEST} of each and {FEWEST_PEOPLE} people"
    )


def _guess(values: Floats, fake: Ints, identity: Ints, seed: int) -> Floats:
    """What a forest says of each clip, having learnt from other people's alone."""
    forest = RandomForestClassifier(
        TREES, min_samples_leaf=2, class_weight="balanced_subsample", random_state=seed, n_jobs=1
    )
    folds = StratifiedGroupKFold(min(FOLDS, len(np.unique(identity))), shuffle=True, random_state=seed)
    return cross_val_predict(forest, values, fake, groups=identity, cv=folds, method="predict_proba")[:, 1]


def _area(
    guessed: Floats, fake: Ints, identity: Ints, replicates: int, seed: int, level: float
) -> tuple[dict[str, Any], bool]:
    """The area with its 95 % interval, and whether that at ``level``, times :data:`STRAY`, is above one half."""
    is_fake = fake == 1
    ranked = SortedScores(guessed[is_fake], guessed[~is_fake], identity[is_fake], identity[~is_fake])
    resampler = IdentityResampler(identity, fake)

    def measure(multiplicities: Floats) -> dict[str, Floats]:
        return {"auc": roc_auc_of(ranked.counts(multiplicities))}

    drawn = bootstrap(measure, resampler, replicates=replicates, seed=seed)["auc"]
    precision = precision_of(resampler)
    found = interval(drawn.value, drawn.replicates, precision, bounds=AREA)
    sure = interval(drawn.value, drawn.replicates, precision, bounds=AREA, level=level)
    if sure.value is None or sure.low is None:
        return found.as_json(), False
    return found.as_json(), sure.value - STRAY * (sure.value - sure.low) > 0.5


def _explained(values: Floats, scores: Floats, fake: Ints, identity: Ints, seed: int) -> dict[str, float | None]:
    """Out-of-fold share of the variance of the scores' ranks, over all clips and within a label."""
    judged = np.isfinite(scores)
    ranks = scipy.stats.rankdata(scores[judged]) / max(judged.sum(), 1)
    label, who, seen = fake[judged], identity[judged], values[judged]
    if len(np.unique(who)) < FEWEST_PEOPLE or not ranks.std():
        return {"explained": None, "explained_within_label": None}
    means = np.array([ranks[label == one].mean() if (label == one).any() else 0.0 for one in (0, 1)])
    shares = (_share(seen, target, who, seed) for target in (ranks, ranks - means[label]))
    return dict(zip(("explained", "explained_within_label"), shares, strict=True))


def _share(values: Floats, target: Floats, identity: Ints, seed: int) -> float | None:
    if not target.std():
        return None
    forest = RandomForestRegressor(TREES, min_samples_leaf=3, random_state=seed, n_jobs=1)
    folds = GroupKFold(min(FOLDS, len(np.unique(identity))))
    left = target - cross_val_predict(forest, values, target, groups=identity, cv=folds)
    return float(max(0.0, 1 - np.mean(left**2) / np.var(target)))
