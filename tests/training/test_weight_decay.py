"""Which weights of networks decay: families of timm, each with its own names for positions, tokens and scales."""

import pytest
import timm
import torch
from torch import nn

from multimodal.heads import ModalityHead
from multimodal.training.options import FitOptions
from multimodal.training.parameter_groups import decaying_weights, make_optimizer

#: network -> parts of names that it has of positions, tokens, scales and biases of more than one axis
FAMILIES = {
    "beit_base_patch16_224": ["cls_token", "relative_position_bias_table"],
    "cait_xxs24_224": ["cls_token", "pos_embed"],
    "coat_tiny": ["cls_token1", "cls_token4"],
    "convit_tiny": ["cls_token", "pos_embed"],
    "crossvit_tiny_240": ["cls_token_0", "cls_token_1", "pos_embed_0", "pos_embed_1"],
    "eva02_tiny_patch14_224": ["cls_token", "pos_embed"],
    "gcvit_xxtiny": ["relative_position_bias_table"],
    "hiera_tiny_224": ["pos_embed"],
    "levit_128s": ["attention_biases"],
    "maxvit_rmlp_pico_rw_256": ["rel_pos.mlp"],
    "mvitv2_tiny": ["rel_pos_h", "rel_pos_w"],
    "nest_tiny": ["pos_embed"],
    "pit_ti_224": ["cls_token", "pos_embed"],
    "resmlp_12_224": ["alpha", "beta"],
    "swin_tiny_patch4_window7_224": ["relative_position_bias_table"],
    "swinv2_tiny_window8_256": ["logit_scale", "cpb_mlp"],
    "tiny_vit_5m_224": ["attention_biases"],
    "tnt_s_patch16_224": ["cls_token", "patch_pos", "pixel_pos"],
    "twins_svt_small": ["pos_block"],
    "visformer_tiny": ["pos_embed1", "pos_embed2", "pos_embed3"],
    "vit_tiny_patch16_224": ["cls_token", "pos_embed"],
    "vit_small_patch16_dinov3": ["cls_token", "reg_token"],
    "volo_d1_224": ["cls_token", "pos_embed"],
    "xcit_nano_12_p16_224": ["cls_token", "temperature"],
}
#: Of networks that have none of these all filters decay, and nothing but filters.
PLAIN = ["convnext_atto", "poolformer_s12", "pvt_v2_b0", "resnet18", "tf_efficientnet_b0"]
LAYERS = nn.Linear | nn.modules.conv._ConvNd


def shapes_of(name: str) -> nn.Module:
    """The network without its weights, which take time."""
    with torch.device("meta"):
        return timm.create_model(name, pretrained=False, num_classes=0)


@pytest.mark.parametrize("name", FAMILIES)
def test_positions_tokens_and_scales_of_a_family_do_not_decay_and_its_layers_do(name):
    network = shapes_of(name)
    decaying = decaying_weights(network)
    large = {key for key, value in network.named_parameters() if value.ndim > 1}
    for part in FAMILIES[name]:
        named = {key for key in large if f".{part}" in f".{key}"}
        assert named, part
        assert named.isdisjoint(decaying), part
    layers = {f"{key}.weight" for key, module in network.named_modules() if isinstance(module, LAYERS)}
    positions = {key for key in large if any(f".{part}" in f".{key}" for part in FAMILIES[name])}
    assert decaying == layers - positions


@pytest.mark.parametrize("name", PLAIN)
def test_of_a_network_without_positions_layers_decay_and_nothing_else(name):
    network = shapes_of(name)
    layers = {f"{key}.weight" for key, module in network.named_modules() if isinstance(module, LAYERS)}
    assert decaying_weights(network) == layers


def test_what_a_network_says_holds_where_it_is_a_part_of_another():
    model = nn.ModuleDict({"eyes": nn.Sequential(shapes_of("nest_tiny")), "head": nn.Linear(4, 2)})
    decaying = decaying_weights(model)
    assert "head.weight" in decaying
    assert not any("pos_embed" in name for name in decaying)


def test_tables_of_embeddings_and_norms_of_any_shape_do_not_decay():
    model = nn.ModuleDict(
        {
            "table": nn.Embedding(3, 4),
            "norm": nn.LayerNorm((2, 4)),
            "recurrent": nn.GRU(4, 4),
            "head": nn.Linear(4, 1),
        }
    )
    assert decaying_weights(model) == {"recurrent.weight_ih_l0", "recurrent.weight_hh_l0", "head.weight"}


def test_the_optimizer_has_no_decay_for_the_others():
    head = ModalityHead(4)
    decays = {
        id(value): group["weight_decay"]
        for group in make_optimizer(head, FitOptions(weight_decay=0.5)).param_groups
        for value in group["params"]
    }
    assert {name: decays[id(value)] for name, value in head.named_parameters()} == {
        "norm.weight": 0.0,
        "norm.bias": 0.0,
        "linear.weight": 0.5,
        "linear.bias": 0.0,
    }
