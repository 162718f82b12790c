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
['changes', 'clips', 'facenet', 'frames', 'residuals']
"""

import importlib
import inspect
import json
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from encoders.base import AudioSpec, Encoder, InputSpec, VideoSpec

__all__ = [
    "AUDIO_ENCODERS",
    "VIDEO_ENCODERS",
    "AudioSpec",
    "Encoder",
    "InputSpec",
    "VideoSpec",
    "create_encoder",
    "encoder_class",
    "list_encoders",
    "load_encoder",
    "rebuild_encoder",
]

# Every encoder by name, and where it lies. It is imported when it is asked for: timm, torchvision and transformers
# take several times as long as torch, and nobody needs all three.
VIDEO_ENCODERS = {
    "changes": "encoders.video.changes:ChangeEncoder",
    "clips": "encoders.video.clips:ClipEncoder",
    "facenet": "encoders.video.facenet:FacenetEncoder",
    "frames": "encoders.video.frames:FrameEncoder",
    "residuals": "encoders.video.residuals:ResidualEncoder",
}
AUDIO_ENCODERS = {
    "aasist": "encoders.audio.aasist:AasistEncoder",
    "spectrogram": "encoders.audio.spectrogram:SpectrogramEncoder",
    "textures": "encoders.audio.textures:TextureEncoder",
    "traces": "encoders.audio.traces:TraceEncoder",
    "wav2vec2": "encoders.audio.wav2vec2:Wav2Vec2Encoder",
}

if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        """The contract's classes, imported when they are asked for (PEP 562)."""
        if name not in ("AudioSpec", "Encoder", "InputSpec", "VideoSpec"):
            raise AttributeError(f"module 'encoders' has no attribute {name!r}")
        return getattr(importlib.import_module("encoders.base"), name)


def list_encoders(modality: str | None = None) -> list[str]:
    """Names of all encoders, or of those of one modality ("video" or "audio")."""
    if modality not in (None, "video", "audio"):
        raise ValueError(f"unknown modality {modality!r}; choose from video, audio")
    names = {"video": [*VIDEO_ENCODERS], "audio": [*AUDIO_ENCODERS], None: [*VIDEO_ENCODERS, *AUDIO_ENCODERS]}
    return sorted(names[modality])


def encoder_class(name: str) -> "type[Encoder]":
    """The class of that name, imported now; ``ValueError`` offers the nearest name and lists all."""
    places = VIDEO_ENCODERS | AUDIO_ENCODERS
    if name not in places:
        raise ValueError(f"unknown encoder {name!r}; {offer(name, list_encoders())}")
    module, _, attribute = places[name].partition(":")
    return getattr(importlib.import_module(module), attribute)


def create_encoder(name: str, **arguments: Any) -> "Encoder":
    """Build an encoder by its name in the catalog.

    >>> create_encoder("framez")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ValueError: unknown encoder 'framez'; did you mean 'frames'? Choose from aasist, changes, ...
    >>> create_encoder("frames", bakbone="resnet18")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ValueError: unknown option 'bakbone' of encoder 'frames'; did you mean 'backbone'? Choose from backbone, ...
    """
    kind = encoder_class(name)
    options = list(inspect.signature(kind.__init__).parameters)[1:]
    for option in arguments:
        if option not in options:
            raise ValueError(f"unknown option {option!r} of encoder {name!r}; {offer(option, options)}")
    return kind(**arguments)


def load_encoder(name: str | Path, **options: Any) -> "Encoder":
    """Read what ``encoder.save_pretrained(folder)`` wrote; in evaluation mode, as the hub's loaders leave it.

    Args:
        name: the folder, or the id of a repository on the Hugging Face hub, ``owner/name``, that
            ``encoder.push_to_hub`` filled. A folder of that name here comes first.
        options: of the download, as :func:`encoders.hub.find_folder` takes them, e.g. ``revision="v1"``.

    Raises:
        ValueError: no such folder, not an encoder's folder, or weights that do not fit (all misfits listed).
    """
    from encoders.folders import CONFIG_FILE, WEIGHTS_FILE, json_text, must_be_readable
    from encoders.hub import find_folder
    from encoders.learnt_from import LEARNT_FILE, LearntFrom
    from encoders.strangers import one_line
    from encoders.weights import read_weights

    folder = find_folder(name, (CONFIG_FILE, WEIGHTS_FILE, LEARNT_FILE), **options)
    config_file = folder / CONFIG_FILE
    if not config_file.is_file():
        raise ValueError(
            f"not an encoder folder: {folder} has no {CONFIG_FILE}; encoder.save_pretrained writes one. Weights "
            "that a library saved are given to an encoder: create_encoder(NAME, weights=PLACE)"
        )
    try:
        config = json.loads(json_text(config_file))
        kind, trained_on = config.pop("encoder"), config.pop("trained_on")
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError, OSError) as error:
        must_be_readable(config_file)
        raise ValueError(f"not the config of an encoder: {config_file} ({one_line(error)})") from error
    encoder = rebuild_encoder(kind, config, source=config_file)
    read_weights(encoder, folder / WEIGHTS_FILE)
    encoder.trained_on, encoder.learnt_from = str(trained_on), LearntFrom.read(folder)
    return encoder.eval()


def rebuild_encoder(name: Any, arguments: Any, *, source: str | Path) -> "Encoder":
    """Build an encoder as a file describes it, from plain values alone: no path or name in it is followed.

    Args:
        name: in the catalog.
        arguments: of the constructor, as :meth:`Encoder.arguments` gave them.
        source: the file that says so, for the error.

    Raises:
        ValueError: names weights of elsewhere, or describes no encoder of this catalog.
    """
    from encoders.base import check_plain
    from encoders.strangers import one_line, quiet_libraries

    if not isinstance(name, str) or not isinstance(arguments, dict):
        raise ValueError(f"{source} describes no encoder: want a name and its options; got {name!r:.60}")
    try:
        kind = encoder_class(name)
    except ValueError as error:
        raise ValueError(f"{source} describes no encoder: {error}") from error
    check_plain(kind, arguments, source)
    try:
        with quiet_libraries():
            return create_encoder(name, **arguments)
    except Exception as error:  # libraries raise errors of every kind for a value that they do not know
        raise ValueError(f"{source} describes no encoder that can be built: {one_line(error)}") from error


def offer(wrong: str, known: list[str]) -> str:
    """What follows "unknown ...;": the nearest choice, and all of them."""
    near = get_close_matches(wrong, known, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}? Choose" if near else "choose"
    return f"{hint} from {', '.join(known)}"
