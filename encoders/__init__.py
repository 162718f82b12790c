"""Named encoders, one modality in, tokens out; reusable alone.

One encoder in somebody else's training loop:

>>> import torch
>>> encoder = create_encoder("frames", backbone="test_resnet", frame_size=32)
>>> head = torch.nn.Linear(encoder.embed_dim, 1)
>>> optimizer = torch.optim.AdamW([*encoder.parameters(), *head.parameters()], lr=1e-3)
>>> video, is_fake = torch.rand(4, 2, 3, 32, 32), torch.tensor([0.0, 1.0, 0.0, 1.0])
>>> for step in range(2):
...     logits = head(encoder(video).mean(dim=1)).squeeze(1)
...     loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, is_fake)
...     loss.backward()
...     optimizer.step()
...     optimizer.zero_grad()

>>> list_encoders("video")
['clips', 'facenet', 'frames']
"""

import difflib
import inspect
import json
from pathlib import Path
from typing import Any

from encoders.audio.aasist import AasistEncoder
from encoders.audio.spectrogram import SpectrogramEncoder
from encoders.audio.wav2vec2 import Wav2Vec2Encoder
from encoders.base import CONFIG_FILE, WEIGHTS_FILE, AudioSpec, Encoder, InputSpec, VideoSpec
from encoders.video.clips import ClipEncoder
from encoders.video.facenet import FacenetEncoder
from encoders.video.frames import FrameEncoder
from encoders.weights import read_weights

__all__ = [
    "ENCODERS",
    "AudioSpec",
    "Encoder",
    "InputSpec",
    "VideoSpec",
    "create_encoder",
    "list_encoders",
    "load_encoder",
]

#: Every encoder, by name.
ENCODERS: dict[str, type[Encoder]] = {
    "aasist": AasistEncoder,
    "clips": ClipEncoder,
    "facenet": FacenetEncoder,
    "frames": FrameEncoder,
    "spectrogram": SpectrogramEncoder,
    "wav2vec2": Wav2Vec2Encoder,
}


def list_encoders(modality: str | None = None) -> list[str]:
    """Names of all encoders, or of those of one modality ("video" or "audio")."""
    if modality not in (None, "video", "audio"):
        raise ValueError(f"unknown modality {modality!r}; choose from video, audio")
    return sorted(name for name, kind in ENCODERS.items() if modality in (None, kind.modality))


def create_encoder(name: str, **arguments: Any) -> Encoder:
    """Build an encoder by its name in the catalog.

    >>> create_encoder("framez")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ValueError: unknown encoder 'framez'; choose from aasist, clips, ... (nearest: frames)
    >>> create_encoder("frames", bakbone="resnet18")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ValueError: encoder 'frames' has no option 'bakbone'; it takes backbone, ... (nearest: backbone)
    """
    if name not in ENCODERS:
        raise ValueError(f"unknown encoder {name!r}; choose from {_offer(name, list_encoders())}")
    options = list(inspect.signature(ENCODERS[name].__init__).parameters)[1:]
    for option in arguments:
        if option not in options:
            raise ValueError(f"encoder {name!r} has no option {option!r}; it takes {_offer(option, options)}")
    return ENCODERS[name](**arguments)


def load_encoder(folder: str | Path) -> Encoder:
    """Read what ``encoder.save_pretrained(folder)`` wrote; in evaluation mode, as the hub's loaders leave it.

    Raises:
        ValueError: no such folder, not an encoder's folder, or weights that do not fit (all misfits listed).
    """
    config_file = Path(folder) / CONFIG_FILE
    if not config_file.is_file():
        raise ValueError(
            f"not an encoder folder: {folder} has no {CONFIG_FILE}; encoder.save_pretrained writes one"
        )
    try:
        config = json.loads(config_file.read_text(encoding="utf-8"))
        name, trained_on = config.pop("encoder"), config.pop("trained_on")
    except (AttributeError, KeyError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ValueError(f"not the config of an encoder: {config_file} ({error!r})") from error
    encoder = create_encoder(name, **config)
    read_weights(encoder, Path(folder) / WEIGHTS_FILE)
    encoder.trained_on = trained_on
    return encoder.eval()


def _offer(wrong: str, known: list[str]) -> str:
    nearest = difflib.get_close_matches(wrong, known, n=1)
    return ", ".join(known) + (f" (nearest: {nearest[0]})" if nearest else "")
