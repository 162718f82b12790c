"""Probabilities that mean what they say: calibration fitted on validation scores, and how far off it is.

Input and output are probabilities of fake. A calibration is increasing, so no ranking metric changes (isotonic
steps can tie scores); it is kept as plain numbers, so that it can be written as JSON beside a checkpoint. Fit it
on **validation** clips; probabilities then assume the share of fakes among those, see :mod:`.prior`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize, special, stats
from sklearn import metrics
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from multimodal.metrics.checks import Floats, Ints, as_scores, both_classes
from multimodal.metrics.costs import SMALLEST_PROBABILITY, as_probabilities
from multimodal.metrics.ranking import check_classes
from multimodal.metrics.target_metrics import NUM_BINS, bin_of

_LOG_TEMPERATURE_BOUNDS = (np.log(0.01), np.log(100.0))


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
        return special.expit(_logits(probabilities) / self.temperature)

    def apply_to_classes(self, posteriors: ArrayLike) -> Floats:
        """Calibrated posteriors, (n, classes), from posteriors; the softmax of log posterior / temperature."""
        logs = np.log(np.clip(np.asarray(posteriors, dtype=float), SMALLEST_PROBABILITY, None))
        return special.softmax(logs / self.temperature, axis=1)


@dataclass(frozen=True)
class Platt:
    """Scales and shifts the logit (Platt 1999)."""

    slope: float
    intercept: float

    def apply(self, probabilities: ArrayLike) -> Floats:
        """Calibrated probabilities, (n,) in [0, 1]."""
        return special.expit(self.slope * _logits(probabilities) + self.intercept)


@dataclass(frozen=True)
class Isotonic:
    """Straight lines between the knots of the best increasing map (Zadrozny and Elkan 2002)."""

    scores: tuple[float, ...]
    probabilities: tuple[float, ...]

    def apply(self, probabilities: ArrayLike) -> Floats:
        """Calibrated probabilities, (n,) in [0, 1]."""
        return np.interp(as_probabilities(probabilities), self.scores, self.probabilities)


def fit_temperature(fake_scores: ArrayLike, real_scores: ArrayLike) -> Temperature:
    """The temperature with the least log loss, between 0.01 and 100."""
    labels, scores = _labelled(fake_scores, real_scores)
    logits = _logits(scores)
    signed = np.where(labels == 1, logits, -logits)
    return Temperature(_least(lambda temperature: float(np.logaddexp(0, -signed / temperature).mean())))


def fit_class_temperature(labels: ArrayLike, posteriors: ArrayLike) -> Temperature:
    """The same for classes: ``labels`` (n,) indices, ``posteriors`` (n, classes)."""
    truth, scores = check_classes(labels, posteriors)
    if len(truth) == 0:
        raise ValueError("no clip to fit a temperature on")
    logs = np.log(np.clip(scores, SMALLEST_PROBABILITY, None))

    def loss(temperature: float) -> float:
        return float(-special.log_softmax(logs / temperature, axis=1)[np.arange(len(truth)), truth].mean())

    return Temperature(_least(loss))


def fit_platt(fake_scores: ArrayLike, real_scores: ArrayLike) -> Platt:
    """Logistic regression on the logit with Platt's smoothed labels, so that separable scores stay finite.

    ``ValueError`` where the fit is not increasing: the scores rank reals above fakes.
    """
    labels, scores = _labelled(fake_scores, real_scores)
    num_fake = int(labels.sum())
    num_real = len(labels) - num_fake
    smoothed = np.where(labels == 1, (num_fake + 1) / (num_fake + 2), 1 / (num_real + 2))
    column = _logits(scores)[:, None]
    model = LogisticRegression(C=1e9, max_iter=1000)
    model.fit(
        np.concatenate([column, column]),
        np.repeat([1, 0], len(labels)),
        sample_weight=np.concatenate([smoothed, 1 - smoothed]),
    )
    slope, intercept = float(model.coef_[0, 0]), float(model.intercept_[0])
    if slope <= 0:
        raise ValueError(
            f"Platt's slope is {slope:.3g}: these scores rank reals above fakes, and calibration would turn them "
            "round. Is the polarity inverted?"
        )
    return Platt(slope, intercept)


def fit_isotonic(fake_scores: ArrayLike, real_scores: ArrayLike) -> Isotonic:
    """The increasing step map with the least squared error; wants a few hundred clips of each class."""
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
        raise ValueError(f"unknown calibration {method!r}; choose from {', '.join(sorted(FITS))}")
    return FITS[method](fake_scores, real_scores)


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


def brier_score(fake_scores: ArrayLike, real_scores: ArrayLike) -> float:
    """Mean squared error of the probabilities."""
    return float(metrics.brier_score_loss(*_labelled(fake_scores, real_scores)))


def log_loss(fake_scores: ArrayLike, real_scores: ArrayLike) -> float:
    """Mean negative log likelihood, in nats."""
    return float(metrics.log_loss(*_labelled(fake_scores, real_scores), labels=[0, 1]))


def _least(loss: Callable[[float], float]) -> float:
    found = optimize.minimize_scalar(
        lambda log: loss(float(np.exp(log))),
        bounds=_LOG_TEMPERATURE_BOUNDS,
        method="bounded",
        options={"xatol": 1e-6},
    )
    return float(np.exp(found.x))


def _labelled(fake_scores: ArrayLike, real_scores: ArrayLike) -> tuple[Ints, Floats]:
    fake, real = both_classes(fake_scores, real_scores, "calibration")
    scores = as_probabilities(np.concatenate([fake, real]), "scores")
    return np.repeat([1, 0], [len(fake), len(real)]), scores


def _logits(probabilities: ArrayLike) -> Floats:
    return special.logit(np.clip(as_probabilities(probabilities), SMALLEST_PROBABILITY, 1 - SMALLEST_PROBABILITY))


# How often clips called fake with probability p are fake: the reliability diagram and its summary.


class Reliability(NamedTuple):
    """Points of a reliability diagram, one a bin that has a clip, each (bins,).

    ``probability`` is the mean said, ``share`` the share of fakes found, ``low`` and ``high`` its 95 % interval
    (Wilson 1927; clips taken as independent), ``num_clips`` the clips.
    """

    probability: Floats
    share: Floats
    low: Floats
    high: Floats
    num_clips: Ints


def reliability(fake_scores: ArrayLike, real_scores: ArrayLike, num_bins: int = NUM_BINS) -> Reliability:
    """Points over bins of equal width.

    Args:
        fake_scores: (num_fake,) probabilities of fake of the fake clips.
        real_scores: (num_real,) those of the real clips.
        num_bins: over [0, 1].
    """
    if num_bins < 1:
        raise ValueError(f"num_bins must be at least 1; got {num_bins}")
    fake = as_probabilities(as_scores(fake_scores, "fake_scores"), "fake_scores")
    real = as_probabilities(as_scores(real_scores, "real_scores"), "real_scores")
    scores = np.concatenate([fake, real])
    bins = bin_of(scores, num_bins)
    count = np.bincount(bins, minlength=num_bins)
    kept = count > 0
    fakes = np.bincount(bins[: len(fake)], minlength=num_bins)[kept]
    count = count[kept]
    low, high = _wilson(fakes, count)
    mean = np.bincount(bins, weights=scores, minlength=num_bins)[kept] / count
    return Reliability(mean, fakes / count, low, high, count)


def expected_calibration_error(fake_scores: ArrayLike, real_scores: ArrayLike, num_bins: int = NUM_BINS) -> float:
    """Mean distance of the points from the diagonal, weighted by clips (Naeini et al. 2015).

    It depends on the bins and is above 0 even for perfect probabilities on few clips.
    """
    points = reliability(fake_scores, real_scores, num_bins)
    if len(points.num_clips) == 0:
        raise ValueError("expected_calibration_error is not defined without clips; got none")
    return float(np.average(np.abs(points.probability - points.share), weights=points.num_clips))


def _wilson(successes: Ints, trials: Ints) -> tuple[Floats, Floats]:
    z = float(stats.norm.ppf(0.975))
    share = successes / trials
    centre = (share + z**2 / (2 * trials)) / (1 + z**2 / trials)
    half = z / (1 + z**2 / trials) * np.sqrt(share * (1 - share) / trials + z**2 / (4 * trials**2))
    return np.maximum(centre - half, 0), np.minimum(centre + half, 1)
