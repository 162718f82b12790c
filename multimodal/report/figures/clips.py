"""Prepared clips to look at: several as crops and spectrograms, or one with its box track and its silence too."""

from collections.abc import Mapping

import numpy as np
from einops import rearrange
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.signal import spectrogram

from multimodal.media.prepared import PreparedClip
from multimodal.media.reading.sound import measure_silence
from multimodal.report.figures import style
from multimodal.report.figures.timeline import envelope

_CROPS_IN_ROW = 6
_FLOOR_DECIBELS = -80.0


def clip_gallery(clips: Mapping[str, PreparedClip]) -> Figure:
    """Crops of each clip over time under its title, and beneath them the spectrogram of its sound."""
    heights = [1.2, 1.5]
    figure = style.blank_figure("Prepared clips", sum(heights) * len(clips))
    rows = figure.add_gridspec(2 * len(clips), 1, height_ratios=heights * len(clips))
    for place, (title, clip) in enumerate(clips.items()):
        picture, sound = (figure.add_subplot(rows[2 * place + row, 0]) for row in (0, 1))
        style.panel_title(picture, style.plain(title, 44))
        _draw_crops(picture, clip)
        _draw_spectrogram(sound, clip)
    return figure


def _draw_crops(axes: Axes, clip: PreparedClip) -> None:
    style.style_axes(axes)
    axes.grid(visible=False)
    axes.set(xlabel="time of the crop, s", yticks=[])
    if clip.frames is None or not len(clip.frames):
        style.note(axes, clip.absent.get("video", "no picture"))
        return
    chosen = _evenly(len(clip.frames), _CROPS_IN_ROW)
    side = clip.frames.shape[2]
    axes.imshow(np.concatenate([clip.frames[index] for index in chosen], axis=1))
    seconds = [f"{clip.start_seconds + index / clip.frame_rate:.2f}" for index in chosen]
    axes.set_xticks((np.arange(len(chosen)) + 0.5) * side, seconds)


def _evenly(length: int, most: int) -> np.ndarray:
    """Places of at most ``most`` frames from the first to the last."""
    return np.unique(np.linspace(0, length - 1, most).round().astype(int))


def _draw_spectrogram(axes: Axes, clip: PreparedClip) -> None:
    style.style_axes(axes)
    axes.grid(visible=False)
    axes.set(xlabel="time, s", ylabel="kHz")
    if clip.waveform is None or not len(clip.waveform):
        style.note(axes, clip.absent.get("audio", "no sound"))
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
        cmap=style.SOUND_HEAT,
        vmin=_FLOOR_DECIBELS,
        vmax=0,
        rasterized=True,
    )


# One prepared clip at a glance: its crops, where the face was in the picture, and what is heard.


_SHEET_CROPS = 2 * _CROPS_IN_ROW
_CROP_EDGE = ((0, 0), (2, 2), (2, 2), (0, 0))  # pixels of paper around each crop
_ENVELOPE_POINTS = 1200


def prepared_clip_figure(clip: PreparedClip) -> Figure:
    """Contact sheet, box track and waveform over the seconds of the clip, with silence at its ends shaded."""
    heights = [1.3, 1.9, 1.4]
    figure = style.blank_figure("", sum(heights))
    grid = figure.add_gridspec(3, 1, height_ratios=heights)
    sheet, boxes, sound = (figure.add_subplot(grid[row, 0]) for row in range(3))
    end = max(clip.num_frames, 1) / clip.frame_rate
    for axes in (boxes, sound):
        style.style_axes(axes)
        axes.set(xlim=(0, end))
    sound.set_xlabel("seconds of the prepared clip")
    _draw_sheet(sheet, clip)
    _draw_boxes(boxes, clip)
    _draw_sound(sound, clip)
    return figure


def _draw_sheet(axes: Axes, clip: PreparedClip) -> None:
    axes.set_axis_off()
    if clip.frames is None or not len(clip.frames):
        style.note(axes, f"no crops: {clip.absent.get('video', 'not read')}")
        return
    framed = np.pad(clip.frames[_evenly(len(clip.frames), _SHEET_CROPS)], _CROP_EDGE, constant_values=255)
    lacking = -len(framed) % _CROPS_IN_ROW
    whole = np.pad(framed, ((0, lacking), (0, 0), (0, 0), (0, 0)), constant_values=255)
    sheet = rearrange(whole, "(row column) h w c -> (row h) (column w) c", column=_CROPS_IN_ROW)
    axes.imshow(sheet, aspect="equal", interpolation="antialiased")


def _draw_boxes(axes: Axes, clip: PreparedClip) -> None:
    style.panel_title(axes, "box in the picture, pixels")
    if clip.boxes is None or not len(clip.boxes):
        style.note(axes, "no face")
        return
    seconds = np.arange(len(clip.boxes)) / clip.frame_rate
    x0, y0, x1, y1 = clip.boxes.T
    measures = {"middle x": (x0 + x1) / 2, "middle y": (y0 + y1) / 2, "width": x1 - x0, "height": y1 - y0}
    for (name, values), colour in zip(measures.items(), style.SERIES_COLOURS, strict=False):
        axes.plot(seconds, values, label=name, color=colour, linewidth=1.4)
    style.add_legend(axes)


def _draw_sound(axes: Axes, clip: PreparedClip) -> None:
    style.panel_title(axes, "sound; silence at the ends is shaded")
    axes.set(ylim=(-1, 1))
    if clip.waveform is None or not len(clip.waveform):
        style.note(axes, f"no sound: {clip.absent.get('audio', 'not read')}")
        return
    low, high = envelope(clip.waveform, _ENVELOPE_POINTS)
    end = len(clip.waveform) / clip.sample_rate
    axes.fill_between(np.linspace(0, end, len(low)), low, high, color=style.MUTED, linewidth=0.5)
    silence = measure_silence(clip.waveform, clip.sample_rate)
    for start, stop in ((0.0, silence.start_seconds), (end - silence.end_seconds, end)):
        if stop > start:
            axes.axvspan(start, stop, color=style.SERIES_COLOURS[1], alpha=0.3, linewidth=0)
