"""Probabilities that mean what they say: calibrations, fitted on validation scores.

Input and output are probabilities of fake. A calibration is increasing, so no ranking metric changes (isotonic
steps can tie scores); it is kept as plain numbers, so that it can be written as JSON beside a checkpoint. Fit it
on **validation** clips; probabilities then assume the share of fakes among those, see :mod:`.prior`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import scipy
from numpy.typing import ArrayLike
from scipy import special

from multimodal.catalog import unknown
from multimodal.metrics.checks import Floats, Ints, as_probabilities, both_classes, labelled
from multimodal.metrics.costs import logits

_LOG_TEMPERATURE_BOUNDS = (np.log(0.01), np.log(100.0))
#: Newton's method ends long before; this bounds it where rounding keeps every step too large.
_MOST_STEPS = 200
_SMALLEST_STEP = 1e-10


# What a calibration does to a probability.


class Calibration(Protocol):
    """An increasing map from probabilities of fake to better ones."""

    def apply(self, probabilities: ArrayLike) -> Floats:
        """Calibrated probabilities, (n,) in [0, 1]."""


@dataclass(frozen=True)
class Temperature:
    """Divides the logit (Guo et al. 2017, "On Calibration of Modern Neural Networks", section 4.2)."""

    temperature: float

    def apply(self, probabilities: ArrayLike) -> Floats:
        """Calibrated probabilities, (n,) in [0, 1]."""
        return special.expit(logits(probabilities) / self.temperature)


@dataclass(frozen=True)
class Platt:
    """Scales and shifts the logit (Platt 1999)."""

    slope: float
    intercept: float

    def apply(self, probabilities: ArrayLike) -> Floats:
        """Calibrated probabilities, (n,) in [0, 1]."""
        return special.expit(self.slope * logits(probabilities) + self.intercept)


@dataclass(frozen=True)
class Isotonic:
    """Straight lines between the knots of the best increasing map (Zadrozny and Elkan 2002)."""

    scores: tuple[float, ...]
    probabilities: tuple[float, ...]

    def apply(self, probabilities: ArrayLike) -> Floats:
        """Calibrated probabilities, (n,) in [0, 1]."""
        return np.interp(as_probabilities(probabilities), self.scores, self.probabilities)


# How each is fitted.


def fit_temperature(fake_scores: ArrayLike, real_scores: ArrayLike) -> Temperature:
    """The temperature with the least log loss, between 0.01 and 100."""
    labels, scores = _labelled(fake_scores, real_scores)
    said = logits(scores)
    signed = np.where(labels == 1, said, -said)
    return Temperature(_least(lambda temperature: float(np.logaddexp(0, -signed / temperature).mean())))


def fit_platt(fake_scores: ArrayLike, real_scores: ArrayLike) -> Platt:
    """Logistic regression on the logit with Platt's smoothed labels, so that separable scores stay finite.

    ``ValueError`` where all scores are the same, and where the fit is not increasing: the scores rank reals above
    fakes.
    """
    labels, scores = _labelled(fake_scores, real_scores)
    said = logits(scores)
    if np.ptp(said) == 0:
        raise ValueError(
            f"all {len(scores)} scores are {scores[0]:.4g}: there is nothing to calibrate. Did the detector learn?"
        )
    num_fake = int(labels.sum())
    num_real = len(labels) - num_fake
    smoothed = np.where(labels == 1, (num_fake + 1) / (num_fake + 2), 1 / (num_real + 2))
    slope, intercept = _logistic(said, smoothed)
    if slope <= 0:
        raise ValueError(
            f"Platt's slope is {slope:.3g}: these scores rank reals above fakes, and calibration would turn them "
            "round. Is the polarity inverted?"
        )
    return Platt(slope, intercept)


def fit_isotonic(fake_scores: ArrayLike, real_scores: ArrayLike) -> Isotonic:
    """The increasing step map with the least squared error; wants a few hundred clips of each class."""
    from sklearn.isotonic import IsotonicRegression  # a process that judges has no use for scikit-learn

    labels, scores = _labelled(fake_scores, real_scores)
    model = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(scores, labels)
    return Isotonic(tuple(model.X_thresholds_.tolist()), tuple(model.y_thresholds_.tolist()))


#: name → how to fit it
FITS: dict[str, Callable[[ArrayLike, ArrayLike], Calibration]] = {
    "temperature": fit_temperature,
    "platt": fit_platt,
    "isotonic": fit_isotonic,
}


def fit_calibration(method: str, fake_scores: ArrayLike, real_scores: ArrayLike) -> Calibration:
    """Fit by name: "temperature", "platt" or "isotonic"."""
    if method not in FITS:
        raise ValueError(unknown("calibration", method, FITS))
    return FITS[method](fake_scores, real_scores)


def _logistic(values: Floats, shares: Floats) -> tuple[float, float]:
    """Slope and intercept with the least cross entropy against ``shares``, (n,) inside (0, 1), by Newton's method.

    The loss is convex with one minimum, and steps that do not lower it are halved; library solvers stop at a
    tolerance of the loss, several digits before the slope is right.
    """
    centre, scale = float(values.mean()), float(values.std())
    design = np.stack([(values - centre) / scale, np.ones(len(values))])
    weights = np.zeros(2)

    def loss(of: Floats) -> float:
        line = of @ design
        return float((np.logaddexp(0, line) - shares * line).mean())

    for _ in range(_MOST_STEPS):
        said = special.expit(weights @ design)
        gradient = design @ (said - shares) / len(values)
        curvature = (design * (said * (1 - said))) @ design.T / len(values)
        step = np.linalg.lstsq(curvature, gradient, rcond=None)[0]
        while loss(weights - step) > loss(weights) and np.abs(step).max() > _SMALLEST_STEP:
            step = step / 2
        weights = weights - step
        if np.abs(step).max() <= _SMALLEST_STEP * max(1.0, np.abs(weights).max()):
            break
    slope = weights[0] / scale
    return float(slope), float(weights[1] - slope * centre)


def _least(loss: Callable[[float], float]) -> float:
    found = scipy.optimize.minimize_scalar(
        lambda log: loss(float(np.exp(log))),
        bounds=_LOG_TEMPERATURE_BOUNDS,
        method="bounded",
        options={"xatol": 1e-6},
    )
    return float(np.exp(found.x))


def _labelled(fake_scores: ArrayLike, real_scores: ArrayLike) -> tuple[Ints, Floats]:
    labels, scores = labelled(both_classes(fake_scores, real_scores, "calibration"))
    return labels, as_probabilities(scores, "scores")


# As plain numbers, and back.


def to_json(calibration: Calibration) -> dict[str, Any]:
    """Plain numbers, with the method's name."""
    match calibration:
        case Temperature(temperature):
            return {"method": "temperature", "temperature": temperature}
        case Platt(slope, intercept):
            return {"method": "platt", "slope": slope, "intercept": intercept}
        case Isotonic(scores, probabilities):
            return {"method": "isotonic", "scores": list(scores), "probabilities": list(probabilities)}
    raise ValueError(f"not one of our calibrations: {calibration!r}")


def from_json(entry: dict[str, Any]) -> Calibration:
    """What :func:`to_json` wrote."""
    match entry:
        case {"method": "temperature", "temperature": temperature}:
            return Temperature(float(temperature))
        case {"method": "platt", "slope": slope, "intercept": intercept}:
            return Platt(float(slope), float(intercept))
        case {"method": "isotonic", "scores": scores, "probabilities": probabilities}:
            return Isotonic(tuple(map(float, scores)), tuple(map(float, probabilities)))
    raise ValueError(f"not a stored calibration: {entry!r}")
