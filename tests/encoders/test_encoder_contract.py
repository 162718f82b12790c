"""What every encoder of the catalog promises, on tiny configurations without network."""

import json
import os
import subprocess
import sys

import pytest
import torch
from tiny_speech import TINY_SPEECH

from encoders import AudioSpec, VideoSpec, create_encoder, encoder_class, list_encoders, load_encoder
from encoders.checks import check_mask, check_sound, check_video

TWO_LAYERS = {**TINY_SPEECH, "num_hidden_layers": 2}
NUM_FRAMES, NUM_SAMPLES = 5, 8000

#: label -> (catalog name, arguments, tokens of a window)
CASES = {
    "aasist": ("aasist", {"variant": "AASIST-L"}, 3),
    "changes": ("changes", {"frame_size": 64, "embed_dim": 16}, 5),
    "clips_mc3_18": ("clips", {"backbone": "mc3_18", "frame_size": 32}, 5),
    "clips_s3d": ("clips", {"backbone": "s3d", "frame_size": 32}, 1),
    "facenet": ("facenet", {"frame_size": 80}, 5),
    "frames_cnn": ("frames", {"backbone": "test_resnet", "frame_size": 64}, 5),
    "frames_mobilenet": ("frames", {"backbone": "mobilenetv3_small_050", "frame_size": 32}, 5),
    "frames_temporal": ("frames", {"backbone": "test_resnet", "frame_size": 32, "temporal_layers": 1}, 5),
    "frames_stage": ("frames", {"backbone": "test_efficientnet", "frame_size": 32, "stage": 1}, 5),
    "frames_vit": ("frames", {"backbone": "test_vit", "frame_size": 64}, 5),
    "residuals": ("residuals", {"frame_size": 64, "embed_dim": 16, "width": 8}, 5),
    "spectrogram_lfcc": ("spectrogram", {"backbone": "test_resnet", "front_end": "lfcc", "n_mels": 40}, 2),
    "spectrogram_linear": ("spectrogram", {"backbone": "test_resnet", "front_end": "linear", "n_fft": 256}, 2),
    "spectrogram_mel": ("spectrogram", {"backbone": "mobilenetv3_small_050"}, 2),
    "spectrogram_stage": ("spectrogram", {"backbone": "test_resnet", "stage": 1}, 13),
    "spectrogram_vit": ("spectrogram", {"backbone": "test_vit"}, 4),
    "textures": ("textures", {"embed_dim": 16}, 6),
    "traces": ("traces", {"embed_dim": 16}, 1),
    "hubert": ("wav2vec2", {"checkpoint": {**TINY_SPEECH, "model_type": "hubert"}}, 124),
    "wav2vec2": ("wav2vec2", {"checkpoint": TINY_SPEECH}, 124),
    "wav2vec2_layers": ("wav2vec2", {"checkpoint": TWO_LAYERS, "weigh_layers": True, "frozen_layers": 1}, 124),
    "wavlm": ("wav2vec2", {"checkpoint": {**TINY_SPEECH, "model_type": "wavlm"}}, 124),
}
VIDEO = [label for label, (name, *_) in CASES.items() if name in list_encoders("video")]
AUDIO = [label for label in CASES if label not in VIDEO]


@pytest.fixture(scope="module")
def encoders():
    """Each encoder is built once; a test that changes weights builds its own."""
    return {label: build(label) for label in CASES}


def build(label):
    name, arguments, _ = CASES[label]
    return create_encoder(name, **arguments).eval()


def window(encoder, batch_size=2, seed=0):
    generator = torch.Generator().manual_seed(seed)
    if isinstance(encoder.input_spec, VideoSpec):
        side = encoder.input_spec.frame_size
        return torch.rand(batch_size, NUM_FRAMES, 3, side, side, generator=generator)
    return 0.1 * torch.randn(batch_size, NUM_SAMPLES, generator=generator)


def test_every_name_of_the_catalog_is_tested_here():
    assert {name for name, *_ in CASES.values()} == set(list_encoders())


def test_catalog_names_are_the_names_that_encoders_save_under():
    assert {encoder_class(name).name: name for name in list_encoders()} == {name: name for name in list_encoders()}
    assert list_encoders() == sorted([*list_encoders("video"), *list_encoders("audio")])


@pytest.mark.parametrize("modality", ["video", "audio"])
def test_catalog_sorts_encoders_by_the_modality_that_they_take(modality):
    assert {encoder_class(name).modality for name in list_encoders(modality)} == {modality}


@pytest.mark.parametrize("label", CASES)
class TestContract:
    def test_tokens_are_batch_time_and_embed_dim(self, encoders, label):
        encoder, num_tokens = encoders[label], CASES[label][2]
        with torch.no_grad():
            tokens = encoder(window(encoder))
        assert tokens.shape == (2, num_tokens, encoder.embed_dim)
        assert tokens.dtype == torch.float32

    def test_input_spec_is_of_the_modality(self, encoders, label):
        encoder = encoders[label]
        assert isinstance(encoder.input_spec, VideoSpec if encoder.modality == "video" else AudioSpec)

    def test_every_trainable_parameter_gets_a_gradient(self, label):
        encoder = build(label).train()
        encoder(window(encoder)).square().mean().backward()
        without = [key for key, value in encoder.named_parameters() if value.requires_grad and value.grad is None]
        assert without == []
        assert any(value.grad.abs().sum() > 0 for value in encoder.parameters() if value.requires_grad)

    def test_tokens_of_a_clip_do_not_depend_on_the_others_in_the_batch(self, encoders, label):
        encoder = encoders[label]
        x, other = window(encoder), window(encoder, seed=1)
        with torch.no_grad():
            alone, beside = encoder(x[:1]), encoder(torch.cat([x[:1], 3 * other[:1].clamp(0, 0.3)]))[:1]
        torch.testing.assert_close(beside, alone, rtol=1e-3, atol=1e-5)

    def test_tokens_differ_between_clips(self, encoders, label):
        encoder = encoders[label]
        with torch.no_grad():
            first, second = encoder(window(encoder))
        assert not torch.equal(first, second)

    def test_evaluation_is_deterministic(self, encoders, label):
        encoder = encoders[label]
        with torch.no_grad():
            assert torch.equal(encoder(window(encoder)), encoder(window(encoder)))

    def test_saved_and_loaded_tokens_are_bitwise_equal(self, tmp_path, label):
        encoder = build(label)
        encoder.trained_on = "a corpus of this test"
        encoder.save_pretrained(tmp_path)
        loaded, from_hub = load_encoder(tmp_path), type(encoder).from_pretrained(tmp_path)
        with torch.no_grad():
            expected = encoder(window(encoder))
            assert torch.equal(loaded(window(encoder)), expected)
            assert torch.equal(from_hub(window(encoder)), expected)
        assert loaded.trained_on == from_hub.trained_on == "a corpus of this test"
        assert loaded.input_spec == encoder.input_spec
        assert loaded.arguments() == encoder.arguments()

    def test_bfloat16_autocast_gives_nearly_the_same_tokens(self, encoders, label):
        encoder = encoders[label]
        with torch.no_grad():
            expected = encoder(window(encoder))
            with torch.autocast("cpu", torch.bfloat16):
                tokens = encoder(window(encoder))
        assert torch.isfinite(tokens).all()
        assert torch.linalg.vector_norm(tokens - expected) < 0.1 * torch.linalg.vector_norm(expected)

    def test_sixteen_bit_integers_are_refused(self, encoders, label):
        encoder = encoders[label]
        with pytest.raises(ValueError, match=r"must be floating point in .*; got torch.int16\. Divide"):
            encoder(window(encoder).to(torch.int16))

    def test_values_of_integers_as_floats_are_questioned(self, encoders, label):
        encoder = encoders[label]
        for values in (window(encoder).abs() * 20_000, window(encoder).abs() * -20_000):
            with pytest.raises(
                ValueError, match=r"^(video|audio) must lie in .*; got .* to .*\. Divide \d+-bit .*$"
            ):
                encoder(values)

    def test_values_that_are_no_numbers_are_refused_with_their_rows(self, encoders, label):
        encoder = encoders[label]
        broken = window(encoder, batch_size=3)
        broken.flatten(1)[1, 100] = torch.nan
        with pytest.raises(ValueError, match=r"^(video|audio) has NaN or infinite values in batch rows \[1\]"):
            encoder(broken)


@pytest.mark.parametrize("label", ["frames_cnn", "frames_vit", "spectrogram_mel", "wav2vec2"])
def test_bfloat16_autocast_gives_finite_gradients(label):
    encoder = build(label).train()
    with torch.autocast("cpu", torch.bfloat16):
        tokens = encoder(window(encoder))
    tokens.float().square().mean().backward()
    assert all(value.grad.isfinite().all() for value in encoder.parameters() if value.requires_grad)


@pytest.mark.parametrize("label", VIDEO)
def test_video_of_another_size_or_channel_count_is_refused_in_one_line(encoders, label):
    encoder = encoders[label]
    side = encoder.input_spec.frame_size
    for shape in ((2, NUM_FRAMES, 1, side, side), (2, NUM_FRAMES, 3, side + 32, side), (2, 3, side, side)):
        with pytest.raises(ValueError, match=rf"^video must be \(batch, time, 3, {side}, {side}\); got .*$"):
            encoder(torch.rand(shape))


@pytest.mark.parametrize("label", AUDIO)
def test_sound_that_is_stereo_short_or_broken_is_refused_in_one_line(encoders, label):
    encoder = encoders[label]
    with pytest.raises(
        ValueError, match=r"^audio must be mono \(batch, samples\); got \(2, 2, 8000\)\. Average .*$"
    ):
        encoder(torch.zeros(2, 2, NUM_SAMPLES))
    with pytest.raises(ValueError, match=r"^audio must have at least \d+ samples; got 12\. .*$"):
        encoder(torch.zeros(2, 12))


def test_a_training_on_an_accelerator_does_not_wait_for_a_look_at_values():
    frames, sound = torch.empty(1, 2, 3, 8, 8, device="meta"), torch.empty(1, 400, device="meta")
    check_video(frames, 8)  # a meta tensor has no values: looking at them is an error
    check_sound(sound, 400)
    check_mask(torch.ones_like(sound, dtype=torch.bool), sound, 400)
    with torch.no_grad(), pytest.raises(NotImplementedError):
        check_video(frames, 8)


@pytest.mark.parametrize("label", AUDIO)
def test_the_shortest_sound_that_is_accepted_gives_a_token(encoders, label):
    encoder = encoders[label]
    with torch.no_grad():
        tokens = encoder(torch.randn(1, encoder.minimum_samples, generator=torch.Generator().manual_seed(0)))
    assert tokens.shape[1] >= 1
    assert tokens.isfinite().all()


@pytest.mark.parametrize("label", AUDIO)
def test_silence_gives_finite_tokens(encoders, label):
    with torch.no_grad():
        assert encoders[label](torch.zeros(1, NUM_SAMPLES)).isfinite().all()


def test_convolutions_over_time_do_not_end_the_process():
    code = (
        "import torch; from encoders import create_encoder; "
        "encoder = create_encoder('clips', backbone='s3d', frame_size=32).train(); "
        "encoder(torch.rand(2, 5, 3, 32, 32)).sum().backward()"
    )
    # as users have it: the suite itself limits oneDNN
    environment = {name: value for name, value in os.environ.items() if name != "ONEDNN_MAX_CPU_ISA"}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True, timeout=120)


def test_clip_too_short_for_its_network_is_refused(encoders):
    with pytest.raises(ValueError, match="video must have at least 5 frames; got 4"):
        encoders["clips_s3d"](torch.rand(1, 4, 3, 32, 32))


def test_config_holds_the_catalog_name_and_the_constructor_arguments(tmp_path, encoders):
    encoders["frames_cnn"].save_pretrained(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    assert config["encoder"] == "frames"
    assert config["backbone"] == "test_resnet.r160_in1k"
    assert config["pretrained"] is False


def test_model_card_says_what_the_encoder_was_trained_on(tmp_path):
    encoder = build("frames_cnn")
    encoder.trained_on = "made-up corpus, train split"
    encoder.save_pretrained(tmp_path)
    card = (tmp_path / "README.md").read_text()
    assert "**Trained on:** made-up corpus, train split" in card
    assert "deepfake-detection" in card
