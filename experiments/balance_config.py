"""How rare classes are balanced, as options of a command line."""

from dataclasses import dataclass
from typing import Annotated, Literal

from tyro.conf import arg

BalanceName = Literal[
    "none", "class_weights", "effective_number", "weighted_sampler", "frames_per_clip", "smote", "hybrid", "auto"
]


@dataclass(frozen=True, kw_only=True)
class BalanceConfig:
    """How rare classes of the training split are balanced.

    Args:
        name: class_weights weighs any loss by ``n_samples / (n_classes * count)``, effective_number as Cui et al.
            (2019); weighted_sampler draws every class as often as another; frames_per_clip takes more windows from
            clips of rare classes; smote makes embeddings of rare classes, hybrid cleans or thins out as well;
            both freeze the encoders; auto takes balance and loss as ``statistics`` advises.
        within: of weighted_sampler: inside a class every clip, every method or every identity is as likely.
        beta: of effective_number.
        neighbours: of smote and hybrid: clips that a new embedding may lie towards.
        oversampler: of smote and hybrid.
        cleaner: of hybrid: Tomek links, edited nearest neighbours, or random under-sampling.
        ratio: of hybrid with undersample: the rarest class grows to this share of the largest first.
    """

    name: Annotated[BalanceName, arg(name="balance")] = "none"
    within: Annotated[Literal["class", "method", "identity"], arg(name="balance-within")] = "class"
    beta: Annotated[float, arg(name="balance-beta")] = 0.999
    neighbours: Annotated[int, arg(name="balance-neighbours")] = 5
    oversampler: Annotated[Literal["smote", "borderline", "adasyn"], arg(name="balance-oversampler")] = "smote"
    cleaner: Annotated[Literal["tomek", "enn", "undersample"], arg(name="balance-cleaner")] = "tomek"
    ratio: Annotated[float, arg(name="balance-ratio")] = 0.5
