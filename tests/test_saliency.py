"""Maps of where a detector sees a forgery, held against planted ones (runs where captum is installed)."""

import sys

import numpy as np
import pytest
import torch
from judged import tiny_detector, tiny_judge
from tiny_speech import TINY_SPEECH

from benchmarks.saliency import Planted, fit, judge_maps, small_detector
from multimodal.data.cutting import WindowShape
from multimodal.media.prepared import PreparedClip
from multimodal.saliency import (
    MaskedWindow,
    band_of_bin,
    crossmodal_attention,
    explain,
    faithfulness,
    share_inside,
)

SHAPE = WindowShape(num_frames=2, frame_size=32, frame_rate=5.0, sample_rate=16_000, silent_ends="keep")
MOMENTS = 10


def window(generator, *, patch=None, tone=None, frames=True, sound=True) -> PreparedClip:
    """Smooth frames and noise; a patch is a square of stripes, a tone a note from a moment on."""
    picture = np.repeat(generator.integers(60, 190, (2, 1, 1, 3)), 32, axis=1).repeat(32, axis=2).astype(float)
    picture += 12 * np.sin(np.arange(32) / 9 + generator.uniform(0, 6))[None, :, None, None]
    if patch is not None:
        rows, columns = (slice(4 * place, 4 * place + 8) for place in patch)
        picture[:, rows, columns] += 60 * (-1.0) ** np.arange(8)[None, None, :, None]
    heard = generator.normal(size=SHAPE.num_samples) * 0.05
    if tone is not None:
        hertz, begin = tone
        span = slice(begin * 640, (begin + 3) * 640)
        heard[span] += 0.2 * np.sin(2 * np.pi * hertz * np.arange(SHAPE.num_samples)[span] / 16_000)
    return PreparedClip(
        clip_id="c",
        frame_rate=5.0,
        sample_rate=16_000,
        frames=picture.clip(0, 255).astype(np.uint8) if frames else None,
        boxes=None,
        waveform=heard.astype(np.float32) if sound else None,
        start_seconds=3.0,
    )


def planted(count: int, seed: int, *, all_fake: bool = False) -> list[Planted]:
    generator, made = np.random.default_rng(seed), []
    for number in range(count):
        fake = {"video": all_fake or number % 2 == 1, "audio": all_fake or number // 2 % 2 == 1}
        place = tuple(int(one) for one in generator.integers(0, 7, 2))
        tone = (float(generator.choice([700.0, 1500.0, 3000.0])), int(generator.integers(0, MOMENTS - 3)))
        where = {"video": np.zeros((2, 8, 8), bool), "audio": np.zeros((16, MOMENTS), bool)}
        where["video"][:, place[0] : place[0] + 2, place[1] : place[1] + 2] = True
        band = int(band_of_bin(16_000)[round(tone[0] / 31.25)])
        where["audio"][band - 1 : band + 2, tone[1] : tone[1] + 3] = True
        made.append(
            Planted(
                window(generator, patch=place if fake["video"] else None, tone=tone if fake["audio"] else None),
                fake,
                where,
            )
        )
    return made


@pytest.fixture(autouse=True)
def installed():
    pytest.importorskip("captum")


@pytest.fixture(scope="module")
def taught():
    pytest.importorskip("captum")
    detector = small_detector(0, size=32)
    fit(detector, SHAPE, planted(96, 1), steps=60, seed=0)
    return detector


@pytest.mark.parametrize(  # Grad-CAM of sound is not shown to be true, and the guide says so
    ("method", "modality"),
    [("integrated_gradients", "video"), ("integrated_gradients", "audio"), ("grad_cam", "video")],
)
def test_a_map_finds_what_was_planted_matters_more_than_chance_and_needs_the_weights(taught, method, modality):
    forged = planted(8, 2, all_fake=True)
    truth = judge_maps(taught, small_detector(7, size=32), SHAPE, forged, modality, method, orders=2)
    assert truth.inside > 2 * truth.area
    assert truth.deletion[2] < 0.01
    assert truth.insertion[2] < 0.01
    assert truth.alike < 0.5


@pytest.mark.parametrize("modality", ["video", "audio"])
def test_cells_without_which_a_window_looks_genuine_are_those_that_were_planted(taught, modality):
    (one,) = planted(1, 8, all_fake=True)
    cells = explain(taught, one.window, SHAPE, modality, "occlusion").cells
    assert share_inside(cells, one.where[modality]) > 2 * one.where[modality].mean()


@pytest.mark.parametrize("modality", ["video", "audio"])
def test_integrated_gradients_add_up_to_what_the_cells_change(taught, modality):
    one = planted(1, 3, all_fake=True)[0].window
    masked = MaskedWindow(taught, one, SHAPE, modality)
    with torch.no_grad():
        nothing, whole = masked(torch.stack([torch.zeros(masked.cells), torch.ones(masked.cells)])).tolist()
    heat = explain(taught, one, SHAPE, modality)
    assert heat.cells.sum() == pytest.approx(whole - nothing, rel=0.15, abs=0.3)
    assert (heat.start_seconds, heat.end_seconds) == (3.0, pytest.approx(3.4))


def test_with_all_cells_there_the_window_is_as_it_was(taught):
    one = planted(1, 4, all_fake=True)[0].window
    for modality in ("video", "audio"):
        masked = MaskedWindow(taught, one, SHAPE, modality)
        whole = masked._mixed(torch.ones(1, *masked.cells))
        torch.testing.assert_close(whole, masked.input, atol=1e-5, rtol=0)


def test_a_window_that_lacks_the_other_modality_is_explained_by_the_own_head(taught):
    generator = np.random.default_rng(5)
    alone = window(generator, patch=(2, 3), sound=False)
    masked = MaskedWindow(taught, alone, SHAPE, "video")
    with torch.no_grad():
        (said,) = masked(torch.ones(1, *masked.cells)).tolist()
        head = taught.classifier.modality_heads["video"](taught.encoders["video"](masked.input))
    assert said == pytest.approx(head.item(), abs=1e-4)
    with pytest.raises(ValueError, match="the window has no audio"):
        explain(taught, alone, SHAPE, "audio")


def test_the_order_of_a_curve_matters_and_its_ends_do_not(taught):
    masked = MaskedWindow(taught, planted(1, 6, all_fake=True)[0].window, SHAPE, "video")
    order = list(range(2 * 8 * 8))
    there, back = faithfulness(masked, order), faithfulness(masked, order[::-1])
    # what goes last comes first when cells are put back: the two curves are each other's mirror image
    assert there.deletion == pytest.approx(back.insertion, abs=0.02)


def test_grad_cam_is_refused_where_there_is_no_feature_map():
    speech = tiny_detector(audio=("wav2vec2", {"checkpoint": TINY_SPEECH}))
    with pytest.raises(ValueError, match="grad_cam needs frames or a spectrogram in a CNN"):
        explain(speech, window(np.random.default_rng(0)), tiny_judge().shape, "audio", "grad_cam")


def test_cross_attention_says_where_moments_look():
    detector, one = tiny_detector(fusion="cross_attention"), window(np.random.default_rng(0))
    looked = crossmodal_attention(detector, one, SHAPE)
    assert looked["video"].shape[0] == 2
    assert looked["video"].shape == looked["audio"].shape[::-1]
    for shares in looked.values():
        assert (shares >= 0).all()
        assert (shares.sum(axis=1) < 1).all()  # the rest goes to nothing in particular
    assert crossmodal_attention(tiny_detector(), one, SHAPE) is None


def test_missing_captum_is_said_in_one_line(taught, monkeypatch):
    monkeypatch.setitem(sys.modules, "captum.attr", None)
    with pytest.raises(ValueError, match=r"explaining needs captum .*pip install"):
        explain(taught, window(np.random.default_rng(0)), SHAPE, "video")
