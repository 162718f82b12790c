"""Writes a planned tree: marked as generated, resumable, in processes, the same bytes whatever their number."""

import shutil
from collections import Counter
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from scipy.io import wavfile

from multimodal.corpora.manifest import GENERATED_MARK
from multimodal.files import atomic_path, write_json, write_text
from multimodal.synthetic.clip import write_audio, write_video
from multimodal.synthetic.generation import NOTICE, Progress, claimed, make_all, require_files
from multimodal.synthetic.layouts import planned
from multimodal.synthetic.layouts.studio import hear_file, hear_video, portray, show, show_mask

# Writes sound in the containers that corpora come in; bytes depend on the content alone.


#: Suffix → container format, codec, sample format.
_COMPRESSED = {".m4a": ("mp4", "aac", "fltp"), ".mp3": ("mp3", "libmp3lame", "fltp")}
_BIT_RATE = 64_000


def write_sound(path: str | Path, sound: np.ndarray, *, sample_rate: int, channels: int = 1) -> None:
    """Write ``.wav``, ``.flac``, ``.m4a`` (AAC) or ``.mp3``; only ``.wav`` takes two (equal) channels.

    Shape: sound (samples,) float mono in [-1, 1].
    """
    suffix = Path(path).suffix
    if channels != 1 and suffix != ".wav":
        raise ValueError(f"{suffix} is written with one channel here; got {channels}. Choose .wav")
    if suffix in _COMPRESSED:
        _write_compressed(Path(path), sound, sample_rate)
    elif channels == 1:
        write_audio(path, sound, sample_rate=sample_rate)
    else:
        samples = np.round(np.clip(sound, -1, 1) * 32767).astype(np.int16)
        with atomic_path(path) as temporary:
            wavfile.write(temporary, sample_rate, np.repeat(samples[:, None], channels, axis=1))


def _write_compressed(path: Path, sound: np.ndarray, sample_rate: int) -> None:
    container_format, codec, sample_format = _COMPRESSED[path.suffix]
    samples = np.clip(sound, -1, 1).astype(np.float32)[None, :]
    with (
        atomic_path(path) as temporary,
        av.open(str(temporary), "w", format=container_format, options={"fflags": "+bitexact"}) as container,
    ):
        stream: Any = container.add_stream(codec, rate=sample_rate, layout="mono")
        stream.bit_rate = _BIT_RATE
        frame = av.AudioFrame.from_ndarray(samples, format=sample_format, layout="mono")
        frame.sample_rate, frame.time_base, frame.pts = sample_rate, Fraction(1, sample_rate), 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


#: Raised when the same options would give other files, so that a half-written tree is not mixed.
_GENERATOR_VERSION = 2
_JPEG_QUALITY = 92


def write_tree(
    root: Path,
    tree: planned.Tree,
    layout: dict[str, str],
    options: planned.LayoutOptions,
    *,
    workers: int,
    progress: Progress,
) -> dict[str, int]:
    """Write what is planned, or what is lacking of it; ``layout`` is the name and the variant of the layout."""
    described = {
        "notice": NOTICE,
        **layout,
        "generator_version": _GENERATOR_VERSION,
        "options": options.as_json(),
    }
    with claimed(root, described):
        for folder in tree.roots:
            write_json(root / folder / GENERATED_MARK, described)
        media = [file for file in tree.files if isinstance(file, planned.MediaFile)]
        missing = [file for file in media if not (root / file.path).is_file()]
        make_all(make_file, root, missing, options, workers=workers, progress=progress)
        # What is copied must be there, and what is described must be there before it is described.
        for kind in (planned.CopyFile, planned.TextFile, planned.LateTextFile):
            for file in tree.files:
                if isinstance(file, kind):
                    _write_derived(root, file)
        require_files(root, [file.path for file in tree.files])
        kinds = Counter(
            _kind(file.path) for file in tree.files if isinstance(file, planned.MediaFile | planned.CopyFile)
        )
        return {
            **{kind: kinds[kind] for kind in sorted(kinds)},
            "made": len(missing),
            "kept": len(media) - len(missing),
        }


def make_file(root: Path, file: planned.MediaFile, options: planned.LayoutOptions) -> None:
    """Make one media file and move it to its place."""
    path = root / file.path
    if isinstance(file, planned.VideoFile):
        write_video(
            path,
            show(options, file),
            frame_rate=file.frame_rate,
            crf=file.crf,
            sound=hear_video(options, file),
            sample_rate=file.sample_rate,
        )
    elif isinstance(file, planned.MaskFile):
        write_video(path, show_mask(options, file), frame_rate=file.of.frame_rate, crf=file.of.crf)
    elif isinstance(file, planned.ImageFile):
        with atomic_path(path) as temporary:
            portray(options, file).save(temporary, quality=_JPEG_QUALITY)
    elif isinstance(file, planned.AudioFile):
        write_sound(path, hear_file(options, file), sample_rate=file.sample_rate, channels=file.channels)


def _write_derived(root: Path, file: planned.File) -> None:
    path = root / file.path
    if isinstance(file, planned.TextFile):
        write_text(path, file.text)
    elif isinstance(file, planned.LateTextFile):
        write_text(path, file.write(root))
    elif isinstance(file, planned.CopyFile):
        with atomic_path(path) as temporary:
            shutil.copyfile(root / file.of, temporary)


def _kind(path: str) -> str:
    suffix = path.rpartition(".")[2]
    return {"mp4": "videos", "jpg": "images", "png": "images"}.get(suffix, "audios")
