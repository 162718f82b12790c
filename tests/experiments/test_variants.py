"""What the runs of a study differ in."""

import dataclasses

import pytest

from experiments.recipes import small
from experiments.runs.config import FusionConfig, TrainConfig
from experiments.studies.variants import fusions
from fusion import FUSIONS


def with_options(**options) -> TrainConfig:
    return dataclasses.replace(small.train(), fusion=FusionConfig(name="gated", options=options))


def test_every_mode_has_the_width_that_was_asked_for_and_an_option_goes_to_those_that_take_it():
    variants = fusions(with_options(width=64, rank=2))
    assert {config.fusion.options["width"] for config in variants.values()} == {64}
    assert [name for name, config in variants.items() if "rank" in config.fusion.options] == ["bilinear"]
    assert [config.fusion.name for config in variants.values()] == list(FUSIONS)


def test_an_option_that_no_mode_takes_is_refused_with_the_choices():
    with pytest.raises(ValueError, match="no fusion takes the option 'widht'; choose from width, weights, rank"):
        fusions(with_options(widht=64))
