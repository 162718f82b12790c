"""Train the fusion detector on the four audio-visual classes."""

from pathlib import Path
from typing import Annotated

import torch
from accelerate import Accelerator

from experiments import recipes
from experiments.command_line import choose, flat, run_verb, with_named_encoders
from experiments.runs.advised import settled
from experiments.runs.balancing import build_loss, learnt_labels
from experiments.runs.build import Clips, architecture_of, build_detector, load_clips, require_same_data
from experiments.runs.config import TrainConfig
from experiments.runs.estimate import Estimate, estimate, with_few_held_out
from experiments.runs.feed import Feed, feed_tokens, feed_windows, first_window
from experiments.runs.folder import RunFolder
from experiments.runs.loop import describe, learn, start_accelerator, training_batches
from experiments.runs.provenance import loaded_text, provenance
from multimodal.detector import AudioVisualDetector
from multimodal.files import atomic_path, write_json
from multimodal.report.study_table import tokens_text
from multimodal.tokens.embedding import link_or_copy
from multimodal.training.tasks import DetectorTask


def train(config: TrainConfig, out: Path) -> Path:
    """Train the detector into the run folder ``out``, going on where a killed training stopped."""
    run = RunFolder(out)
    clips = load_clips(config.data)
    config = settled(config, clips.of("train"))
    run.begin(config)
    if run.provenance.is_file():
        require_same_data(clips, run.read_provenance())
    accelerator = start_accelerator(config, run)
    if accelerator.is_main_process:
        describe(clips, config.data)
    detector = build_detector(config)
    if config.freeze_encoders:
        detector.freeze_encoders()
    if accelerator.is_main_process:
        print(_loaded_text(detector, config))
        print(_tokens_text(detector, clips, config))
    feed = _feed(detector, clips, config, accelerator, run)
    criterion = build_loss(config.loss, config.balance, feed.drawn.counts)
    if accelerator.is_main_process:
        write_json(run.provenance, provenance(clips) | {"learnt": learnt_labels(feed.drawn.counts, criterion)})
        write_json(run.architecture, architecture_of(detector))
        if feed.cache is not None:
            link_or_copy(feed.cache.encoders, run.frozen_encoders)
    score_validation = feed.scorer("val")
    task = DetectorTask(
        criterion=criterion, score_validation=score_validation, modality_dropout=config.modality_dropout
    )
    batches = training_batches(feed.windows, feed.drawn.draw, config, accelerator)
    learn(
        feed.model,
        task,
        batches,
        config,
        run,
        accelerator,
        "train",
        clip_ids=getattr(feed.windows, "clip_ids", None),
    )
    if not run.scores.is_file():  # they are there when a finished training is called again
        scores = score_validation(feed.model.to(accelerator.device)).assign(split="val")
        if accelerator.is_main_process:
            with atomic_path(run.scores) as temporary:
                scores.to_parquet(temporary, index=False)
    accelerator.end_training()
    return run.path


def estimate_training(config: TrainConfig) -> Estimate:
    """Time some steps of a training and a part of its validation, on this machine.

    Raises:
        ValueError: a training on tokens, which takes seconds once they are there.
    """
    if config.tokens is not None or config.balance.name in ("smote", "hybrid"):
        raise ValueError("--estimate times training on crops and sound; leave --tokens, smote and hybrid out")
    clips, share = with_few_held_out(load_clips(config.data))
    config = settled(config, clips.of("train"))
    accelerator = Accelerator(mixed_precision=config.precision)
    detector = build_detector(config)
    if config.freeze_encoders:
        detector.freeze_encoders()
    feed = feed_windows(detector, clips, config, accelerator)
    criterion = build_loss(config.loss, config.balance, feed.drawn.counts)
    task = DetectorTask(criterion=criterion, score_validation=feed.scorer("val"))
    batches = training_batches(feed.windows, feed.drawn.draw, config, accelerator)
    return estimate(feed.model, task, batches, config, accelerator, validation_share=share)


def _feed(
    detector: AudioVisualDetector, clips: Clips, config: TrainConfig, accelerator: Accelerator, run: RunFolder
) -> Feed:
    if config.tokens is None and config.balance.name not in ("smote", "hybrid"):
        return feed_windows(detector, clips, config, accelerator)
    return feed_tokens(detector, clips, config, accelerator, config.tokens or run.path.parent / "tokens")


def _loaded_text(detector: AudioVisualDetector, config: TrainConfig) -> str:
    configs = {"video": config.video, "audio": config.audio}
    lines = [loaded_text(encoder, configs[name]) for name, encoder in detector.encoders.items()]
    return "\n".join([*lines, f"new, with random weights: fusion {config.fusion.name} and all heads"])


@torch.inference_mode()
def _tokens_text(detector: AudioVisualDetector, clips: Clips, config: TrainConfig) -> str:
    tokens = detector.eval().encode(first_window(detector, clips, config))
    return tokens_text({name: value.shape[1] for name, value in sorted(tokens.items())})


def main(arguments: list[str]) -> None:
    """Command line of the verb: a recipe, and single values of it changed."""
    name, rest = choose("recipe", arguments, recipes.TRAIN, verb="train")

    recipe, default_out = with_named_encoders(recipes.TRAIN[name](), rest), Path("runs") / name

    def command(
        config: Annotated[TrainConfig, flat] = recipe, *, out: Path = default_out, estimate: bool = False
    ) -> None:
        """Train the fusion detector; a training that was stopped goes on.

        Args:
            config: the recipe.
            out: the run folder.
            estimate: train nothing; time some steps and say how long it would take here and how much memory.
        """
        print(estimate_training(config).text() if estimate else train(config, out))

    run_verb(f"train {name}", command, rest)
