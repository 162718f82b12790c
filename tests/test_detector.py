import pytest
import torch
from tiny_speech import TINY_SPEECH

from encoders import create_encoder
from fusion import create_fusion, fusion_class, list_fusions
from multimodal.detector import AudioVisualDetector, marginals
from multimodal.heads import Branch, encode_padded
from multimodal.labels import CLASSES, class_index


@pytest.fixture
def detector() -> AudioVisualDetector:
    torch.manual_seed(0)
    video = create_encoder("frames", backbone="test_resnet", frame_size=32)
    audio = create_encoder("spectrogram", backbone="test_resnet", n_mels=32)
    fusion = create_fusion("gated", dims={"video": video.embed_dim, "audio": audio.embed_dim}, out_dim=8)
    return AudioVisualDetector(encoders={"audio": audio, "video": video}, fusion=fusion)


def inputs(batch: int = 2) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    return {
        "video": torch.rand(batch, 2, 3, 32, 32, generator=generator),
        "audio": torch.rand(batch, 4000, generator=generator) - 0.5,
    }


def test_the_detector_names_a_class_and_judges_each_modality_apart(detector):
    output = detector.eval()(inputs())
    assert output.class_logits.shape == (2, len(CLASSES))
    assert {name: logits.shape for name, logits in output.modality_logits.items()} == {
        "audio": (2,),
        "video": (2,),
    }


def test_the_head_of_one_modality_sees_nothing_of_the_other(detector):
    detector.eval()
    one, other = inputs(), inputs() | {"audio": torch.zeros(2, 4000)}
    torch.testing.assert_close(
        detector(one).modality_logits["video"], detector(other).modality_logits["video"], rtol=0, atol=0
    )
    assert not torch.equal(detector(one).class_logits, detector(other).class_logits)


def test_what_stands_in_an_absent_modality_changes_nothing_in_the_posterior(detector):
    detector.eval()
    present = {"video": torch.tensor([True, True]), "audio": torch.tensor([True, False])}
    changed = inputs()
    changed["audio"][1] = 0.9
    before, after = detector(inputs(), present).class_logits, detector(changed, present).class_logits
    torch.testing.assert_close(before, after)


def test_frozen_encoders_get_no_gradient_and_keep_their_running_statistics(detector):
    detector.freeze_encoders()
    detector.train()
    before = {name: value.clone() for name, value in detector.encoders.state_dict().items()}
    detector(inputs()).class_logits.sum().backward()
    assert all(parameter.grad is None for parameter in detector.encoders.parameters())
    assert all(torch.equal(before[name], value) for name, value in detector.encoders.state_dict().items())
    assert any(parameter.grad is not None for parameter in detector.classifier.fusion.parameters())


def test_an_encoder_under_the_other_modalitys_name_is_refused():
    video = create_encoder("frames", backbone="test_resnet", frame_size=32)
    fusion = create_fusion("concat", dims={"audio": video.embed_dim}, out_dim=8)
    with pytest.raises(ValueError, match="swap the names"):
        AudioVisualDetector(encoders={"audio": video}, fusion=fusion)


def test_a_fusion_of_other_widths_is_refused():
    video = create_encoder("frames", backbone="test_resnet", frame_size=32)
    fusion = create_fusion("concat", dims={"video": video.embed_dim + 1}, out_dim=8)
    with pytest.raises(ValueError, match="token widths"):
        AudioVisualDetector(encoders={"video": video}, fusion=fusion)


def test_marginals_add_up_the_classes_in_which_a_modality_is_fake():
    posterior = torch.tensor([[0.4, 0.3, 0.2, 0.1]])
    result = marginals(posterior)
    assert result.any.item() == pytest.approx(0.6)
    assert result.video.item() == pytest.approx(0.3)
    assert result.audio.item() == pytest.approx(0.4)


def test_the_four_classes_stand_in_the_order_of_their_index():
    for video_fake in (0, 1):
        for audio_fake in (0, 1):
            name = CLASSES[class_index(video_fake, audio_fake)]
            assert name == f"{'RF'[video_fake]}V{'RF'[audio_fake]}A"


@pytest.fixture(scope="module")
def encoder():
    torch.manual_seed(0)
    return create_encoder("wav2vec2", checkpoint={**TINY_SPEECH, "feat_extract_norm": "layer"}).eval()


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


#: label -> catalog name, options, shape of a window behind the batch
UNMASKED = {
    "spectrogram": ("spectrogram", {"backbone": "test_resnet", "n_mels": 32}, (4000,)),
    "aasist": ("aasist", {"variant": "AASIST-L"}, (8000,)),
    "frames": ("frames", {"backbone": "test_resnet", "frame_size": 32, "temporal_layers": 1}, (4, 3, 32, 32)),
    "clips": ("clips", {"backbone": "mc3_18", "frame_size": 32}, (4, 3, 32, 32)),
}


@pytest.mark.parametrize("label", UNMASKED)
@torch.no_grad()
def test_an_encoder_that_takes_no_mask_is_shown_the_clip_again_in_place_of_padding(label):
    name, options, shape = UNMASKED[label]
    encoder = create_encoder(name, **options).eval()
    assert not encoder.takes_mask
    whole = torch.rand(2, *shape, generator=torch.Generator().manual_seed(0))
    half = shape[0] // 2
    shown = torch.cat([whole[:1, :half], whole[:1, :half]], dim=1)
    padded = whole.clone()
    padded[0, half:] = 0
    lengths = torch.tensor([half, shape[0]])
    tokens = encode_padded(encoder, padded, lengths)
    torch.testing.assert_close(tokens, encoder(torch.cat([shown, whole[1:]])))
    assert not torch.allclose(tokens[0], encoder(padded)[0], atol=1e-3)
    torch.testing.assert_close(Branch(encoder).eval()(padded, lengths).tokens, tokens)


@torch.no_grad()
def test_a_row_of_an_absent_modality_is_shown_as_it_is():
    encoder = create_encoder("spectrogram", backbone="test_resnet", n_mels=32).eval()
    sound = torch.randn(2, 4000)
    torch.testing.assert_close(encode_padded(encoder, sound, torch.tensor([0, 3999]))[0], encoder(sound)[0])


@pytest.mark.parametrize("fusion", list_fusions())
@torch.inference_mode()
def test_a_detector_of_any_fusion_comes_back_from_its_folder_to_the_bit(fusion, tmp_path):
    video = create_encoder("frames", backbone="test_vit", frame_size=32)
    audio = create_encoder("spectrogram", backbone="test_resnet", n_mels=32)
    dims = {"video": video.embed_dim, "audio": audio.embed_dim}
    mode = create_fusion(fusion, dims=dims, out_dim=8, width=16)
    detector = AudioVisualDetector(
        encoders={"video": video, "audio": audio},
        fusion=mode,
        dropout=0.3,
        compares=mode.compares(),
        localises=True,
    ).eval()
    detector.save_pretrained(tmp_path)
    card = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert f"- video: `frames`, trained on: {video.trained_on}" in card
    assert "no metrics, thresholds or calibration" in card
    loaded = AudioVisualDetector.from_pretrained(tmp_path)
    inputs = {"video": torch.rand(2, 3, 3, 32, 32), "audio": torch.rand(2, 8000)}
    found, expected = loaded(inputs), detector(inputs)
    assert torch.equal(found.class_logits, expected.class_logits)
    assert {name: one.shape[0] for name, one in found.frame_logits.items()} == {"video": 2, "audio": 2}
    assert all(torch.equal(one, expected.frame_logits[name]) for name, one in found.frame_logits.items())
    assert (loaded.classifier.dropout, loaded.classifier.compares) == (0.3, mode.compares())


def test_a_fusion_without_a_name_cannot_be_saved(tmp_path):
    audio = create_encoder("spectrogram", backbone="test_resnet", n_mels=32)
    fusion = fusion_class("concat")({"audio": audio.embed_dim}, 8)
    with pytest.raises(ValueError, match="ConcatFusion has no name to be saved by; build it by create_fusion"):
        AudioVisualDetector(encoders={"audio": audio}, fusion=fusion).save_pretrained(tmp_path)
    assert list(tmp_path.iterdir()) == []
