"""Pretrain one branch on any corpora of images, videos or audio: real or fake by one modality alone."""

from pathlib import Path
from typing import Annotated, NamedTuple

from accelerate import Accelerator

from experiments import recipes
from experiments.command_line import choose, flat, run_verb, with_named_encoders
from experiments.runs.advised import settled_branch
from experiments.runs.balancing import DrawnLabels, build_loss, learnt_labels
from experiments.runs.build import Clips, build_encoder, require_same_data, window_shape
from experiments.runs.config import PretrainConfig
from experiments.runs.estimate import Estimate, estimate, with_few_held_out
from experiments.runs.folder import RunFolder
from experiments.runs.loop import learn, split_scorer, start_accelerator, training_batches
from experiments.runs.mixture import forge_of, mixed_clips, mixture_draw, mixture_text
from experiments.runs.provenance import loaded_text, provenance, trained_on_text
from multimodal.data.windows import EvaluationWindows, TrainingWindows
from multimodal.files import write_json
from multimodal.heads import Branch
from multimodal.training.tasks import BranchTask


class Parts(NamedTuple):
    """What one pretraining is made of."""

    branch: Branch
    task: BranchTask
    windows: TrainingWindows
    drawn: DrawnLabels


def pretrain(config: PretrainConfig, out: Path) -> Path:
    """Train an encoder with its head and save the encoder; returns the folder that ``train`` takes as weights."""
    run = RunFolder(out)
    clips = mixed_clips(config)
    config = settled_branch(config, clips.of("train"))
    run.begin(config)
    if run.provenance.is_file():
        require_same_data(clips, run.read_provenance())
    accelerator = start_accelerator(config, run)
    branch, task, windows, drawn = build_parts(config, clips, accelerator)
    encoder = branch.encoder
    if accelerator.is_main_process:
        print(mixture_text(clips, config.modality, drawn))
        print(f"{loaded_text(encoder, config.encoder)}\nnew, with random weights: the head")
        learnt = learnt_labels(drawn.counts, task.criterion)
        write_json(run.provenance, provenance(clips) | {"modality": config.modality, "learnt": learnt})
    batches = training_batches(windows, drawn.draw, config, accelerator)
    title = f"pretrain {config.modality}"
    learn(branch, task, batches, config, run, accelerator, title, clip_ids=windows.clip_ids)
    if accelerator.is_main_process:
        encoder.trained_on = trained_on_text(encoder, clips, config.modality)
        encoder.save_pretrained(run.encoder)
    accelerator.end_training()
    return run.encoder


def estimate_pretraining(config: PretrainConfig) -> Estimate:
    """Time some steps of a pretraining and a part of its validation, on this machine."""
    clips, share = with_few_held_out(mixed_clips(config))
    config = settled_branch(config, clips.of("train"))
    accelerator = Accelerator(mixed_precision=config.precision)
    branch, task, windows, drawn = build_parts(config, clips, accelerator)
    batches = training_batches(windows, drawn.draw, config, accelerator)
    return estimate(branch, task, batches, config, accelerator, validation_share=share)


def build_parts(config: PretrainConfig, clips: Clips, accelerator: Accelerator) -> Parts:
    """Encoder and head, what they see and how they are judged."""
    encoder = build_encoder(config.encoder, config.modality)
    shape = window_shape(config.data, clips.store, {config.modality: encoder})
    only, forge, seed = (config.modality,), forge_of(config, clips), config.fit.seed
    rows, held_out = clips.of("train"), clips.of("val")
    augmentation = config.data.augmentation
    windows = TrainingWindows(
        clips.store, rows, shape, seed=seed, augmentation=augmentation, modalities=only, forge=forge
    )
    judged = EvaluationWindows(
        clips.store,
        held_out,
        shape,
        windows_per_clip=config.data.windows_per_clip,
        modalities=only,
        forge=forge,
    )
    drawn = mixture_draw(config, rows, windows)
    task = BranchTask(
        modality=config.modality,
        criterion=build_loss(config.loss, config.balance, drawn.counts),
        score_validation=split_scorer(judged, held_out, "val", config.data, accelerator),
    )
    return Parts(Branch(encoder), task, windows, drawn)


def main(arguments: list[str]) -> None:
    """Command line of the verb: a modality, a recipe, and single values of it changed."""
    modality, rest = choose("modality", arguments, recipes.PRETRAIN, verb="pretrain")
    name, rest = choose("recipe", rest, recipes.PRETRAIN[modality], verb=f"pretrain {modality}")
    recipe = with_named_encoders(recipes.PRETRAIN[modality][name](), rest)
    default_out = Path("runs") / f"pretrain-{modality}-{name}"

    def command(
        config: Annotated[PretrainConfig, flat] = recipe, *, out: Path = default_out, estimate: bool = False
    ) -> None:
        """Train one encoder with its head; the encoder folder it leaves is what `train` takes as weights.

        Corpora of images, videos and audio are mixed by naming their folders: --sources data/a data/b. One branch
        starts from another by --encoder.weights RUN/encoder: videos from images, for one.

        Args:
            config: the recipe.
            out: the run folder.
            estimate: train nothing; time some steps and say how long it would take here and how much memory.
        """
        print(estimate_pretraining(config).text() if estimate else pretrain(config, out))

    run_verb(f"pretrain {modality} {name}", command, rest)
