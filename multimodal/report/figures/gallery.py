"""Prepared clips to look at: crops of the face, and the spectrogram of their sound."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.signal import spectrogram

from multimodal.media.prepared import PreparedClip
from multimodal.report.figures.canvas import blank_figure, note, panel_title, style_axes
from multimodal.report.figures.text import plain

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
