"""Pretrain one branch on any corpora of images, videos or audio: real or fake by one modality alone."""

from pathlib import Path
from typing import Annotated

from experiments import recipes
from experiments.command_line import choose, flat, run_verb, with_named_parts, without_config
from experiments.runs.config import PretrainConfig
from experiments.runs.device import DeviceName, use_device
from experiments.runs.folder import RunFolder
from experiments.runs.settings import config_from
from experiments.runs.trackers import TrackerName, check_tracker


def pretrain(config: PretrainConfig, out: Path, *, tracker: TrackerName = "tensorboard") -> Path:
    """Train an encoder with its head and save the encoder; returns the folder that ``train`` takes as weights."""
    config.check()
    check_tracker(tracker)
    from encoders import load_encoder
    from experiments.runs.build import open_pretraining  # torch, once the command line is known to be right
    from experiments.runs.loop import learn
    from experiments.runs.provenance import trained_on_text

    run, training = RunFolder(out), open_pretraining(config)
    with learn(training, run, tracker=tracker) as (parts, accelerator):
        if accelerator.is_main_process:
            encoder = parts.encoders[config.modality]
            encoder.trained_on = trained_on_text(encoder, training.clips, config.modality)
            encoder.learnt_from = training.learnt_from
            encoder.save_pretrained(run.encoder)
            load_encoder(run.encoder)  # what is reported as done can be read
        accelerator.end_training()
    return run.encoder


def main(arguments: list[str]) -> None:
    """Command line of the verb: a modality, a recipe, and single values of it changed."""
    file, rest = without_config(arguments)
    if file is None:
        modality, rest = choose("modality", rest, recipes.PRETRAIN, verb="pretrain")
        name, rest = choose("recipe", rest, recipes.PRETRAIN[modality], verb=f"pretrain {modality}")
        recipe = recipes.PRETRAIN[modality][name]()
    else:
        name, recipe = file.stem, config_from(file, PretrainConfig)
        modality = recipe.modality
    recipe, rest = with_named_parts(recipe, rest)
    default_out = Path("runs") / f"pretrain-{modality}-{name}"

    def command(
        config: Annotated[PretrainConfig, flat] = recipe,
        *,
        out: Path = default_out,
        estimate: bool = False,
        tracker: TrackerName = "tensorboard",
        device: DeviceName = "auto",
    ) -> None:
        """Train one encoder with its head; the encoder folder it leaves is what `train` takes as weights.

        In place of modality and recipe --config FILE takes a run's config.json, or a recipe of your own as JSON or
        YAML. Corpora of images, videos and audio are mixed by naming their folders: --sources data/a data/b. One
        branch starts from another by --encoder.weights RUN/encoder: videos from images, for one.

        Args:
            config: the recipe.
            out: the run folder.
            estimate: train nothing; time some steps and say how long it would take here and how much memory.
            device: where it computes; auto is the GPU where there is one.
            tracker: where the numbers of every validation go; all but tensorboard must be installed.
        """
        use_device(device)
        if not estimate:
            print(pretrain(config, out, tracker=tracker))
            return
        config.check()
        from experiments.runs.build import open_pretraining
        from experiments.runs.estimate import estimate as time_steps

        scratch = next(folder for folder in out.absolute().parents if folder.is_dir())
        print(time_steps(open_pretraining(config), scratch=scratch).text())

    run_verb(f"pretrain {modality} {name}", command, rest)
