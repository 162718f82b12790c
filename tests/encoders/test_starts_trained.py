"""What an encoder's class says of its options before it is built is what the built encoder says of itself."""

import pytest
import torch
from tiny_speech import TINY_SPEECH
from transformers import AutoConfig, AutoModel

from encoders import create_encoder, list_encoders
from encoders.audio import spectrogram
from encoders.base import Encoder
from encoders.video import clips, facenet, frames
from experiments.runs.parts import EncoderConfig


@pytest.fixture
def published(tmp_path, monkeypatch) -> dict[str, dict]:
    """Options of every encoder by which it loads published weights; downloads are left out, files are real."""
    torch.save(create_encoder("aasist", variant="AASIST-L").state_dict(), tmp_path / "AASIST-L.pth")
    values = {name: value for name, value in TINY_SPEECH.items() if name != "model_type"}
    model = AutoModel.from_config(AutoConfig.for_model("wav2vec2", **values))
    model.save_pretrained(tmp_path / "speech")
    for module in (frames, spectrogram):
        build = module.create_backbone
        without = lambda name, build=build, **options: build(name, **{**options, "pretrained": False})  # noqa: E731
        monkeypatch.setattr(module, "create_backbone", without)
    monkeypatch.setattr(clips, "_network", lambda name, weights, build=clips._network: build(name, None))
    monkeypatch.setattr(facenet, "_network", lambda pretrained, build=facenet._network: build(None))
    return {
        "aasist": {"variant": "AASIST-L", "weights": str(tmp_path / "AASIST-L.pth")},
        "clips": {"backbone": "mc3_18", "pretrained": True},
        "facenet": {"pretrained": "vggface2"},
        "frames": {"backbone": "test_resnet", "pretrained": True},
        "spectrogram": {"backbone": "test_resnet", "pretrained": True},
        "wav2vec2": {"checkpoint": str(tmp_path / "speech")},
    }


#: Encoders of which nobody published weights.
OWN = {"changes", "residuals", "textures", "traces"}

#: Options of every encoder that begins with random weights.
RANDOM = {
    "aasist": {"variant": "AASIST-L"},
    "changes": {},
    "clips": {"backbone": "mc3_18", "pretrained": False},
    "facenet": {},
    "frames": {"backbone": "test_resnet"},
    "residuals": {},
    "spectrogram": {"backbone": "test_resnet", "pretrained": False},
    "textures": {},
    "traces": {},
    "wav2vec2": {"checkpoint": TINY_SPEECH},
}


@pytest.mark.parametrize("name", [name for name in list_encoders() if name not in OWN])
def test_an_encoder_of_published_weights_starts_trained_and_says_on_what(name, published):
    options = published[name]
    encoder = create_encoder(name, **options)
    assert type(encoder).starts_trained(**options)
    assert EncoderConfig(name=name, options=options).starts_trained
    assert encoder.trained_on != Encoder.trained_on


@pytest.mark.parametrize("name", list_encoders())
def test_an_encoder_of_random_weights_does_not_start_trained(name):
    encoder = create_encoder(name, **RANDOM[name])
    assert not type(encoder).starts_trained(**RANDOM[name])
    assert not EncoderConfig(name=name, options=RANDOM[name]).starts_trained
    assert encoder.trained_on == Encoder.trained_on


def test_options_left_out_have_the_defaults_of_the_constructor():
    assert EncoderConfig(name="wav2vec2").starts_trained  # its default is a checkpoint by name
    assert not EncoderConfig(name="frames").starts_trained


def test_an_encoder_from_a_folder_starts_trained_whatever_its_options_are(tmp_path):
    assert EncoderConfig(name="frames", weights=tmp_path).starts_trained
