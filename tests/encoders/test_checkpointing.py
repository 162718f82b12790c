"""Gradients from blocks that are computed anew: the same as ever, with less kept for them."""

import pytest
import torch
from tiny_speech import TINY_SPEECH

from encoders import create_encoder

TINY = {**TINY_SPEECH, "num_hidden_layers": 2}
FRAMES, SOUND = (2, 2, 3, 32, 32), (2, 4000)
#: label -> catalog name, options, shape of a batch
CAN = {
    "wav2vec2": ("wav2vec2", {"checkpoint": TINY}, SOUND),
    "wavlm": ("wav2vec2", {"checkpoint": {**TINY, "model_type": "wavlm"}, "weigh_layers": True}, SOUND),
    "frames": ("frames", {"backbone": "test_vit", "frame_size": 32}, FRAMES),
    "frames, a stage": ("frames", {"backbone": "test_vit", "frame_size": 32, "stage": 1}, FRAMES),
    "frames, a CNN": ("frames", {"backbone": "test_convnext", "frame_size": 32}, FRAMES),
    "spectrogram": ("spectrogram", {"backbone": "test_vit"}, SOUND),
    "spectrogram, a stage": ("spectrogram", {"backbone": "test_vit", "stage": 1}, SOUND),
}


def saved_bytes(encoder, x) -> int:
    """Bytes that a forward pass keeps for the gradient."""
    kept = 0

    def keep(tensor):
        nonlocal kept
        kept += tensor.nbytes
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        encoder(x).square().mean().backward()
    return kept


@pytest.mark.parametrize("label", CAN)
def test_checkpointed_gradients_are_the_same_and_keep_less(label):
    name, options, shape = CAN[label]
    x = torch.rand(shape, generator=torch.Generator().manual_seed(0))
    kept, gradients = [], []
    for checkpoints in (False, True):
        torch.manual_seed(0)
        encoder = create_encoder(name, **options).train()
        if checkpoints:
            encoder.checkpoint_gradients()
        torch.manual_seed(1)  # of dropout
        kept.append(saved_bytes(encoder, x))
        gradients.append([value.grad for value in encoder.parameters()])
    assert all(torch.equal(one, other) for one, other in zip(*gradients, strict=True))
    assert kept[1] < 0.8 * kept[0]


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("spectrogram", {"backbone": "test_resnet"}),  # each batch would count twice in its statistics
        ("frames", {"backbone": "test_resnet", "frame_size": 64}),
        ("frames", {"backbone": "legacy_xception", "frame_size": 64}),
        ("frames", {"backbone": "pit_ti_224"}),  # timm refuses
        ("aasist", {"variant": "AASIST-L"}),
    ],
)
def test_an_encoder_that_cannot_checkpoint_says_so(name, options):
    with pytest.raises(ValueError, match=f"{name!r} keeps all that a gradient needs"):
        create_encoder(name, **options).checkpoint_gradients()
