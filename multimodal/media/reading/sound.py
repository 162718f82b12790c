"""Mono sound at an asked rate, exact to the sample on the clock of the file.

PyAV reads it, not decord: against FFmpeg's own resampler (44.1 to 16 kHz) decord's ``AudioReader`` gave the
right number of samples, but 17 samples late and with differences of up to a quarter of full scale; it also
drops the start time of the stream and does not say where a stream pauses.
"""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np
from jaxtyping import Float, Int16

from multimodal.media.errors import MediaError
from multimodal.media.reading.probe import audio_stream, decode, open_container
from multimodal.media.reading.time_grid import MAX_GAP_SECONDS

#: Clocks of containers round to a millisecond; only a larger step between two packets is a pause or an overlap.
_JITTER_SECONDS = 0.02
_MOST_PLANES = 8


class Sound(NamedTuple):
    """Mono 16-bit samples and the second, on the clock of the file, at which the first one sounds."""

    samples: Int16[np.ndarray, " samples"]
    start_seconds: float


def read_sound(
    path: Path, sample_rate: int, *, start_seconds: float | None = None, max_seconds: float | None = None
) -> Sound:
    """Decode the first sound stream, averaged to mono and resampled by FFmpeg's swresample.

    Pauses of the stream become silence, so that every sample stands at its time. What comes before
    ``start_seconds`` (default: where the stream starts) is left out; if the stream starts later, silence is put
    before it. Packets that cannot be decoded are passed over.

    Raises ``MediaError`` (stage "decode") if nothing can be decoded, or if samples are NaN or infinite.
    """
    until = math.inf if max_seconds is None else (start_seconds or 0.0) + max_seconds + 1.0
    runs = list(_runs(path, sample_rate, until))
    start = runs[0].start_seconds if start_seconds is None else start_seconds
    firsts = [round((run.start_seconds - start) * sample_rate) for run in runs]
    length = max(0, *(first + len(run.samples) for first, run in zip(firsts, runs, strict=True)))
    if max_seconds is not None:
        length = min(length, round(max_seconds * sample_rate))
    sound = np.zeros(length, dtype=np.int16)
    for first, run in zip(firsts, runs, strict=True):
        begin, end = max(first, 0), min(first + len(run.samples), length)
        if begin < end:
            sound[begin:end] = run.samples[begin - first : end - first]
    return Sound(sound, start)


class _Run:
    """A stretch without a pause, resampled as one, so that the filter sees no seam inside."""

    def __init__(self, start_seconds: float, sample_rate: int) -> None:
        self.start_seconds = start_seconds
        self.until_seconds = start_seconds
        self.form: tuple[str, str, int] | None = None
        self._resampler = av.AudioResampler(format="s16", layout="mono", rate=sample_rate)
        self._pieces: list[np.ndarray] = []

    def add(self, frame: av.AudioFrame | None) -> None:
        """Take the next frame, or None for the end."""
        if frame is not None:
            _require_numbers(frame)
        self._pieces += [piece.to_ndarray().reshape(-1) for piece in self._resampler.resample(frame)]
        if frame is not None:
            self.until_seconds += frame.samples / frame.sample_rate
            self.form = _form(frame)

    def finish(self) -> Sound:
        """All samples of the stretch."""
        self.add(None)
        return Sound(np.concatenate(self._pieces), self.start_seconds)


def _runs(path: Path, sample_rate: int, until_seconds: float) -> Iterator[Sound]:
    run: _Run | None = None
    with open_container(path) as container:
        stream = audio_stream(container)
        assert stream is not None
        for frame in decode(container, stream):
            expected = 0.0 if run is None else run.until_seconds
            time = expected if frame.time is None else frame.time
            if run is not None:
                if time - expected > MAX_GAP_SECONDS:
                    continue  # a damaged time
                if abs(time - expected) > _JITTER_SECONDS or _form(frame) != run.form:
                    yield run.finish()
                    run = None
            if run is None:
                run = _Run(time, sample_rate)
            run.add(frame)
            if run.until_seconds > until_seconds:
                break
    if run is not None:
        yield run.finish()


def _require_numbers(frame: av.AudioFrame) -> None:
    """16 bits cannot hold NaN: swresample would make a click at full scale of it, and nobody would know.

    PyAV looks for the planes of channels beyond the eighth where FFmpeg has none, and reads what is not there.
    """
    channels = frame.layout.nb_channels
    if frame.format.is_planar and channels > _MOST_PLANES:
        raise MediaError("decode", f"the sound has {channels} channels, at most {_MOST_PLANES} are read")
    if frame.format.name.startswith(("flt", "dbl")) and not np.isfinite(frame.to_ndarray()).all():
        raise MediaError("decode", "the sound has NaN or infinite samples")


def _form(frame: av.AudioFrame) -> tuple[str, str, int]:
    return frame.format.name, frame.layout.name, frame.sample_rate


# Silence at both ends of a sound, measured so that it can be trimmed or audited.


THRESHOLD = 5e-4


class Silence(NamedTuple):
    """Seconds of silence before the first and after the last sample that is heard."""

    start_seconds: float
    end_seconds: float


def measure_silence(waveform: Float[np.ndarray, " samples"], sample_rate: int) -> Silence:
    """Seconds until the first and after the last ``|x| > 5e-4``; all of it, twice, if nothing is heard.

    >>> measure_silence(np.array([0.0, 0.0, 0.5, -0.5, 0.0]), sample_rate=10)
    Silence(start_seconds=0.2, end_seconds=0.1)
    """
    heard = np.flatnonzero(np.abs(waveform) > THRESHOLD)
    if not len(heard):
        return Silence(len(waveform) / sample_rate, len(waveform) / sample_rate)
    return Silence(int(heard[0]) / sample_rate, (len(waveform) - 1 - int(heard[-1])) / sample_rate)
