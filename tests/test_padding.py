import pytest
import torch

from encoders import create_encoder
from multimodal.heads import Branch
from multimodal.padding import encode_padded

SPEECH = {"model_type": "wav2vec2", "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
SPEECH |= {"intermediate_size": 16, "conv_dim": [8, 8], "conv_kernel": [10, 8], "conv_stride": [8, 8]}
SPEECH |= {"num_feat_extract_layers": 2, "num_conv_pos_embeddings": 16, "num_conv_pos_embedding_groups": 2}
SPEECH |= {"feat_extract_norm": "layer"}


@pytest.fixture(scope="module")
def encoder():
    torch.manual_seed(0)
    return create_encoder("wav2vec2", checkpoint=SPEECH).eval()


@torch.no_grad()
def test_padding_changes_no_judgement_of_a_branch_whose_encoder_takes_masks(encoder):
    branch, sound = Branch(encoder).eval(), torch.randn(1, 4000)
    padded = torch.cat([sound, torch.zeros(1, 3000)], dim=1)
    alone = branch(sound).logits
    torch.testing.assert_close(branch(padded, torch.tensor([4000])).logits, alone, atol=1e-5, rtol=1e-4)
    assert not torch.allclose(branch(padded).logits, alone, atol=1e-5, rtol=1e-4)


@torch.no_grad()
def test_a_row_of_an_absent_modality_and_one_shorter_than_a_token_are_no_error(encoder):
    tokens = encode_padded(encoder, torch.randn(3, 2000), torch.tensor([0, 5, 2000]))
    assert torch.isfinite(tokens).all()


@torch.no_grad()
def test_an_encoder_that_takes_no_mask_reads_the_padding():
    encoder = create_encoder("spectrogram", backbone="test_resnet", n_mels=32).eval()
    sound = torch.randn(2, 4000)
    assert torch.equal(encode_padded(encoder, sound, torch.tensor([10, 4000])), encoder(sound))
