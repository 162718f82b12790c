"""Small media files, written with PyAV, whose every frame says its number and whose clicks say their time."""

import os
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

SAMPLE_RATE = 16_000
BITS = 8


def draw_face(side: int, background: tuple[int, int, int] = (70, 110, 140)) -> np.ndarray:
    """A face of ellipses, which MTCNN takes for one, ``side`` pixels square."""
    image = Image.new("RGB", (480, 480), background)
    pen = ImageDraw.Draw(image)
    pen.ellipse((130, 60, 350, 300), fill=(60, 40, 30))
    pen.ellipse((140, 90, 340, 400), fill=(224, 172, 140))
    for x in (195, 285):
        pen.ellipse((x - 26, 205, x + 26, 235), fill=(250, 250, 250))
        pen.ellipse((x - 12, 207, x + 12, 233), fill=(40, 30, 20))
        pen.line((x - 32, 182, x + 32, 178), fill=(50, 30, 20), width=10)
    pen.polygon([(240, 215), (222, 295), (258, 295)], fill=(200, 145, 115))
    pen.ellipse((195, 325, 285, 360), fill=(170, 70, 70))
    return np.asarray(image.filter(ImageFilter.GaussianBlur(4)).resize((side, side)))


def numbered(picture: np.ndarray, number: int) -> np.ndarray:
    """Write a number into a picture's lowest rows as black and white squares."""
    picture = picture.copy()
    width = picture.shape[1] // BITS
    for bit in range(BITS):
        picture[-16:, bit * width : (bit + 1) * width] = 255 * (number >> bit & 1)
    return picture


def number_in(picture: np.ndarray) -> int:
    """The number that :func:`numbered` wrote."""
    width = picture.shape[1] // BITS
    bits = [picture[-12:-4, bit * width + 3 : (bit + 1) * width - 3].mean() > 127 for bit in range(BITS)]
    return sum(int(value) << bit for bit, value in enumerate(bits))


def write_media(
    path: Path,
    *,
    pictures: list[np.ndarray] | None = None,
    sound: np.ndarray | None = None,
    frame_rate: Fraction | int = 25,
    times: list[float] | None = None,
    sound_start: float = 0.0,
    video_codec: str = "libx264",
    audio_codec: str = "aac",
    sound_rate: int = 48_000,
    pixel_format: str = "yuv420p",
    options: dict[str, str] | None = None,
) -> Path:
    """Write a file whose frame k shows ``pictures[k]`` at ``times[k]`` (default: regular) and mono sound.

    ``sound`` is float at 16 kHz; it is resampled to ``sound_rate`` by FFmpeg.
    """
    with av.open(str(path), "w", options=options or {}) as container:
        video = audio = None
        if pictures is not None:
            defaults = {"libx264": {"preset": "ultrafast", "crf": "18"}, "libsvtav1": {"preset": "8", "crf": "10"}}
            video = container.add_stream(video_codec, rate=frame_rate, options=defaults.get(video_codec, {}))
            video.height, video.width = pictures[0].shape[:2]
            video.pix_fmt = pixel_format
            video.time_base = video.codec_context.time_base = Fraction(1, 12_000)
        if sound is not None:
            audio = container.add_stream(audio_codec, rate=sound_rate, layout="mono")
            audio.bit_rate = 160_000
        for number, picture in enumerate(pictures or []):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            time = Fraction(number) / Fraction(frame_rate) if times is None else Fraction(times[number])
            frame.pts, frame.time_base = round(time * 12_000), Fraction(1, 12_000)
            container.mux(video.encode(frame))
        if video is not None:
            container.mux(video.encode(None))
        if audio is not None:
            _write_sound(container, audio, sound, sound_start, sound_rate)
    return path


def _write_sound(container, audio, sound: np.ndarray, start: float, sound_rate: int) -> None:
    resampler = av.AudioResampler(
        format=audio.codec_context.format.name, layout="mono", rate=sound_rate, frame_size=audio.frame_size or 1024
    )
    source = av.AudioFrame.from_ndarray(sound[None].astype(np.float32), format="flt", layout="mono")
    source.sample_rate, source.pts, source.time_base = SAMPLE_RATE, None, Fraction(1, SAMPLE_RATE)
    position = round(start * sound_rate)
    for frame in [*resampler.resample(source), *resampler.resample(None)]:
        frame.pts, frame.time_base = position, Fraction(1, sound_rate)
        position += frame.samples
        container.mux(audio.encode(frame))
    container.mux(audio.encode(None))


def click_track(seconds: float, click_seconds: list[float]) -> np.ndarray:
    """Near silence with a short loud burst at each time, 16 kHz."""
    sound = np.random.default_rng(0).normal(0, 2e-3, round(seconds * SAMPLE_RATE))
    for click in click_seconds:
        first = round(click * SAMPLE_RATE)
        sound[first : first + 32] = 0.9 * np.hanning(34)[1:-1]
    return sound


class MakeMedia:
    """What tests use of this file, as one fixture."""

    face = staticmethod(draw_face)
    numbered = staticmethod(numbered)
    number_in = staticmethod(number_in)
    write = staticmethod(write_media)
    clicks = staticmethod(click_track)

    @staticmethod
    def speech(seconds: float, seed: int = 0) -> np.ndarray:
        """Noise that swells, loud enough to count as sound everywhere."""
        noise = np.random.default_rng(seed).normal(0, 0.1, round(seconds * SAMPLE_RATE))
        return np.clip(noise, -0.9, 0.9)

    @staticmethod
    def counting(count: int, size: tuple[int, int] = (128, 96)) -> list[np.ndarray]:
        """Pictures without a face that say their number."""
        plain = np.full((size[1], size[0], 3), (40, 90, 200), np.uint8)
        return [numbered(plain, number) for number in range(count)]

    @staticmethod
    def talking(count: int, side: int = 112) -> list[np.ndarray]:
        """Pictures of one face that say their number."""
        face = draw_face(side)
        return [numbered(face, number) for number in range(count)]


@pytest.fixture(scope="session")
def media() -> type[MakeMedia]:
    """Writers and readers of small media files."""
    return MakeMedia


@pytest.fixture(autouse=True)
def scheduled_as_others() -> Iterator[None]:
    """After a test that codes AV1: of root SVT-AV1 makes the process one of real time, which starves others."""
    yield
    os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
