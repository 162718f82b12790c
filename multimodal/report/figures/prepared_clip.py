"""One prepared clip at a glance: its crops, where the face was in the picture, and what is heard."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from multimodal.media.prepared import PreparedClip
from multimodal.media.reading.sound import measure_silence
from multimodal.report.figures.canvas import add_legend, blank_figure, note, panel_title, style_axes
from multimodal.report.figures.palette import MUTED, SERIES_COLOURS
from multimodal.report.figures.timeline import envelope

_NUM_CROPS = 12
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
    _draw_crops(sheet, clip)
    _draw_boxes(boxes, clip)
    _draw_sound(sound, clip)
    return figure


def _draw_crops(axes: Axes, clip: PreparedClip) -> None:
    axes.set_axis_off()
    if clip.frames is None or not len(clip.frames):
        note(axes, f"no crops: {clip.absent.get('video', 'not read')}")
        return
    chosen = np.unique(np.linspace(0, len(clip.frames) - 1, _NUM_CROPS).round().astype(int))
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
