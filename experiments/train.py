"""Train the fusion detector on the four audio-visual classes."""

from pathlib import Path
from typing import Annotated

from experiments import recipes
from experiments.command_line import choose, flat, run_verb, with_named_parts, without_config
from experiments.runs.config import TrainConfig
from experiments.runs.device import DeviceName, use_device
from experiments.runs.folder import RunFolder
from experiments.runs.settings import config_from
from experiments.runs.trackers import TrackerName, check_tracker
from multimodal.files import atomic_path


def train(config: TrainConfig, out: Path, *, tracker: TrackerName = "tensorboard") -> Path:
    """Train the detector into the run folder ``out``, going on where a killed training stopped."""
    config.check()
    check_tracker(tracker)
    from experiments.runs.build import open_training  # torch, once the command line is known to be right
    from experiments.runs.loop import learn

    run = RunFolder(out)
    with learn(open_training(config, out.parent / "tokens"), run, tracker=tracker) as (parts, accelerator):
        if not run.scores.is_file():  # they are there when a finished training is called again
            scores = parts.task.score_validation(parts.model.to(accelerator.device)).assign(split="val")
            if accelerator.is_main_process:
                with atomic_path(run.scores) as temporary:
                    scores.to_parquet(temporary, index=False)
        accelerator.end_training()
    return run.path


def main(arguments: list[str]) -> None:
    """Command line of the verb: a recipe, and single values of it changed."""
    file, rest = without_config(arguments)
    if file is None:
        name, rest = choose("recipe", rest, recipes.TRAIN, verb="train")
        recipe = recipes.TRAIN[name]()
    else:
        name, recipe = file.stem, config_from(file, TrainConfig)
    recipe, rest = with_named_parts(recipe, rest)
    default_out = Path("runs") / name

    def command(
        config: Annotated[TrainConfig, flat] = recipe,
        *,
        out: Path = default_out,
        estimate: bool = False,
        tracker: TrackerName = "tensorboard",
        device: DeviceName = "auto",
    ) -> None:
        """Train the fusion detector; a training that was stopped goes on.

        In a recipe's place --config FILE takes a run's config.json, or a recipe of your own as JSON or YAML.

        Args:
            config: the recipe.
            out: the run folder.
            estimate: train nothing; time some steps and say how long it would take here and how much memory.
            device: where it computes; auto is the GPU where there is one.
            tracker: where the numbers of every validation go; all but tensorboard must be installed.
        """
        use_device(device)
        if not estimate:
            print(train(config, out, tracker=tracker))
            return
        config.check()
        from experiments.runs.build import open_training
        from experiments.runs.estimate import estimate as time_steps

        scratch = next(folder for folder in out.absolute().parents if folder.is_dir())
        print(time_steps(open_training(config), scratch=scratch).text())

    run_verb(f"train {name}", command, rest)
