"""What the runs of a study differ in: every study names variants, and each is only its difference from a training.

A variant is the settings that it changes, by their path in the training's configuration
(:func:`experiments.runs.settings.with_settings`). The modules that are compared are imported when a study is made.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

from experiments.runs.config import BalanceName
from experiments.runs.parts import EncoderConfig, Option
from multimodal.catalog import unknown
from multimodal.training.options import LossName

#: The variant of ``ablate encoder`` that others are compared with.
CONFIGURED = "configured"

#: variant → the settings that it changes
Variants = dict[str, dict[str, Any]]

BALANCES = tuple(name for name in get_args(BalanceName) if name != "auto")


def fusions(options: Mapping[str, Option], synchrony_weight: float) -> Variants:
    """Every mode of fusion, on the same tokens, at the same width; synchrony is asked of those that compare.

    Args:
        options: of the training's fusion; each mode has those that it takes.
        synchrony_weight: of the training.

    Raises:
        ValueError: an option that no mode takes.
    """
    from fusion import FUSIONS, fusion_class, list_options

    known = dict.fromkeys(option for name in FUSIONS for option in list_options(name))
    strange = [option for option in options if option not in known]
    if strange:
        raise ValueError(unknown("option of a fusion", strange[0], known))
    return {
        name: {
            "fusion.name": name,
            "fusion.options": {option: options[option] for option in options if option in list_options(name)},
            "loss.synchrony_weight": synchrony_weight if fusion_class(name).compares() else 0.0,
        }
        for name in FUSIONS
    }


def losses() -> Variants:
    """Cross entropy, focal and weighted focal loss."""
    return {name: {"loss.name": name} for name in get_args(LossName)}


def balances() -> Variants:
    """Every way of balancing the classes."""
    return {name: {"balance.name": name} for name in BALANCES}


def encoders(folders: Sequence[Path]) -> Variants:
    """The configured pair of encoders, and each encoder of ``folders`` in the place of its own modality's.

    Args:
        folders: of any encoder's ``save_pretrained``, as ``pretrain`` writes it to RUN/encoder; RUN or the
            folder's own name is the variant's.

    Raises:
        ValueError: no folder, two of one name, or a folder without an encoder.
    """
    from encoders import load_encoder

    if not folders:
        raise ValueError("no encoder to compare with the configured pair; give --encoders RUN/encoder ...")
    variants: Variants = {CONFIGURED: {}}
    for folder in folders:
        encoder, where = load_encoder(folder), folder.absolute()
        name = where.parent.name if where.name == "encoder" else where.name  # `pretrain` writes RUN/encoder
        if name in variants:
            raise ValueError(f"two encoders called {name!r}; rename the folder of one: {folder}")
        variants[name] = {f"encoders.{encoder.modality}": EncoderConfig(name=encoder.name, weights=folder)}
    return variants


def seeds_only(seed: int) -> Variants:
    """The same training twice, with other seeds: a check of the study itself, which should find no difference."""
    return {"one": {}, "other": {"fit.seed": seed + 1000}}


def variants_of(
    study: str,
    *,
    fusion_options: Mapping[str, Option],
    synchrony_weight: float,
    seed: int,
    folders: Sequence[Path],
) -> Variants:
    """The variants of a study by its name, made of what its training says; see the study's own function.

    Raises:
        ValueError: folders of encoders for a study that compares something else.
    """
    if folders and study != "encoder":
        raise ValueError(f"--encoders is for ablate encoder; leave it out of ablate {study}")
    made: dict[str, Callable[[], Variants]] = {
        "fusion": lambda: fusions(fusion_options, synchrony_weight),
        "loss": losses,
        "balance": balances,
        "seeds": lambda: seeds_only(seed),
        "encoder": lambda: encoders(folders),
    }
    return made[study]()


STUDIES: dict[str, Callable[..., Variants]] = {
    "fusion": fusions,
    "loss": losses,
    "balance": balances,
    "seeds": seeds_only,
    "encoder": encoders,
}

BASELINES = {
    "fusion": "concat",
    "loss": "cross_entropy",
    "balance": "none",
    "encoder": CONFIGURED,
    "seeds": "one",
}
