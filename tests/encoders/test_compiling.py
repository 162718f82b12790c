"""Every family of encoders is one graph to torch's compiler, in evaluation and in training."""

import pytest
import torch
from tiny_speech import TINY_SPEECH
from torch import nn

from encoders import create_encoder, list_encoders

TWO_LAYERS = {**TINY_SPEECH, "num_hidden_layers": 2}
SAMPLES = 4800

#: label -> (catalog name, arguments)
FAMILIES = {
    "aasist": ("aasist", {"variant": "AASIST-L"}),
    "aasist_frozen": ("aasist", {"variant": "AASIST-L", "frozen_blocks": 6}),
    "changes": ("changes", {"frame_size": 32, "embed_dim": 8}),
    "clips": ("clips", {"backbone": "mc3_18", "frame_size": 32}),
    "facenet": ("facenet", {"frame_size": 80}),
    "frames_cnn": ("frames", {"backbone": "test_resnet", "frame_size": 32, "temporal_layers": 1}),
    "frames_vit": ("frames", {"backbone": "test_vit", "frame_size": 32}),
    "residuals": ("residuals", {"frame_size": 32, "embed_dim": 8, "width": 8}),
    "spectrogram_cepstra": ("spectrogram", {"backbone": "test_resnet", "front_end": "lfcc", "n_mels": 40}),
    "spectrogram_mel": ("spectrogram", {"backbone": "test_resnet", "stage": 1}),
    "spectrogram_vit": ("spectrogram", {"backbone": "test_vit", "front_end": "linear", "n_fft": 256}),
    "textures": ("textures", {"embed_dim": 8}),
    "traces": ("traces", {"embed_dim": 8}),
    "hubert": ("wav2vec2", {"checkpoint": {**TINY_SPEECH, "model_type": "hubert"}}),
    "wav2vec2": ("wav2vec2", {"checkpoint": TWO_LAYERS, "weigh_layers": True, "frozen_layers": 1}),
    "wavlm": ("wav2vec2", {"checkpoint": {**TINY_SPEECH, "model_type": "wavlm"}}),
}
#: Cheap to trace: in evaluation too, whose graph is that of training without dropout and statistics of a batch.
CHEAP = ["frames_vit", "residuals", "spectrogram_mel", "textures", "wav2vec2", "wavlm"]


def small(label):
    """The family's encoder; of a deep network's equal blocks one each, for every one is traced anew."""
    name, arguments = FAMILIES[label]
    encoder = create_encoder(name, **arguments)
    if name == "facenet":
        for stage in ("repeat_1", "repeat_2", "repeat_3"):
            setattr(encoder.backbone, stage, getattr(encoder.backbone, stage)[:1])
    if name == "aasist":
        encoder.encoder = nn.Sequential(*list(encoder.encoder)[:3])
    return encoder


def example(encoder):
    generator = torch.Generator().manual_seed(0)
    if encoder.modality == "video":
        side = encoder.input_spec.frame_size
        return torch.rand(2, 2, 3, side, side, generator=generator)
    return 0.1 * torch.randn(2, SAMPLES, generator=generator)


def tokens_and_gradients(encoder, *given):
    torch.manual_seed(1)  # what dropout hides
    encoder.zero_grad()
    tokens = encoder(*given)
    tokens.square().mean().backward()
    return tokens.detach(), [value.grad for value in encoder.parameters() if value.requires_grad]


def test_every_name_of_the_catalog_is_compiled_here():
    assert {name for name, _ in FAMILIES.values()} == set(list_encoders())


@pytest.mark.filterwarnings(  # all three of libraries
    "ignore:`torch.jit",
    "ignore:.*a `functools.lru_cache`-wrapped function",
    "ignore:.*mismatched key_padding_mask",
)
@pytest.mark.parametrize(
    ("label", "is_training"),
    [(label, is_training) for label in FAMILIES for is_training in (True, False) if is_training or label in CHEAP],
)
def test_an_encoder_is_one_graph_to_a_compiler_and_gives_what_it_gave(label, is_training):
    encoder = small(label).train(is_training)
    given = [example(encoder)]
    if encoder.takes_mask:
        given.append(torch.arange(SAMPLES) < torch.tensor([[SAMPLES], [SAMPLES - 500]]))
    plain = tokens_and_gradients(encoder, *given)
    torch._dynamo.reset()
    compiled = torch.compile(encoder, fullgraph=True, backend="eager")  # a break of the graph is an error
    torch.testing.assert_close(tokens_and_gradients(compiled, *given), plain)
