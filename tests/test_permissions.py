"""A file that may not be read is told as one, whatever the library that reads it says: to some it is not there."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from permissions import unreadable
from safetensors.torch import save_file

from encoders import create_encoder, load_encoder
from encoders.audio.wav2vec2 import load_model
from encoders.folders import holds_encoder
from encoders.learnt_from import LEARNT_FILE, LearntFrom
from encoders.weights import read_published, read_weights
from multimodal.artefacts import building, read_table
from multimodal.familiarity import read_familiar
from multimodal.onnx_graph import OnnxDetector
from multimodal.tokens.cache import _load
from multimodal.training.checkpoints import load_weights

MODULE = torch.nn.Linear(2, 1)


@pytest.fixture
def folder(tmp_path):
    """A folder with one readable file of every kind."""
    for name in ("model.safetensors", LEARNT_FILE):
        save_file(MODULE.state_dict(), tmp_path / name)
    torch.save(MODULE.state_dict(), tmp_path / "model.pth")
    (tmp_path / "config.json").write_text(json.dumps({"encoder": "textures", "trained_on": "x"}))
    (tmp_path / "graph.onnx").write_bytes(b"x")
    pq.write_table(pa.table({"a": [1]}), tmp_path / "table.parquet")
    return tmp_path


READERS = {
    "a run's weights": ("model.safetensors", lambda path: load_weights(MODULE, path)),
    "an encoder's weights": ("model.safetensors", lambda path: read_weights(MODULE, path)),
    "published weights": ("model.safetensors", read_published),
    "a pickle of torch's": ("model.pth", read_published),
    "tokens": ("model.safetensors", _load),
    "what validation clips are like": ("model.safetensors", read_familiar),
    "what weights learnt from": (LEARNT_FILE, lambda path: LearntFrom.read(path.parent)),
    "an encoder's description": ("config.json", lambda path: holds_encoder(path.parent)),
    "an encoder's folder": ("config.json", lambda path: load_encoder(path.parent)),
    "a config of transformers": ("config.json", lambda path: load_model(str(path.parent))),
    "a table": ("table.parquet", lambda path: read_table(path, "a table")),
}


@pytest.mark.parametrize("reader", READERS)
def test_a_file_that_may_not_be_read_is_told_as_one(reader, folder):
    name, read = READERS[reader]
    says = rf"{name} may not be read \(permission denied\); ask its owner"
    with unreadable(folder / name), pytest.raises(ValueError, match=says):
        read(folder / name)


def test_weights_of_transformers_that_may_not_be_read_are_told_as_such(folder):
    from transformers import Wav2Vec2Config

    Wav2Vec2Config(num_hidden_layers=1, hidden_size=48, intermediate_size=48).save_pretrained(folder)
    with unreadable(folder / "model.safetensors"), pytest.raises(ValueError, match="permission denied"):
        load_model(str(folder))


def test_a_graph_that_may_not_be_read_is_told_as_one(folder):
    pytest.importorskip("onnxruntime")
    with unreadable(folder / "graph.onnx"), pytest.raises(ValueError, match="may not be read"):
        OnnxDetector(folder / "graph.onnx", None)


def test_an_encoder_within_a_detector_that_may_not_be_read_is_not_called_another_thing(tmp_path):
    create_encoder("textures").save_pretrained(tmp_path / "audio")
    with (
        unreadable(tmp_path / "audio" / "model.safetensors"),
        pytest.raises(ValueError, match=r"^\S+model.safetensors may not be read"),
        building(tmp_path / "config.json", "a detector"),
    ):
        load_encoder(tmp_path / "audio")
