"""What weights have learnt from, as sorted 64-bit hashes of names in a file beside them, which travels with them.

The hashes are whose owner says: of clips, of people, of whatever must not be met again where the weights are
judged. Eight bytes a name, and no name can be read out of them.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from jaxtyping import UInt64
from safetensors import safe_open
from safetensors.numpy import save_file

from encoders.folders import must_be_readable, written_whole
from encoders.strangers import one_line

#: Beside the weights.
LEARNT_FILE = "learnt_from.safetensors"
_UNKNOWN = "unknown"


@dataclass(frozen=True)
class LearntFrom:
    """Hashes of what weights have learnt from.

    ``hashes`` is kind → sorted hashes without repetition, ``(n,)`` uint64. ``unknown`` names the stages of which
    nobody wrote down what they learnt from, such as weights that somebody published.

    >>> one = LearntFrom({"clips": np.array([1, 5], dtype=np.uint64)})
    >>> two = LearntFrom({"clips": np.array([5, 9], dtype=np.uint64)}, unknown=("ImageNet",))
    >>> (one | two).hashes["clips"].tolist(), (one | two).unknown
    ([1, 5, 9], ('ImageNet',))
    """

    hashes: Mapping[str, UInt64[np.ndarray, " n"]] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()

    def __or__(self, other: "LearntFrom") -> "LearntFrom":
        """What either has learnt from."""
        kinds = dict.fromkeys([*self.hashes, *other.hashes])
        both = {kind: np.union1d(self.of(kind), other.of(kind)) for kind in kinds}
        return LearntFrom(both, tuple(dict.fromkeys([*self.unknown, *other.unknown])))

    def of(self, kind: str) -> UInt64[np.ndarray, " n"]:
        """Hashes of one kind, none where there are none."""
        return self.hashes.get(kind, np.zeros(0, dtype=np.uint64))

    def write(self, folder: Path) -> None:
        """Write beside the weights; a crash or a power cut leaves the old file whole."""
        hashes = {kind: np.ascontiguousarray(values, dtype=np.uint64) for kind, values in self.hashes.items()}
        with written_whole(folder / LEARNT_FILE) as temporary:
            save_file(hashes, temporary, metadata={_UNKNOWN: json.dumps(self.unknown)})

    @classmethod
    def read(cls, folder: Path) -> "LearntFrom | None":
        """Read what stands beside the weights; None where nothing does, ``ValueError`` if it is damaged."""
        file = folder / LEARNT_FILE
        if not file.is_file():
            return None
        try:
            with safe_open(file, framework="numpy") as opened:
                hashes = {kind: opened.get_tensor(kind) for kind in opened.keys()}  # noqa: SIM118 (no mapping)
                unknown = json.loads((opened.metadata() or {})[_UNKNOWN])
        except Exception as error:  # of a stranger's file libraries raise anything
            must_be_readable(file)
            raise ValueError(f"cannot read what weights learnt from: {file} ({one_line(error)})") from error
        is_sorted = all(
            one.dtype == np.uint64 and one.ndim == 1 and (one[1:] > one[:-1]).all() for one in hashes.values()
        )
        if not is_sorted or not isinstance(unknown, list) or not all(isinstance(one, str) for one in unknown):
            raise ValueError(f"not what weights learnt from: {file} holds no sorted hashes; put the file back")
        return cls(hashes, tuple(unknown))
