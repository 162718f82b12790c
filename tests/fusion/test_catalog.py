"""The catalog, and the one clear line that bad input gets."""

import re

import pytest
import torch

import fusion
from fusion import FUSIONS, Fusion, create_fusion, fusion_class, list_fusions

DIMS = {"video": 12, "audio": 10}


def test_catalog_lists_every_mode_once():
    assert list_fusions() == list(FUSIONS)
    assert len({fusion_class(name) for name in FUSIONS}) == len(FUSIONS)


@pytest.mark.parametrize("name", list_fusions())
def test_package_docstring_has_a_row_for_each_mode(name):
    assert re.search(rf"^{name} ", fusion.__doc__, flags=re.MULTILINE)


@pytest.mark.parametrize("name", list_fusions())
def test_every_mode_is_a_fusion_of_the_asked_width(name):
    built = create_fusion(name, dims=DIMS, out_dim=7, width=32)
    assert isinstance(built, Fusion)
    assert built.out_dim == 7
    assert built.dims == DIMS


def test_unknown_mode_offers_the_nearest_and_lists_all():
    with pytest.raises(ValueError, match=r"unknown fusion 'gatd'; did you mean 'gated'\? Choose from ") as caught:
        create_fusion("gatd", dims=DIMS)
    assert str(caught.value).split("Choose from ")[1].split(", ") == list_fusions()


def test_unknown_option_offers_the_nearest_and_lists_all():
    message = (
        r"unknown option 'num_head' of fusion 'cross_attention'; "
        r"did you mean 'num_heads'\? Choose from width, num_heads$"
    )
    with pytest.raises(ValueError, match=message):
        create_fusion("cross_attention", dims=DIMS, num_head=2)


@pytest.mark.parametrize(
    ("name", "dims", "options", "message"),
    [
        ("concat", {}, {}, "dims must name a modality; got none"),
        ("concat", {"video": 0}, {}, r"dims\['video'\] must be at least 1; got 0"),
        ("concat", DIMS, {"out_dim": 0}, "out_dim must be at least 1; got 0"),
        ("concat", DIMS, {"width": 0}, "width must be at least 1; got 0"),
        ("cross_attention", DIMS, {"width": 30}, "width must be a multiple of num_heads; got 30 and 4"),
        ("transformer", DIMS, {"depth": 0}, "depth must be at least 1; got 0"),
        ("bottleneck", DIMS, {"depth": 1}, "depth must be at least 2.*got 1"),
        ("bottleneck", DIMS, {"num_bottlenecks": 0}, "num_bottlenecks must be at least 1; got 0"),
        ("bilinear", DIMS, {"rank": 0}, "rank must be at least 1; got 0"),
        ("score", DIMS, {"weights": {"video": 1.0}}, "weights must name exactly audio, video; got video"),
        ("score", DIMS, {"weights": 0.5}, "weights must name exactly audio, video; got 0.5"),
        ("gated", DIMS, {"width": "wide"}, "option 'width' of fusion 'gated' must be int; got 'wide'"),
        ("bilinear", DIMS, {"rank": 2.0}, "option 'rank' of fusion 'bilinear' must be int; got 2.0"),
        ("film", {"video": 3}, {}, "film fuses exactly two modalities; got video"),
        ("discrepancy", {"a": 3, "b": 3, "c": 3}, {}, "discrepancy fuses exactly two modalities; got a, b, c"),
        ("audio_only", {"video": 3}, {}, "audio_only needs 'audio' in dims; got video"),
    ],
)
def test_bad_construction_is_refused_in_one_line(name, dims, options, message):
    with pytest.raises(ValueError, match=message) as caught:
        create_fusion(name, dims=dims, **options)
    assert "\n" not in str(caught.value)


def video(*shape):
    return {"video": torch.zeros(shape)}


@pytest.mark.parametrize(
    ("tokens", "present", "message"),
    [
        ({}, None, "tokens must hold a modality; got none"),
        ({"vidio": torch.zeros(2, 3, 12)}, None, "unknown modality 'vidio'; choose from audio, video"),
        (video(2, 3, 12), {"sound": torch.ones(2).bool()}, "unknown modality 'sound'; choose from audio, video"),
        (video(2, 3, 11), None, r"video tokens must be \(batch 2, time of at least 1, 12\); got \(2, 3, 11\)"),
        (video(2, 0, 12), None, r"video tokens must be .*got \(2, 0, 12\)"),
        (video(2, 12), None, r"video tokens must be .*got \(2, 12\)"),
        ({**video(2, 3, 12), "audio": torch.zeros(1, 3, 10)}, None, r"audio tokens must be .*got \(1, 3, 10\)"),
        (video(2, 3, 12), {"video": torch.ones(3).bool()}, r"present\['video'\] must be \(2,\) torch.bool"),
        (video(2, 3, 12), {"video": torch.ones(2)}, r"present\['video'\] must be .*got \(2,\) torch.float32"),
    ],
)
def test_batch_that_does_not_fit_is_refused_in_one_line(tokens, present, message):
    with pytest.raises(ValueError, match=message) as caught:
        create_fusion("concat", dims=DIMS, width=16)(tokens, present)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["score", "concat", "gated", "bilinear", "bottleneck", "transformer"])
@pytest.mark.parametrize("dims", [{"audio": 10}, {"video": 12, "audio": 10, "text": 5}])
def test_modes_for_any_number_of_modalities_take_one_and_three(name, dims):
    built = create_fusion(name, dims=dims, out_dim=6, width=16)
    tokens = {key: torch.randn(2, 3, dim) for key, dim in dims.items()}
    assert built(tokens).shape == (2, 6)
    assert built(tokens, {key: torch.zeros(2, dtype=torch.bool) for key in dims}).isfinite().all()
