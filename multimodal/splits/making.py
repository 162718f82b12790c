"""Making a split: a protocol by its name, its options as a command line gives them, and what the parts lack."""

import inspect
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from multimodal.catalog import choose
from multimodal.corpora.manifest import Manifest
from multimodal.splits import PROTOCOLS
from multimodal.splits.assignment import SPLITS
from multimodal.splits.split import Split


def make_split(
    manifest: Manifest, protocol: str, *, seed: int = 0, options: Mapping[str, Any] | None = None
) -> Split:
    """Assign every clip of a manifest by a protocol.

    The same clips, protocol, options and seed give the same split, and so the same hash. ``options`` may hold
    text, as a command line gives it. Raises ``ValueError`` for an unknown protocol or option.
    """
    # whatever is drawn is drawn row by row: rows in another order must not be another split
    manifest = Manifest(manifest.clips.sort_values("clip_id", ignore_index=True), manifest.roots)
    function = choose(PROTOCOLS, protocol, "protocol")
    values = protocol_options(protocol)
    for name, value in (options or {}).items():
        values[name] = _convert(name, value, choose(values, name, f"option of {protocol}"))
    assigned = function(manifest, np.random.default_rng(seed), **values)
    assignment = pd.DataFrame(
        {
            "clip_id": manifest.clips["clip_id"].astype(object),
            "split": assigned.split,
            "reason": assigned.reason,
        }
    ).sort_values("clip_id", ignore_index=True)
    return Split(assignment, protocol, values, seed, (*assigned.notes, *_gaps(manifest.clips, assigned.split)))


def protocol_options(protocol: str) -> dict[str, Any]:
    """Options of a protocol with their defaults."""
    parameters = inspect.signature(choose(PROTOCOLS, protocol, "protocol")).parameters.values()
    return {one.name: one.default for one in parameters if one.kind is inspect.Parameter.KEYWORD_ONLY}


def _gaps(clips: pd.DataFrame, split: pd.Series) -> list[str]:
    """Parts that are empty, and classes that a part lacks: nothing can be learnt or judged there."""
    kinds = clips["av_class"].astype(object).where(clips["av_class"].notna(), clips["any_fake"].astype(object))
    names = {0: "real", 1: "fake"}
    gaps = []
    for part in SPLITS:
        there = set(kinds[split == part].dropna())
        if not (split == part).any():
            gaps.append(f"{part} is empty")
        elif lacking := sorted(str(names.get(kind, kind)) for kind in set(kinds.dropna()) - there):
            gaps.append(f"{part} has no clip of {', '.join(lacking)}")
    return gaps


def _convert(name: str, value: Any, default: Any) -> Any:
    """Text from a command line as the type of the default."""
    if not isinstance(value, str) or isinstance(default, str):
        return value
    if isinstance(default, bool):
        if value.lower() in ("true", "false"):
            return value.lower() == "true"
    else:
        try:
            return type(default)(value)
        except ValueError:
            pass
    raise ValueError(f"{name} must be {type(default).__name__}, as in {name}={default}; got {value!r}")
