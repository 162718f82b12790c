"""Every number that can be given has a range, which the help says and which nothing outside of gets past."""

import importlib
import inspect
import math
import types
from dataclasses import fields, is_dataclass
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import pytest

from experiments import recipes
from experiments.__main__ import VERBS, main
from experiments.ablate import DEFAULT_OPTIONS as STUDY
from experiments.evaluate_matrix import evaluate_matrix
from experiments.evaluate_scores import evaluate_scores_files
from experiments.generate import command_of
from experiments.runs.config import (
    BalanceConfig,
    LossConfig,
    MixtureConfig,
    PretrainConfig,
    TrainConfig,
)
from experiments.runs.parts import FusionConfig
from experiments.thresholds import transfer_to
from experiments.trial import fetch
from multimodal.data.augment import Augmentation
from multimodal.data.options import Reading
from multimodal.media.prepared import PrepareOptions
from multimodal.metrics.options import RuleOptions
from multimodal.ranges import Range, check_range, ranges_of
from multimodal.synthetic import LayoutOptions, SyntheticOptions
from multimodal.training.options import FitOptions

OPTIONS: list[Any] = [
    recipes.TRAIN["small"](),
    recipes.TRAIN["small"]().data,
    BalanceConfig(),
    FusionConfig(),
    LossConfig(),
    MixtureConfig(),
    FitOptions(),
    Reading(num_frames=1),
    Augmentation().video,
    Augmentation().audio,
    PrepareOptions(),
    SyntheticOptions(),
    LayoutOptions(),
    STUDY,
    RuleOptions(),
    evaluate_scores_files.__kwdefaults__["reading"],
]
COMMANDS = [
    *(
        getattr(importlib.import_module(f"experiments.{verb}"), verb)
        for verb in VERBS
        if verb not in ("generate", "trial", "completion")  # what generate takes follows from the corpus
    ),
    command_of("fakeavceleb"),
    command_of("lavdf"),
    evaluate_scores_files,
    evaluate_matrix,
    transfer_to,
    fetch,
]


def is_number(hint: Any) -> bool:
    """Whether a type is a number, perhaps none, or several of them; a choice between words and numbers is not."""
    inside = get_args(hint)
    if get_origin(hint) is Annotated:
        return is_number(inside[0])
    if get_origin(hint) in (Union, types.UnionType):
        return str not in inside and any(map(is_number, inside))
    if get_origin(hint) in (tuple, dict):
        return is_number(inside[-1]) or is_number(inside[0])
    return hint in (int, float)


def hints_of(owner: Any) -> dict[str, Any]:
    """The types of a class's fields, or of a function's parameters."""
    if is_dataclass(owner):
        return get_type_hints(owner, include_extras=True)
    return {name: one.annotation for name, one in inspect.signature(owner).parameters.items()}


def numbers_of(owner: Any) -> list[str]:
    """The numeric fields of a class, or parameters of a function."""
    return [name for name, hint in hints_of(owner).items() if is_number(hint)]


def outside(allowed: Range) -> list[float]:
    """Numbers that a range has no room for."""
    below = allowed.low if allowed.open_low else allowed.low - 1
    above = [] if allowed.high == math.inf else [allowed.high if allowed.open_high else allowed.high + 1]
    return [below, *above, math.nan, math.inf]


@pytest.mark.parametrize("options", OPTIONS, ids=lambda one: type(one).__name__)
def test_every_number_of_a_configuration_has_a_range_and_nothing_outside_of_it_is_made(options):
    kind = type(options)
    given = {one.name: getattr(options, one.name) for one in fields(kind)}
    ranges = ranges_of(kind)
    assert [name for name in numbers_of(kind) if name not in ranges] == []
    hints = get_type_hints(kind)
    for name, allowed in ranges.items():
        for wrong in outside(allowed):
            value = {"a": wrong} if get_origin(hints[name]) is dict else wrong
            with pytest.raises(ValueError, match=f"^{name} must (be|lie) .*; got {wrong}$"):
                kind(**{**given, name: value})


def test_no_class_of_options_was_forgotten():
    seen: set[type] = set()

    def walk(hint: Any) -> None:
        for one in [hint, *get_args(hint)]:
            if isinstance(one, type) and is_dataclass(one) and one not in seen:
                seen.add(one)
                for inner in hints_of(one).values():
                    walk(inner)
            elif one is not hint:
                walk(one)

    for hint in [TrainConfig, PretrainConfig, *(hint for one in COMMANDS for hint in hints_of(one).values())]:
        walk(hint)
    assert {one for one in seen if numbers_of(one)} - {type(options) for options in OPTIONS} == set()
    assert len(seen) > 15


@pytest.mark.parametrize("command", COMMANDS, ids=lambda one: f"{one.__module__}.{one.__name__}")
def test_every_number_of_a_command_line_has_a_range(command):
    ranges = ranges_of(command)
    assert [name for name in numbers_of(command) if name not in ranges] == []
    for name, parameter in inspect.signature(command).parameters.items():
        if name in ranges and parameter.default is not inspect.Parameter.empty:
            check_range(name, parameter.default, ranges[name])


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("train small --fit.steps 0", "--fit.steps must be at least 1; got 0"),
        ("train small --fit.steps -5", "--fit.steps must be at least 1; got -5"),
        ("train small --fit.learning-rate -1", "--fit.learning-rate must be above 0; got -1.0"),
        ("train small --fit.learning-rate nan", "--fit.learning-rate must be above 0 and finite; got nan"),
        ("train small --batch-size 0", "--batch-size must be at least 1; got 0"),
        ("train small --num-frames 0", "--num-frames must be at least 1; got 0"),
        ("train small --modality-dropout 1.5", "--modality-dropout must lie in [0, 1); got 1.5"),
        ("pretrain audio small --fake-share 2", "--fake-share must lie in [0, 1]; got 2.0"),
        ("pretrain video small --shares one -1", "--shares must be above 0; got -1.0"),
        ("prepare manifest.parquet --crop-size -3", "--crop-size must be at least 1; got -3"),
        ("prepare manifest.parquet --workers 0", "--workers must be at least 1; got 0"),
        ("generate lavdf --out made --clips 0", "--clips must lie in [1, 99]; got 0"),
        ("generate lavdf --out made --workers 0", "--workers must be at least 1; got 0"),
        ("evaluate run --replicates -1", "--replicates must be at least 0; got -1"),
        ("thresholds run --fpr 3", "--fpr must lie in [0, 1]; got 3.0"),
        ("ablate imbalance small --ratios 0 1", "--ratios must be at least 1; got 0"),
    ],
)
def test_a_number_outside_its_range_is_one_line_and_exit_code_2_and_no_file(
    command, message, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stop:
        main(command.split())
    assert stop.value.code == 2
    assert capsys.readouterr().err == f"error: {message}\n"
    assert list(tmp_path.iterdir()) == []


def test_the_help_says_the_range(capsys):
    with pytest.raises(SystemExit):
        main(["train", "small", "--help"])
    text = capsys.readouterr().out
    assert "(at least 1; default: 100)" in text
    assert "(in [0, 1]; default: 0.1)" in text
