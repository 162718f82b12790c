"""Convolutional encoders hold weights and pictures channels last, and give what they give otherwise."""

import pytest
import torch
from torch import nn

from encoders import create_encoder
from encoders.backbone import prefer_memory_format

#: label -> (catalog name, arguments, order of the axes)
CASES = {
    "clips": ("clips", {"backbone": "mc3_18", "frame_size": 32}, torch.channels_last_3d),
    "clips_attention": ("clips", {"backbone": "swin3d_t", "frame_size": 32}, torch.contiguous_format),
    "facenet": ("facenet", {"frame_size": 80}, torch.channels_last),
    "frames": ("frames", {"backbone": "test_resnet", "frame_size": 32}, torch.channels_last),
    "frames_vit": ("frames", {"backbone": "test_vit", "frame_size": 32}, torch.contiguous_format),
    "residuals": ("residuals", {"frame_size": 64, "embed_dim": 8, "width": 8}, torch.channels_last),
    "spectrogram": ("spectrogram", {"backbone": "test_resnet"}, torch.channels_last),
}


def first_convolution(encoder):
    return next(part for part in encoder.modules() if isinstance(part, nn.Conv2d | nn.Conv3d))


def seen_and_tokens(encoder):
    """What entered the first convolution, and the tokens."""
    generator, seen = torch.Generator().manual_seed(0), []
    handle = first_convolution(encoder).register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    if encoder.modality == "audio":
        x = 0.1 * torch.randn(2, 4800, generator=generator)
    else:
        x = torch.rand(1, 2, 3, *[encoder.input_spec.frame_size] * 2, generator=generator)
    with torch.no_grad():
        tokens = encoder(x)
    handle.remove()
    return seen[0], tokens


@pytest.mark.parametrize("label", CASES)
def test_weights_and_input_lie_in_the_order_that_suits_the_network_and_tokens_do_not_change(label):
    name, arguments, order = CASES[label]
    encoder = create_encoder(name, **arguments).eval()
    seen, tokens = seen_and_tokens(encoder)
    assert seen.is_contiguous(memory_format=order)
    assert first_convolution(encoder).weight.is_contiguous(memory_format=order)
    if order is torch.contiguous_format:
        return
    assert seen.stride(1) == 1  # of one channel both orders are contiguous
    encoder.to(memory_format=torch.contiguous_format)
    encoder.memory_format = torch.contiguous_format
    seen, plain = seen_and_tokens(encoder)
    assert seen.stride(1) > 1
    torch.testing.assert_close(tokens, plain, rtol=1e-4, atol=1e-5)


def test_the_order_is_asked_of_most_weights():
    assert prefer_memory_format(nn.Sequential(nn.Conv2d(3, 4, 3), nn.Linear(4, 4))) == torch.channels_last
    assert prefer_memory_format(nn.Sequential(nn.Conv2d(3, 4, 3), nn.Linear(64, 64))) == torch.contiguous_format
