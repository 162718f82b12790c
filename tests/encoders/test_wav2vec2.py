"""Speech models of transformers: sources of weights, padding, layers, freezing."""

import huggingface_hub
import pytest
import torch
from tiny_speech import TINY_SPEECH
from transformers import AutoConfig, AutoModel, BertConfig

from encoders import create_encoder, load_encoder
from encoders.audio.wav2vec2 import normalise

TINY = {**TINY_SPEECH, "num_hidden_layers": 3, "feat_extract_norm": "layer"}


def tiny(**options):
    return create_encoder("wav2vec2", checkpoint=TINY, **options)


@pytest.fixture
def checkpoint_folder(tmp_path):
    """What transformers itself writes, masking parameter included."""
    values = {key: value for key, value in TINY.items() if key != "model_type"}
    AutoModel.from_config(AutoConfig.for_model("wav2vec2", **values)).save_pretrained(tmp_path / "checkpoint")
    return tmp_path / "checkpoint"


def test_local_folder_gives_the_tokens_of_transformers(checkpoint_folder):
    sound = torch.randn(2, 4000, generator=torch.Generator().manual_seed(0))
    encoder = create_encoder("wav2vec2", checkpoint=str(checkpoint_folder)).eval()
    model = AutoModel.from_pretrained(checkpoint_folder).eval()
    with torch.no_grad():
        assert torch.equal(encoder(sound), model(normalise(sound, None)).last_hidden_state)
    assert str(checkpoint_folder) in encoder.trained_on


def test_saved_encoder_loads_without_the_folder_it_came_from(checkpoint_folder, tmp_path):
    encoder = create_encoder("wav2vec2", checkpoint=str(checkpoint_folder), weigh_layers=True).eval()
    encoder.save_pretrained(tmp_path / "saved")
    for file in checkpoint_folder.iterdir():
        file.unlink()
    sound = torch.randn(1, 4000)
    with torch.no_grad():
        assert torch.equal(load_encoder(tmp_path / "saved")(sound), encoder(sound))


def test_name_without_network_says_how_to_give_a_folder(monkeypatch):
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(ValueError, match=r"cannot get 'nobody/no-such-model' .*give a local folder"):
        create_encoder("wav2vec2", checkpoint="nobody/no-such-model")


def test_folder_of_another_kind_of_model_is_refused(tmp_path):
    BertConfig().save_pretrained(tmp_path)
    with pytest.raises(ValueError, match="is a 'bert' model; wav2vec2 takes one of wav2vec2, hubert, wavlm"):
        create_encoder("wav2vec2", checkpoint=str(tmp_path))


def test_folder_whose_weights_do_not_fit_lists_them(checkpoint_folder):
    config = AutoConfig.from_pretrained(checkpoint_folder)
    config.intermediate_size, config.num_hidden_layers = 24, 4
    config.save_pretrained(checkpoint_folder)
    with pytest.raises(ValueError, match=r"do not fit its config, 25 misfits: .*encoder\.layers\.3\..* missing"):
        create_encoder("wav2vec2", checkpoint=str(checkpoint_folder))


def test_config_of_another_model_type_is_refused():
    with pytest.raises(ValueError, match="model_type must be one of wav2vec2, hubert, wavlm; got 'bert'"):
        create_encoder("wav2vec2", checkpoint={"model_type": "bert"})


def test_each_clip_is_normalised_by_itself():
    sound = torch.stack([torch.randn(4000), 5 + 100 * torch.randn(4000)])
    normal = normalise(sound, None)
    torch.testing.assert_close(normal.mean(dim=1), torch.zeros(2), atol=1e-5, rtol=0)
    torch.testing.assert_close(normal.var(dim=1, correction=0), torch.ones(2), atol=1e-4, rtol=0)


def test_padding_changes_no_token_of_the_sound():
    encoder = tiny().eval()
    sound = torch.randn(1, 4000, generator=torch.Generator().manual_seed(0))
    padded = torch.cat([sound, torch.full((1, 2000), 9.0)], dim=1)
    mask = torch.arange(6000).unsqueeze(0) < 4000
    with torch.no_grad():
        alone, tokens = encoder(sound), encoder(padded, mask)
    token_mask = encoder.token_mask(mask)
    assert token_mask.sum() == alone.shape[1]
    torch.testing.assert_close(tokens[token_mask], alone[0], atol=1e-5, rtol=1e-4)
    assert (tokens[~token_mask] == 0).all()


def test_mask_without_padding_equals_no_mask():
    encoder = tiny().eval()
    sound = torch.randn(2, 4000, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        torch.testing.assert_close(encoder(sound, torch.ones(2, 4000, dtype=torch.bool)), encoder(sound))


@pytest.mark.parametrize(
    ("mask", "message"),
    [
        (torch.ones(2, 3999, dtype=torch.bool), r"mask must be bool \(2, 4000\); got \(2, 3999\)"),
        (torch.zeros(2, 4000, dtype=torch.bool), r"rows \[0, 1\] have fewer than 66 samples of sound"),
    ],
)
def test_mask_that_does_not_fit_is_refused(mask, message):
    with pytest.raises(ValueError, match=message):
        tiny()(torch.randn(2, 4000), mask)


def test_weighted_layers_start_as_the_mean_of_all_hidden_states():
    encoder = tiny(weigh_layers=True).eval()
    sound = torch.randn(1, 4000, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        states = encoder.model(normalise(sound, None), output_hidden_states=True).hidden_states
        torch.testing.assert_close(encoder(sound), torch.stack(states).mean(dim=0))


def test_frozen_layers_and_all_before_them_get_no_gradient():
    encoder = tiny(frozen_layers=2).train()
    encoder(torch.randn(2, 4000)).square().mean().backward()
    trained = {key for key, value in encoder.named_parameters() if value.grad is not None}
    assert trained
    assert all(key.startswith(("model.encoder.layers.2.", "model.encoder.layer_norm.")) for key in trained)


def test_frozen_feature_extractor_gets_no_gradient():
    encoder = tiny(freeze_feature_extractor=True).train()
    encoder(torch.randn(2, 4000)).square().mean().backward()
    assert all(value.grad is None for value in encoder.model.feature_extractor.parameters())
    assert encoder.model.feature_projection.projection.weight.grad is not None


def test_more_frozen_layers_than_there_are_is_refused():
    with pytest.raises(ValueError, match="frozen_layers must be 0 to 3 for this model; got 4"):
        tiny(frozen_layers=4)


@pytest.mark.parametrize("stable", [False, True])
@pytest.mark.parametrize("model_type", ["wav2vec2", "hubert", "wavlm"])
def test_weighted_layers_leave_no_parameter_of_the_family_without_a_gradient(model_type, stable):
    """Base models normalise after each block, XLS-R, large-lv60 and WavLM-large before it."""
    norm = {"do_stable_layer_norm": stable, "feat_extract_norm": "layer" if stable else "group"}
    config = {**TINY, **norm, "model_type": model_type, "conv_bias": stable}
    encoder = create_encoder("wav2vec2", checkpoint=config, weigh_layers=True).train()
    encoder(torch.randn(2, 4000)).square().mean().backward()
    assert [key for key, value in encoder.named_parameters() if value.grad is None] == []


def test_padding_hardly_moves_tokens_of_a_model_whose_first_norm_is_over_the_window():
    torch.manual_seed(0)
    encoder = create_encoder("wav2vec2", checkpoint={**TINY, "feat_extract_norm": "group"}).eval()
    sound = torch.randn(1, 4000, generator=torch.Generator().manual_seed(0))
    mask = torch.arange(5000).unsqueeze(0) < 4000  # a fifth of the window
    with torch.no_grad():
        alone = encoder(sound)
        tokens = encoder(torch.cat([sound, torch.zeros(1, 1000)], dim=1), mask)[encoder.token_mask(mask)]
    assert (tokens - alone[0]).norm() < 0.03 * alone.norm()
