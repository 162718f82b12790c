"""Whether two systems differ: a paired bootstrap over identities, and Holm's correction for many tests."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import stats

from multimodal.metrics.checks import Floats
from multimodal.metrics.intervals import Precision


class Difference(NamedTuple):
    """A metric of A less that of B, with its 95 % interval and two-sided p-value; None where not defined."""

    value: float | None
    low: float | None = None
    high: float | None = None
    p_value: float | None = None
    reason: str | None = None


def paired_difference(value: float, replicates: Floats, precision: Precision, level: float = 0.95) -> Difference:
    """Interval and p-value of a difference, by Student's t with the bootstrap's standard error.

    Args:
        value: the difference on the clips as they are; NaN where not defined.
        replicates: (replicates,) the difference when both systems are judged on the same draw of identities.
        precision: of :func:`~.intervals.precision_of`.
        level: of confidence.
    """
    if not np.isfinite(value):
        return Difference(None, reason="not defined for these clips")
    if precision.reason is not None:
        return Difference(value, reason=precision.reason)
    if len(replicates) == 0:
        return Difference(value, reason="no bootstrap was asked for")
    drawn = replicates[np.isfinite(replicates)]
    if len(drawn) < max(2, 0.9 * len(replicates)):
        return Difference(value, reason="a class was missing from more than a tenth of the replicates")
    error = float(np.std(drawn, ddof=1)) * precision.inflation
    if error == 0:
        return Difference(value, reason="the difference is the same in every replicate: nothing to test")
    half = error * float(stats.t.ppf((1 + level) / 2, precision.degrees))
    p_value = float(2 * stats.t.sf(abs(value) / error, precision.degrees))
    return Difference(value, value - half, value + half, p_value)


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
