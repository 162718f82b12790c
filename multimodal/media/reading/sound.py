"""Mono sound at an asked rate, exact to the sample on the clock of the file.

PyAV reads it, not decord: against FFmpeg's own resampler (44.1 to 16 kHz) decord's ``AudioReader`` gave the
right number of samples, but 17 samples late and with differences of up to a quarter of full scale; it also
drops the start time of the stream and does not say where a stream pauses.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, islice, pairwise
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np
from jaxtyping import Int16, Shaped

from multimodal.media.errors import MediaError
from multimodal.media.reading.channels import Channels, Mix
from multimodal.media.reading.interleaved import Interleaved
from multimodal.media.reading.packets import COUNTS_ALONE, is_other_clock
from multimodal.media.reading.probe import UNEQUAL_SECONDS, decode, open_container
from multimodal.media.reading.streams import audio_tracks, passed_over, taken_instead
from multimodal.media.reading.time_grid import MAX_GAP_SECONDS

#: Clocks of containers round to a millisecond; only a larger step between two packets is a pause or an overlap. It
#: is less than a packet of the sound, so that one that was lost is noticed.
_JITTER_SECONDS, _JITTER_SHARE = 0.02, 0.75
_ROUNDING_SECONDS = 5e-3
#: So many frames tell whether a header knows how long they are.
_FIRST_FRAMES = 50
#: Silence in the place of sound that is missing is told from here on: of speech a syllable.
_GAP_SECONDS = 0.1
#: A step back of more is a clock that was set back: what was heard stays, as the pictures shown do.
_BACK_SECONDS = 1.0
#: Less than telephone speech holds no voice to judge, and a few bytes of it would become megabytes at 16 kHz.
_LEAST_RATE, _MOST_RATE = 4_000, 384_000
#: All of a sound is in memory: 0.5 GB at 16 kHz. Pauses cost no bytes in the file, so they have a bound too;
#: beyond it they may be this many times what is heard (a call that only sends while somebody speaks has ten).
_MOST_SECONDS = 4 * 3600.0
_MOST_PAUSE_SECONDS, _MOST_PAUSE_SHARE = 600.0, 30.0
#: A track that is hardly ever louder (-48 dB) is left for one that is ten times as loud; one that holds nothing
#: (-80 dB), for one that whispers. How loud a track is says not its peak, which may be a click, but what its
#: loudest 50 ms reach together for up to a second.
_FAINT, _FAR_LOUDER, _NOTHING = 4e-3, 10.0, 1e-4
_BLOCK_SECONDS, _LEAST_BLOCKS, _MOST_BLOCKS = 0.05, 3, 20


class Sound(NamedTuple):
    """Mono 16-bit samples and the second, on the clock of the file, at which the first one sounds.

    ``note`` says in words which track or channel was taken, where that is not the first or not what players would
    play, and how much is missing.
    """

    samples: Int16[np.ndarray, " samples"]
    start_seconds: float
    note: str | None = None

    @property
    def peak(self) -> float:
        """The loudest sample, 1 at full scale."""
        return max(-int(self.samples.min(initial=0)), int(self.samples.max(initial=0))) / 2**15

    def loudness(self, sample_rate: int) -> float:
        """The effective value, 1 at full scale, that the loudest tenth of it has (a second at most)."""
        length = round(_BLOCK_SECONDS * sample_rate)
        blocks = self.samples[: len(self.samples) // length * length].reshape(-1, length)
        if not len(blocks):
            return self.peak
        powers = np.sort(np.einsum("bs,bs->b", blocks, blocks, dtype=np.float64))[::-1]
        num_loud = min(max(len(blocks) // 10, _LEAST_BLOCKS), _MOST_BLOCKS, len(blocks))
        return math.sqrt(float(powers[num_loud - 1]) / length) / 2**15


def read_sound(
    path: Path, sample_rate: int, *, start_seconds: float | None = None, max_seconds: float | None = None
) -> Sound:
    """Decode the first track of sound that is heard, averaged to mono and resampled by FFmpeg's swresample.

    First is what the file marks as default, and last what it marks as a comment, a dub or the like. Of channels
    that cancel each other, in a part of the time or of what they play, only the louder is taken. Pauses become
    silence, so that every sample stands at its time. ``note`` says so, and where the first track is silent.
    What comes before ``start_seconds`` (default: where the stream starts) is left out; if the stream starts later,
    silence is put before it. Packets that cannot be decoded are passed over.

    Raises ``MediaError`` (stage "decode") if nothing can be decoded, if samples are NaN or infinite, or if the
    sample rate, the length or the pauses are out of bounds, or the file has no sound.
    """
    part = _Part(path, sample_rate, start_seconds, max_seconds)
    with open_container(path) as container:
        tracks = audio_tracks(container)
    if not tracks:
        raise MediaError("decode", "the file has no sound")
    if len(tracks) == 1:
        return part.read(0)
    first: Sound | MediaError | None = None
    faint = 0.0
    for place, track in enumerate(tracks):
        try:
            sound = part.read(place)
        except MediaError as error:
            first = first or error
            continue
        loudness = sound.loudness(sample_rate)
        if first is None:
            first, faint = sound, loudness
            if loudness > _FAINT:
                break
        elif loudness > _FAR_LOUDER * max(faint, _NOTHING) and (loudness > _FAINT or faint < _NOTHING):
            why = "is silent" if isinstance(first, Sound) else "cannot be read"
            note = taken_instead("sound", tracks[0], why, track, len(tracks))
            return sound._replace(note=_told(note, sound.note))
    assert first is not None
    if isinstance(first, MediaError):
        raise first
    return first._replace(note=_told(passed_over("sound", tracks), first.note))


# One track, from its runs between pauses.


class _Part(NamedTuple):
    """What is asked of a file's sound."""

    path: Path
    sample_rate: int
    start_seconds: float | None
    max_seconds: float | None

    def read(self, track: int) -> Sound:
        """The asked part of one track; of channels that cancel each other the louder."""
        channels = Channels()
        runs = list(_runs(self, track, channels.hear))
        chosen = channels.chosen()
        if chosen is None:
            return self._join(runs)
        sound = self._join(list(_runs(self, track, chosen.take)))
        return sound._replace(note=_told(chosen.note, sound.note))

    def _join(self, runs: list[Sound]) -> Sound:
        """The runs at their times, and a note of what is missing between them."""
        sample_rate = self.sample_rate
        start = runs[0].start_seconds if self.start_seconds is None else self.start_seconds
        firsts = [round((run.start_seconds - start) * sample_rate) for run in runs]
        length = max(0, *(first + len(run.samples) for first, run in zip(firsts, runs, strict=True)))
        if self.max_seconds is not None:
            length = min(length, round(self.max_seconds * sample_rate))
        sound = np.zeros(length, dtype=np.int16)
        for first, run in zip(firsts, runs, strict=True):
            begin, end = max(first, 0), min(first + len(run.samples), length)
            if begin < end:
                sound[begin:end] = run.samples[begin - first : end - first]
        ends = [first + len(run.samples) for first, run in zip(firsts, runs, strict=True)]
        edges = np.clip([firsts, ends], 0, length) / sample_rate
        late = None if self.start_seconds is None else _late(float(edges[0, 0]))
        return Sound(sound, start, _told(late, _missing((edges[0, 1:] - edges[1, :-1]).tolist())))


def _late(seconds: float) -> str | None:
    return f"the sound begins {seconds:.2f} seconds after the picture" if seconds > UNEQUAL_SECONDS else None


def _missing(steps: Sequence[float]) -> str | None:
    """What is told of seconds between runs; below 0 they overlap.

    Clocks tremble by less than a tenth of a second: such steps count where they do not make up for each other.
    """
    gaps = [step for step in steps if step > _GAP_SECONDS]
    short = [step for step in steps if 0 < abs(step) <= _GAP_SECONDS]
    if sum(short) > _GAP_SECONDS:
        gaps += short
    if not gaps:
        return None
    places = sum(step > 0 for step in gaps)
    return f"{sum(gaps):.2f} seconds of sound missing in {places} place{'s' * (places > 1)}"


def _told(*notes: str | None) -> str | None:
    return "; ".join(filter(None, notes)) or None


class _Run:
    """A stretch without a pause, resampled as one, so that the filter sees no seam inside."""

    def __init__(self, start_seconds: float, sample_rate: int) -> None:
        self.start_seconds = start_seconds
        self.until_seconds = start_seconds
        self.form: tuple[str, str, int] | None = None
        self._resampler = av.AudioResampler(format="s16", layout="mono", rate=sample_rate)
        self._pieces: list[np.ndarray] = []

    def add(self, frame: av.AudioFrame) -> None:
        """Take the next frame."""
        self._resample(frame)
        self.until_seconds += frame.samples / frame.sample_rate
        self.form = _form(frame)

    def finish(self) -> Sound:
        """All samples of the stretch."""
        self._resample(None)
        pieces, self._pieces = self._pieces, []  # a film's sound is a quarter of a gigabyte
        return Sound(np.concatenate(pieces), self.start_seconds)

    def _resample(self, frame: av.AudioFrame | None) -> None:
        self._pieces += [piece.to_ndarray().reshape(-1) for piece in self._resampler.resample(frame)]


def _runs(part: _Part, track: int, choose: Callable[[av.AudioFrame], av.AudioFrame]) -> Iterator[Sound]:
    run: _Run | None = None
    length = _Length()
    until: float | None = None
    with open_container(part.path) as container:
        stream = audio_tracks(container)[track].stream
        decoded = decode(container, stream)
        frames = _believed(decoded) if container.format.name in COUNTS_ALONE else decoded
        for mixable in _mixable(frames, Interleaved(stream)):
            _require_bounds(mixable)
            frame = choose(mixable)
            expected = 0.0 if run is None else run.until_seconds
            time = expected if frame.time is None else frame.time
            if run is not None:
                if not -_BACK_SECONDS <= time - expected <= MAX_GAP_SECONDS:
                    continue  # a damaged time
                jitter = min(_JITTER_SECONDS, _JITTER_SHARE * frame.samples / frame.sample_rate)
                if abs(time - expected) > max(jitter, _ROUNDING_SECONDS) or _form(frame) != run.form:
                    length.pause(time - expected)
                    yield run.finish()
                    run = None
            if until is None:
                start = time if part.start_seconds is None else part.start_seconds
                until = math.inf if part.max_seconds is None else start + part.max_seconds + 1.0
            if run is None:
                run = _Run(time, part.sample_rate)
            run.add(frame)
            length.hear(frame.samples / frame.sample_rate)
            if run.until_seconds > until:
                break
    if run is not None:
        yield run.finish()


def _mixable(frames: Iterator[av.AudioFrame], interleaved: Interleaved) -> Iterator[av.AudioFrame]:
    """Frames without those of channels that nobody knows to mix, which damaged packets claim.

    Raises ``MediaError`` (stage "decode") where the first are all so.
    """
    reasons: dict[str, MediaError | None] = {"mono": None}
    reason: MediaError | None = None
    num_left = num_given = 0
    for decoded in frames:
        try:
            frame = interleaved.of(decoded)
            if (layout := frame.layout.name) not in reasons:
                reasons[layout] = _why_not_mixed(frame)
            reason = reasons[layout]
        except MediaError as error:
            reason = error
        if reason is None:
            num_given += 1
            yield frame
            continue
        num_left += 1
        if not num_given and num_left == _FIRST_FRAMES:
            raise reason
    if not num_given and reason is not None:
        raise reason


def _why_not_mixed(frame: av.AudioFrame) -> MediaError | None:
    try:
        Mix.of(frame)
    except MediaError as error:
        return error
    return None


def _believed(frames: Iterator[av.AudioFrame]) -> Iterator[av.AudioFrame]:
    """Frames without their times where these come from a header that does not know how long a packet lasts.

    Some writers of AVI call those of MP3 below 32 kHz twice as long as they are.
    """
    first = list(islice(frames, _FIRST_FRAMES))
    steps = [
        (after.time - before.time) * before.sample_rate / before.samples
        for before, after in pairwise(first)
        if before.time is not None and after.time is not None and after.time > before.time
    ]
    is_other = len(steps) > 0 and is_other_clock(float(np.median(steps)))
    for frame in chain(first, frames):
        if is_other:
            frame.pts = None
        yield frame


class _Length:
    """Counts seconds of sound, and of pauses, which become samples without a byte in the file."""

    def __init__(self) -> None:
        self._heard = self._paused = 0.0

    def hear(self, seconds: float) -> None:
        self._heard += seconds
        if self._heard + self._paused > _MOST_SECONDS:
            raise MediaError("decode", f"the sound lasts more than {_MOST_SECONDS / 3600:.0f} hours; cut it up")

    def pause(self, seconds: float) -> None:
        self._paused += max(0.0, seconds)
        if self._paused > max(_MOST_PAUSE_SECONDS, _MOST_PAUSE_SHARE * self._heard):
            raise MediaError("decode", "the sound is nearly all pauses: its times cannot be believed")


def _require_bounds(frame: av.AudioFrame) -> None:
    """16 bits cannot hold NaN: swresample would make a click at full scale of it, and nobody would know."""
    if not _LEAST_RATE <= frame.sample_rate <= _MOST_RATE:
        bounds = f"{_LEAST_RATE:,} to {_MOST_RATE:,} are read"
        raise MediaError("decode", f"the sound has {frame.sample_rate:,} samples a second; {bounds}")
    if frame.format.name.startswith(("flt", "dbl")) and not np.isfinite(frame.to_ndarray()).all():
        raise MediaError("decode", "the sound has NaN or infinite samples")


def _form(frame: av.AudioFrame) -> tuple[str, str, int]:
    return frame.format.name, frame.layout.name, frame.sample_rate


# Silence at both ends of a sound, measured so that it can be trimmed or audited.


#: Sixteen steps of a 16-bit sample: louder than dither, softer than a room.
THRESHOLD = 5e-4


class Silence(NamedTuple):
    """Seconds of silence before the first and after the last sample that is heard."""

    start_seconds: float
    end_seconds: float


def measure_silence(waveform: Shaped[np.ndarray, " samples"], sample_rate: int) -> Silence:
    """Seconds until the first and after the last ``|x| > 5e-4``; all of it, twice, if nothing is heard.

    Samples are numbers in [-1, 1], or of 16 bits.

    >>> measure_silence(np.array([0.0, 0.0, 0.5, -0.5, 0.0]), sample_rate=10)
    Silence(start_seconds=0.2, end_seconds=0.1)
    """
    threshold = THRESHOLD * (2**15 if waveform.dtype == np.int16 else 1)
    heard = (waveform > threshold) | (waveform < -threshold)
    if not heard.any():
        return Silence(len(waveform) / sample_rate, len(waveform) / sample_rate)
    return Silence(int(heard.argmax()) / sample_rate, int(heard[::-1].argmax()) / sample_rate)
