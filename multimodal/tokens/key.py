"""What tokens depend on, as plain values: equal facts mean equal tokens."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from torch import nn

from encoders.base import Encoder
from multimodal.data.windows import WindowShape
from multimodal.media.store.reader import AnyStore

FORMAT_VERSION = 1
#: Columns of a store's index that tell whether a clip was prepared anew from another file.
_CONTENT = ["clip_id", "num_frames", "num_samples", "start_seconds", "num_bytes"]


def token_facts(
    encoders: Mapping[str, Encoder],
    store: AnyStore,
    clip_ids: Sequence[str],
    shape: WindowShape,
    windows_per_clip: int,
) -> dict[str, Any]:
    """Everything that the tokens of some clips depend on.

    Args:
        encoders: by modality.
        store: prepared clips.
        clip_ids: in the order in which they are embedded.
        shape: of the windows.
        windows_per_clip: at most so many, spread evenly.
    """
    rows = store.index.set_index("clip_id", drop=False).loc[list(clip_ids), _CONTENT]
    return {
        "format_version": FORMAT_VERSION,
        **{f"{name} encoder": encoder.name for name, encoder in encoders.items()},
        # a hop or a number of heads is in no weight
        **{f"{name} options": encoder.arguments() for name, encoder in encoders.items()},
        **{f"{name} weights": weights_hash(encoder) for name, encoder in encoders.items()},
        "cropper": store.fingerprint,
        "clips": hashlib.sha256(rows.to_csv(index=False).encode()).hexdigest(),
        "window": asdict(shape),
        "windows a clip": windows_per_clip,
    }


def digest(facts: Mapping[str, Any]) -> str:
    """A name for the folder of these tokens."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]


def weights_hash(module: nn.Module) -> str:
    """SHA-256 of all parameters and buffers, with their names."""
    total = hashlib.sha256()
    for name, value in sorted(module.state_dict().items()):
        total.update(name.encode())
        total.update(value.detach().cpu().contiguous().numpy().tobytes())
    return total.hexdigest()
