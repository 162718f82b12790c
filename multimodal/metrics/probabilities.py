"""From the scores of a run to probabilities, and how true they are before and after: ``calibration.json``.

1. *raw*: the scores assume the class shares that training showed (equal ones after balancing).
2. *prior*: those shares are exchanged for the shares of the validation split.
3. *temperature, platt, isotonic*: fitted on the validation split, on top of 2.
4. Where a share of fakes is stated for the place of use, 2 and 3 are moved to it.
"""

from collections.abc import Callable, Mapping
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd

from multimodal.labels import CLASSES, MODALITIES
from multimodal.metrics import calibration as calibrations
from multimodal.metrics.checks import Floats, Ints
from multimodal.metrics.class_shares import Shares, observed_shares, stated_shares
from multimodal.metrics.prior import correct_class_prior, correct_prior

Method = Literal["temperature", "platt", "isotonic"]
Stage = Literal["raw", "prior", "temperature", "platt", "isotonic"]

#: What is judged → (label, score) columns of the scores table.
COLUMNS: dict[str, tuple[str, str]] = {
    "any": ("any_fake", "score_any"),
    "video": ("video_fake", "score_video"),
    "audio": ("audio_fake", "score_audio"),
    "video_alone": ("video_fake", "head_video"),
    "audio_alone": ("audio_fake", "head_audio"),
}
_POSTERIOR = [f"p_{name}" for name in CLASSES]


def fit_probabilities(
    scores: pd.DataFrame, learnt: Shares, *, fake_prior: float | None = None, method: Method = "platt"
) -> dict[str, Any]:
    """Fit every calibration on the validation scores of a run.

    Args:
        scores: the scores table of the validation split, with posteriors and the modalities' own heads.
        learnt: shares that the scores assume, see :mod:`.class_shares`.
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
        "fits": {name: _fits(*labelled(scores, name, corrected[name].to_numpy())) for name in COLUMNS},
    }


def probabilities(scores: pd.DataFrame, calibration: Mapping[str, Any], stage: Stage) -> pd.DataFrame:
    """Probabilities of fake of every clip, a column for each name in :data:`COLUMNS`.

    NaN where a clip could not be judged, and all through where the calibration could not be fitted.

    Args:
        scores: the scores table of any split.
        calibration: content of ``calibration.json``.
        stage: how far to go, see the head of this module.
    """
    prior = calibration["prior"]
    if stage == "raw":
        return pd.DataFrame({name: _numbers(scores, column) for name, (_, column) in COLUMNS.items()})
    if stage == "prior":
        return _corrected(scores, prior["learnt"], prior["wanted"] or prior["validation"])
    corrected = _corrected(scores, prior["learnt"], prior["validation"])
    return pd.DataFrame(
        {name: _calibrated(corrected[name].to_numpy(), calibration, name, stage) for name in COLUMNS}
    )


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


def labelled(scores: pd.DataFrame, name: str, values: Floats) -> tuple[Floats, Ints]:
    """The values and labels, (clips,) each, of the clips that have both."""
    labels = _numbers(scores, COLUMNS[name][0])
    known = np.isfinite(labels) & np.isfinite(values)
    return values[known], labels[known].astype(np.int64)


def _corrected(scores: pd.DataFrame, before: Shares, after: Shares) -> pd.DataFrame:
    """Scores moved from one prior to another; where a modality is absent, by the other's own head."""
    alone = {
        name: _moved(_numbers(scores, COLUMNS[name][1]), assumed=before[name], wanted=after[name])
        for name in (f"{modality}_alone" for modality in MODALITIES)
    }
    posterior = scores[_POSTERIOR].to_numpy(dtype=float, na_value=np.nan)
    known = np.isfinite(posterior).all(axis=1)
    moved = np.full(posterior.shape, np.nan)
    shares = ([share[name] for name in CLASSES] for share in (before, after))
    moved[known] = correct_class_prior(posterior[known], **dict(zip(("assumed", "wanted"), shares, strict=True)))
    real, only_audio, only_video, both = moved.T
    either = np.where(np.isfinite(alone["video_alone"]), alone["video_alone"], alone["audio_alone"])
    joint = {
        "any": np.where(known, 1 - real, either),
        "video": np.where(known, only_video + both, alone["video_alone"]),
        "audio": np.where(known, only_audio + both, alone["audio_alone"]),
    }
    return pd.DataFrame({**joint, **alone}).clip(0, 1)


def _fits(values: Floats, labels: Ints) -> dict[str, Any]:
    fake, real = values[labels == 1], values[labels == 0]
    fits = {method: _fit(method, fake, real) for method in get_args(Method)}
    return {"fake": len(fake), "real": len(real), **fits}


def _fit(method: str, fake: Floats, real: Floats) -> dict[str, Any]:
    try:
        return calibrations.to_json(calibrations.fit_calibration(method, fake, real))
    except ValueError as error:
        return {"method": method, "reason": str(error)}


def _fitted_share(fits: Mapping[str, Any]) -> float:
    return fits["fake"] / (fits["fake"] + fits["real"])


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


def _numbers(scores: pd.DataFrame, column: str) -> Floats:
    return scores[column].to_numpy(dtype=float, na_value=np.nan)
