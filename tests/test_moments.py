"""A head that judges every moment: its shape, what it learns, and how windows become the moments of a clip."""

import numpy as np
import pytest
import torch

from encoders import create_encoder
from fusion import create_fusion
from multimodal.data.cutting import WindowShape, judged_spans
from multimodal.data.frame_labels import forged_frames
from multimodal.detector import AudioVisualDetector, TokenClassifier
from multimodal.media.prepared import PreparedClip
from multimodal.metrics.segments import Surest, beyond, propose, showing_thresholds, soft_nms
from multimodal.moments import Moments, joined
from multimodal.scoring import RunningScores
from multimodal.training.losses import DetectorLoss, frame_loss, on_frames

DIMS = {"video": 6, "audio": 5}


def classifier(seed: int = 0) -> TokenClassifier:
    torch.manual_seed(seed)
    return TokenClassifier(create_fusion("gated", dims=DIMS, out_dim=4), dropout=0.0, localises=True).eval()


def tokens(generator: torch.Generator | None = None) -> dict[str, torch.Tensor]:
    generator = generator or torch.Generator().manual_seed(0)
    return {
        "video": torch.randn(3, 8, 6, generator=generator),
        "audio": torch.randn(3, 20, 5, generator=generator),
    }


def test_every_token_of_each_modality_gets_a_logit_and_only_where_it_is_asked_for():
    logits = classifier()(tokens()).frame_logits
    assert {name: tuple(one.shape) for name, one in logits.items()} == {"audio": (3, 20), "video": (3, 8)}
    without = TokenClassifier(create_fusion("gated", dims=DIMS, out_dim=4))
    assert without(tokens()).frame_logits is None
    assert not [name for name in without.state_dict() if "frame" in name]


def test_the_tokens_of_an_absent_modality_change_no_moment_of_the_other():
    model, given = classifier(), tokens()
    present = {"video": torch.ones(3, dtype=torch.bool), "audio": torch.zeros(3, dtype=torch.bool)}
    other = {**given, "audio": given["audio"] * 5 + 1}
    first, second = (model(one, present).frame_logits["video"] for one in (given, other))
    assert torch.equal(first, second)
    assert not torch.equal(model(given).frame_logits["video"], model(other).frame_logits["video"])


def test_who_is_seen_and_heard_throughout_changes_no_moment_and_what_changes_does():
    head, given, fused = classifier().frame_heads["video"], tokens(), torch.zeros(3, 4)
    one, other = ({name: one[:, :1].expand_as(one) * factor for name, one in given.items()} for factor in (1, -1))
    assert torch.allclose(head(one, fused), head(other, fused), atol=1e-6)
    assert not torch.allclose(head(one, fused), head({**one, "video": given["video"]}, fused), atol=1e-3)


def test_what_the_fusion_made_moves_all_moments_of_a_window_alike_and_is_left_out_of_every_other_in_training():
    head = classifier().frame_heads["video"]
    still, fused = {name: torch.zeros(400, 4, width) for name, width in DIMS.items()}, torch.ones(400, 4)
    offset = head(still, fused) - head(still, torch.zeros(400, 4))
    assert torch.allclose(offset, offset[:1, :1].expand_as(offset))
    assert offset.abs().min() > 0.01
    assert head.context.train()(fused).eq(0).float().mean() == pytest.approx(0.5, abs=0.1)


def test_the_head_learns_where_a_stretch_lies_and_unknown_frames_teach_nothing():
    model = classifier().train()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    criterion = DetectorLoss(head_weight=0.0, frame_weight=1.0)
    generator = torch.Generator().manual_seed(1)
    unknown = torch.full((8,), -1)
    for _ in range(60):
        labels = (torch.rand(8, 8, generator=generator) < 0.3).long()
        video = torch.randn(8, 8, 6, generator=generator)
        video[..., :3] += 5 * labels[..., None]
        given = {"video": video, "audio": torch.randn(8, 20, 5, generator=generator)}
        known = {"video": labels, "audio": torch.full((8, 8), -1)}
        targets = {"class": unknown, "video": unknown, "audio": unknown}
        criterion(model(given), targets, known).backward()
        optimizer.step()
        optimizer.zero_grad()
    found = model.eval()(given).frame_logits["video"] > 0
    assert (found == (labels == 1)).float().mean() > 0.9


def test_the_loss_of_frames_is_that_of_the_known_ones_and_rare_ones_weigh_more():
    logits = torch.zeros(1, 4)
    assert frame_loss(logits, torch.full((1, 4), -1)) == 0
    one_of_four = frame_loss(logits, torch.tensor([[1, 0, 0, 0]]))
    assert one_of_four == pytest.approx(np.log(2) * (3 + 3) / 4)
    assert frame_loss(logits, torch.tensor([[1, 0, 0, -1]])) == pytest.approx(np.log(2) * (2 + 2) / 3)


def test_the_losses_of_parts_of_a_batch_sum_to_that_of_the_batch():
    model, given, criterion = classifier(), tokens(), DetectorLoss(head_weight=0.0, frame_weight=1.0)
    unknown = torch.full((3,), -1)
    labels = {"class": unknown, "video": unknown, "audio": unknown}
    frames = {"video": torch.tensor([[1, 0, 0, -1], [0, 0, 0, 0], [1, 1, 0, -1]])}
    whole = criterion(model(given), labels, frames)
    counts = criterion.known(labels, frames)
    parts = [
        criterion.in_parts(
            model({name: one[rows] for name, one in given.items()}),
            {name: one[rows] for name, one in labels.items()},
            counts,
            {"video": frames["video"][rows]},
        )["loss"]
        for rows in (slice(0, 1), slice(1, 3))
    ]
    assert sum(parts).item() == pytest.approx(whole.item())


def test_logits_of_tokens_stand_at_the_frames_of_their_moment():
    assert on_frames(torch.tensor([[1.0, 1.0, 5.0, 5.0]]), 4).tolist() == [[1.0, 1.0, 5.0, 5.0]]
    assert on_frames(torch.arange(8.0)[None], 4).shape == (1, 4)


def clip(num_frames: int, *, has_sound: bool = True) -> PreparedClip:
    generator = np.random.default_rng(0)
    return PreparedClip(
        clip_id="c/a.mp4",
        frame_rate=10.0,
        sample_rate=16_000,
        frames=generator.integers(0, 255, (num_frames, 32, 32, 3), dtype=np.uint8),
        boxes=None,
        waveform=generator.uniform(-1, 1, num_frames * 1600).astype(np.float32) if has_sound else None,
        absent={} if has_sound else {"audio": "no audio stream"},
        start_seconds=0.5,
    )


@pytest.fixture(scope="module")
def detector() -> AudioVisualDetector:
    torch.manual_seed(0)
    video = create_encoder("frames", backbone="test_resnet", frame_size=32)
    audio = create_encoder("spectrogram", backbone="test_resnet", n_mels=32)
    fusion = create_fusion("concat", dims={"video": video.embed_dim, "audio": audio.embed_dim}, out_dim=8)
    return AudioVisualDetector(encoders={"video": video, "audio": audio}, fusion=fusion, localises=True).eval()


SHAPE = WindowShape(num_frames=8, frame_size=32, frame_rate=10.0, sample_rate=16_000)


def running(detector: AudioVisualDetector, whole: PreparedClip) -> RunningScores:
    """What is said of the windows in which a clip is judged."""
    scores = RunningScores(detector, SHAPE, batch_size=2)
    for span in judged_spans(whole.num_frames, None, SHAPE, moments=True):
        scores.add(whole.window(span.first, span.end - span.first))
    scores.finish()
    return scores


def moments(detector: AudioVisualDetector, whole: PreparedClip) -> Moments:
    """Of a clip, from the windows in which it is judged."""
    starts = [one.first for one in judged_spans(whole.num_frames, None, SHAPE, moments=True)]
    parts = running(detector, whole).moments
    scores = {name: np.concatenate([part[name] for part in parts]) for name in ("video", "audio")}
    return joined(starts, scores, whole.num_frames, whole.frame_rate, whole.start_seconds)


def test_one_forward_pass_gives_the_scores_of_windows_and_of_their_moments(detector):
    passes: list[int] = []
    counting = detector.register_forward_pre_hook(lambda module, given: passes.append(len(given[0]["video"])))
    found = running(detector, clip(21))
    counting.remove()
    assert passes == [2, 2, 1]
    assert sum(len(part) for part in found.parts) == sum(len(part["video"]) for part in found.moments) == 5


@pytest.mark.parametrize("num_frames", [5, 8, 21])
def test_every_frame_of_a_clip_is_judged_whatever_its_length(detector, num_frames):
    found = moments(detector, clip(num_frames))
    assert {name: one.shape for name, one in found.scores.items()} == dict.fromkeys(
        ("any", "video", "audio"), (num_frames,)
    )
    assert np.isfinite(found.scores["any"]).all()
    assert (found.scores["any"] == np.maximum(found.scores["video"], found.scores["audio"])).all()
    assert found.start_seconds == 0.5


def test_where_windows_overlap_the_nearer_middle_weighs_more():
    early, late = np.zeros((1, 8)), np.ones((1, 8))
    both = np.concatenate([early, late])
    found = joined([0, 4], {"video": both, "audio": both}, 12, 10.0, 0.0).scores["video"]
    assert found[:4].tolist() == [0.0] * 4
    assert found[8:].tolist() == [1.0] * 4
    assert (np.diff(found[4:8]) > 0).all()


def test_the_moments_of_an_absent_modality_are_unknown(detector):
    found = moments(detector, clip(9, has_sound=False))
    assert np.isnan(found.scores["audio"]).all()
    assert np.isfinite(found.scores["video"]).all()


def test_a_detector_that_localises_comes_back_from_its_folder(detector, tmp_path):
    detector.save_pretrained(tmp_path / "d")
    loaded = AudioVisualDetector.from_pretrained(tmp_path / "d")
    assert loaded.localises
    before, after = (moments(one, clip(9)).scores["any"] for one in (detector, loaded))
    assert (before == after).all()


# From scores of frames to stretches.

#: The largest contrast of log-odds, which are cut at those of 0.05 and 0.95.
SPAN = 2 * np.log(19)


def test_a_planted_stretch_is_the_surest_proposal_at_its_place():
    generator = np.random.default_rng(0)
    planted = (1.2, 1.6)
    scores = 0.1 + 0.75 * forged_frames([planted], 0.0, 100, 25.0) + generator.uniform(0, 0.15, 100)
    score, start, end = propose(scores, 25.0)[0]
    assert (start, end) == pytest.approx(planted, abs=1 / 25)
    assert score > 0.3


def test_two_stretches_are_two_proposals_and_what_was_not_judged_is_genuine():
    scores = np.array([0.0, 0.9, 0.9, 0.0, 0.0, 0.8, np.nan, 0.0])
    found = propose(scores, 10.0, start_seconds=1.0)
    assert found[:2, 1:].round(3).tolist() == [[1.1, 1.3], [1.5, 1.6]]


def test_a_clip_forged_throughout_has_a_sure_proposal_of_its_whole_length():
    score, start, end = propose(np.full(10, 0.9), 10.0)[0]
    assert (score, start, end) == pytest.approx((np.log(9) / SPAN, 0.0, 1.0))
    inside = propose(np.pad(np.full(10, 0.9), 20), 10.0)
    assert inside[0].tolist() == pytest.approx([(np.log(9) + np.log(19)) / SPAN, 2.0, 3.0])


def test_of_two_stretches_that_stand_out_alike_the_longer_is_surer_up_to_half_a_second():
    def sureness(frames: int) -> float:
        first = np.pad(np.full(frames, 0.8), 8)
        return float(propose(first, 10.0)[0, 0])

    contrast = (np.log(4) + np.log(19)) / SPAN
    assert sureness(1) == pytest.approx(contrast * np.sqrt(0.1 / 0.5))
    assert sureness(2) == pytest.approx(contrast * np.sqrt(0.2 / 0.5))
    assert sureness(5) == pytest.approx(sureness(9)) == pytest.approx(contrast)


def test_a_stretch_of_frames_that_are_all_but_certain_is_no_surer_than_one_of_sure_frames():
    def sureness(probability: float) -> float:
        return float(propose(np.pad(np.full(6, probability), 10, constant_values=0.01), 10.0)[0, 0])

    assert sureness(0.94) < sureness(0.96) == pytest.approx(sureness(1.0)) == pytest.approx(1.0)


def test_soft_nms_lowers_what_overlaps_and_leaves_the_rest():
    given = np.array([[0.9, 0.0, 1.0], [0.8, 0.0, 1.0], [0.7, 2.0, 3.0]])
    kept = soft_nms(given, sigma=0.5)
    assert kept[:, 1].tolist() == [0.0, 2.0, 0.0]
    assert kept[2, 0] == pytest.approx(0.8 * np.exp(-1 / 0.5))
    assert given[1, 0] == 0.8
    assert len(soft_nms(given, most=1)) == 1


# Which stretches are shown.


def surest(scores, right) -> Surest:
    return Surest(np.array(scores, dtype=float), np.array(right, dtype=bool))


def shown_of(found, thresholds, forged):
    """Shares of genuine clips with a stretch and of forged ones that are found."""
    margin, right = beyond(found, thresholds)
    return (margin >= 0)[~forged].mean(), (right & (margin >= 0))[forged].mean()


def test_no_more_genuine_clips_than_are_allowed_show_a_stretch_in_picture_and_sound_together():
    generator = np.random.default_rng(0)
    forged = np.repeat([False, True], 100)
    found = {name: surest(generator.normal(2.0 * forged), forged) for name in ("video", "audio")}
    together = showing_thresholds(found, forged)
    assert 0 < shown_of(found, together, forged)[0] <= 0.05
    alone = {name: showing_thresholds({name: one}, forged)[name] for name, one in found.items()}
    assert shown_of(found, alone, forged)[0] > 0.05  # each alone spends all that is allowed


def test_what_is_allowed_holds_for_clips_that_chose_no_threshold():
    generator = np.random.default_rng(1)
    alarms = []
    for _ in range(200):
        forged = np.repeat([False, True, False], [60, 60, 200])
        found = {name: surest(generator.normal(1.0 * forged), forged) for name in ("video", "audio")}
        chosen, new = np.arange(320) < 120, np.arange(320) >= 120
        some = {name: surest(one.scores[chosen], one.right[chosen]) for name, one in found.items()}
        others = {name: surest(one.scores[new], one.right[new]) for name, one in found.items()}
        alarms.append((beyond(others, showing_thresholds(some, forged[chosen], share=0.1))[0] >= 0).mean())
    assert np.mean(alarms) <= 0.1


def test_alarms_are_spent_on_the_modality_that_finds_more_with_them():
    forged = np.repeat([False, True], [40, 4])
    useless = surest(np.linspace(0, 1, 44), np.zeros(44, dtype=bool))
    useful = surest([*np.linspace(0, 1, 40), 0.95, 0.96, 0.97, 1.1], forged)
    found = showing_thresholds({"video": useless, "audio": useful}, forged, share=0.1)
    assert found["video"] is None
    assert shown_of({"video": useless, "audio": useful}, found, forged)[1] >= 0.5


def test_a_threshold_lies_in_the_gap_and_shows_nothing_where_nothing_can_be_told():
    forged = np.array([False] * 3 + [True] * 3)
    clear = showing_thresholds({"video": surest([0.05, 0.1, 0.2, 0.6, 0.7, 0.9], forged)}, forged)
    assert clear["video"] == pytest.approx(0.4)
    none_right = showing_thresholds({"video": surest([0.05, 0.1, 0.2, 0.6, 0.7, 0.9], [False] * 6)}, forged)
    assert none_right["video"] == pytest.approx(0.2)
    assert showing_thresholds({"video": surest([0.6], [True])}, np.array([True])) == {"video": None}
    same = {"video": surest(np.full(30, 0.2), np.zeros(30, dtype=bool))}
    assert not (beyond(same, showing_thresholds(same, np.zeros(30, dtype=bool)))[0] >= 0).any()


def test_of_two_stretches_the_one_farther_above_its_threshold_counts_and_a_modality_without_one_shows_none():
    found = {"video": surest([0.5, 0.5], [True, True]), "audio": surest([0.7, 0.4], [False, False])}
    margin, right = beyond(found, {"video": 0.4, "audio": 0.5})
    assert margin == pytest.approx([0.2, 0.1])
    assert right.tolist() == [False, True]
    assert beyond(found, {"video": None, "audio": None})[0].tolist() == [-np.inf, -np.inf]
