"""Numbers worked by hand, and what makes each mode itself."""

from math import log

import numpy as np
import pytest
import torch
from torch import nn

from fusion.attention import AttentionBlock
from fusion.bilinear import BilinearFusion
from fusion.bottleneck import BottleneckFusion, mean_of_present
from fusion.cross_attention import CrossAttentionFusion
from fusion.discrepancy import DiscrepancyFusion, offset_evidence, token_disagreement
from fusion.film import FilmFusion
from fusion.gated import GatedFusion
from fusion.score import ScoreFusion
from fusion.token_time import time_distance, token_times
from fusion.transformer import TransformerFusion
from fusion.unimodal import VideoOnlyFusion

DIMS = {"video": 12, "audio": 10}
BOTH = {"video": torch.tensor([True]), "audio": torch.tensor([True])}


def make_tokens(video_time=6, audio_time=6, batch=2):
    generator = torch.Generator().manual_seed(0)
    return {
        "video": torch.randn(batch, video_time, 12, generator=generator),
        "audio": torch.randn(batch, audio_time, 10, generator=generator),
    }


def shuffled(tokens, name):
    """The same tokens with those of one modality in reverse order of time."""
    return {**tokens, name: tokens[name].flip(1)}


# score


def posterior_head(p_fake):
    """A linear head that always concludes ``p_fake``."""
    head = nn.Linear(16, 2)
    nn.init.zeros_(head.weight)
    head.bias.data = torch.tensor([log(1 - p_fake), log(p_fake)])
    return head


def test_score_with_a_class_head_of_ones_multiplies_the_posteriors():
    fusion = ScoreFusion(DIMS, 4, width=16)
    fusion.heads["video"], fusion.heads["audio"] = posterior_head(0.8), posterior_head(0.3)
    nn.init.eye_(fusion.output.weight)  # the result is (log p(RA), log p(FA), log p(RV), log p(FV))
    nn.init.zeros_(fusion.output.bias)
    class_head = torch.tensor([[1, 0, 1, 0], [0, 1, 1, 0], [1, 0, 0, 1], [0, 1, 0, 1]], dtype=torch.float32)
    posterior = (fusion(make_tokens()) @ class_head.T).softmax(dim=-1)
    torch.testing.assert_close(posterior[0], torch.tensor([0.2 * 0.7, 0.2 * 0.3, 0.8 * 0.7, 0.8 * 0.3]))


def test_score_weighs_the_log_posteriors_and_reads_an_absent_modality_as_even():
    fusion = ScoreFusion(DIMS, 4, width=16, weights={"video": 2.0, "audio": 0.5})
    fusion.heads["video"], fusion.heads["audio"] = posterior_head(0.8), posterior_head(0.3)
    features = {"video": torch.zeros(2, 16), "audio": torch.zeros(2, 16)}
    present = {"video": torch.tensor([True, True]), "audio": torch.tensor([True, False])}
    combined = fusion.combine(fusion.log_posteriors(features, present))
    video = [2 * log(0.2), 2 * log(0.8)]
    expected = [[0.5 * log(0.7), 0.5 * log(0.3), *video], [0.5 * log(0.5), 0.5 * log(0.5), *video]]
    torch.testing.assert_close(combined, torch.tensor(expected))


def test_fixed_score_weights_are_not_trained_and_zero_silences_a_modality():
    fusion = ScoreFusion(DIMS, 4, width=16, weights={"video": 1.0, "audio": 0.0})
    assert "weights" not in dict(fusion.named_parameters())
    assert "weights" in dict(ScoreFusion(DIMS, 4, width=16).named_parameters())
    tokens = make_tokens()
    assert torch.equal(fusion(tokens), fusion({**tokens, "audio": 3 * tokens["audio"].flip(2)}))


# gated


def test_gated_mixes_as_the_bimodal_equation_says():
    fusion = GatedFusion(DIMS, 3, width=1)
    for name, weight in {"video": 0.5, "audio": -2.0}.items():
        nn.init.constant_(fusion.candidates[name].weight, weight)
        nn.init.zeros_(fusion.candidates[name].bias)
    fusion.gates["video"].weight.data = torch.tensor([[0.3, 1.0]])  # over [audio; video], the sorted names
    fusion.gates["audio"].weight.data = torch.tensor([[-0.2, 0.4]])
    for gate in fusion.gates.values():
        nn.init.zeros_(gate.bias)
    features = {"video": torch.tensor([[1.5]]), "audio": torch.tensor([[0.7]])}
    gate_logit = (0.3 * 0.7 + 1.0 * 1.5) - (-0.2 * 0.7 + 0.4 * 1.5)
    z = 1 / (1 + np.exp(-gate_logit))
    expected = z * np.tanh(0.5 * 1.5) + (1 - z) * np.tanh(-2.0 * 0.7)
    assert fusion.mix(features, BOTH).item() == pytest.approx(expected, rel=1e-6)


def test_gate_belongs_to_the_modality_that_is_left_and_to_none_when_none_is():
    fusion = GatedFusion(DIMS, 3, width=4)
    features = {"video": torch.randn(3, 4), "audio": torch.randn(3, 4)}
    present = {"video": torch.tensor([True, False, False]), "audio": torch.tensor([False, True, False])}
    mixed = fusion.mix(features, present)
    torch.testing.assert_close(mixed[0], torch.tanh(fusion.candidates["video"](features["video"][0])))
    torch.testing.assert_close(mixed[1], torch.tanh(fusion.candidates["audio"](features["audio"][1])))
    assert not mixed[2].any()


# film


def test_film_is_a_plain_normed_gelu_where_the_condition_is_absent_and_scales_and_shifts_where_present():
    fusion = FilmFusion(DIMS, 3, width=2)
    nn.init.zeros_(fusion.modulations["video"].weight)
    fusion.modulations["video"].bias.data = torch.tensor([1.0, -0.5, 0.25, 2.0])  # scales - 1, then shifts
    tokens = torch.tensor([[[3.0, 1.0]], [[3.0, 1.0]]])  # normed: (1, -1)
    modulated = fusion.modulate("video", tokens, torch.zeros(2, 2), torch.tensor([True, False]))
    before_gelu = torch.tensor([[[2 * 1 + 0.25, 0.5 * -1 + 2.0]], [[1.0, -1.0]]])
    torch.testing.assert_close(modulated, nn.functional.gelu(before_gelu), rtol=1e-4, atol=1e-4)


# bilinear


@pytest.mark.parametrize("rank", [1, 3])
def test_bilinear_is_the_linear_map_of_the_explicit_outer_product(rank):
    fusion = BilinearFusion(DIMS, 5, width=4, rank=rank)
    features = {"video": torch.randn(2, 4), "audio": torch.randn(2, 4)}
    with_one = {name: torch.cat([value, torch.ones(2, 1)], dim=1) for name, value in features.items()}
    outer = torch.einsum("bi,bj->bij", with_one["video"], with_one["audio"])
    factor = {
        name: torch.cat([linear.weight, linear.bias[:, None]], dim=1).reshape(rank, 5, 5)
        for name, linear in fusion.factors.items()
    }
    weight = torch.einsum("roi,roj->oij", factor["video"], factor["audio"])
    torch.testing.assert_close(fusion.multiply(features), torch.einsum("oij,bij->bo", weight, outer))


# attention


def test_attention_block_agrees_with_torch_multi_head_attention():
    block = AttentionBlock(8, 2)
    reference = nn.MultiheadAttention(8, 2, batch_first=True)
    reference.in_proj_weight.data = torch.cat([block.query.weight, block.key_value.weight])
    reference.in_proj_bias.data = torch.cat([block.query.bias, block.key_value.bias])
    reference.out_proj.load_state_dict(block.attended.state_dict())
    queries, context = torch.randn(2, 3, 8), torch.randn(2, 5, 8)
    visible = torch.tensor([[True] * 5, [True, False, True, False, False]])
    distance = time_distance(token_times(3), token_times(5))
    bias = torch.stack([-128 * distance, 0 * distance])[None].masked_fill(~visible[:, None, None], -torch.inf)
    normed = block.attention_norm(context)
    attended, _ = reference(block.attention_norm(queries), normed, normed, attn_mask=bias.flatten(0, 1))
    expected = queries + attended
    torch.testing.assert_close(
        block(queries, context, visible, distance), expected + block.perceptron(expected), rtol=1e-4, atol=1e-5
    )


def test_slopes_fall_by_four_and_the_last_head_sees_all_times_alike():
    assert AttentionBlock(8, 4).slopes.tolist() == [128.0, 32.0, 8.0, 0.0]
    assert AttentionBlock(8, 1).slopes.tolist() == [0.0]


@pytest.mark.parametrize("mode", [CrossAttentionFusion, BottleneckFusion, TransformerFusion, DiscrepancyFusion])
def test_modes_that_compare_along_time_see_the_order_of_one_modality(mode):
    fusion, tokens = mode(DIMS, 6, width=16), make_tokens()
    assert not torch.allclose(fusion(tokens), fusion(shuffled(tokens, "audio")), atol=1e-6)


@pytest.mark.parametrize("mode", [ScoreFusion, GatedFusion, FilmFusion, BilinearFusion, VideoOnlyFusion])
def test_modes_that_pool_first_do_not_see_the_order(mode):
    fusion, tokens = mode(DIMS, 6, width=16), make_tokens()
    torch.testing.assert_close(fusion(tokens), fusion(shuffled(tokens, "audio")))


def test_cross_attention_reads_only_the_extra_key_where_the_other_modality_is_absent():
    fusion, tokens = CrossAttentionFusion(DIMS, 6, width=16), make_tokens()
    only_video = {"audio": torch.tensor([False, False])}
    before = fusion(tokens, only_video)
    fusion.nothing["audio"].data.add_(1)  # the key of audio queries: nobody reads the result of those
    assert torch.equal(fusion(tokens, only_video), before)
    fusion.nothing["video"].data.add_(torch.arange(16.0))
    assert not torch.allclose(fusion(tokens, only_video), before)


def test_bottleneck_averages_over_the_modalities_that_are_present():
    values = {"video": torch.tensor([[[1.0]]] * 4), "audio": torch.tensor([[[3.0]]] * 4)}
    flags = {"video": torch.tensor([True, True, False, False]), "audio": torch.tensor([True, False, True, False])}
    assert mean_of_present(values, flags).flatten().tolist() == [2.0, 1.0, 3.0, 0.0]


def test_modalities_of_the_bottleneck_mode_meet_in_the_shared_tokens_only():
    fusion, tokens = BottleneckFusion(DIMS, 6, width=16), make_tokens()
    seen = {}
    fusion.layers[-1].register_forward_hook(lambda _layer, _inputs, result: seen.update(result))
    fusion(tokens)
    before = seen["video"]
    fusion({**tokens, "audio": tokens["audio"].flip(1)})
    assert not torch.allclose(seen["video"], before, atol=1e-7)
    for block in fusion.layers[0].blocks.values():  # nothing is written: the bottleneck stays as it starts
        block.register_forward_hook(lambda _block, inputs, _result: inputs[0])
    fusion(tokens)
    before = seen["video"]
    fusion({**tokens, "audio": tokens["audio"].flip(1)})
    assert torch.equal(seen["video"], before)


# discrepancy


def test_disagreement_of_identical_tokens_is_zero():
    tokens = torch.randn(2, 7, 5)
    assert not token_disagreement(tokens, tokens.clone()).any()


def test_disagreement_does_not_see_what_stays_the_same_along_time_nor_a_scale():
    tokens = torch.randn(2, 7, 5)
    disagreement = token_disagreement(tokens, 3 * tokens + torch.randn(2, 1, 5))
    torch.testing.assert_close(disagreement, torch.zeros(2, 7, 5), rtol=0, atol=1e-4)


def test_mean_disagreement_is_one_minus_the_correlation_over_time():
    one, other = torch.randn(1, 9, 3), torch.randn(1, 9, 3)
    expected = [1 - np.corrcoef(one[0, :, k], other[0, :, k])[0, 1] for k in range(3)]
    np.testing.assert_allclose(token_disagreement(one, other).mean(dim=1)[0], expected, atol=1e-4)


def test_disagreement_is_small_at_unlike_rates_and_large_for_shifted_sound():
    time = (torch.arange(120) + 0.5) / 120
    course = torch.sin(2 * torch.pi * 3 * time)[None, :, None]
    slow = course.unflatten(1, (12, 10)).mean(dim=2)
    fast = course.unflatten(1, (40, 3)).mean(dim=2)
    together = token_disagreement(slow, fast).mean()
    apart = token_disagreement(slow, fast.roll(40 // 6, dims=1)).mean()
    assert together < 0.01
    assert apart > 1.5


def test_single_tokens_disagree_in_nothing_and_keep_gradients_finite():
    one = torch.randn(2, 1, 5, requires_grad=True)
    disagreement = token_disagreement(one, torch.randn(2, 4, 5))
    disagreement.log1p().sum().backward()
    assert one.grad.isfinite().all()


def test_the_evidence_of_offsets_tells_late_sound_from_that_of_another_mouth():
    generator = torch.Generator().manual_seed(0)
    course, another = torch.randn(2, 4, 24, 16, generator=generator)
    together, moved, apart = (offset_evidence(course, one) for one in (course, course.roll(6, 1), another))
    assert together[:, 0].abs().max() < 0.01
    torch.testing.assert_close(moved[:, 0], torch.full((4,), 6 / 24), atol=0.01, rtol=0)
    torch.testing.assert_close(moved[:, 3], torch.ones(4))
    assert (moved[:, 2] < 0.3).all()
    assert (apart[:, 3] < 0.6).all()
    assert (apart[:, 1] > 5 * moved[:, 1]).all()  # whatever its mean is, it is unsure


def test_discrepancy_takes_the_offset_where_it_is_asked_to_and_only_of_both_modalities():
    fusion, tokens = DiscrepancyFusion(DIMS, 6, width=16, offsets=True), make_tokens(8, 8)
    fusion.offset.weight.data.fill_(1.0)
    before = fusion(tokens)
    fusion.offset.bias.data.add_(torch.arange(16.0))
    assert not torch.allclose(fusion(tokens), before)
    alone = {"video": torch.tensor([True, True]), "audio": torch.tensor([False, False])}
    before = fusion(tokens, alone)
    fusion.offset.bias.data.add_(torch.arange(16.0))
    assert torch.equal(fusion(tokens, alone), before)
    assert [name for name in DiscrepancyFusion(DIMS, 6).state_dict() if "offset" in name] == []


def accuracy_on_synchrony(mode, num_steps):
    """Train on pairs of picture and sound that share a course in time or do not; nothing else tells them apart."""
    generator = torch.Generator().manual_seed(0)
    mixing = {name: torch.randn(2, dim, generator=generator) for name, dim in DIMS.items()}

    def draw(batch):
        courses = torch.randn(2, batch, 8, 2, generator=generator)
        courses = courses - courses.mean(dim=2, keepdim=True)
        fake = torch.rand(batch, generator=generator) < 0.5
        heard = torch.where(fake[:, None, None], courses[1], courses[0])
        return {"video": courses[0] @ mixing["video"], "audio": heard @ mixing["audio"]}, fake.float()

    model = nn.ModuleDict({"fusion": mode(DIMS, 16, width=32), "head": nn.Linear(16, 1)})
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    for _ in range(num_steps):
        tokens, fake = draw(64)
        loss = nn.functional.binary_cross_entropy_with_logits(model["head"](model["fusion"](tokens))[:, 0], fake)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    tokens, fake = draw(400)
    return ((model["head"](model["fusion"](tokens))[:, 0] > 0) == (fake > 0.5)).float().mean().item()


@pytest.mark.parametrize(("mode", "num_steps"), [(DiscrepancyFusion, 60), (CrossAttentionFusion, 120)])
def test_modes_along_time_learn_whether_sound_belongs_to_the_picture(mode, num_steps):
    assert accuracy_on_synchrony(mode, num_steps) > 0.85


def test_picture_alone_cannot_learn_whether_sound_belongs_to_it():
    assert 0.4 < accuracy_on_synchrony(VideoOnlyFusion, 60) < 0.6
