"""Weights that a library saved, from a folder or a file on this machine: one way for every encoder, and strict."""

import json
import re
import socket

import pytest
import timm
import torch
from facenet_pytorch import InceptionResnetV1
from safetensors.torch import save_file
from tiny_speech import TINY_SPEECH
from torchvision import models
from transformers import AutoConfig, Wav2Vec2ForCTC

from encoders import create_encoder, encoder_class, list_encoders, load_encoder
from encoders.weights import read_published

SPEECH = {name: value for name, value in TINY_SPEECH.items() if name != "model_type"} | {"vocab_size": 8}

#: Encoders of which weights were published; nobody published any of `changes`, `residuals`, `textures`, `traces`.
PUBLISHED = [name for name in list_encoders() if name not in ("changes", "residuals", "textures", "traces")]


@pytest.fixture(autouse=True)
def _no_network(monkeypatch):
    def refuse(*_, **__):
        raise OSError("the test forbids sockets")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """Encoder → its options, what its library saved, and a name in it and in the encoder that hold the same."""
    root = tmp_path_factory.mktemp("published")
    vit = timm.create_model("test_vit", num_classes=5)
    cnn = timm.create_model("test_resnet", num_classes=5)
    video, face = models.get_model("mc3_18", num_classes=7), InceptionResnetV1(num_classes=3, classify=True)
    speech = Wav2Vec2ForCTC(AutoConfig.for_model("wav2vec2", **SPEECH))
    aasist = create_encoder("aasist", variant="AASIST-L")
    timm_config = {"architecture": "test_vit", "num_classes": 5, "pretrained_cfg": {"mean": [0.5] * 3, "tag": "a"}}
    (root / "timm").mkdir()
    save_file(vit.state_dict(), root / "timm" / "model.safetensors")
    (root / "timm" / "config.json").write_text(json.dumps(timm_config))
    torch.save(cnn.state_dict(), root / "cnn.pth")
    torch.save(video.state_dict(), root / "video.pth")
    torch.save(face.state_dict(), root / "face.pt")
    speech.half().save_pretrained(root / "speech")
    torch.save(aasist.state_dict(), root / "AASIST-L.pth")
    return {
        "frames": ({"backbone": "test_vit"}, root / "timm", vit, "blocks.0.attn.qkv.weight", "backbone."),
        "spectrogram": ({"backbone": "test_resnet"}, root / "cnn.pth", cnn, "layer2.0.conv1.weight", "backbone."),
        "clips": ({"backbone": "mc3_18"}, root / "video.pth", video, "layer1.0.conv1.0.weight", ""),
        "facenet": ({}, root / "face.pt", face, "block8.conv2d.weight", "backbone."),
        "wav2vec2": ({}, root / "speech", speech, "wav2vec2.feature_projection.projection.weight", "model."),
        "aasist": ({"variant": "AASIST-L"}, root / "AASIST-L.pth", aasist, "pos_S", ""),
    }


@pytest.mark.parametrize("name", PUBLISHED)
def test_every_encoder_begins_with_weights_of_its_library_from_a_place_here_in_float32(name, saved, tmp_path):
    options, place, network, key, prefix = saved[name]
    encoder = create_encoder(name, **options, weights=place)
    inner = prefix + key.removeprefix("wav2vec2.")
    inner = inner.replace("layer1", "layers.1") if name == "clips" else inner
    state = encoder.state_dict()
    assert torch.equal(state[inner], network.state_dict()[key].float())
    assert {value.dtype for value in state.values() if value.is_floating_point()} == {torch.float32}
    assert encoder_class(name).starts_trained(**options, weights=str(place))
    assert str(place.parent) not in encoder.trained_on  # where it lies is nobody's business
    assert "weights of " in encoder.trained_on
    assert "which they do not say" in encoder.trained_on or "nobody knows what" in encoder.trained_on
    encoder.save_pretrained(tmp_path)
    assert str(place) not in (tmp_path / "config.json").read_text()
    assert torch.equal(load_encoder(tmp_path).state_dict()[inner], state[inner])


def test_what_a_classifier_was_is_left_out_and_said(saved):
    for name, head in {"frames": "head", "facenet": "logits", "wav2vec2": "lm_head", "clips": "fc"}.items():
        options, place, *_ = saved[name]
        assert re.search(rf"without {head}\b", create_encoder(name, **options, weights=place).trained_on)


def test_a_network_of_pictures_takes_sound_with_its_colours_summed(saved):
    _, place, network, *_ = saved["spectrogram"]
    encoder = create_encoder("spectrogram", backbone="test_resnet", weights=place)
    first = network.state_dict()["conv1.0.weight"]
    torch.testing.assert_close(encoder.state_dict()["backbone.conv1.0.weight"], first.sum(dim=1, keepdim=True))


def test_up_to_a_stage_the_later_layers_are_left_where_they_are(saved):
    _, place, network, *_ = saved["spectrogram"]
    encoder = create_encoder("frames", backbone="test_resnet", stage=1, frame_size=32, weights=place)
    key = next(key for key in encoder.state_dict() if key.endswith("layer1.0.conv1.weight"))
    assert torch.equal(encoder.state_dict()[key], network.state_dict()["layer1.0.conv1.weight"])


@pytest.mark.parametrize("name", ["frames", "spectrogram", "clips", "facenet", "wav2vec2", "aasist"])
def test_weights_that_do_not_fit_are_named(name, saved, tmp_path):
    options, place, *_ = saved[name]
    state = dict(read_published(place).state)
    names = sorted(state)
    state.pop(names[len(names) // 2])
    state["stranger.weight"] = torch.zeros(1)
    folder = tmp_path / "folder"
    folder.mkdir()
    torch.save(state, folder / "weights.pth")
    if name == "wav2vec2":
        (folder / "config.json").write_text((place / "config.json").read_text())
    with pytest.raises(ValueError, match=r"misfits: .* missing; .*stranger.weight unexpected") as error:
        create_encoder(name, **options, weights=folder)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("wrap", "said"),
    [
        (lambda state: {"state_dict": state, "epoch": 3}, "taken from 'state_dict'"),
        (lambda state: {f"module.{key}": value for key, value in state.items()}, "prefix 'module.' taken off"),
        (
            lambda state: {"model": {f"_orig_mod.module.{key}": value for key, value in state.items()}},
            "taken from 'model'; prefix '_orig_mod.' taken off; prefix 'module.' taken off",
        ),
    ],
)
def test_wrapped_checkpoints_are_unwrapped_and_that_is_said(wrap, said, saved, tmp_path):
    options, place, *_ = saved["aasist"]
    state = read_published(place).state
    torch.save(wrap(state), tmp_path / "last.pt")
    encoder = create_encoder("aasist", **options, weights=tmp_path / "last.pt")
    assert said in encoder.trained_on
    assert torch.equal(encoder.state_dict()["pos_S"], state["pos_S"])


def test_a_file_of_transformers_takes_a_config_that_is_given_where_none_lies_beside_it(saved, tmp_path):
    _, place, *_ = saved["wav2vec2"]
    torch.save(read_published(place).state, tmp_path / "speech.bin")
    with pytest.raises(ValueError, match=r"speech.bin has no config.json beside it"):
        create_encoder("wav2vec2", weights=tmp_path / "speech.bin")
    config = {"model_type": "wav2vec2", **SPEECH}
    assert create_encoder("wav2vec2", checkpoint=config, weights=tmp_path / "speech.bin").embed_dim == 16


class _Stranger:
    def __reduce__(self):
        return exec, ("raise AssertionError('a pickle was run')",)


@pytest.mark.parametrize("name", PUBLISHED)
def test_nothing_but_tensors_is_unpickled(name, tmp_path):
    torch.save({"state_dict": {"weight": torch.zeros(1)}, "args": _Stranger()}, tmp_path / "weights.pth")
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ValueError, match=r"cannot read weights from .*Only tensors are read") as error:
        create_encoder(name, weights=tmp_path)
    assert "\n" not in str(error.value)


def test_a_folder_of_another_network_or_of_other_pixels_is_refused_by_what_its_config_says(saved, tmp_path):
    _, place, *_ = saved["frames"]
    with pytest.raises(ValueError, match=r"describes test_vit, not test_resnet; give .*backbone='test_vit'"):
        create_encoder("frames", backbone="test_resnet", weights=place)
    config = json.loads((place / "config.json").read_text())
    config["pretrained_cfg"]["mean"] = [0.1, 0.2, 0.3]
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "model.safetensors").write_bytes((place / "model.safetensors").read_bytes())
    with pytest.raises(ValueError, match=r"pixels of mean \(0.1, 0.2, 0.3\), .*name its tag, .*test_vit.a"):
        create_encoder("frames", backbone="test_vit", weights=tmp_path)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ((), "no weights at"),
        (("a.pth", "b.pth"), r"several files of weights \(a.pth, b.pth\)"),
        (("notes.txt",), "no weights at"),
    ],
)
def test_a_folder_without_the_one_file_of_weights_is_refused(files, message, tmp_path):
    for name in files:
        torch.save({}, tmp_path / name)
    with pytest.raises(ValueError, match=message):
        create_encoder("frames", backbone="test_vit", weights=tmp_path)


def test_two_origins_of_weights_contradict_each_other(tmp_path):
    for name, pretrained in {"frames": True, "clips": True, "spectrogram": True, "facenet": "vggface2"}.items():
        with pytest.raises(ValueError, match="stands beside pretrained="):
            create_encoder(name, weights=tmp_path, pretrained=pretrained)
