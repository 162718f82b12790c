"""How true probabilities are, before and after calibration: ECE, Brier score, log loss and Cllr with intervals."""

from collections.abc import Mapping
from typing import Any, get_args

import numpy as np
import pandas as pd

from multimodal.metrics.additive import AdditiveMetrics
from multimodal.metrics.checks import Floats, Ints
from multimodal.metrics.intervals import Interval, precision_of
from multimodal.metrics.probabilities import COLUMNS, Stage, assumed_share, probabilities, why_undefined
from multimodal.metrics.replication import with_intervals
from multimodal.metrics.resampling import IdentityResampler, identity_codes
from multimodal.metrics.score_meaning import ScoreMeaning

#: Lower is better in each.
JUDGED = ("ece", "brier", "log_loss", "cllr")


def judge_probabilities(
    scores: pd.DataFrame, calibration: Mapping[str, Any], *, replicates: int = 1000, seed: int = 0
) -> dict[str, dict[str, Any]]:
    """Judge every stage of :mod:`.probabilities` on the scores of one split.

    Where a share of fakes was stated, clips are weighted so that the split has it.

    Args:
        scores: the scores table of the split.
        calibration: content of ``calibration.json``.
        replicates: of the bootstrap over identities; 0 for no intervals.
        seed: of the bootstrap.

    Returns:
        Name → ``{"floor": {metric: number}, stage: {metric: {"value", "low", "high"}}}``. The floor is what the
        share of fakes reaches when it is said of every clip. A stage that could not be fitted has ``"reason"``.
    """
    said = {stage: probabilities(scores, calibration, stage) for stage in get_args(Stage)}
    return {name: _judge(scores, calibration, name, said, replicates, seed) for name in COLUMNS}


def _judge(
    scores: pd.DataFrame,
    calibration: Mapping[str, Any],
    name: str,
    said: Mapping[Stage, pd.DataFrame],
    replicates: int,
    seed: int,
) -> dict[str, Any]:
    label = scores[COLUMNS[name][0]].to_numpy(dtype=float, na_value=np.nan)
    judged = np.isfinite(label) & np.isfinite(said["raw"][name].to_numpy())
    labels = label[judged].astype(np.int64)
    if len(set(labels.tolist())) < 2:
        return {"reason": "not defined without both fake and real clips"}
    names = scores["identity"].to_numpy(dtype=object) if "identity" in scores else np.full(len(scores), None)
    identity = identity_codes(names[judged])
    wanted = calibration["prior"]["wanted"]
    weights = _weights(labels, None if wanted is None else wanted[name])
    result: dict[str, Any] = {"floor": _floor(float(np.average(labels, weights=weights)))}
    for stage, table in said.items():
        values = table[name].to_numpy()[judged]
        if np.isnan(values).any():
            result[stage] = {"reason": why_undefined(calibration, name, stage)}
            continue
        meaning = ScoreMeaning("probability", assumed_share(calibration, name, stage))
        found = _with_intervals(values, labels, identity, meaning, weights, replicates, seed)
        result[stage] = {metric: found[metric].as_json() for metric in JUDGED}
    return result


def _with_intervals(
    values: Floats,
    labels: Ints,
    identity: Ints,
    meaning: ScoreMeaning,
    weights: Floats,
    replicates: int,
    seed: int,
) -> dict[str, Interval]:
    resampler = IdentityResampler(identity, labels)
    system = AdditiveMetrics(values, labels, identity, resampler.num_identities, meaning, weights)
    found = with_intervals(
        lambda multiplicities: {(name,): value for name, value in system(multiplicities).items()},
        resampler,
        precision_of(resampler),
        replicates=replicates,
        seed=seed,
    )
    return {path[0]: entry for path, entry in found.items()}


def _weights(labels: Ints, wanted: float | None) -> Floats:
    """(clips,) weights that give fakes the share ``wanted``; 1 for every clip where None."""
    if wanted is None:
        return np.ones(len(labels))
    share = labels.mean()
    return np.where(labels == 1, wanted / share, (1 - wanted) / (1 - share))


def _floor(share: float) -> dict[str, float]:
    entropy = -(share * np.log(share) + (1 - share) * np.log(1 - share))
    return {"ece": 0.0, "brier": share * (1 - share), "log_loss": float(entropy), "cllr": 1.0}
