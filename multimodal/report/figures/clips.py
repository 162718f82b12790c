"""Prepared clips to look at: crops of the face, and the spectrogram of their sound."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.signal import spectrogram

from multimodal.media.prepared import PreparedClip
from multimodal.media.reading.sound import measure_silence
from multimodal.report.figures.style import (
    MUTED,
    SERIES_COLOURS,
    add_legend,
    blank_figure,
    note,
    panel_title,
    plain,
    style_axes,
)
from multimodal.report.figures.timeline import envelope

_NUM_CROPS = 6
_FLOOR_DECIBELS = -80.0


def clip_gallery(clips: Mapping[str, PreparedClip]) -> Figure:
    """A row a clip, by its title: crops over time at the left, the spectrogram of the sound at the right."""
    figure = blank_figure("Prepared clips", 11.0, 1.75 * len(clips) + 0.5)
    rows = figure.add_gridspec(len(clips), 2, width_ratios=[1.5, 1])
    for row, (title, clip) in enumerate(clips.items()):
        picture, sound = (figure.add_subplot(rows[row, column]) for column in (0, 1))
        panel_title(picture, plain(title, 60))
        _draw_crops(picture, clip)
        _draw_spectrogram(sound, clip)
        if row < len(clips) - 1:
            picture.set_xlabel("")
            sound.set_xlabel("")
    return figure


def _draw_crops(axes: Axes, clip: PreparedClip) -> None:
    style_axes(axes)
    axes.grid(visible=False)
    axes.set(xlabel="time of the crop, s", yticks=[])
    if clip.frames is None or not len(clip.frames):
        note(axes, clip.absent.get("video", "no picture"))
        return
    chosen = np.unique(np.linspace(0, len(clip.frames) - 1, _NUM_CROPS).round().astype(int))
    side = clip.frames.shape[2]
    axes.imshow(np.concatenate([clip.frames[index] for index in chosen], axis=1))
    seconds = [f"{clip.start_seconds + index / clip.frame_rate:.2f}" for index in chosen]
    axes.set_xticks((np.arange(len(chosen)) + 0.5) * side, seconds)


def _draw_spectrogram(axes: Axes, clip: PreparedClip) -> None:
    style_axes(axes)
    axes.grid(visible=False)
    axes.set(xlabel="time, s", ylabel="kHz")
    if clip.waveform is None or not len(clip.waveform):
        note(axes, clip.absent.get("audio", "no sound"))
        return
    window = min(512, len(clip.waveform))
    frequencies, seconds, power = spectrogram(
        clip.waveform, clip.sample_rate, nperseg=window, noverlap=window * 3 // 4
    )
    decibels = 10 * np.log10(np.maximum(power / max(power.max(), 1e-12), 10 ** (_FLOOR_DECIBELS / 10)))
    axes.pcolormesh(
        clip.start_seconds + seconds,
        frequencies / 1000,
        decibels,
        cmap="magma",
        vmin=_FLOOR_DECIBELS,
        vmax=0,
        rasterized=True,
    )


# One prepared clip at a glance: its crops, where the face was in the picture, and what is heard.


_SHEET_CROPS = 12
_ENVELOPE_POINTS = 1200


def prepared_clip_figure(clip: PreparedClip) -> Figure:
    """Contact sheet, box track and waveform over the seconds of the clip, with silence at its ends shaded."""
    figure = blank_figure("", 11.0, 4.2)
    grid = figure.add_gridspec(3, 1, height_ratios=[1.1, 1.4, 1.0])
    sheet, boxes, sound = (figure.add_subplot(grid[row, 0]) for row in range(3))
    end = max(clip.num_frames, 1) / clip.frame_rate
    for axes in (boxes, sound):
        style_axes(axes)
        axes.set(xlim=(0, end))
    sound.set_xlabel("seconds of the prepared clip")
    _draw_sheet(sheet, clip)
    _draw_boxes(boxes, clip)
    _draw_sound(sound, clip)
    return figure


def _draw_sheet(axes: Axes, clip: PreparedClip) -> None:
    axes.set_axis_off()
    if clip.frames is None or not len(clip.frames):
        note(axes, f"no crops: {clip.absent.get('video', 'not read')}")
        return
    chosen = np.unique(np.linspace(0, len(clip.frames) - 1, _SHEET_CROPS).round().astype(int))
    gap = np.full((clip.frames.shape[1], 6, 3), 255, np.uint8)
    pieces = [piece for number in chosen for piece in (clip.frames[number], gap)]
    axes.imshow(np.concatenate(pieces[:-1], axis=1), aspect="equal", interpolation="antialiased")


def _draw_boxes(axes: Axes, clip: PreparedClip) -> None:
    panel_title(axes, "box in the picture, pixels")
    if clip.boxes is None or not len(clip.boxes):
        note(axes, "no face")
        return
    seconds = np.arange(len(clip.boxes)) / clip.frame_rate
    x0, y0, x1, y1 = clip.boxes.T
    measures = {"middle x": (x0 + x1) / 2, "middle y": (y0 + y1) / 2, "width": x1 - x0, "height": y1 - y0}
    for (name, values), colour in zip(measures.items(), SERIES_COLOURS, strict=False):
        axes.plot(seconds, values, label=name, color=colour, linewidth=1.4)
    add_legend(axes)


def _draw_sound(axes: Axes, clip: PreparedClip) -> None:
    panel_title(axes, "sound; silence at the ends is shaded")
    axes.set(ylim=(-1, 1))
    if clip.waveform is None or not len(clip.waveform):
        note(axes, f"no sound: {clip.absent.get('audio', 'not read')}")
        return
    low, high = envelope(clip.waveform, _ENVELOPE_POINTS)
    end = len(clip.waveform) / clip.sample_rate
    axes.fill_between(np.linspace(0, end, len(low)), low, high, color=MUTED, linewidth=0.5)
    silence = measure_silence(clip.waveform, clip.sample_rate)
    for start, stop in ((0.0, silence.start_seconds), (end - silence.end_seconds, end)):
        if stop > start:
            axes.axvspan(start, stop, color=SERIES_COLOURS[1], alpha=0.3, linewidth=0)
