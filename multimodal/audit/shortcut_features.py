"""What can be known of a clip without looking at the face or listening to the voice, as columns of numbers.

Each family is one thing that has nothing to do with forgery and tells fakes from reals in many a corpus: facts of
the file, silence at the ends (Mueller et al. 2021, "Speech is silver, silence is golden"; leading silence in
FakeAVCeleb), loudness and average spectrum, the picture's border, size and place of the face. What a small
classifier makes of a family is a floor that a detector must beat (:mod:`multimodal.metrics.shortcut_floors`).
"""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float, UInt8

from multimodal.audit.shortcuts import NAMES, NUMBERS
from multimodal.media.prepared import PreparedClip
from multimodal.media.reading.sound import measure_silence
from multimodal.media.store.reader import AnyStore

Features = dict[str, float]

#: Frames of a clip that are looked at, the width of the border as a share of the crop, and bands of the spectrum.
NUM_FRAMES, BORDER, NUM_BANDS = 6, 0.1, 16
#: Energy at which a band counts as silent, so that its logarithm is defined.
_SILENT = 1e-10


def silence(clip: PreparedClip) -> Features:
    """Seconds of silence at the start and at the end."""
    if clip.waveform is None:
        return {}
    found = measure_silence(clip.waveform, clip.sample_rate)
    return {"start": found.start_seconds, "end": found.end_seconds}


def sound(clip: PreparedClip) -> Features:
    """Loudness and peak in decibels, and the average spectrum in bands, whatever is said."""
    if clip.waveform is None or not len(clip.waveform):
        return {}
    waveform = clip.waveform.astype(np.float64)
    energy = np.abs(np.fft.rfft(waveform)) ** 2 / len(waveform)
    bands = [float(band.mean()) for band in np.array_split(energy, NUM_BANDS) if len(band)]
    levels = {f"band {number}": _decibels(band) for number, band in enumerate(bands)}
    return {"loudness": _decibels(np.mean(waveform**2)), "peak": _decibels(np.max(waveform**2)), **levels}


def border(clip: PreparedClip) -> Features:
    """Colour, spread and fine detail of the outermost tenth of the crops, where the face is not."""
    if clip.frames is None or not len(clip.frames):
        return {}
    ring = np.concatenate([_ring(clip.frames[number]) for number in _spread(len(clip.frames))])
    red, green, blue = ring.reshape(-1, 3).mean(axis=0)
    detail = [_detail(clip.frames[number]) for number in _spread(len(clip.frames))]
    return {
        "red": red,
        "green": green,
        "blue": blue,
        "spread": float(ring.std()),
        "detail": float(np.mean(detail)),
    }


def face(clip: PreparedClip) -> Features:
    """Size and place of the face in the source picture, and how much both move."""
    if clip.boxes is None or not len(clip.boxes):
        return {}
    left, top, right, bottom = np.asarray(clip.boxes, dtype=np.float64).T
    numbers = {"width": right - left, "height": bottom - top, "x": (left + right) / 2, "y": (top + bottom) / 2}
    means = {name: float(values.mean()) for name, values in numbers.items()}
    return means | {f"{name} moves": float(values.std()) for name, values in numbers.items()}


#: Families that are read from prepared clips, and the modality that they are of.
FAMILIES: dict[str, Callable[[PreparedClip], Features]] = {
    "silence at the ends": silence,
    "loudness and spectrum": sound,
    "border of the picture": border,
    "size and place of the face": face,
}
MODALITY_OF = {
    "silence at the ends": "audio",
    "loudness and spectrum": "audio",
    "border of the picture": "video",
    "size and place of the face": "video",
}
FILE_FACTS = "facts of the file"


def shortcut_features(
    clips: pd.DataFrame,
    store: AnyStore,
    probe: pd.DataFrame | None = None,
    *,
    progress: Callable[[Iterable[str]], Iterable[str]] = iter,
) -> dict[str, pd.DataFrame]:
    """A table of numbers for each family, a row a clip in the order of ``clips``; NaN where a clip has none.

    Args:
        clips: rows of a manifest, all in the store.
        store: prepared clips.
        probe: what probing told of the files, if they were probed.
        progress: wraps the clips' names, to show how far it is.
    """
    rows: dict[str, list[Features]] = {name: [] for name in FAMILIES}
    for clip_id in progress(clips["clip_id"].tolist()):
        clip = store.read(clip_id)
        for name, measure in FAMILIES.items():
            rows[name].append(measure(clip))
    tables = {name: pd.DataFrame(found, index=clips.index, dtype=float) for name, found in rows.items()}
    return {FILE_FACTS: file_facts(clips, store, probe), **tables}


def file_facts(clips: pd.DataFrame, store: AnyStore, probe: pd.DataFrame | None) -> pd.DataFrame:
    """Size, suffix and length of the files, and with a probe table also rates, codecs and bytes a second."""
    index = store.index.set_index("clip_id").reindex(clips["clip_id"])
    facts: dict[str, Any] = {
        "size": clips["size_bytes"].to_numpy(dtype=float),
        "suffix": clips["path"].astype(object).str.rpartition(".")[2].str.lower().to_numpy(dtype=object),
        "seconds": (index["num_frames"] / index["frame_rate"]).to_numpy(dtype=float),
    }
    if probe is not None:
        told = probe.set_index("clip_id")
        told = told[~told.index.duplicated()].reindex(clips["clip_id"])
        numbers = told.assign(
            num_pixels=told["width"] * told["height"],
            bytes_per_second=facts["size"] / told["duration_seconds"].where(told["duration_seconds"] > 0),
        )
        # silence is a family of its own
        facts |= {name: numbers[name].to_numpy(dtype=float) for name in NUMBERS if "silence" not in name}
        facts |= {name: told[name].to_numpy(dtype=object) for name in NAMES}
    table = pd.DataFrame(facts, index=clips.index)
    words = [name for name in table if not pd.api.types.is_numeric_dtype(table[name])]
    return pd.get_dummies(table, columns=words, dummy_na=False, dtype=float)


def _decibels(energy: "float | np.floating[Any]") -> float:
    return float(10 * np.log10(max(float(energy), _SILENT)))


def _spread(count: int) -> list[int]:
    return sorted({round(place) for place in np.linspace(0, count - 1, NUM_FRAMES)})


def _ring(frame: UInt8[np.ndarray, "height width 3"]) -> UInt8[np.ndarray, "pixels 3"]:
    width = max(round(BORDER * frame.shape[0]), 1)
    sides = frame[:width], frame[-width:], frame[width:-width, :width], frame[width:-width, -width:]
    return np.concatenate([side.reshape(-1, 3) for side in sides])


def _detail(frame: UInt8[np.ndarray, "height width 3"]) -> float:
    """Mean difference of neighbouring pixels along the four sides of the border."""
    width = max(round(BORDER * frame.shape[0]), 1)
    grey: Float[np.ndarray, "height width"] = frame.astype(np.float64).mean(axis=2)
    sides = grey[:width], grey[-width:], grey[:, :width].T, grey[:, -width:].T
    return float(np.mean([np.abs(np.diff(side, axis=1)).mean() for side in sides]))
