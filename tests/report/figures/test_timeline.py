import numpy as np
import pytest

from multimodal.report.figures.style import FAKE_COLOUR, MUTED, REAL_COLOUR
from multimodal.report.figures.timeline import envelope, timeline_figure
from multimodal.report.verdict import Evidence, Thumbnail, WindowScores

WINDOWS = [WindowScores(0.0, 2.0, video=0.2, audio=0.7), WindowScores(2.0, 4.0, video=0.9, audio=None)]


def thumbnails(seconds: list[float]) -> list[Thumbnail]:
    return [Thumbnail(second, np.full((8, 6, 3), 128, np.uint8)) for second in seconds]


def test_every_strip_shares_the_seconds_of_the_clip_and_has_names_on_its_axes():
    evidence = Evidence(thumbnails=thumbnails([0.5, 3.0]), waveform=np.ones(5 * 100) * 0.1, sample_rate=100)
    axes = timeline_figure(WINDOWS, {"video": 0.5, "audio": 0.5}, evidence).axes
    assert [panel.get_ylabel() for panel in axes] == ["frames", "score (higher: fake)", "sound"]
    assert [panel.get_xlabel() for panel in axes[1:]] == ["time, s"] * 2
    assert {panel.get_xlim() for panel in axes} == {(0.0, 5.0)}


def test_what_a_face_of_a_later_moment_says_stands_at_its_seconds():
    evidence = Evidence(thumbnails=thumbnails([6.5]), waveform=np.ones(200) * 0.1, sample_rate=100)
    windows = [WindowScores(6.0, 8.0, video=0.2)]
    axes = timeline_figure(windows, {"video": 0.5}, evidence, start=6.0).axes
    assert {panel.get_xlim() for panel in axes} == {(6.0, 8.0)}
    heard = axes[2].collections[0].get_paths()[0].vertices[:, 0]
    assert (heard.min(), heard.max()) == (6.0, 8.0)


def test_a_target_without_any_score_has_no_curve():
    (axes,) = timeline_figure(WINDOWS, {"video": 0.5, "any": 0.5}).axes
    names = [text.get_text() for text in axes.get_legend().get_texts()]
    assert names == ["video", "threshold 0.50 of video", "audio"]


def test_a_frame_has_the_colour_of_the_video_score_at_its_time():
    evidence = Evidence(thumbnails=thumbnails([1.0, 3.0, 9.0]))
    frames = timeline_figure(WINDOWS, {"video": 0.5}, evidence).axes[0]
    assert [line.get_color() for line in frames.lines] == [REAL_COLOUR, FAKE_COLOUR, MUTED]
    assert [line.get_xdata()[1] for line in frames.lines] == [1.0, 3.0, 9.0]


def test_of_many_frames_six_are_shown_from_first_to_last():
    evidence = Evidence(thumbnails=thumbnails(list(np.linspace(0, 4, 50))))
    frames = timeline_figure(WINDOWS, {}, evidence).axes[0]
    assert len(frames.child_axes) == 6
    assert (frames.lines[0].get_xdata()[1], frames.lines[-1].get_xdata()[1]) == (0.0, 4.0)


@pytest.mark.parametrize("samples", [1, 5, 5000])
def test_the_envelope_holds_the_extremes_of_a_sound(samples):
    waveform = np.random.default_rng(0).normal(size=samples)
    low, high = envelope(waveform, points=100)
    assert len(low) == len(high) == min(samples, 100)
    assert (low.min(), high.max()) == (waveform.min(), waveform.max())


def test_no_window_and_an_empty_sound_still_draw():
    figure = timeline_figure([], {"video": 0.5}, Evidence(waveform=np.zeros(0)))
    figure.canvas.draw()
    assert len(figure.axes) == 2
