"""What the runs of a study differ in."""

import pytest

from experiments.studies.variants import fusions
from fusion import FUSIONS


def test_every_mode_has_the_width_that_was_asked_for_and_an_option_goes_to_those_that_take_it():
    variants = fusions({"width": 64, "rank": 2}, 0.0)
    assert {settings["fusion.options"]["width"] for settings in variants.values()} == {64}
    assert [name for name, settings in variants.items() if "rank" in settings["fusion.options"]] == ["bilinear"]
    assert [settings["fusion.name"] for settings in variants.values()] == list(FUSIONS)


def test_an_option_that_no_mode_takes_is_refused_with_the_choices():
    with pytest.raises(ValueError, match="unknown option of a fusion 'widht'; did you mean 'width'"):
        fusions({"widht": 64}, 0.0)
