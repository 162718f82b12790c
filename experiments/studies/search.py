"""A search for better settings of one variant, on validation data only; its table is a SQLite file.

The file makes the search resumable, and parallel workers share it. The test split is never scored: what is found
must be trained anew, with other seeds, to be judged.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from experiments import engines
from experiments.runs.config import TrainConfig
from experiments.runs.folder import RunFolder
from experiments.runs.settings import with_settings, write_config
from experiments.train import train
from multimodal.artefacts import safe_cells
from multimodal.files import atomic_path

_NAME = "search"


class Range(NamedTuple):
    """Where a setting is searched: between numbers, whole ones where both bounds are, or among choices."""

    setting: str
    low: float | None = None
    high: float | None = None
    is_log: bool = False
    choices: tuple[int | float | str, ...] = ()


def parse_range(text: str) -> Range:
    """Read ``setting=low:high``, ``setting=low:high:log`` or ``setting=a|b|c``.

    >>> parse_range("fit.learning_rate=1e-4:1e-2:log")
    Range(setting='fit.learning_rate', low=0.0001, high=0.01, is_log=True, choices=())
    >>> parse_range("fit.steps=100:400")
    Range(setting='fit.steps', low=100, high=400, is_log=False, choices=())
    >>> parse_range("fusion.options.width=64|128").choices
    (64, 128)
    """
    setting, _, values = text.partition("=")
    if "|" in values:
        return Range(setting, choices=tuple(_number_or_word(value) for value in values.split("|")))
    bounds, is_log = values.removesuffix(":log").split(":"), values.endswith(":log")
    numbers = [number for number in map(_number_or_word, bounds) if not isinstance(number, str)]
    if len(bounds) == len(numbers) == 2 and numbers[0] < numbers[1] and (numbers[0] > 0 or not is_log):
        return Range(setting, low=numbers[0], high=numbers[1], is_log=is_log)
    raise ValueError(
        f"cannot read the range {text!r}; write SETTING=LOW:HIGH, LOW the smaller, or with LOW above 0 "
        "SETTING=LOW:HIGH:log, or SETTING=A|B|C"
    )


def check_space(training: Any, space: Sequence[str]) -> tuple[Range, ...]:
    """Read the ranges; ``ValueError`` where there is none, or one of a setting that the configuration lacks."""
    ranges = tuple(parse_range(text) for text in space)
    if not ranges:
        raise ValueError("nothing to search; give --space, e.g. fit.learning_rate=1e-4:1e-2:log")
    for one in ranges:
        with_settings(training, {one.setting: one.choices[0] if one.choices else one.low})
    return ranges


@dataclass(frozen=True)
class Trial:
    """What a worker needs to do one trial: the training, the ranges of the search and its folder."""

    folder: Path
    config: TrainConfig
    space: tuple[Range, ...]


def search(trial: Trial, *, trials: int, engine: str, workers: int) -> dict[str, Any]:
    """Try settings by optuna until the search has ``trials`` finished ones; go on with one that was stopped.

    Args:
        trial: what every trial begins with.
        trials: finished ones at the end.
        engine: where they are done.
        workers: how many at a time.

    Returns:
        ``{"value", "settings", "trials"}``: the best selection value on validation data, and what it came from.
    """
    run_all, folder = engines.get(engine), trial.folder
    folder.mkdir(parents=True, exist_ok=True)
    study = _study(folder)
    todo = max(0, trials - len(_finished(study)))
    for _, outcome in run_all(run_trial, [trial] * todo, workers=workers):
        if isinstance(outcome, Exception):
            raise ValueError(f"a trial failed: {outcome}") from outcome
    study = _study(folder)
    with atomic_path(folder / "trials.csv") as temporary:
        table = study.trials_dataframe(attrs=("number", "value", "params", "state"))
        safe_cells(table).to_csv(temporary, index=False)
    write_config(folder / "best.json", with_settings(trial.config, study.best_params))
    return {"value": study.best_value, "settings": study.best_params, "trials": len(_finished(study))}


def run_trial(trial: Trial) -> float:
    """One trial: settings from the shared table, a training, and its best selection value back."""
    study = _study(trial.folder)
    asked = study.ask()
    settings = {}
    for one in trial.space:
        if one.choices:
            value = asked.suggest_categorical(one.setting, one.choices)
        elif isinstance(one.low, int) and isinstance(one.high, int):
            value = asked.suggest_int(one.setting, one.low, one.high, log=one.is_log)
        else:
            value = asked.suggest_float(one.setting, one.low, one.high, log=one.is_log)
        settings[one.setting] = value
    try:
        config = with_settings(trial.config, settings)
        run = RunFolder(train(config, trial.folder / "trials" / f"trial-{asked.number:04d}"))
        values = [row["selection"] for row in run.read_history() if row["selection"] is not None]
        if not values:
            raise ValueError("the selection value is not defined on this validation split")
    except Exception:
        study.tell(asked, state=_failed())
        raise
    study.tell(asked, max(values))
    return max(values)


def _study(folder: Path) -> Any:
    import optuna  # an extra

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna.create_study(
        study_name=_NAME,
        storage=f"sqlite:///{folder / 'search.db'}",
        direction="maximize",
        load_if_exists=True,
    )


def _finished(study: Any) -> list[Any]:
    return [trial for trial in study.trials if trial.state.name == "COMPLETE"]


def _failed() -> Any:
    import optuna

    return optuna.trial.TrialState.FAIL


def _number_or_word(text: str) -> int | float | str:
    try:
        return int(text) if text.lstrip("-").isdigit() else float(text)
    except ValueError:
        return text
