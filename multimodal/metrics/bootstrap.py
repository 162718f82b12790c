"""The bootstrap over identities: the draws, and what they say of one value and of a difference of two.

Clips of one person are not independent, so persons are drawn, not clips (Field and Welsh 2007, "Bootstrapping
clustered data", J. R. Statist. Soc. B 69, randomised cluster bootstrap). Where no identity has clips of two
classes, the classes are independent samples and each is drawn from on its own (stratified); where identities
carry several classes, all identities are one sample.

A draw is written as *multiplicities*, (identities, replicates): how often each identity is counted in each
replicate. Whatever is to be judged is a function of them that gives its measures by name, and :func:`bootstrap` is
the one place where it is called: once with every identity counted once, then on every draw. From what comes back
:func:`interval` makes 95 % intervals and :func:`paired_difference` tests.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple, TypeVar

import numpy as np
import pandas as pd
import scipy
from numpy.typing import ArrayLike
from scipy import special

from multimodal.metrics.checks import Floats, Ints
from multimodal.metrics.perfect import UNIT, Bounds, Sample, Worst, opposite

#: Replicates of one chunk: keeps the arrays of 22,000 clips inside the processor's cache.
CHUNK = 32

Name = TypeVar("Name")

# Who is drawn, and how often.


class IdentityResampler:
    """Draws how often each identity stands in each replicate.

    Args:
        identity: (clips,) index of each clip's identity, from 0 without gaps.
        label: (clips,) index of each clip's class, from 0.
    """

    def __init__(self, identity: Ints, label: Ints) -> None:
        self.num_identities = int(identity.max()) + 1 if len(identity) else 0
        carried = np.zeros((self.num_identities, int(label.max()) + 1 if len(label) else 1), dtype=bool)
        carried[identity, label] = True
        #: (classes,) identities that have a clip of each class
        self.identities_per_class = carried.sum(axis=0)
        #: (classes,) clips of each class
        self.clips_per_class = np.bincount(label, minlength=carried.shape[1])
        #: whether no identity has clips of two classes, so that the classes are drawn apart
        self.is_stratified = bool((carried.sum(axis=1) == 1).all())
        strata = carried.argmax(axis=1) if self.is_stratified else np.zeros(self.num_identities, int)
        self._strata = [np.flatnonzero(strata == stratum) for stratum in np.unique(strata)]

    def draw(self, replicates: int, rng: np.random.Generator) -> Iterator[Floats]:
        """Yield multiplicities (identities, up to :data:`CHUNK`) until there are ``replicates`` columns."""
        if replicates < 0 or replicates == 1:
            raise ValueError(f"replicates must be 0 (no intervals) or at least 2; got {replicates}. Give 1000")
        for start in range(0, replicates, CHUNK):
            size = min(CHUNK, replicates - start)
            multiplicities = np.empty((self.num_identities, size))
            for members in self._strata:
                multiplicities[members] = _multinomial(len(members), size, rng)
            yield multiplicities


def _multinomial(num_items: int, replicates: int, rng: np.random.Generator) -> Floats:
    """(num_items, replicates) how often each item comes in ``num_items`` draws with replacement."""
    drawn = rng.integers(0, num_items, size=(replicates, num_items))
    flat = (drawn + np.arange(replicates)[:, None] * num_items).ravel()
    return np.bincount(flat, minlength=replicates * num_items).reshape(replicates, num_items).T.astype(float)


def identity_codes(identity: ArrayLike) -> Ints:
    """Number the identities from 0 without gaps; a clip without one (null) is an identity of its own.

    >>> identity_codes(["ann", "bob", None, "ann", None]).tolist()
    [0, 1, 2, 0, 3]
    """
    codes, names = pd.factorize(pd.Series(identity, dtype=object))
    unknown = codes < 0
    return np.where(unknown, len(names) - 1 + np.cumsum(unknown), codes).astype(np.int64)


# The one loop over the draws.


class Drawn(NamedTuple):
    """A measure on the clips as they are, and in each replicate, (replicates,)."""

    value: float
    replicates: Floats


def bootstrap(
    system: Callable[[Floats], Mapping[Name, Floats]], resampler: IdentityResampler, *, replicates: int, seed: int
) -> dict[Name, Drawn]:
    """Measure on the clips as they are, then on every draw of identities.

    The draws depend on the resampler, ``replicates`` and ``seed`` alone: systems that are given the same three are
    measured on the same draws, in pairs.

    Args:
        system: multiplicities (identities, replicates) → name → (replicates,).
        resampler: of the identities.
        replicates: of the bootstrap; 0 for none.
        seed: of the bootstrap.
    """
    once = system(np.ones((resampler.num_identities, 1)))
    chunks = [system(draw) for draw in resampler.draw(replicates, np.random.default_rng(seed))]
    return {
        name: Drawn(float(value[0]), np.concatenate([np.empty(0), *(chunk[name] for chunk in chunks)]))
        for name, value in once.items()
    }


# How sure a value is: 95 % intervals.


#: A replicate counts as no nearer to a bound of the range than a tenth of what the value itself is.
_NEAREST_BOUND = 0.1
#: A value this near to a bound is on it but for the rounding of sums.
_ROUNDING = 1e-12
#: Where so many replicates lie on a bound, all errors are those of three identities or fewer.
_OFTEN_ON_BOUND = 0.05
#: More replicates than this without a value (a class was not drawn), and there is no interval.
_MOST_UNDEFINED = 0.1
_FREE = "no clip costs anything: what an error would cost cannot be seen"
_MISSING = "a class was missing from more than a tenth of the replicates"


class Interval(NamedTuple):
    """A value with its 95 % interval; None where not defined, and then ``reason`` says why."""

    value: float | None
    low: float | None = None
    high: float | None = None
    reason: str | None = None

    def as_json(self) -> dict[str, float | str | None]:
        """``{"value", "low", "high"}``, and ``"reason"`` where one of them is null."""
        entry: dict[str, float | str | None] = {"value": self.value, "low": self.low, "high": self.high}
        return entry if self.reason is None else {**entry, "reason": self.reason}


class Precision(NamedTuple):
    """How much the identities tell of a standard error.

    ``degrees`` are those of Student's t, ``inflation`` the factor by which the bootstrap's standard error is too
    small, ``sample`` the identities and clips of each class. ``reason`` is None, or says why there can be no
    interval.
    """

    degrees: float
    inflation: float
    sample: Sample
    reason: str | None = None


def precision_of(resampler: IdentityResampler, class_names: tuple[str, ...] = ("real", "fake")) -> Precision:
    """What the identities of a set of clips allow.

    Where the classes are drawn apart, the degrees of freedom are Welch's and Satterthwaite's, with variances in
    proportion to 1 / identities; where identities carry several classes, those of the rarest class count.
    """
    absent = (0,) * (len(class_names) - len(resampler.clips_per_class))
    people = (*resampler.identities_per_class.tolist(), *absent)
    sample = Sample(people, (*resampler.clips_per_class.tolist(), *absent))
    if resampler.num_identities < 2:
        return Precision(0, 1, sample, "one identity only: nothing can be drawn from it")
    for name, count in zip(class_names, resampler.identities_per_class, strict=False):
        if count == 1:
            return Precision(
                0, 1, sample, f"all {name} clips are of one identity: its share in the error is unknown"
            )
    present = [count for count in people if count > 0]
    sizes = np.array(present if resampler.is_stratified else [min(present)], dtype=float)
    variance = 1 / sizes
    degrees = variance.sum() ** 2 / (variance**2 / (sizes - 1)).sum()
    inflation = np.sqrt((variance * sizes / (sizes - 1)).sum() / variance.sum())
    return Precision(float(degrees), float(inflation), sample)


def interval(
    value: float, replicates: Floats, precision: Precision, *, bounds: Bounds = UNIT, level: float = 0.95
) -> Interval:
    """Interval of ``value`` from its bootstrap replicates.

    Where the value lies on an end of its range, replicates hardly vary and the bootstrap would claim certainty:
    the limit given then is that of :mod:`.perfect`. A value so near to the end that many replicates lie on it is
    not given a nearer one.

    Args:
        value: the metric on the clips as they are; NaN where not defined.
        replicates: (replicates,) the metric in each; NaN where a class was not drawn. Without any there is no
            interval, and no reason either: none was asked for.
        precision: of :func:`precision_of`.
        bounds: the range of the metric, and what a value at its ends says.
        level: of confidence.
    """
    if not np.isfinite(value):
        return Interval(None, reason="not defined for these clips")
    if precision.reason is not None:
        return Interval(value, reason=precision.reason)
    if len(replicates) == 0:
        return Interval(value)
    drawn = _defined(replicates)
    if drawn is None:
        return Interval(value, reason=_MISSING)
    tail = (1 - level) / 2
    if value <= _ROUNDING or (not bounds.is_open and value >= 1 - _ROUNDING):
        return _at_an_end(value, drawn, precision.sample, bounds, tail)
    line = Line.about(value, bounds)
    spread = np.std(line.to(drawn), ddof=1) * precision.inflation * scipy.stats.t.ppf(1 - tail, precision.degrees)
    return no_surer_than_perfect(line.interval(value, spread), drawn, precision.sample, bounds, tail)


def _at_an_end(value: float, drawn: Floats, sample: Sample, bounds: Bounds, tail: float) -> Interval:
    """From the end of the range to what a value there allows, or further where replicates are."""
    if value > _ROUNDING:
        assert bounds.at_one is not None
        return Interval(value, min(bounds.at_one(sample, tail), float(np.quantile(drawn, tail))), value)
    if bounds.at_zero is None:
        return Interval(value, reason=_FREE)
    return Interval(value, value, max(bounds.at_zero(sample, tail), float(np.quantile(drawn, 1 - tail))))


def no_surer_than_perfect(
    found: Interval, drawn: Floats, sample: Sample, bounds: Bounds, tail: float = 0.025
) -> Interval:
    """Widen an interval towards that of a value at the end of the range, the more so the fewer identities err."""
    if found.low is None or found.high is None:
        return found
    low, high = found.low, found.high
    if bounds.at_one is not None:
        low, high = _widened((low, high), float(np.mean(drawn >= 1 - _ROUNDING)), bounds.at_one, sample, tail)
    if bounds.at_zero is not None:
        on_zero, worst = float(np.mean(drawn <= _ROUNDING)), opposite(bounds.at_zero)
        mirrored = _widened((1 - high, 1 - low), on_zero, worst, sample, tail)
        low, high = 1 - mirrored[1], 1 - mirrored[0]
    return found._replace(low=low, high=high)


def _widened(
    limits: tuple[float, float], on_bound: float, worst: Worst, sample: Sample, tail: float
) -> tuple[float, float]:
    """The limits below 1, where a share of replicates is 1."""
    low, high = limits
    if on_bound == 0:
        return limits
    share = min(on_bound / _OFTEN_ON_BOUND, 1.0)
    perfect = worst(sample, tail)
    if perfect < low:  # errors are blended by their logarithms, for costs may be above 1
        low = 1 - (1 - perfect) ** share * (1 - low) ** (1 - share)
    return low, 1.0 if on_bound >= tail else high


def no_surer_than_parts(found: Interval, parts: Sequence[Interval], drawn: Sequence[Floats]) -> Interval:
    """Widen the interval of a mean of parts where one of them is almost always right, and tells no spread.

    Ten reals that are all right do not vary in the bootstrap, so half of a balanced accuracy would count as
    certain. The limits are then made of those of the parts (Zou and Donner 2008, "Construction of confidence
    limits about effect measures", Statistics in Medicine 27), if these are wider.

    Args:
        found: the mean's.
        parts: of the parts.
        drawn: the replicates of each part.
    """
    if found.value is None or found.low is None or found.high is None:
        return found
    if not any(np.mean((one <= _ROUNDING) | (one >= 1 - _ROUNDING)) >= _OFTEN_ON_BOUND for one in drawn):
        return found
    below, above = 0.0, 0.0
    for value, low, high, _ in parts:
        if value is None or low is None or high is None:
            return found
        below, above = below + (value - low) ** 2, above + (high - value) ** 2
    below, above = float(np.sqrt(below)) / len(parts), float(np.sqrt(above)) / len(parts)
    low, high = max(found.value - below, 0.0), min(found.value + above, 1.0)
    return found._replace(low=min(found.low, low), high=max(found.high, high))


class Line(NamedTuple):
    """Where values are spread evenly: logits of what lies in [0, 1], logarithms of what lies above 0.

    What is nearer to a bound of the range than ``nearest`` is taken as that near, so that one replicate of exactly
    1 is not infinitely far away.
    """

    is_open: bool
    nearest: float

    @classmethod
    def about(cls, value: float, bounds: Bounds) -> "Line":
        """The line on which to look at values around ``value``."""
        return cls(bounds.is_open, _NEAREST_BOUND * (value if bounds.is_open else min(value, 1 - value)))

    def to(self, values: Floats) -> Floats:
        """The values on the line."""
        if not self.is_open:
            return special.logit(np.clip(values, self.nearest, 1 - self.nearest))
        return np.log(np.clip(values, self.nearest, None))

    def interval(self, value: float, half: float) -> Interval:
        """The interval from ``half`` below the value to ``half`` above it, both measured on the line."""
        to_line, from_line = (np.log, np.exp) if self.is_open else (special.logit, special.expit)
        centre = to_line(value)
        return Interval(value, float(from_line(centre - half)), float(from_line(centre + half)))


def _defined(replicates: Floats) -> Floats | None:
    """The replicates that have a value, or None where too many have none."""
    drawn = replicates[np.isfinite(replicates)]
    return drawn if len(drawn) >= max(2, (1 - _MOST_UNDEFINED) * len(replicates)) else None


# Whether two systems differ: Student's t on paired draws, and Holm's correction for many tests.


class Difference(NamedTuple):
    """A metric of A less that of B, with its 95 % interval and two-sided p-value; None where not defined.

    ``error`` is the standard error of the difference and ``degrees`` are those of freedom of Student's t.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    p_value: float | None = None
    reason: str | None = None
    error: float | None = None
    degrees: float | None = None


def paired_difference(value: float, replicates: Floats, precision: Precision, level: float = 0.95) -> Difference:
    """Interval and p-value of a difference, by Student's t with the bootstrap's standard error.

    Args:
        value: the difference on the clips as they are; NaN where not defined.
        replicates: (replicates,) the difference when both systems are judged on the same draw of identities.
        precision: of :func:`precision_of`.
        level: of confidence.
    """
    if not np.isfinite(value):
        return Difference(None, reason="not defined for these clips")
    if precision.reason is not None:
        return Difference(value, reason=precision.reason)
    if len(replicates) == 0:
        return Difference(value, reason="no bootstrap was asked for")
    drawn = _defined(replicates)
    if drawn is None:
        return Difference(value, reason=_MISSING)
    error = float(np.std(drawn, ddof=1)) * precision.inflation
    if error == 0:
        return Difference(value, reason="the difference is the same in every replicate: nothing to test")
    return student(value, error, precision.degrees, level)


def student(value: float, error: float, degrees: float, level: float = 0.95) -> Difference:
    """Interval and two-sided p-value of a difference with that standard error and degrees of freedom."""
    half = error * float(scipy.stats.t.ppf((1 + level) / 2, degrees))
    p_value = float(2 * scipy.stats.t.sf(abs(value) / error, degrees))
    return Difference(value, value - half, value + half, p_value, error=error, degrees=degrees)


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """P-values adjusted for the number of tests (Holm 1979); None stays None and is no test.

    >>> holm([0.01, 0.04, None, 0.03])
    [0.03, 0.06, None, 0.06]
    """
    tested = [index for index, p_value in enumerate(p_values) if p_value is not None]
    values = np.array([p_values[index] for index in tested], dtype=float)
    order = np.argsort(values, kind="stable")
    raised = np.minimum(np.maximum.accumulate(values[order] * (len(values) - np.arange(len(values)))), 1)
    adjusted: list[float | None] = [None] * len(p_values)
    for rank, position in enumerate(order):
        adjusted[tested[position]] = float(raised[rank])
    return adjusted
