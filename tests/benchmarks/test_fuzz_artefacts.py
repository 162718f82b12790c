"""A small version of ``benchmarks/fuzz_artefacts.py``: every kind of artefact, damaged a few times."""

import pytest

from benchmarks.fuzz_artefacts import KINDS, fuzz

#: A whole detector is built, or a study judged, for each damage that its reader does not see at once.
SLOW = ("detector config", "judge", "run of a detector", "metrics of a run", "audit of a run", "study scores")


@pytest.mark.parametrize("kind", KINDS)
def test_damaged_artefact_is_read_or_refused_in_one_line(kind):
    counts, tracebacks = fuzz(kind, tries=8 if kind in SLOW else 30)
    assert not tracebacks, tracebacks[0]
    assert counts["refused"] > 0
