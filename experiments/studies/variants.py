"""What the runs of a study differ in; each study is a function from a training to named variants of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import get_args

from encoders import load_encoder
from experiments.runs.build import is_random
from experiments.runs.config import EncoderConfig, Option, TrainConfig
from fusion import FUSIONS, fusion_class, list_options
from multimodal.labels import MODALITIES
from multimodal.training.losses import LossName

#: The variant of ``ablate encoder`` that others are compared with.
CONFIGURED = "configured"

#: variant → its training
Variants = dict[str, TrainConfig]

BALANCES = (
    "none",
    "class_weights",
    "effective_number",
    "weighted_sampler",
    "frames_per_clip",
    "smote",
    "hybrid",
)


def fusions(config: TrainConfig) -> Variants:
    """Every mode of fusion, on the same tokens, at the same width; synchrony is asked of those that compare.

    Each mode has those of the fusion's options that it takes.

    Raises:
        ValueError: an option that no mode takes.
    """
    weight, options = config.loss.synchrony_weight, config.fusion.options
    known = dict.fromkeys(option for name in FUSIONS for option in list_options(name))
    unknown = [option for option in options if option not in known]
    if unknown:
        raise ValueError(f"no fusion takes the option {unknown[0]!r}; choose from {', '.join(known)}")
    return {
        name: replace(
            config,
            fusion=replace(config.fusion, name=name, options=_taken(options, name)),
            loss=replace(config.loss, synchrony_weight=weight if fusion_class(name).compares() else 0.0),
        )
        for name in FUSIONS
    }


def _taken(options: Mapping[str, Option], mode: str) -> dict[str, Option]:
    return {option: value for option, value in options.items() if option in list_options(mode)}


def losses(config: TrainConfig) -> Variants:
    """Cross entropy, focal and weighted focal loss."""
    return {name: replace(config, loss=replace(config.loss, name=name)) for name in get_args(LossName)}


def balances(config: TrainConfig) -> Variants:
    """Every way of balancing the classes."""
    return {name: replace(config, balance=replace(config.balance, name=name)) for name in BALANCES}


def encoders(config: TrainConfig, folders: Sequence[Path]) -> Variants:
    """The configured pair of encoders, and each encoder of ``folders`` in the place of its own modality's.

    Args:
        config: the training; frozen encoders must have weights, since random ones would be compared otherwise.
        folders: of any encoder's ``save_pretrained``, as ``pretrain`` writes it to RUN/encoder; RUN or the
            folder's own name is the variant's.

    Raises:
        ValueError: no folder, two of one name, a folder without an encoder, or frozen encoders of random weights.
    """
    if not folders:
        raise ValueError("no encoder to compare with the configured pair; give --encoders RUN/encoder ...")
    if config.freeze_encoders:
        _refuse_random(config)
    variants = {CONFIGURED: config}
    for folder in folders:
        encoder, where = load_encoder(folder), folder.absolute()
        name = where.parent.name if where.name == "encoder" else where.name  # `pretrain` writes RUN/encoder
        if name in variants:
            raise ValueError(f"two encoders called {name!r}; rename the folder of one: {folder}")
        instead = EncoderConfig(name=encoder.name, weights=folder)
        variants[name] = replace(config, **{encoder.modality: instead})
    return variants


def _refuse_random(config: TrainConfig) -> None:
    for modality in MODALITIES:
        if is_random(getattr(config, modality)):
            raise ValueError(
                f"the {modality} encoder of the recipe is frozen and has random weights; "
                f"give --{modality}.weights FOLDER, or --end-to-end"
            )


def seeds_only(config: TrainConfig) -> Variants:
    """The same training twice, with other seeds: a check of the study itself, which should find no difference."""
    moved = replace(config, fit=replace(config.fit, seed=config.fit.seed + 1000))
    return {"one": config, "other": moved}


STUDIES: dict[str, Callable[[TrainConfig], Variants]] = {
    "fusion": fusions,
    "loss": losses,
    "balance": balances,
    "seeds": seeds_only,
}

BASELINES = {
    "fusion": "concat",
    "loss": "cross_entropy",
    "balance": "none",
    "encoder": CONFIGURED,
    "seeds": "one",
}
