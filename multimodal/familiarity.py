"""How far a clip lies from those of validation in a detector's own eyes: "unlike anything it was trained on".

An embedding is the mean over time of an encoder's tokens. Its distance is that of Mahalanobis (Lee et al., A
Simple Unified Framework for Detecting Out-of-Distribution Samples, NeurIPS 2018) under a covariance of few axes
and one variance for all others (Tipping and Bishop, Probabilistic Principal Component Analysis, 1999, equation 2),
which few clips can tell. How large it is for clips of people whom the measure has not seen is found by leaving
folds of people out; a clip is unlike them where fewer than ``FALSE_ALARMS`` of these lie as far away. That is the
conformal test of Laxhammar and Falkman (2010), whose promise holds for clips drawn as those of validation were.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from encoders.folders import must_be_readable
from multimodal.files import atomic_path
from multimodal.labels import MODALITIES, Modality
from multimodal.metrics.bootstrap import identity_codes

FAMILIAR_FILE = "familiar.safetensors"
#: Of clips like those of validation, the share that may be called unlike them.
FALSE_ALARMS = 0.01
LEAST_CLIPS, LEAST_PEOPLE = 20, 5
_FOLDS, _MOST_AXES, _CLIPS_PER_AXIS = 5, 32, 4


class Familiarity(NamedTuple):
    """How far a clip lies from those of validation, and the share of these that are nearer to the others."""

    distance: float
    further_than: float
    is_unlike: bool

    def as_json(self) -> dict[str, Any]:
        """The fields by their names."""
        return self._asdict()


@dataclass(frozen=True, kw_only=True)
class Familiar:
    """What embeddings of one modality are like, learnt from the clips of validation.

    Args:
        mean: (D,) of the clips.
        axes: (K, D), along which they differ most, each of length 1.
        variances: (K,) along the axes.
        rest: variance along any other.
        held_out: (clips,) distances of each from the others, its own people left out, in increasing order.
    """

    mean: Float[np.ndarray, " dim"]
    axes: Float[np.ndarray, "axes dim"]
    variances: Float[np.ndarray, " axes"]
    rest: float
    held_out: Float[np.ndarray, " clips"]

    def distances(self, embeddings: Float[np.ndarray, "clips dim"]) -> Float[np.ndarray, " clips"]:
        """Distance of each embedding from the clips that were learnt from, whose own is 1 on average."""
        centred = embeddings - self.mean
        along = centred @ self.axes.T
        beside = np.maximum((centred**2).sum(axis=1) - (along**2).sum(axis=1), 0.0)
        return np.sqrt(((along**2 / self.variances).sum(axis=1) + beside / self.rest) / len(self.mean))

    def of(self, embedding: Float[np.ndarray, " dim"]) -> Familiarity:
        """What is said of one clip; with few clips of validation it has to lie further than all of them."""
        distance = float(self.distances(embedding[None].astype(np.float64))[0])
        nearer = int(np.searchsorted(self.held_out, distance))
        as_far = 1 + len(self.held_out) - nearer
        is_unlike = nearer == len(self.held_out) or as_far / (1 + len(self.held_out)) < FALSE_ALARMS
        return Familiarity(distance, nearer / len(self.held_out), is_unlike)


def learn_familiar(embeddings: Float[np.ndarray, "clips dim"], identity: ArrayLike) -> Familiar:
    """What clips are like, and how far each lies from those of other people.

    Args:
        embeddings: of validation clips.
        identity: who is in each.

    Raises:
        ValueError: too few clips or people.
    """
    embeddings, codes = np.asarray(embeddings, dtype=np.float64), identity_codes(identity)
    people = len(np.unique(codes))
    if len(embeddings) < LEAST_CLIPS or people < LEAST_PEOPLE:
        raise ValueError(
            f"to say what is familiar takes {LEAST_CLIPS} clips of {LEAST_PEOPLE} people of validation; "
            f"got {len(embeddings)} of {people}"
        )
    held_out = np.empty(len(embeddings))
    for fold in range(_FOLDS):
        asked = codes % _FOLDS == fold
        held_out[asked] = _fit(embeddings[~asked]).distances(embeddings[asked])
    whole = _fit(embeddings)
    return Familiar(**{**vars(whole), "held_out": np.sort(held_out)})


def _fit(embeddings: Float[np.ndarray, "clips dim"]) -> Familiar:
    mean = embeddings.mean(axis=0)
    clips, dim = embeddings.shape
    _, scales, axes = np.linalg.svd(embeddings - mean, full_matrices=False)
    variances = scales**2 / clips
    kept = max(1, min(_MOST_AXES, clips // _CLIPS_PER_AXIS, dim - 1))
    least = 1e-6 * variances.sum() / dim + 1e-12  # of a dead encoder, whose tokens never change
    rest = variances[kept:].sum() / max(dim - kept, 1)
    return Familiar(
        mean=mean,
        axes=axes[:kept],
        variances=np.maximum(variances[:kept], least),
        rest=float(max(rest, least)),
        held_out=np.empty(0),
    )


# What a detector keeps of it.


def write_familiar(learnt: Mapping[Modality, Familiar], file: Path) -> None:
    """Write what was learnt of each modality as safetensors."""
    tensors = {
        f"{name}.{field}": np.array(value, dtype=np.float32, order="C")
        for name, one in learnt.items()
        for field, value in vars(one).items()
    }
    with atomic_path(file) as temporary:
        save_file(tensors, temporary, metadata={"modalities": json.dumps(sorted(learnt))})


def read_familiar(file: Path) -> dict[Modality, Familiar]:
    """What :func:`write_familiar` wrote; nothing where there is no file.

    Raises:
        ValueError: another file, or one with values that are no measure.
    """
    if not file.is_file():
        return {}
    try:
        with safe_open(file, "numpy") as opened:
            names = [name for name in MODALITIES if f"{name}.mean" in set(opened.keys())]
            return {name: _read(opened, name) for name in names}
    except (OSError, SafetensorError, ValueError, TypeError) as error:
        must_be_readable(file)
        raise ValueError(f"not what `evaluate` wrote: {file} ({error}); call it again") from error


def _read(opened: Any, name: Modality) -> Familiar:
    fields = ("mean", "axes", "variances", "rest", "held_out")
    values = {field: opened.get_tensor(f"{name}.{field}").astype(np.float64) for field in fields}
    dim, axes = values["mean"].size, values["variances"].size
    shapes = {"mean": (dim,), "axes": (axes, dim), "variances": (axes,), "rest": ()}
    if any(values[field].shape != shape for field, shape in shapes.items()) or values["held_out"].ndim != 1:
        raise ValueError(f"shapes of {name} do not fit")
    if not all(np.isfinite(value).all() for value in values.values()) or values["held_out"].size == 0:
        raise ValueError(f"values of {name} are missing or not finite")
    if min(values["variances"].min(initial=np.inf), values["rest"]) <= 0:
        raise ValueError(f"variances of {name} are not positive")
    return Familiar(**{**values, "rest": float(values["rest"]), "held_out": np.sort(values["held_out"])})


def unlike_notes(found: Mapping[Modality, Familiarity]) -> Sequence[str]:
    """A sentence on what of a clip is unlike anything that the detector knows."""
    parts = {"video": "picture", "audio": "sound"}
    unlike = [parts[name] for name, one in found.items() if one.is_unlike]
    if not unlike:
        return []
    who = " and ".join(unlike)
    shares = min(one.further_than for one in found.values() if one.is_unlike)
    return [
        f"The {who} {'is' if len(unlike) == 1 else 'are'} unlike anything it was trained on: further from the "
        f"clips of validation than {shares:.0%} of those are from each other. Its verdict may mean nothing here."
    ]
