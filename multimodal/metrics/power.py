"""Which differences count when many are tested, and how small a difference a test could have found at all.

"Nothing differs by more than chance" says little where nothing could have been seen: beside every test stands the
smallest difference that it finds with 80 % power. One measure is named before the study, the primary one; its
tests alone take the full level. All the others are exploratory and share a level among themselves (Holm 1979).
"""

from collections.abc import Sequence
from typing import Any

import scipy

from multimodal.metrics.bootstrap import holm

#: How often a difference of the size that is called detectable is found.
POWER = 0.8


def detectable(error: float, degrees: float, *, tests: int = 1, level: float = 0.95) -> float:
    """The smallest difference that is found with 80 % power by Student's t at the level corrected for ``tests``.

    It is (t(1 - alpha / 2) + t(0.8)) standard errors with alpha = (1 - level) / tests, the first step of Holm's
    correction, which a difference must pass if no other one does.

    >>> round(detectable(0.01, degrees=1e6), 4)
    0.028

    Args:
        error: standard error of the difference.
        degrees: of freedom of Student's t.
        tests: that share the level.
        level: of confidence of all of them together.
    """
    tail = (1 - level) / (2 * tests)
    return error * float(scipy.stats.t.ppf(1 - tail, degrees) + scipy.stats.t.ppf(POWER, degrees))


def correct(entries: Sequence[dict[str, Any]], *, exploratory: bool = False) -> None:
    """Add to differences that share a level what belongs to a test among several.

    Args:
        entries: differences as dictionaries, with ``p_value``, ``error`` and ``degrees``; gets ``p_holm``,
            ``detectable`` (None where nothing was tested) and ``exploratory``.
        exploratory: whether they are beside what the study was made for.
    """
    corrected = holm([entry["p_value"] for entry in entries])
    tests = sum(p_value is not None for p_value in corrected)
    for entry, p_value in zip(entries, corrected, strict=True):
        seen = None if p_value is None else detectable(entry["error"], entry["degrees"], tests=tests)
        entry.update(p_holm=p_value, detectable=seen, exploratory=exploratory)
