import sys

import numpy as np
import pandas as pd
import pytest
import torch

from multimodal.corpora.manifest import Manifest
from multimodal.data.augment import Augmentation
from multimodal.data.cutting import WindowShape
from multimodal.data.order import SampleKey, in_pairs, shuffled
from multimodal.data.pseudo_fakes import (
    CopySynthesis,
    Move,
    Pair,
    Pose,
    SelfBlending,
    face_mask,
    forged_rows,
    with_pseudo_fakes,
)
from multimodal.data.vocoders import through_mel, through_phases, through_prediction
from multimodal.data.windows import EvaluationWindows, TrainingWindows
from multimodal.media.store.reader import Store

RATE = 16_000
SHAPE = WindowShape(num_frames=4, frame_size=32, frame_rate=10.0, sample_rate=RATE)


def face() -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    coarse = torch.rand(2, 3, 8, 8, generator=generator)
    return torch.nn.functional.interpolate(coarse, size=64, mode="bilinear")


def vowel(seconds=0.5) -> torch.Tensor:
    time = torch.arange(round(seconds * RATE)) / RATE
    tones = [torch.sin(2 * torch.pi * 140 * k * time + k * k) / k for k in range(1, 20)]
    return 0.1 * torch.stack(tones).sum(dim=0)


def test_a_self_blended_picture_differs_and_follows_its_generator():
    forge = SelfBlending()
    one, again, other = (forge(face(), np.random.default_rng(seed)).forged for seed in (1, 1, 2))
    assert one.shape == face().shape
    assert one.min() >= 0
    assert one.max() <= 1
    assert torch.equal(one, again)
    assert not torch.equal(one, other)
    assert (one - face()).abs().max() > 0.02


def test_the_mask_follows_the_turn_and_the_place_of_the_face():
    upright = np.array([[0.38, 0.4], [0.62, 0.4], [0.5, 0.52], [0.41, 0.64], [0.59, 0.64]])
    pose = Pose.of_points(upright)
    assert pose.centre == pytest.approx((0.5, 0.52))
    assert pose.turn == 0
    turned = Pose.of_points(upright[:, ::-1] * [1, -1] + [0, 1])  # a quarter of a turn
    assert abs(turned.turn) == pytest.approx(np.pi / 2)
    mask, other = (face_mask(96, np.random.default_rng(3), None, one)[0] for one in (pose, turned))
    tall, wide = ((one > 0.5).any(dim=axis).sum() for one, axis in ((mask, 1), (mask, 0)))
    assert tall > wide
    assert (other > 0.5).any(dim=0).sum() > (other > 0.5).any(dim=1).sum()


def test_a_head_turned_aside_has_a_narrower_mask_away_from_its_nose():
    frontal = np.array([[0.38, 0.4], [0.62, 0.4], [0.5, 0.52], [0.41, 0.64], [0.59, 0.64]])
    aside = np.array([[0.42, 0.4], [0.58, 0.4], [0.56, 0.52], [0.44, 0.64], [0.56, 0.64]])
    one, other = Pose.of_points(frontal), Pose.of_points(aside)
    assert other.half_width < one.half_width
    assert other.centre[0] < one.centre[0]


def test_genuine_picture_and_blend_differ_inside_the_mask_alone_whichever_of_them_was_changed():
    untouched = 0
    for seed in range(24):
        genuine, forged = SelfBlending()(face(), np.random.default_rng(seed))
        differs = (genuine != forged).any(dim=1)
        assert differs.any()
        assert not differs[:, :2].any()
        assert not differs[:, :, :2].any()
        inside = differs.nonzero()[:, 1:]
        assert differs.float().mean() < 0.75
        assert (inside.float().mean(dim=0) - 32).abs().max() < 8  # the face is in the middle
        untouched += torch.equal(genuine, face())
    assert 4 < untouched < 20  # half the time the target is what was changed, in both of the pair


def test_blends_that_lost_detail_are_smoother_inside_and_as_they_were_outside():
    picture = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    smooth, rough = (
        torch.stack(
            [SelfBlending(lost_detail=share)(picture, np.random.default_rng(seed)).forged[0] for seed in range(12)]
        )
        for share in (1.0, 0.0)
    )
    inner, outer = (
        (slice(None), slice(None), slice(26, 38), slice(26, 38)),
        (slice(None), slice(None), slice(0, 3)),
    )
    assert smooth[inner].std() < 0.9 * rough[inner].std()
    torch.testing.assert_close(smooth[outer], rough[outer])


def test_the_mask_goes_along_with_the_source():
    still, moved = (face_mask(64, np.random.default_rng(0), move) for move in (None, Move(0.2, 0.0, 1.0)))
    columns = torch.arange(64.0)
    middles = [(mask.sum(dim=(0, 1)) * columns).sum() / mask.sum() for mask in (still, moved)]
    assert middles[1] - middles[0] == pytest.approx(0.2 * 64, abs=2)


def test_masks_cover_the_face_softly_and_leave_the_corners():
    masks = torch.cat([face_mask(64, np.random.default_rng(seed)) for seed in range(20)])
    assert not masks[:, :4, :4].any()
    assert masks[:, 28:36, 28:36].mean() > 0.8
    assert ((masks > 0.05) & (masks < 0.95)).any(dim=2).any(dim=1).float().mean() > 0.9
    areas = masks.mean(dim=(1, 2))
    assert areas.std() > 0.02


def test_all_frames_are_blended_alike():
    still = face()[:1].expand(3, -1, -1, -1)
    blended = SelfBlending()(still, np.random.default_rng(3)).forged
    torch.testing.assert_close(blended[0], blended[2])


@pytest.mark.parametrize("vocoder", ["griffin_lim", "phases", "linear_prediction", "several"])
def test_copy_synthesis_keeps_length_and_loudness_and_changes_the_waveform(vocoder):
    breath = torch.from_numpy(np.random.default_rng(1).normal(0, 0.05, len(vowel()))).float()
    sound = vowel() + breath  # a pure vowel is so regular that a prediction gives it back
    genuine, copy = CopySynthesis(sample_rate=RATE, vocoder=vocoder)(sound, np.random.default_rng(0))
    assert torch.equal(genuine, sound)
    assert copy.shape == sound.shape
    assert copy.square().mean().sqrt() == pytest.approx(sound.square().mean().sqrt().item(), rel=0.02)
    assert (copy - sound).square().mean() > 0.05 * sound.square().mean()
    again = CopySynthesis(sample_rate=RATE, vocoder=vocoder)(sound, np.random.default_rng(0)).forged
    assert torch.equal(copy, again)


def test_a_prediction_whose_residual_is_whole_gives_the_sound_back():
    sound = vowel()
    torch.testing.assert_close(through_prediction(sound, order=16, kept=1), sound, rtol=0, atol=1e-3)
    assert not torch.allclose(through_prediction(sound, order=16, kept=3), sound, rtol=0, atol=1e-2)


def test_phases_that_are_not_disturbed_give_the_sound_back():
    generator = np.random.default_rng(0)
    copy = through_phases(vowel(), spread=0.0, window=512, generator=generator)
    torch.testing.assert_close(copy, vowel(), rtol=0, atol=1e-4)


def test_what_is_heard_survives_the_vocoder():
    sound = vowel()
    copy = through_mel(sound, RATE, window=1024, num_mels=128, rounds=16)
    spectra = [torch.stft(x, 512, window=torch.hann_window(512), return_complex=True).abs() for x in (sound, copy)]
    ours, theirs = (spectrum.flatten() - spectrum.mean() for spectrum in spectra)
    assert (ours @ theirs) / (ours.norm() * theirs.norm()) > 0.8


def test_a_sound_shorter_than_a_frame_of_the_vocoder_and_silence_are_no_error():
    forge = CopySynthesis(sample_rate=RATE)
    for vocoder in ("griffin_lim", "phases", "linear_prediction"):
        copy = CopySynthesis(sample_rate=RATE, vocoder=vocoder)(vowel(0.01), np.random.default_rng(0)).forged
        assert copy.shape == (160,)
    assert not forge(torch.zeros(4000), np.random.default_rng(0)).forged.any()


def test_world_keeps_length_and_loudness():
    pytest.importorskip("pyworld")
    copy = CopySynthesis(sample_rate=RATE, vocoder="world")(vowel(), np.random.default_rng(0)).forged
    assert copy.shape == vowel().shape
    assert copy.square().mean().sqrt() == pytest.approx(vowel().square().mean().sqrt().item(), rel=0.02)


def test_world_without_pyworld_and_an_unknown_vocoder_are_refused(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyworld", None)
    with pytest.raises(ValueError, match="the vocoder world needs pyworld"):
        CopySynthesis(sample_rate=RATE, vocoder="world")
    with pytest.raises(ValueError, match="unknown vocoder 'wrold'; did you mean 'world'"):
        CopySynthesis(sample_rate=RATE, vocoder="wrold")


def clips(**labels) -> pd.DataFrame:
    columns = {"video_fake": None, "audio_fake": None, "any_fake": None, "av_class": "x", "method": "m"}
    return pd.DataFrame({"clip_id": ["a", "b", "c"], **columns, **labels})


def test_each_genuine_clip_comes_once_more_as_a_fake():
    table = with_pseudo_fakes(clips(video_fake=[0, 1, None]), SelfBlending(), keep_fakes=False)
    assert table["clip_id"].tolist() == ["a", "a"]
    assert table["video_fake"].tolist() == [0, 1]
    assert table["method"].tolist() == ["m", "self_blended"]
    assert forged_rows(table).tolist() == [False, True]


def test_fakes_may_stay_beside_the_pseudo_fakes():
    table = with_pseudo_fakes(clips(audio_fake=[0, 1, 0]), CopySynthesis(sample_rate=RATE), keep_fakes=True)
    assert table["clip_id"].tolist() == ["a", "b", "c", "a", "c"]
    assert forged_rows(table).tolist() == [False] * 3 + [True] * 2


def test_pseudo_fakes_of_no_genuine_clip_are_refused():
    with pytest.raises(ValueError, match="made of genuine clips, and no clip has video_fake 0"):
        with_pseudo_fakes(clips(video_fake=[1, 1, None]), SelfBlending(), keep_fakes=True)


@pytest.mark.parametrize("modality", ["video", "audio"])
def test_a_genuine_window_and_its_pseudo_fake_are_one_pair(workspace, modality):
    store = Store.open(workspace / "store")
    table = Manifest.read(workspace / "manifest.parquet").clips
    genuine = table[table["av_class"] == "RVRA"].head(2)
    forge = SelfBlending() if modality == "video" else CopySynthesis(sample_rate=RATE)
    rows = with_pseudo_fakes(genuine, forge, keep_fakes=False)
    judged = EvaluationWindows(store, rows, SHAPE, windows_per_clip=1, forge=forge)
    assert [judged[row].labels[modality] for row in (0, 2)] == [0, 1]
    training = TrainingWindows(store, rows, SHAPE, seed=0, forge=forge)
    for real, fake in (
        (judged[0], judged[2]),
        (training[SampleKey(0, 0, 0)], training[SampleKey(2, 0, 0)]),
        (training[SampleKey(1, 3, 1)], training[SampleKey(3, 3, 1)]),
    ):
        real, fake = real.tensors.inputs[modality], fake.tensors.inputs[modality]
        assert not torch.equal(real, fake)
        if modality == "video":
            assert torch.equal(real[:, :, :1], fake[:, :, :1])  # outside the mask, to the bit
    one, again, later = (training[SampleKey(2, epoch, 0)].tensors.inputs[modality] for epoch in (0, 0, 1))
    assert torch.equal(one, again)
    assert not torch.equal(one, later)


def test_a_pair_is_augmented_alike(workspace):
    store = Store.open(workspace / "store")
    table = Manifest.read(workspace / "manifest.parquet").clips
    rows = with_pseudo_fakes(table[table["av_class"] == "RVRA"].head(1), SelfBlending(), keep_fakes=False)
    options = {"seed": 0, "augmentation": Augmentation(), "modalities": ("video",)}
    plain = TrainingWindows(store, rows.head(1), SHAPE, **options, forge=Unchanged())
    pair = TrainingWindows(store, rows, SHAPE, **options, forge=Unchanged())
    for epoch in range(4):
        real, fake = (pair[SampleKey(row, epoch, 0)].tensors.inputs["video"] for row in (0, 1))
        assert torch.equal(real, fake)
        assert torch.equal(real, plain[SampleKey(0, epoch, 0)].tensors.inputs["video"])


class Unchanged:
    modality = "video"
    name = "unchanged"

    def __call__(self, x, generator):
        return Pair(x, x)


def test_a_pair_stands_side_by_side_in_the_order():
    draw = in_pairs(shuffled(3, seed=1), np.array([0, 2, 4]), np.array([5, 6, 7]), 8)
    for epoch in range(3):
        genuine, forged = draw.order(epoch).reshape(-1, 2).T
        assert sorted(genuine) == [0, 2, 4]
        assert [{0: 5, 2: 6, 4: 7}[clip] for clip in genuine] == forged.tolist()
    assert draw.shares.tolist() == pytest.approx([1 / 6, 0, 1 / 6, 0, 1 / 6, 1 / 6, 1 / 6, 1 / 6])
