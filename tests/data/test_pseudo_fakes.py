import sys

import numpy as np
import pandas as pd
import pytest
import torch

from multimodal.corpora.manifest import Manifest
from multimodal.data.order import SampleKey
from multimodal.data.pseudo_fakes import (
    CopySynthesis,
    SelfBlending,
    face_mask,
    forged_rows,
    through_mel,
    with_pseudo_fakes,
)
from multimodal.data.windows import EvaluationWindows, TrainingWindows, WindowShape
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
    one, again, other = (forge(face(), np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert one.shape == face().shape
    assert one.min() >= 0
    assert one.max() <= 1
    assert torch.equal(one, again)
    assert not torch.equal(one, other)
    assert (one - face()).abs().max() > 0.02


def test_what_lies_outside_the_mask_is_one_of_source_and_target_untouched():
    untouched = 0
    for seed in range(12):
        blended = SelfBlending()(face(), np.random.default_rng(seed))
        untouched += torch.equal(blended[..., :2, :2], face()[..., :2, :2])
    assert 0 < untouched < 12  # the background is the genuine picture, or the changed one


def test_masks_cover_the_face_softly_and_leave_the_corners():
    masks = torch.cat([face_mask(64, np.random.default_rng(seed)) for seed in range(20)])
    assert not masks[:, :4, :4].any()
    assert masks[:, 28:36, 28:36].mean() > 0.8
    assert ((masks > 0.05) & (masks < 0.95)).any(dim=2).any(dim=1).float().mean() > 0.9
    areas = masks.mean(dim=(1, 2))
    assert areas.std() > 0.02


def test_all_frames_are_blended_alike():
    still = face()[:1].expand(3, -1, -1, -1)
    blended = SelfBlending()(still, np.random.default_rng(3))
    torch.testing.assert_close(blended[0], blended[2])


def test_copy_synthesis_keeps_length_and_loudness_and_changes_the_waveform():
    sound = vowel()
    copy = CopySynthesis(sample_rate=RATE)(sound, np.random.default_rng(0))
    assert copy.shape == sound.shape
    assert copy.square().mean().sqrt() == pytest.approx(sound.square().mean().sqrt().item(), rel=0.02)
    assert (copy - sound).square().mean() > 0.1 * sound.square().mean()
    assert torch.equal(copy, CopySynthesis(sample_rate=RATE)(sound, np.random.default_rng(0)))


def test_what_is_heard_survives_the_vocoder():
    sound = vowel()
    copy = through_mel(sound, RATE, window=1024, num_mels=128, rounds=16)
    spectra = [torch.stft(x, 512, window=torch.hann_window(512), return_complex=True).abs() for x in (sound, copy)]
    ours, theirs = (spectrum.flatten() - spectrum.mean() for spectrum in spectra)
    assert (ours @ theirs) / (ours.norm() * theirs.norm()) > 0.8


def test_a_sound_shorter_than_a_frame_of_the_vocoder_and_silence_are_no_error():
    forge = CopySynthesis(sample_rate=RATE)
    assert forge(vowel(0.01), np.random.default_rng(0)).shape == (160,)
    assert not forge(torch.zeros(4000), np.random.default_rng(0)).any()


def test_world_keeps_length_and_loudness():
    pytest.importorskip("pyworld")
    copy = CopySynthesis(sample_rate=RATE, vocoder="world")(vowel(), np.random.default_rng(0))
    assert copy.shape == vowel().shape
    assert copy.square().mean().sqrt() == pytest.approx(vowel().square().mean().sqrt().item(), rel=0.02)


def test_world_without_pyworld_and_an_unknown_vocoder_are_refused(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyworld", None)
    with pytest.raises(ValueError, match="the vocoder world needs pyworld"):
        CopySynthesis(sample_rate=RATE, vocoder="world")
    with pytest.raises(ValueError, match="unknown vocoder 'wrold'; choose from griffin_lim, world"):
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
def test_windows_of_added_rows_are_forged_and_those_of_genuine_clips_are_not(workspace, modality):
    store = Store.open(workspace / "store")
    table = Manifest.read(workspace / "manifest.parquet").clips
    genuine = table[table["av_class"] == "RVRA"].head(2)
    forge = SelfBlending() if modality == "video" else CopySynthesis(sample_rate=RATE)
    rows = with_pseudo_fakes(genuine, forge, keep_fakes=False)
    plain = EvaluationWindows(store, genuine, SHAPE, windows_per_clip=1)
    forged = EvaluationWindows(store, rows, SHAPE, windows_per_clip=1, forge=forge)
    assert torch.equal(forged[0].tensors.inputs[modality], plain[0].tensors.inputs[modality])
    assert not torch.equal(forged[2].tensors.inputs[modality], plain[0].tensors.inputs[modality])
    assert torch.equal(forged[2].tensors.inputs[modality], forged[2].tensors.inputs[modality])
    assert forged[2].labels[modality] == 1
    training = TrainingWindows(store, rows, SHAPE, seed=0, forge=forge)
    one, again, later = (training[SampleKey(2, epoch, 0)].tensors.inputs[modality] for epoch in (0, 0, 1))
    assert torch.equal(one, again)
    assert not torch.equal(one, later)
