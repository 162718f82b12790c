"""How much longer the runs of a study would take end to end than on tokens, both timed where runs are done."""

import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

from experiments import engines
from experiments.ablation.run_one import Job
from experiments.ablation.runs import StudyOptions
from experiments.ablation.study import StudyFolder
from experiments.runs.config import DataConfig, TrainConfig
from experiments.runs.folder import RunFolder
from experiments.train import estimate_training
from multimodal.files import read_json, write_json


def compare_speed(
    data: DataConfig, jobs: Sequence[Job], options: StudyOptions, folder: StudyFolder
) -> dict[str, float] | None:
    """Time some steps end to end, once a study, and compare as many as the runs took with the runs.

    Args:
        data: how a training end to end would be fed, by as many processes as it likes.
        jobs: of the study.
        options: of the study; its engine does the timing too.
        folder: of the study, where ``speed.json`` keeps what was timed.

    Returns:
        ``{"run_seconds", "end_to_end_seconds", "times"}``, means of the finished runs; None where no run on tokens
        is finished, or where training end to end fails, which a warning says.
    """
    finished = [job for job in jobs if job.result.is_file() and job.config.tokens is not None]
    if not finished:
        return None
    if not folder.speed.is_file():
        timed = _end_to_end(finished[0].config, data)
        ((_, outcome),) = engines.get(options.engine)(_time_steps, [timed], workers=options.workers)
        if isinstance(outcome, Exception):
            print(f"warning: training end to end could not be timed: {outcome}", file=sys.stderr)
            return None
        write_json(folder.speed, outcome)
    timing = read_json(folder.speed)
    histories = [read_json(RunFolder(job.folder).history) for job in finished]
    steps = sum(history[-1]["step"] for history in histories) / len(finished)
    validations = sum(map(len, histories)) / len(finished)
    end_to_end = steps * timing["step_seconds"] + validations * timing["validation_seconds"]
    on_tokens = sum(read_json(job.result)["seconds_training"] for job in finished) / len(finished)
    return {"run_seconds": on_tokens, "end_to_end_seconds": end_to_end, "times": end_to_end / on_tokens}


def _end_to_end(config: TrainConfig, data: DataConfig) -> TrainConfig:
    """The same training on crops and sound; SMOTE, which has no such thing, costs what no balance does."""
    balance = replace(config.balance, name="none")
    return replace(config, tokens=None, freeze_encoders=False, data=data, balance=balance)


def _time_steps(config: TrainConfig) -> dict[str, Any]:
    return asdict(estimate_training(config))
