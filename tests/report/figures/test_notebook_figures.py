import numpy as np
import pytest

from multimodal.audit.advice import Advice
from multimodal.audit.statistics import PartStatistics, balance_of
from multimodal.media.prepared import PreparedClip
from multimodal.report.figures import png_bytes
from multimodal.report.figures.clips import clip_gallery
from multimodal.report.figures.confusion import class_share_figure
from multimodal.report.figures.corpora import advice_tree_figure, balance_figure
from multimodal.report.figures.training import LossPoints, loss_figure


def whole(corpus, real, fake):
    balance = balance_of(real=real, fake=fake)
    return PartStatistics(corpus, "all", real + fake, {}, balance, None, None, {}, {}, 0)


def test_the_balance_figure_has_a_row_for_each_corpus_and_says_its_mark():
    figure = balance_figure([whole("fakeavceleb", 500, 21_044), whole("mine", 3, 0)])
    counts, ratios = figure.axes
    assert [bar.get_width() for bar in counts.patches] == [500, 3, 21_044, 0]
    assert [label.get_text() for label in ratios.get_yticklabels()] == [
        "FakeAVCeleb v1.2\n1 : 42.1  extreme",
        "mine\n3 : 0  one class only",
    ]
    dots = [line.get_xdata()[0] for line in ratios.lines if line.get_marker() == "o"]
    assert dots == [pytest.approx(21_044 / 500)]


def test_the_tree_of_advice_has_a_branch_a_mark_and_each_corpus_at_the_leaf_that_it_reaches():
    advice = [
        Advice(corpus, "train", balance_of(real=real, fake=fake), "", ())
        for corpus, real, fake in [("fakeavceleb", 500, 21_044), ("mine", 10, 20), ("one_sided", 3, 0)]
    ]
    (axes,) = advice_tree_figure(advice).axes
    conditions = [text.get_text() for text in axes.texts if text.get_text().endswith(("balanced", "extreme"))]
    assert conditions == ["below 3 : 1\nbalanced", "above 10 : 1\nextreme"]
    leaves = [text.get_text() for text in axes.texts if text.get_text().startswith("detector: ")]
    assert len(leaves) == 4
    assert leaves[0] == "detector: --balance class_weights --loss cross_entropy\n   mine"
    assert "tune the threshold first" in leaves[3]
    assert "--balance smote --loss focal\nbranch: --balance weighted_sampler" in leaves[3]
    assert leaves[3].endswith("FakeAVCeleb v1.2")
    assert not any("one_sided" in leaf for leaf in leaves)


def test_class_shares_add_up_to_one_for_every_strategy():
    drawn = {"none": np.array([1, 1, 4, 4]), "even": np.array([5, 5, 5, 5])}
    weighted = {"none": np.array([2, 2, 2, 2]), "even": np.array([5, 5, 5, 5])}
    left, right = class_share_figure(drawn, weighted).axes
    assert [bar.get_width() for bar in left.patches] == pytest.approx([0.1, 0.25, 0.1, 0.25, 0.4, 0.25, 0.4, 0.25])
    assert [bar.get_width() for bar in right.patches] == pytest.approx([0.25] * 8)


def test_the_loss_figure_puts_every_window_where_its_loss_is():
    probability, label = np.array([0.9, 0.5]), np.array([0, 3])
    points = {"cross entropy": LossPoints(probability, -np.log(probability), label)}
    (axes,) = loss_figure(points).axes
    dots = {line.get_label(): line.get_xydata().tolist() for line in axes.lines if line.get_marker() == "o"}
    assert dots["RVRA"] == [[0.9, pytest.approx(-np.log(0.9))]]
    assert dots["FVFA"] == [[0.5, pytest.approx(np.log(2))]]
    assert dots["RVFA"] == []


def test_the_gallery_shows_a_clip_and_says_what_another_lacks():
    whole_clip = PreparedClip(
        clip_id="mine/a",
        frame_rate=10.0,
        sample_rate=16_000,
        frames=np.zeros((8, 16, 16, 3), np.uint8),
        boxes=np.zeros((8, 4)),
        waveform=np.sin(np.arange(12_800) / 5).astype(np.float32),
    )
    silent = PreparedClip(
        clip_id="mine/b",
        frame_rate=10.0,
        sample_rate=16_000,
        frames=None,
        boxes=None,
        waveform=None,
        absent={"video": "no face found", "audio": "no audio stream"},
    )
    figure = clip_gallery({"RVRA": whole_clip, "FVFA": silent})
    picture, _, no_picture, no_sound = figure.axes
    assert picture.images[0].get_array().shape == (16, 6 * 16, 3)
    assert [text.get_text() for text in no_picture.texts] == ["no face found"]
    assert [text.get_text() for text in no_sound.texts] == ["no audio stream"]
    assert len(png_bytes(figure, dots_per_inch=40)) < len(png_bytes(figure))
