"""From the scores of a run to probabilities, and how true they are before and after: ``calibration.json``.

1. *raw*: the scores assume the class shares that training showed (equal ones after balancing).
2. *prior*: those shares are exchanged for the shares of the validation split.
3. *temperature, platt, isotonic*: fitted on the validation split, on top of 2.
4. Where a share of fakes is stated for the place of use, 2 and 3 are moved to it.

A clip that lacks a modality has no posterior: at every stage it is judged by the other's own head, with the fit of
that head. The fits of ``any``, ``video`` and ``audio`` come from clips with both.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd

from multimodal.artefacts import is_number, reading, require
from multimodal.labels import CLASSES, MODALITIES
from multimodal.metrics import calibration as calibrations
from multimodal.metrics.bootstrap import IdentityResampler, bootstrap, interval, precision_of
from multimodal.metrics.calibration_error import ClipSums
from multimodal.metrics.checks import Floats, Ints
from multimodal.metrics.costs import log_likelihood_ratios
from multimodal.metrics.floors import constant_floors
from multimodal.metrics.options import CalibrationName
from multimodal.metrics.prior import Shares, correct_class_prior, correct_prior, observed_shares, stated_shares
from multimodal.metrics.scores_table import QUESTIONS, BinaryTarget, ScoreMeaning, binary_target, in_order
from multimodal.metrics.target_metrics import PROBABILITIES

Stage = Literal["raw", "prior", "temperature", "platt", "isotonic"]

# Fitted on validation.


def fit_probabilities(
    scores: pd.DataFrame, learnt: Shares, *, fake_prior: float | None = None, method: CalibrationName = "platt"
) -> dict[str, Any]:
    """Fit every calibration on the validation scores of a run.

    Args:
        scores: the scores table of the validation split, with posteriors and the modalities' own heads.
        learnt: shares that the scores assume, see :mod:`.prior`.
        fake_prior: share of clips with any fake where the detector will be used; None: as in validation.
        method: the calibration to use where one probability is wanted.

    Returns:
        Plain numbers: ``"chosen_on"``, ``"method"``, ``"prior"`` (shares learnt, of validation and wanted, the
        last null where not stated) and ``"fits"``: name → ``{"fake": clips, "real": clips, method: fit}``, a fit
        being what :func:`~.calibration.from_json` reads, or ``{"method", "reason"}``.
    """
    validation = observed_shares(scores)
    wanted = None if fake_prior is None else stated_shares(fake_prior, like=validation)
    corrected = _corrected(scores, learnt, validation)
    return {
        "chosen_on": "val",
        "method": method,
        "prior": {"learnt": learnt, "validation": validation, "wanted": wanted},
        "fits": {name: _fits(*_labelled(scores, name, corrected[name].to_numpy())) for name in QUESTIONS},
    }


def _labelled(scores: pd.DataFrame, name: str, values: Floats) -> tuple[Floats, Ints]:
    """The values and labels, (clips,) each, of the clips that have both."""
    labels = _numbers(scores, QUESTIONS[name].label)
    known = np.isfinite(labels) & np.isfinite(values)
    return values[known], labels[known].astype(np.int64)


def _fits(values: Floats, labels: Ints) -> dict[str, Any]:
    fake, real = values[labels == 1], values[labels == 0]
    fits = {method: _fit(method, fake, real) for method in get_args(CalibrationName)}
    return {"fake": len(fake), "real": len(real), **fits}


def _fit(method: str, fake: Floats, real: Floats) -> dict[str, Any]:
    try:
        return calibrations.to_json(calibrations.fit_calibration(method, fake, real))
    except ValueError as error:
        return {"method": method, "reason": str(error)}


# Said of any clips, stage by stage.


def probabilities(scores: pd.DataFrame, calibration: Mapping[str, Any], stage: Stage) -> pd.DataFrame:
    """Probabilities of fake of every clip, a column for each name in :data:`~.scores_table.QUESTIONS`.

    NaN where a clip could not be judged, and all through where the calibration could not be fitted.

    Args:
        scores: the scores table of any split.
        calibration: content of ``calibration.json``.
        stage: how far to go, see the head of this module.
    """
    prior = calibration["prior"]
    if stage == "raw":
        return pd.DataFrame({name: _numbers(scores, question.score) for name, question in QUESTIONS.items()})
    if stage == "prior":
        return _or_alone(_corrected(scores, prior["learnt"], prior["wanted"] or prior["validation"]), scores)
    corrected = _corrected(scores, prior["learnt"], prior["validation"])
    fitted = {name: _calibrated(corrected[name].to_numpy(), calibration, name, stage) for name in QUESTIONS}
    return _or_alone(pd.DataFrame(fitted), scores)


def _corrected(scores: pd.DataFrame, before: Shares, after: Shares) -> pd.DataFrame:
    """Scores moved from one prior to another; no posterior, and so no joint score, where a modality is absent."""
    alone = {
        name: _moved(_numbers(scores, QUESTIONS[name].score), assumed=before[name], wanted=after[name])
        for name in (f"{modality}_alone" for modality in MODALITIES)
    }
    posterior = _posteriors(scores)
    known = np.isfinite(posterior).all(axis=1)
    moved = np.full(posterior.shape, np.nan)
    shares = ([share[name] for name in CLASSES] for share in (before, after))
    moved[known] = correct_class_prior(posterior[known], **dict(zip(("assumed", "wanted"), shares, strict=True)))
    real, only_audio, only_video, both = moved.T
    joint = {"any": 1 - real, "video": only_video + both, "audio": only_audio + both}
    return pd.DataFrame({**joint, **alone}).clip(0, 1)


def _or_alone(said: pd.DataFrame, scores: pd.DataFrame) -> pd.DataFrame:
    """The same, with what the other's own head says where a modality is absent."""
    known = np.isfinite(_posteriors(scores)).all(axis=1)
    alone: dict[str, pd.Series] = {modality: said[f"{modality}_alone"] for modality in MODALITIES}
    alone["any"] = alone["video"].fillna(alone["audio"])
    return said.assign(**{name: said[name].where(known, value) for name, value in alone.items()})


def _calibrated(corrected: Floats, calibration: Mapping[str, Any], name: str, method: str) -> Floats:
    fits, wanted = calibration["fits"][name], calibration["prior"]["wanted"]
    if "reason" in fits[method]:
        return np.full(len(corrected), np.nan)
    values = _where_known(calibrations.from_json(fits[method]).apply, corrected)
    if wanted is None:
        return values
    return _moved(values, assumed=_fitted_share(fits), wanted=wanted[name])


def _moved(values: Floats, *, assumed: float, wanted: float) -> Floats:
    return _where_known(lambda known: correct_prior(known, assumed=assumed, wanted=wanted), values)


def _where_known(function: Callable[[Floats], Floats], values: Floats) -> Floats:
    result, known = np.full(len(values), np.nan), np.isfinite(values)
    result[known] = function(values[known])
    return result


def why_undefined(calibration: Mapping[str, Any], name: str, stage: Stage) -> str:
    """The reason of the first missing fit among those that a stage needs for clips with and without both."""
    needed = (name, *(f"{modality}_alone" for modality in MODALITIES))
    return next(fit["reason"] for one in needed if "reason" in (fit := calibration["fits"][one][stage]))


def as_in_validation(calibration: Mapping[str, Any]) -> dict[str, Any]:
    """The same calibration without a stated share of fakes, for figures of clips as they are."""
    return {**calibration, "prior": {**calibration["prior"], "wanted": None}}


def assumed_share(calibration: Mapping[str, Any], name: str, stage: Stage) -> float:
    """Share of fakes that the probabilities of a stage assume."""
    prior = calibration["prior"]
    if stage == "raw":
        return prior["learnt"][name]
    if prior["wanted"] is not None:
        return prior["wanted"][name]
    return prior["validation"][name] if stage == "prior" else _fitted_share(calibration["fits"][name])


def _fitted_share(fits: Mapping[str, Any]) -> float:
    return fits["fake"] / (fits["fake"] + fits["real"])


def _posteriors(scores: pd.DataFrame) -> Floats:
    return scores[[f"p_{name}" for name in CLASSES]].to_numpy(dtype=float, na_value=np.nan)


def _numbers(scores: pd.DataFrame, column: str) -> Floats:
    return scores[column].to_numpy(dtype=float, na_value=np.nan)


# How true probabilities are, before and after calibration: ECE, Brier score, log loss and Cllr with intervals.


#: Lower is better in each.
JUDGED = ("ece", "brier", "log_loss", "cllr")


def judge_probabilities(
    scores: pd.DataFrame, calibration: Mapping[str, Any], *, replicates: int = 1000, seed: int = 0
) -> dict[str, dict[str, Any]]:
    """Judge every stage of this module on the scores of one split.

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
    scores = in_order(scores)
    said = {stage: probabilities(scores, calibration, stage) for stage in get_args(Stage)}
    return {name: _judge(scores, calibration, name, said, replicates, seed) for name in QUESTIONS}


def _judge(
    scores: pd.DataFrame,
    calibration: Mapping[str, Any],
    name: str,
    said: Mapping[Stage, pd.DataFrame],
    replicates: int,
    seed: int,
) -> dict[str, Any]:
    target, _ = binary_target(scores, QUESTIONS[name], ScoreMeaning())
    if not target.has_both:
        return {"reason": "not defined without both fake and real clips"}
    wanted = calibration["prior"]["wanted"]
    weights = _weights(target.labels, None if wanted is None else wanted[name])
    result: dict[str, Any] = {"floor": constant_floors(float(np.average(target.labels, weights=weights)))}
    for stage, table in said.items():
        values = table[name].to_numpy()[target.rows]
        if np.isnan(values).any():
            result[stage] = {"reason": why_undefined(calibration, name, stage)}
            continue
        share = assumed_share(calibration, name, stage)
        result[stage] = _with_intervals(values, target, share, weights, replicates, seed)
    return result


def _with_intervals(
    values: Floats, target: BinaryTarget, share: float, weights: Floats, replicates: int, seed: int
) -> dict[str, Any]:
    """Metric → its value and interval, of probabilities that assume that share of fakes."""
    resampler = IdentityResampler(target.identity, target.labels)
    precision = precision_of(resampler)
    ratios = log_likelihood_ratios(values, share)
    sums = ClipSums(values, ratios, target.labels, target.identity, resampler.num_identities, weights)

    def measure(draw: Floats) -> dict[str, Floats]:
        totals = sums.totals(draw)
        return {metric: PROBABILITIES[metric].compute(totals) for metric in JUDGED}

    drawn = bootstrap(measure, resampler, replicates=replicates if precision.reason is None else 0, seed=seed)
    return {
        metric: interval(*found, precision, bounds=PROBABILITIES[metric].bounds).as_json()
        for metric, found in drawn.items()
    }


def _weights(labels: Ints, wanted: float | None) -> Floats:
    """(clips,) weights that give fakes the share ``wanted``; 1 for every clip where None."""
    if wanted is None:
        return np.ones(len(labels))
    share = labels.mean()
    return np.where(labels == 1, wanted / share, (1 - wanted) / (1 - share))


# What a file says, checked.


def check_calibration(found: Any, path: Path) -> None:
    """Raise ``ValueError`` unless every fit that a probability needs is there, and can be read."""
    require(found, {"method": str, "prior": dict, "fits": dict}, path)
    for name in ("learnt", "validation", "wanted"):
        if name not in found.get("prior", {}):
            raise ValueError(f"{path} has no prior {name}; run thresholds again")
        shares = found["prior"][name]
        if name == "wanted" and shares is None:
            continue
        require(shares, {}, path)
        lacking = [one for one in (*CLASSES, *QUESTIONS) if not is_number(shares.get(one))]
        if lacking:
            raise ValueError(f"{path} has no {name} share of {', '.join(lacking)}; run thresholds again")
    with reading(path, "a calibration"):
        for name in QUESTIONS:
            fits = found["fits"][name]
            for method in {*get_args(CalibrationName), found["method"]}:
                if "reason" not in fits[method]:
                    calibrations.from_json(fits[method])
            if not is_number(fits["fake"]) or not is_number(fits["real"]):
                raise ValueError(f"counts of {name}: {fits['fake']!r:.60} and {fits['real']!r:.60}")
