"""What a ROC area of exactly 1 says: the smallest true area that would still be seen as perfect now and then.

The bootstrap of a perfect ranking does not vary, so its bound comes from elsewhere: from two normal distributions
(after Obuchowski and Lieber 2002, "Confidence bounds when the estimated ROC area is 1.0", Academic Radiology).
Each identity counts as one clip, which is careful: more clips of a person make a perfect ranking by luck less
likely. Without a model of the scores only Clopper and Pearson's bound for the rarer class is left, so wide
that it contradicts the interval of an almost perfect area.
"""

from functools import lru_cache

import numpy as np
from scipy import optimize, stats

from multimodal.metrics.checks import Floats

_STEPS = 2000
_FARTHEST = 9.0


@lru_cache(maxsize=256)
def smallest_area(num_real: int, num_fake: int, tail: float) -> float:
    """The area at which ``num_fake`` fakes all lie above ``num_real`` reals in a share ``tail`` of the samples.

    >>> round(smallest_area(20, 20, 0.025), 3)
    0.955
    """
    real = np.linspace(-_FARTHEST, _FARTHEST, _STEPS)
    # the density of the highest real
    highest = num_real * np.exp(stats.norm.logpdf(real) + (num_real - 1) * stats.norm.logcdf(real))

    def perfect(distance: float) -> float:
        above: Floats = np.exp(num_fake * stats.norm.logsf(real - distance))
        return float((highest * above).sum() * (real[1] - real[0])) - tail

    distance = optimize.brentq(perfect, -_FARTHEST, 2 * _FARTHEST)
    return float(stats.norm.cdf(distance / np.sqrt(2)))
