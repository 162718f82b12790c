"""Small clips in many containers and codecs whose every frame shows its number and whose sound ticks with it."""

from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np
from av.container import OutputContainer
from av.stream import Stream
from jaxtyping import Float, UInt8

WIDTH, HEIGHT = 128, 96
BITS = 8
SOUND_RATE = 48_000
#: Frames between two ticks of the sound.
TICK_FRAMES = 8
#: Where the 33 bits of a transport stream's clock are full, less what its muxer adds at the start.
_WRAP_SECONDS = 2**33 / 90_000 - 1.4


class _Kind(NamedTuple):
    """What a container can hold: codecs, and of the odd things those that it can say."""

    codecs: tuple[tuple[str, str], ...]
    odd: frozenset[str]


_ANY_TIME = frozenset({"variable", "late picture", "late sound", "offset", "dropped"})
#: By suffix: (codec of the picture, of the sound). A program stream times the frames that begin in a pack
#: of 2 KB by the first of them: which of the others is lost nobody can tell.
KINDS = {
    "mp4": _Kind((("libx264", "aac"), ("libx265", "aac"), ("mpeg4", "libmp3lame")), _ANY_TIME | {"edited"}),
    "mov": _Kind((("libx264", "pcm_s16le"), ("mjpeg", "aac"), ("libx265", "aac")), _ANY_TIME | {"edited"}),
    "mkv": _Kind((("libx264", "flac"), ("libvpx", "libopus"), ("ffv1", "pcm_s16le")), _ANY_TIME),
    "webm": _Kind((("libvpx", "libopus"), ("libvpx-vp9", "libopus")), _ANY_TIME),
    "ts": _Kind((("libx264", "aac"), ("mpeg2video", "mp2"), ("libx265", "aac")), _ANY_TIME | {"wrapped"}),
    "mpg": _Kind(
        (("mpeg2video", "mp2"), ("mpeg1video", "mp2"), ("libx264", "mp2")), frozenset({"late sound", "offset"})
    ),
    "avi": _Kind((("mpeg4", "pcm_s16le"), ("mjpeg", "pcm_s16le"), ("libx264", "pcm_s16le")), frozenset()),
    "flv": _Kind((("libx264", "aac"), ("flv", "aac")), _ANY_TIME - {"offset"}),
    "wmv": _Kind((("wmv2", "wmav2"),), frozenset({"late sound"})),
}
#: Codecs that write frames in another order than they are shown.
_REORDER = {"libx264": 3, "libx265": 3, "mpeg2video": 2, "mpeg1video": 2, "mpeg4": 2}
_MUXERS = {"mkv": "matroska", "ts": "mpegts", "mpg": "mpeg", "wmv": "asf"}
_OPTIONS = {
    "libx264": {"preset": "ultrafast", "crf": "16"},
    "libx265": {"preset": "ultrafast", "crf": "14", "x265-params": "log-level=none"},
    "libvpx": {"deadline": "realtime", "cpu-used": "8"},
    "libvpx-vp9": {"deadline": "realtime", "cpu-used": "8"},
}
_PIXELS = {"mjpeg": "yuvj420p", "ffv1": "yuv420p"}


@dataclass(frozen=True, kw_only=True)
class Variant:
    """One way to write the clip.

    Args:
        suffix: of the file, a key of :data:`KINDS`.
        codecs: of picture and sound.
        odd: what is unusual: variable frame rate, late picture, late sound, a start far from 0 ("offset"), an edit
            list that leaves frames out at the start ("edited"), a clock that begins anew ("wrapped"), packets of
            picture and sound left out ("dropped").
        frame_rate: frames a second, on average where it varies.
        key_distance: a key frame every so many frames.
        b_frames: frames in a row that refer to later ones.
        grid_rate: points a second at which the clip is read.
        noise: of the picture, in steps of 255; more makes frames larger.
    """

    seed: int
    suffix: str
    codecs: tuple[str, str]
    odd: frozenset[str] = field(default_factory=frozenset)
    frame_rate: Fraction = Fraction(25)
    num_frames: int = 60
    key_distance: int = 12
    b_frames: int = 0
    grid_rate: float = 25.0
    noise: int = 0

    def __str__(self) -> str:
        odd = ", ".join(sorted(self.odd)) or "plain"
        return (
            f"{self.seed}: {self.suffix} {'+'.join(self.codecs)}, {self.num_frames} frames at "
            f"{float(self.frame_rate):.5g}, key every {self.key_distance}, {self.b_frames} B; {odd}; "
            f"read at {self.grid_rate:g}" + f", noise {self.noise}" * (self.noise > 0)
        )


class Truth(NamedTuple):
    """What a clip shows: seconds of the frames that are in the file, by number, on a clock of its own.

    Pictures of ``spoilt`` numbers lack what they refer to. ``ticks`` are the seconds at which the sound ticks.
    """

    times: dict[int, float]
    spoilt: frozenset[int]
    ticks: tuple[float, ...]


def draw_variant(seed: int) -> Variant:
    """The variant of a seed; containers come in turn, everything else is drawn."""
    rng = np.random.default_rng(seed)
    suffix = list(KINDS)[seed % len(KINDS)]
    kind = KINDS[suffix]
    codecs = kind.codecs[rng.integers(len(kind.codecs))]
    possible = sorted(kind.odd - ({"variable"} if codecs[0] == "mpeg2video" else set()))
    odd = frozenset(possible[place] for place in rng.permutation(len(possible))[: rng.integers(0, 3)])
    rates = (Fraction(25), Fraction(30), Fraction(30_000, 1001), Fraction(24), Fraction(50))
    return Variant(
        seed=seed,
        suffix=suffix,
        codecs=codecs,
        odd=odd,
        frame_rate=rates[rng.integers(len(rates))],
        num_frames=int(rng.integers(50, 120)),
        key_distance=int(rng.choice([1, 5, 12, 25, 60, 250])),
        b_frames=int(rng.integers(0, 1 + _REORDER.get(codecs[0], 0))),
        grid_rate=float(rng.choice([25.0, 30.0, 12.5])),
        noise=int(rng.choice([0, 4, 15, 60])) if suffix == "mpg" else 0,
    )


def number_in(picture: UInt8[np.ndarray, "height width 3"]) -> int:
    """The number that a picture shows in its lowest rows."""
    width = WIDTH // BITS
    bits = [picture[-12:-4, bit * width + 3 : (bit + 1) * width - 3].mean() > 127 for bit in range(BITS)]
    return sum(int(value) << bit for bit, value in enumerate(bits))


def write_variant(variant: Variant, path: Path) -> Truth:
    """Write the clip and say what it shows."""
    rng = np.random.default_rng([variant.seed, 1])
    times = _frame_times(variant, rng)
    ticks = tuple(float(times[number]) for number in range(TICK_FRAMES // 2, len(times), TICK_FRAMES))
    options = {"avoid_negative_ts": "disabled"} if "edited" in variant.odd else {}
    if "wrapped" in variant.odd:
        options["output_ts_offset"] = str(_WRAP_SECONDS - float(times[-1]) / 2)
    elif "offset" in variant.odd and "edited" not in variant.odd:  # which is what lies before second 0
        options["output_ts_offset"] = "7.25"
    with av.open(str(path), "w", format=_MUXERS.get(variant.suffix, variant.suffix), options=options) as container:
        picture, sound = _add_streams(variant, container)
        packets = [*_picture_packets(variant, picture, times), *_sound_packets(variant, sound, times, ticks)]
        kept, truth = _drop(variant, packets, picture, times, ticks, rng)
        kept.sort(key=lambda packet: packet.dts * packet.time_base)
        for packet in kept:
            container.mux(packet)
    return truth


def _frame_times(variant: Variant, rng: np.random.Generator) -> list[Fraction]:
    step = 1 / variant.frame_rate
    if "variable" in variant.odd:
        steps = rng.choice([20, 30, 40, 70, 110], variant.num_frames)
        times = [Fraction(int(milliseconds), 1000) for milliseconds in np.cumsum(steps)]
    else:
        times = [number * step for number in range(variant.num_frames)]
    first = times[0] - (8 * step if "late picture" in variant.odd else 0)
    if "edited" in variant.odd:  # what is shown before second 0 is left out by the edit list
        first = times[7]
    return [time - first for time in times]


def _add_streams(variant: Variant, container: OutputContainer) -> tuple[Stream, Stream]:
    codec, sound_codec = variant.codecs
    options = dict(_OPTIONS.get(codec, {}))
    if variant.b_frames:
        options["bf"] = str(variant.b_frames)
    if codec == "libx265":
        options["x265-params"] += f":keyint={variant.key_distance}:bframes={variant.b_frames}"
    picture = container.add_stream(codec, rate=variant.frame_rate, options=options)
    picture.width, picture.height, picture.pix_fmt = WIDTH, HEIGHT, _PIXELS.get(codec, "yuv420p")
    picture.codec_context.gop_size = variant.key_distance
    picture.codec_context.thread_count = 1
    if codec not in ("libx264", "libx265", "ffv1"):
        picture.bit_rate = 4_000_000
    if "variable" in variant.odd:
        picture.codec_context.time_base = Fraction(1, 1000)
    sound_rate = 44_100 if variant.suffix == "flv" else SOUND_RATE
    sound = container.add_stream(sound_codec, rate=sound_rate, layout="mono")
    sound.bit_rate = 128_000
    return picture, sound


def _picture_packets(variant: Variant, stream: Stream, times: list[Fraction]) -> list[av.Packet]:
    base = stream.codec_context.time_base or 1 / variant.frame_rate
    packets = []
    for number, time in enumerate(times):
        frame = av.VideoFrame.from_ndarray(_picture(number, variant.noise), format="rgb24")
        frame.pts, frame.time_base = round(time / base), base
        packets += stream.encode(frame)
    return [*packets, *stream.encode(None)]


def _picture(number: int, noise: int) -> UInt8[np.ndarray, "height width 3"]:
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    picture = np.stack([rows * 2, (columns + 3 * number) % 256, (rows + columns) % 256], axis=2).astype(np.uint8)
    if noise:
        picture[:-16] = np.clip(
            picture[:-16] + np.random.default_rng(number).normal(0, noise, (HEIGHT - 16, WIDTH, 1)), 0, 255
        )
    width = WIDTH // BITS
    for bit in range(BITS):
        picture[-16:, bit * width : (bit + 1) * width] = 255 * (number >> bit & 1)
    return picture


def _sound_packets(
    variant: Variant, stream: Stream, times: list[Fraction], ticks: tuple[float, ...]
) -> list[av.Packet]:
    start = float(times[0]) if "edited" in variant.odd else 0.0
    start += 0.35 if "late sound" in variant.odd else 0.0
    rate = stream.codec_context.sample_rate
    sound = _ticking(start, float(times[-1]) + 0.2, ticks, rate)
    resampler = av.AudioResampler(
        format=stream.codec_context.format.name,
        layout="mono",
        rate=rate,
        frame_size=stream.codec_context.frame_size or 1024,
    )
    whole = av.AudioFrame.from_ndarray(sound[None], format="flt", layout="mono")
    whole.sample_rate = rate
    packets, position = [], round(start * rate)
    for frame in [*resampler.resample(whole), *resampler.resample(None)]:
        frame.pts, frame.time_base = position, Fraction(1, rate)
        position += frame.samples
        packets += stream.encode(frame)
    return [*packets, *stream.encode(None)]


def _ticking(start: float, end: float, ticks: tuple[float, ...], rate: int) -> Float[np.ndarray, " samples"]:
    sound = np.random.default_rng(0).normal(0, 1e-3, round((end - start) * rate))
    burst = 0.9 * np.hanning(round(rate * 2e-3) + 2)[1:-1]
    for tick in ticks:
        first = round((tick - start) * rate)
        if 0 <= first <= len(sound) - len(burst):
            sound[first : first + len(burst)] = burst
    return sound.astype(np.float32)


def _drop(
    variant: Variant,
    packets: list[av.Packet],
    picture: Stream,
    times: list[Fraction],
    ticks: tuple[float, ...],
    rng: np.random.Generator,
) -> tuple[list[av.Packet], Truth]:
    """Leave out what the variant drops, and say what is in the file then."""
    pictures = [packet for packet in packets if packet.stream is picture]
    sounds = [packet for packet in packets if packet.stream is not picture]
    seconds = {number: float(time) for number, time in enumerate(times)}
    start = sounds[0].pts * float(sounds[0].time_base)
    heard = [tick for tick in ticks if tick >= max(start, 0.0) + 0.1]
    if "dropped" not in variant.odd:
        return packets, Truth(seconds, frozenset(), tuple(heard))
    shown = {packet.pts: number for number, packet in enumerate(sorted(pictures, key=lambda packet: packet.pts))}
    late_places = np.arange(len(pictures) // 4, len(pictures))
    lost = set(rng.choice(late_places, rng.integers(1, 6), replace=False).tolist())
    spoilt = _spoilt(pictures, shown, lost)
    for place in lost:
        del seconds[shown[pictures[place].pts]]
    silent = set(rng.choice(np.arange(4, len(sounds)), 3, replace=False).tolist())
    gone = [sounds[place].pts * float(sounds[place].time_base) for place in silent]
    heard = [tick for tick in heard if all(abs(tick - second) > 0.15 for second in gone)]
    kept = [packet for place, packet in enumerate(pictures) if place not in lost]
    kept += [packet for place, packet in enumerate(sounds) if place not in silent]
    return kept, Truth(seconds, frozenset(spoilt), tuple(heard))


def _spoilt(pictures: list[av.Packet], shown: dict[int, int], lost: set[int]) -> set[int]:
    """Frames that may refer to one that is lost: all after it, in the order of the file, to the next key frame.

    What follows a key frame in the file but is shown before it may refer to those as well.
    """
    spoilt: set[int] = set()
    is_whole, key = True, 0
    for place, packet in enumerate(pictures):
        if packet.is_keyframe and place not in lost:
            before_key, is_whole, key = is_whole, True, packet.pts
            leading_spoilt = not before_key
        elif place in lost:
            is_whole = False
        if not is_whole or (packet.pts < key and leading_spoilt):
            spoilt.add(shown[packet.pts])
    return spoilt
