"""A small version of ``benchmarks/fuzz_artefacts.py``: every kind of artefact, damaged a few times."""

import pytest

from benchmarks.fuzz_artefacts import KINDS, fuzz


@pytest.mark.parametrize("kind", KINDS)
def test_damaged_artefact_is_read_or_refused_in_one_line(kind):
    counts, tracebacks = fuzz(kind, tries=30)
    assert not tracebacks, tracebacks[0]
    assert counts["refused"] > 0
