"""What every mode of the catalog promises."""

import copy
import importlib
import sys

import pytest
import torch
from jaxtyping import install_import_hook
from safetensors.torch import load_file, save_file
from torch.utils.flop_counter import FlopCounterMode

from fusion import create_fusion, list_fusions

DIMS = {"video": 12, "audio": 10}
TIMES = {"video": 4, "audio": 7}
BATCH = 3
OUT_DIM = 6

every_mode = pytest.mark.parametrize("name", list_fusions())
each_modality = pytest.mark.parametrize("absent", ["video", "audio"])


def used_by(name):
    """Modalities that the mode looks at."""
    return [name.removesuffix("_only")] if name.endswith("_only") else ["audio", "video"]


def build(name, *, seed=0, **options):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        fusion = create_fusion(name, dims=DIMS, out_dim=OUT_DIM, width=16, **options).eval()
        for parameter in fusion.parameters():  # so that what starts at zero cannot hide a mistake
            parameter.data.add_(0.05 * torch.randn_like(parameter))
    return fusion


def make_tokens(*, seed=1, requires_grad=False):
    generator = torch.Generator().manual_seed(seed)
    shapes = {name: (BATCH, TIMES[name], DIMS[name]) for name in DIMS}
    return {
        name: torch.randn(shape, generator=generator).requires_grad_(requires_grad)
        for name, shape in shapes.items()
    }


def flags(*values):
    return torch.tensor(values, dtype=torch.bool)


@every_mode
def test_result_is_one_vector_a_clip(name):
    assert build(name)(make_tokens()).shape == (BATCH, OUT_DIM)


@every_mode
def test_default_width_serves_usual_encoders(name):
    fusion = create_fusion(name, dims={"video": 192, "audio": 128})
    tokens = {"video": torch.randn(2, 8, 192), "audio": torch.randn(2, 50, 128)}
    assert fusion(tokens).shape == (2, 256)


@every_mode
def test_order_of_the_dicts_does_not_matter(name):
    fusion, tokens = build(name), make_tokens()
    torch.manual_seed(5)
    one = create_fusion(name, dims=DIMS, out_dim=OUT_DIM, width=16)
    torch.manual_seed(5)
    other = create_fusion(name, dims=dict(reversed(DIMS.items())), out_dim=OUT_DIM, width=16)
    present = {"audio": flags(1, 0, 1), "video": flags(1, 1, 0)}
    backwards = dict(reversed(tokens.items()))
    assert torch.equal(fusion(tokens, present), fusion(backwards, dict(reversed(present.items()))))
    assert torch.equal(one(tokens), other(backwards))


@every_mode
@each_modality
@pytest.mark.parametrize("rubbish", [float("nan"), float("inf"), 1e30])
def test_tokens_of_an_absent_modality_are_ignored_forward_and_backward(name, absent, rubbish):
    fusion, tokens = build(name), make_tokens()
    present = {absent: flags(1, 0, 1)}
    spoiled = {key: value.clone() for key, value in tokens.items()}
    spoiled[absent][1] = rubbish
    expected = fusion(tokens, present)
    spoiled = {key: value.requires_grad_() for key, value in spoiled.items()}
    result = fusion(spoiled, present)
    assert torch.equal(result, expected)
    result.square().sum().backward()
    gradients = [parameter.grad for parameter in fusion.parameters() if parameter.grad is not None]
    assert all(gradient.isfinite().all() for gradient in gradients)
    if spoiled[absent].grad is not None:
        assert spoiled[absent].grad.isfinite().all()
        assert not spoiled[absent].grad[1].any()


@every_mode
@each_modality
def test_partly_absent_batch_gives_each_clip_what_it_gets_alone(name, absent):
    fusion, tokens = build(name), make_tokens()
    together = fusion(tokens, {absent: flags(1, 0, 1)})
    for i, is_present in enumerate([True, False, True]):
        alone = {key: value[i : i + 1] for key, value in tokens.items()}
        torch.testing.assert_close(together[i : i + 1], fusion(alone, {absent: flags(is_present)}))


@every_mode
@each_modality
def test_missing_key_means_absent_for_all(name, absent):
    fusion, tokens = build(name), make_tokens()
    flagged = fusion(tokens, {absent: flags(0, 0, 0)})
    without = {key: value for key, value in tokens.items() if key != absent}
    torch.testing.assert_close(fusion(without), flagged)
    torch.testing.assert_close(fusion(without, {absent: flags(1, 1, 1)}), flagged)


@every_mode
def test_all_present_is_the_default(name):
    fusion, tokens = build(name), make_tokens()
    assert torch.equal(fusion(tokens), fusion(tokens, {key: flags(1, 1, 1) for key in tokens}))


@every_mode
def test_clips_with_nothing_present_get_one_finite_answer(name):
    fusion = build(name)
    nothing = {"video": flags(0, 0, 1), "audio": flags(0, 0, 1)}
    result = fusion(make_tokens(requires_grad=True), nothing)
    assert result.isfinite().all()
    torch.testing.assert_close(result[0], result[1])
    result.sum().backward()
    assert all(p.grad.isfinite().all() for p in fusion.parameters() if p.grad is not None)


@every_mode
@each_modality
def test_absence_changes_the_answer_of_modes_that_use_the_modality(name, absent):
    fusion, tokens = build(name), make_tokens()
    changed = not torch.allclose(fusion(tokens), fusion(tokens, {absent: flags(0, 0, 0)}))
    assert changed == (absent in used_by(name))


@every_mode
def test_gradient_reaches_the_tokens_of_every_modality_that_is_used(name):
    fusion, tokens = build(name), make_tokens(requires_grad=True)
    weights = torch.randn(BATCH, OUT_DIM, generator=torch.Generator().manual_seed(3))
    (fusion(tokens) * weights).sum().backward()
    for modality, value in tokens.items():
        reached = value.grad is not None and bool((value.grad.abs().amax(dim=(1, 2)) > 0).all())
        assert reached == (modality in used_by(name)), modality


@every_mode
def test_every_parameter_learns_from_a_batch_with_and_without_each_modality(name):
    fusion = build(name)
    result = fusion(make_tokens(), {"video": flags(1, 0, 1), "audio": flags(1, 1, 0)})
    weights = torch.randn(BATCH, OUT_DIM, generator=torch.Generator().manual_seed(3))
    (result * weights).sum().backward()
    idle = [
        key for key, parameter in fusion.named_parameters() if parameter.grad is None or not parameter.grad.any()
    ]
    assert idle == []


@every_mode
def test_clips_of_a_batch_do_not_see_each_other(name):
    fusion, tokens = build(name), make_tokens()
    changed = {key: value.clone() for key, value in tokens.items()}
    for value in changed.values():
        value[1:] = 7 * value[1:].flip(1)
    torch.testing.assert_close(fusion(tokens)[0], fusion(changed)[0])


@every_mode
def test_same_seed_and_input_give_the_same_bits(name):
    tokens = make_tokens()
    assert torch.equal(build(name, seed=4).train()(tokens), build(name, seed=4).train()(tokens))


@every_mode
def test_building_and_running_change_nothing_but_the_torch_generator_of_the_caller(name):
    fusion, tokens = build(name), make_tokens()
    before = torch.random.get_rng_state()
    copies = {key: value.clone() for key, value in tokens.items()}
    fusion(tokens, {"video": flags(1, 0, 1)})
    assert torch.equal(before, torch.random.get_rng_state())
    assert all(torch.equal(tokens[key], copies[key]) for key in tokens)


@every_mode
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("scale", [1.0, 1000.0])
def test_half_precision_module_is_finite_and_near_full_precision(name, dtype, scale):
    fusion = build(name)
    tokens = {key: scale * value for key, value in make_tokens().items()}
    half_tokens = {key: value.to(dtype).requires_grad_() for key, value in tokens.items()}
    present = {"video": flags(1, 0, 1), "audio": flags(1, 1, 0)}
    half = copy.deepcopy(fusion).to(dtype)
    result = half(half_tokens, present)
    assert result.dtype == dtype
    assert (result.float() - fusion(tokens, present)).abs().max() < 0.1
    result.float().sum().backward()
    assert all(parameter.grad.isfinite().all() for parameter in half.parameters() if parameter.grad is not None)
    assert all(value.grad.isfinite().all() for value in half_tokens.values() if value.grad is not None)


@every_mode
def test_autocast_is_finite_and_takes_tokens_of_unlike_precision(name):
    fusion, tokens = build(name), make_tokens()
    mixed = {"video": tokens["video"].bfloat16(), "audio": tokens["audio"]}
    with torch.autocast("cpu", dtype=torch.bfloat16):
        result = fusion(mixed, {"video": flags(1, 0, 1)})
        without = fusion({"audio": tokens["audio"]})
    assert result.isfinite().all()
    assert without.isfinite().all()
    result.float().sum().backward()
    assert all(p.grad.isfinite().all() for p in fusion.parameters() if p.grad is not None)


@every_mode
def test_state_goes_through_safetensors(name, tmp_path):
    fusion, tokens = build(name), make_tokens()
    save_file(fusion.state_dict(), tmp_path / "fusion.safetensors")
    loaded = build(name, seed=9)
    assert not torch.allclose(loaded(tokens), fusion(tokens))
    loaded.load_state_dict(load_file(tmp_path / "fusion.safetensors"), strict=True)
    assert torch.equal(loaded(tokens), fusion(tokens))


@every_mode
def test_flops_are_counted_and_grow_with_the_batch(name):
    fusion, tokens = build(name), make_tokens()
    counts = []
    tokens = {key: value[:1] for key, value in tokens.items()}
    for times in (1, 2):
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            fusion({key: value.repeat(times, 1, 1) for key, value in tokens.items()})
        counts.append(counter.get_total_flops())
    assert counts[1] == 2 * counts[0] > 0


@every_mode
def test_single_tokens_and_unlike_rates_are_taken(name):
    fusion = build(name)
    for video_time, audio_time in [(1, 1), (1, 9), (9, 1), (5, 5), (8, 50)]:
        tokens = {"video": torch.randn(2, video_time, 12), "audio": torch.randn(2, audio_time, 10)}
        assert fusion(tokens).isfinite().all()


@pytest.fixture(scope="module")
def checked_fusion():
    """The package, imported once more with every annotation of a shape checked at run time."""
    with pytest.MonkeyPatch.context() as patch:
        for module in [key for key in sys.modules if key.split(".")[0] == "fusion"]:
            patch.delitem(sys.modules, module)
        with install_import_hook("fusion", "beartype.beartype"):
            yield importlib.import_module("fusion")


@every_mode
def test_shapes_are_as_annotated(name, checked_fusion):
    fusion = checked_fusion.create_fusion(name, dims=DIMS, out_dim=OUT_DIM, width=16)
    fusion(make_tokens(), {"video": flags(1, 0, 1)})
    fusion({"audio": make_tokens()["audio"]})
