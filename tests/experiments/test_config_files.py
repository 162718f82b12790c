"""A run's configuration can be given back, and a recipe of one's own can be a file."""

import json
from collections.abc import Iterator
from dataclasses import is_dataclass, replace
from itertools import pairwise
from typing import Any, get_type_hints

import pytest

from experiments import recipes
from experiments.__main__ import main
from experiments.command_line import CommandLineError, without_config
from experiments.runs.config import PretrainConfig, TrainConfig
from experiments.runs.settings import config_from, to_plain, write_config
from multimodal.ranges import Range, ranges_of

RECIPE = """
encoders:
  video: {name: frames, options: {backbone: test_resnet}}
  audio: {name: spectrogram}
fit: {steps: 7, learning_rate: 3e-4}
"""


@pytest.mark.parametrize(
    ("config", "kind"),
    [(recipes.TRAIN["fakeavceleb"](), TrainConfig), (recipes.PRETRAIN["audio"]["speech"](), PretrainConfig)],
)
def test_what_a_run_wrote_down_is_read_back_as_it_was(config, kind, tmp_path):
    config = replace(config, fit=replace(config.fit, seed=3, learning_rate=1e-5))
    write_config(tmp_path / "config.json", config)
    assert config_from(tmp_path / "config.json", kind) == config


def test_a_recipe_may_be_yaml_with_numbers_as_people_write_them(tmp_path):
    (tmp_path / "mine.yaml").write_text(RECIPE)
    config = config_from(tmp_path / "mine.yaml", TrainConfig)
    assert (config.fit.steps, config.fit.learning_rate) == (7, 3e-4)
    assert config.encoders["video"].options == {"backbone": "test_resnet"}
    assert config.data == TrainConfig(encoders={}).data


def test_a_recipe_may_be_json_that_is_indented_by_tabs(tmp_path):
    config = recipes.TRAIN["small"]()
    (tmp_path / "mine.json").write_text(json.dumps(to_plain(config), indent="\t"))
    assert config_from(tmp_path / "mine.json", TrainConfig) == config


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("steps: 7", "steps: 0"), "steps must be at least 1; got 0 @ $.fit"),
        (("steps: 7", "stepz: 7"), "unknown setting 'stepz'; did you mean 'steps'?"),
        (("steps: 7", "steps: 2.5"), "wants a whole number; got 2.5 @ $.fit.steps"),
        (("steps: 7", "steps: x"), "wants a whole number; got 'x' @ $.fit.steps"),
        (("steps: 7", "steps: true"), "wants a whole number; got True @ $.fit.steps"),
        (("steps: 7", "steps: .inf"), "wants a whole number; got inf @ $.fit.steps"),
        (("steps: 7", 'compile: "false"'), "wants true or false; got 'false' @ $.fit.compile"),
        (("3e-4", "[1]"), "wants a number; got [1] @ $.fit.learning_rate"),
        (("fit: {", "loss: {name: focall}\nfit: {"), "unknown value 'focall'; did you mean 'focal'?"),
        (("fit: {", "fusion: {name: [a]}\nfit: {"), "wants a word; got ['a'] @ $.fusion.name"),
        (("video:", "vidoe:"), "unknown value 'vidoe'; did you mean 'video'?"),
        (("fit: {", "fit: {["), "is neither JSON nor YAML"),
    ],
)
def test_a_recipe_that_does_not_fit_is_one_line(change, message, tmp_path, capsys):
    (tmp_path / "mine.yaml").write_text(RECIPE.replace(*change))
    assert main(["train", "--config", str(tmp_path / "mine.yaml")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line


def numbers_in(kind: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Range]]:
    """Every number of a configuration, those of its parts too: where it stands, and its range."""
    for name, hint in get_type_hints(kind).items():
        if is_dataclass(hint):
            yield from numbers_in(hint, (*path, name))
        elif name in ranges_of(kind):
            yield (*path, name), ranges_of(kind)[name]


@pytest.mark.parametrize(
    ("verb", "kind", "needed"),
    [
        ("train", TrainConfig, {"encoders": {}}),
        ("pretrain", PretrainConfig, {"modality": "audio", "encoder": {"name": "aasist"}}),
    ],
)
def test_every_number_outside_its_range_in_a_file_is_one_line_and_exit_code_2(
    verb, kind, needed, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    walked = [*numbers_in(kind)]
    assert len(walked) > 40
    for path, allowed in walked:
        below = allowed.low if allowed.open_low else allowed.low - 1
        value: Any = {"a": below} if path[-1] == "shares" else below
        for name in reversed(path):
            value = {name: value}
        (tmp_path / "mine.json").write_text(json.dumps(needed | value))
        assert main([verb, "--config", "mine.json"]) == 2, path
        (line,) = capsys.readouterr().err.splitlines()
        assert f"{path[-1]} must" in line
    assert [file.name for file in tmp_path.iterdir()] == ["mine.json"]


def test_aliases_of_aliases_do_not_grow_into_millions_of_values(tmp_path):
    lines = ["a: &a [x, x, x, x, x, x, x, x]"]
    lines += [f"{new}: &{new} [{', '.join([f'*{old}'] * 8)}]" for old, new in pairwise("abcdefghi")]
    (tmp_path / "grows.yaml").write_text("\n".join(lines))
    with pytest.raises(CommandLineError, match="more than 10,000 values"):
        config_from(tmp_path / "grows.yaml", TrainConfig)


def test_the_command_line_stands_on_top_of_the_file(tmp_path, capsys):
    (tmp_path / "mine.json").write_text(json.dumps({"modality": "audio", "encoder": {"name": "aasist"}}))
    arguments = ["pretrain", f"--config={tmp_path / 'mine.json'}", "--manifest", str(tmp_path / "none.parquet")]
    assert main(arguments) == 1
    assert f"manifest not found: {tmp_path / 'none.parquet'}" in capsys.readouterr().err


def test_a_config_without_a_file_is_refused():
    with pytest.raises(ValueError, match="--config wants a file"):
        without_config(["--config", "--fit.steps", "3"])
    assert without_config(["small", "--out", "x"]) == (None, ["small", "--out", "x"])
