"""Adapters in a frozen network: what learns, and that the folder holds all of it."""

import pytest
import torch
from tiny_speech import TINY_SPEECH

from encoders import create_encoder, load_encoder

pytest.importorskip("peft", reason="pip install '.[lora]'")

CASES = {
    "ViT": ("frames", {"backbone": "test_vit", "frame_size": 32}, (1, 2, 3, 32, 32)),
    "wav2vec2": ("wav2vec2", {"checkpoint": TINY_SPEECH}, (1, 4000)),
    "WavLM": ("wav2vec2", {"checkpoint": {**TINY_SPEECH, "model_type": "wavlm"}}, (1, 4000)),
}


@pytest.mark.parametrize("name", CASES)
def test_adapters_alone_learn_and_begin_as_nothing(name):
    catalog, options, shape = CASES[name]
    torch.manual_seed(0)
    plain = create_encoder(catalog, **options).eval()
    adapted = create_encoder(catalog, **options, lora_rank=2).eval()
    missing, _ = adapted.load_state_dict(plain.state_dict(), strict=False)
    assert all("lora_" in key or "base_layer" in key for key in missing)
    learnt = {key: value for key, value in adapted.named_parameters() if value.requires_grad}
    assert learnt
    assert all("lora_" in key for key in learnt)
    whole = sum(value.numel() for value in plain.parameters())
    assert sum(value.numel() for value in learnt.values()) < 0.2 * whole
    assert all((value == 0).all() for key, value in learnt.items() if "lora_B" in key)
    adapted.train()(0.1 * torch.randn(shape).abs()).square().mean().backward()
    assert all(value.grad is not None for value in learnt.values())
    assert all(value.grad.abs().sum() > 0 for key, value in learnt.items() if "lora_B" in key)


def test_an_encoder_with_adapters_is_saved_whole(tmp_path):
    encoder = create_encoder("frames", backbone="test_vit", frame_size=32, lora_rank=2).eval()
    with torch.no_grad():
        for key, value in encoder.named_parameters():
            if "lora_B" in key:
                value.normal_()
        frames = torch.rand(1, 2, 3, 32, 32)
        encoder.save_pretrained(tmp_path)
        assert torch.equal(load_encoder(tmp_path)(frames), encoder(frames))


def test_a_network_without_attention_is_refused():
    with pytest.raises(ValueError, match="has no attention for adapters; take lora_rank with wav2vec2 or a ViT"):
        create_encoder("frames", backbone="test_resnet", frame_size=32, lora_rank=2)
