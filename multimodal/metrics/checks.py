"""What every metric asks of the scores it is given, and errors that guess the mistake.

Convention of the package: label 1 = fake, 0 = real; a score is higher when a clip is more likely fake. Binary
metrics take ``fake_scores`` and ``real_scores`` apart, so that no argument can be read the other way round.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Probabilities are kept this far from 0 and 1 before a logarithm is taken of them, as in scikit-learn.
SMALLEST_PROBABILITY = float(np.finfo(np.float64).eps)

# Scores, probabilities and labels, one a clip.


class LabelledScores(NamedTuple):
    """The scores of the fake clips and of the real ones, each (n,) float64."""

    fake_scores: Floats
    real_scores: Floats


def as_scores(scores: ArrayLike, name: str) -> Floats:
    """Scores as a finite float64 vector; ``ValueError`` names the argument and guesses what went wrong."""
    try:
        vector = np.asarray(scores, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must be numbers; got {error}") from error
    if vector.ndim != 1:
        raise ValueError(f"{name} must be one score a clip, shape (n,); got shape {vector.shape}")
    if np.isnan(vector).any():
        missing = int(np.isnan(vector).sum())
        raise ValueError(f"{name}: {missing} of {len(vector)} are NaN. Leave out (and count) unjudged clips first")
    if np.isinf(vector).any():
        infinite = int(np.isinf(vector).sum())
        raise ValueError(
            f"{name}: {infinite} of {len(vector)} are infinite; "
            "was a logit taken of a probability of exactly 0 or 1?"
        )
    return vector


def as_probabilities(values: ArrayLike, name: str = "probabilities") -> Floats:
    """Scores, checked to lie in [0, 1]."""
    vector = as_scores(values, name)
    if len(vector) and (vector.min() < 0 or vector.max() > 1):
        raise ValueError(
            f"{name} must lie in [0, 1]; got {vector.min():.4g} to {vector.max():.4g}. "
            "Are they logits or log-likelihood ratios?"
        )
    return vector


def inside(probabilities: Floats) -> Floats:
    """Probabilities kept off 0 and 1, so that their logarithms and logits are finite."""
    return np.clip(probabilities, SMALLEST_PROBABILITY, 1 - SMALLEST_PROBABILITY)


def as_labels(labels: ArrayLike, name: str = "labels") -> Ints:
    """Labels as an int64 vector of 0 (real) and 1 (fake); ``ValueError`` for anything else."""
    vector = np.asarray(labels)
    if vector.ndim != 1:
        raise ValueError(f"{name} must be one label a clip, shape (n,); got shape {vector.shape}")
    values = set(np.unique(vector).tolist())
    if values <= {0, 1}:
        return vector.astype(np.int64)
    hint = {
        frozenset({-1, 1}): "; +1/-1 labels: write 1 for fake and 0 for real",
        frozenset({1, 2}): "; 1/2 labels: write 1 for fake and 0 for real",
    }.get(frozenset(values), "; were scores and labels exchanged?" if len(values) > 4 else "")
    shown = ", ".join(map(repr, sorted(values, key=str)[:5]))
    raise ValueError(f"{name} must be 1 (fake) or 0 (real); got {shown}{hint}")


# Fakes and reals apart, and back together.


def by_label(labels: ArrayLike, scores: ArrayLike) -> LabelledScores:
    """Take the scores of fakes and reals apart.

    >>> fake_scores, real_scores = by_label([1, 0, 1], [0.9, 0.2, 0.6])
    >>> fake_scores.tolist(), real_scores.tolist()
    ([0.9, 0.6], [0.2])
    """
    vector, truth = as_scores(scores, "scores"), as_labels(labels)
    if len(vector) != len(truth):
        raise ValueError(f"{len(truth)} labels for {len(vector)} scores; they must belong to the same clips")
    return LabelledScores(vector[truth == 1], vector[truth == 0])


def both_classes(fake_scores: ArrayLike, real_scores: ArrayLike, metric: str) -> LabelledScores:
    """Both score vectors, checked; ``ValueError`` if a class has no clip, since ``metric`` is then not defined."""
    pair = LabelledScores(as_scores(fake_scores, "fake_scores"), as_scores(real_scores, "real_scores"))
    for name, scores in zip(("fake", "real"), pair, strict=True):
        if len(scores) == 0:
            raise ValueError(f"{metric} is not defined without {name} clips; got none")
    return pair


def labelled(pair: LabelledScores) -> tuple[Ints, Floats]:
    """The labels and scores of both classes in one vector each, fakes first: what scikit-learn takes."""
    return np.repeat([1, 0], [len(pair.fake_scores), len(pair.real_scores)]), np.concatenate(pair)


# Shares, and quotients of counts.


def check_prior(fake_prior: float) -> None:
    """Raise ``ValueError`` unless the prior lies inside (0, 1): at either end one class could not occur."""
    if not 0 < fake_prior < 1:
        raise ValueError(f"fake_prior must lie inside (0, 1); got {fake_prior}. Percent? Divide by 100")


def check_share(name: str, value: float) -> None:
    """Raise ``ValueError`` unless the value is a share, ends included."""
    if not 0 <= value <= 1:
        raise ValueError(f"{name} must be a share in [0, 1]; got {value}. Percent? Divide by 100")


def ratio(numerator: ArrayLike, denominator: ArrayLike) -> Floats:
    """Quotient that is NaN ("not defined") where the denominator is 0, without a warning.

    >>> ratio([1.0, 0.0], [2.0, 0.0]).tolist()
    [0.5, nan]
    """
    below = np.asarray(denominator, dtype=np.float64)
    return np.asarray(numerator) / np.where(below == 0, np.nan, below)
