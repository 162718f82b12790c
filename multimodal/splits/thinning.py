"""Splits with fewer clips of one class, for studies of imbalance."""

import numpy as np
import pandas as pd

from multimodal.splits.split import Split


def thinned(split: Split, clips: pd.DataFrame, ratio: float, *, seed: int = 0) -> Split:
    """A split whose train and val have ``ratio`` fakes for each real clip; test is left whole.

    As many clips as possible are kept; which ones go is random, but the four classes keep their proportions among
    the fakes. A clip that goes is dropped with that reason.

    Args:
        split: of the clips.
        clips: rows of a manifest with ``any_fake``.
        ratio: fakes for each real clip, at least 1.
        seed: of the choice.

    Raises:
        ValueError: the ratio is below 1, or would leave no real clip.
    """
    if ratio < 1:
        raise ValueError(f"ratio must be at least 1 (fakes for each real clip); got {ratio}")
    described = clips.set_index("clip_id")
    assignment = split.assignment.copy()
    of_clip = assignment["clip_id"].map(described["any_fake"])
    classes = assignment["clip_id"].map(described["av_class"])
    generator = np.random.default_rng(seed)
    for part in ("train", "val"):
        rows = {value: assignment.index[(assignment["split"] == part) & (of_clip == value)] for value in (0, 1)}
        num_fake = min(len(rows[1]), round(len(rows[0]) * ratio))
        kept = {0: round(num_fake / ratio), 1: num_fake}
        if not kept[0]:
            raise ValueError(f"{part} has {len(rows[1])} fakes: at {ratio:g}:1 no real clip is left; add clips")
        for value, count in kept.items():
            gone = _evenly(rows[value], classes, generator)[count:]
            assignment.loc[gone, ["split", "reason"]] = [None, f"thinned out to {ratio:g} fakes a real clip"]
    options = {**split.options, "fakes_per_real": ratio}
    return Split(assignment, f"{split.protocol}, thinned", options, split.seed, split.notes)


def _evenly(rows: pd.Index, classes: pd.Series, generator: np.random.Generator) -> np.ndarray:
    """Rows in an order of which every beginning has the classes in about the proportions of all."""
    mixed = generator.permutation(rows)
    of_class = classes[mixed].fillna("unknown").reset_index(drop=True)
    place = of_class.groupby(of_class).cumcount() + 0.5
    return mixed[np.argsort(place / of_class.groupby(of_class).transform("size"), kind="stable")]
