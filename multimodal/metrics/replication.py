"""Every metric of a system with its interval, from one set of draws of identities."""

from collections.abc import Callable, Mapping

import numpy as np

from multimodal.metrics.binary_metrics import KINDS, Kind, Replicates
from multimodal.metrics.checks import Floats
from multimodal.metrics.intervals import Interval, Precision, interval
from multimodal.metrics.resampling import IdentityResampler

Intervals = dict[tuple[str, ...], Interval]


def with_intervals(
    system: Callable[[Floats], Replicates],
    resampler: IdentityResampler,
    precision: Precision,
    *,
    replicates: int,
    seed: int,
    precision_per_method: Mapping[str, Precision] | None = None,
) -> Intervals:
    """Metrics of the clips as they are, each with its interval.

    Args:
        system: multiplicities (identities, replicates) → path → (replicates,).
        resampler: draws the multiplicities.
        precision: what the identities allow.
        replicates: of the bootstrap; 0 for no intervals.
        seed: of the bootstrap.
        precision_per_method: for paths ``("method", name, ...)``.
    """
    values = system(np.ones((resampler.num_identities, 1)))
    if replicates == 0 or precision.reason is not None:
        return {path: _alone(float(value[0]), precision.reason) for path, value in values.items()}
    chunks = [system(draw) for draw in resampler.draw(replicates, np.random.default_rng(seed))]
    result: Intervals = {}
    for path, value in values.items():
        known = precision
        if path[0] == "method" and precision_per_method is not None:
            known = precision_per_method[path[1]]
        drawn = np.concatenate([chunk[path] for chunk in chunks])
        result[path] = interval(float(value[0]), drawn, known, bounds=KINDS.get(path[-1], Kind()).bounds)
    return result


def _alone(value: float, reason: str | None) -> Interval:
    if np.isfinite(value):
        return Interval(value, reason=reason)
    return Interval(None, reason="not defined for these clips")
