"""Every encoder as ONNX gives the encoder's tokens (runs where onnx, onnxscript and onnxruntime are installed)."""

import sys

import pytest
import torch
from tiny_speech import TINY_SPEECH

from encoders import create_encoder
from encoders.onnx_export import export_onnx

CASES = {
    "aasist": ("aasist", {"variant": "AASIST-L"}, 8000),
    "changes": ("changes", {"frame_size": 32, "embed_dim": 8}, 4),
    "clips": ("clips", {"backbone": "mc3_18", "frame_size": 32}, 3),
    "facenet": ("facenet", {"frame_size": 80}, 2),
    "frames": ("frames", {"backbone": "test_resnet", "frame_size": 32, "temporal_layers": 1}, 3),
    "hubert": ("wav2vec2", {"checkpoint": {**TINY_SPEECH, "model_type": "hubert"}}, 4000),
    "spectrogram": ("spectrogram", {"backbone": "test_resnet"}, 8000),
    "spectrogram_lfcc": ("spectrogram", {"backbone": "test_resnet", "front_end": "lfcc", "n_mels": 40}, 8000),
    "textures": ("textures", {"embed_dim": 8}, 8000),
    "vit": ("frames", {"backbone": "test_vit", "frame_size": 64}, 3),
    "wav2vec2": ("wav2vec2", {"checkpoint": TINY_SPEECH, "weigh_layers": True}, 4000),
    "wavlm": ("wav2vec2", {"checkpoint": {**TINY_SPEECH, "model_type": "wavlm"}}, 4000),
}


@pytest.mark.filterwarnings("ignore")  # torch's exporter and onnxscript warn about their own insides
@pytest.mark.parametrize("label", CASES)
def test_exported_graph_gives_the_tokens_of_the_encoder(tmp_path, label):
    for package in ("onnx", "onnxscript", "onnxruntime"):
        pytest.importorskip(package)
    name, arguments, length = CASES[label]
    encoder = create_encoder(name, **arguments).train()
    export = export_onnx(encoder, tmp_path / "encoder.onnx", length=length)
    assert export.file.stat().st_size > 1000
    assert export.largest_difference <= 1e-4
    assert encoder.training


def test_missing_onnx_is_said_in_one_line(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(ValueError, match="ONNX needs onnx, onnxscript and onnxruntime"):
        export_onnx(create_encoder("frames", backbone="test_resnet"), tmp_path / "encoder.onnx", length=1)


@pytest.mark.filterwarnings("ignore")
def test_graph_that_differs_too_much_is_refused(tmp_path):
    for package in ("onnx", "onnxscript", "onnxruntime"):
        pytest.importorskip(package)
    encoder = create_encoder("frames", backbone="test_resnet", frame_size=32)
    with torch.no_grad(), pytest.raises(ValueError, match=r"differs by .*, more than -1"):
        export_onnx(encoder, tmp_path / "encoder.onnx", length=1, tolerance=-1.0)
