"""The whole detector as a graph: the same answers, masks and lengths included (runs where onnx is installed)."""

import json
import os
import sys
import warnings
from itertools import product

import pytest
import torch
from judged import tiny_detector, tiny_judge, write_tiny_clip
from tiny_speech import TINY_SPEECH

from experiments.__main__ import main
from multimodal.onnx_graph import OnnxDetector, export_detector

for package in ("onnx", "onnxscript", "onnxruntime"):
    pytest.importorskip(package)

MASKED = ("wav2vec2", {"checkpoint": TINY_SPEECH})


@pytest.mark.filterwarnings("ignore")  # torch's exporter and onnxscript warn about their own insides
@pytest.mark.parametrize("fusion", ["concat", "cross_attention", "discrepancy"])
def test_a_graph_answers_as_its_detector_with_masks_and_other_lengths(fusion, tmp_path):
    detector = tiny_detector(fusion=fusion, audio=MASKED).train()
    shape = tiny_judge().shape
    graph = export_detector(detector, tmp_path / "graph.onnx", shape=shape)
    assert detector.training
    assert graph.largest_difference <= 1e-4
    assert graph.dynamic == ("video", "audio")
    inputs = {"video": torch.rand(5, 6, 3, 32, 32), "audio": 0.1 * torch.randn(5, 9000)}
    present = {name: torch.tensor([True, True, name == "video", True, True]) for name in inputs}
    lengths = {"video": torch.full((5,), 6), "audio": torch.tensor([9000, 4000, 0, 9000, 7000])}
    with torch.inference_mode():
        said = detector.eval()(inputs, present, lengths)
    told = OnnxDetector(graph.file, detector)(inputs, present, lengths)
    parts = ("modality_logits", "embeddings", "frame_logits")
    torch.testing.assert_close(told.class_logits, said.class_logits, atol=1e-4, rtol=0)
    for name, part in product(inputs, parts):
        ours, theirs = (getattr(one, part)[name][present[name]] for one in (told, said))
        torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=0)


@pytest.mark.filterwarnings("ignore")
def test_predict_by_a_graph_says_what_the_detector_says(tmp_path):
    clip = write_tiny_clip(tmp_path / "media")
    tiny_judge(metrics={"split": "test", "floors": {}, "counts": {}}).save_pretrained(tmp_path / "kept")
    assert main(["export", str(tmp_path / "kept"), "--out", str(tmp_path / "out"), "--onnx"]) == 0
    said = {}
    for how, more in {"torch": (), "onnx": ("--onnx", str(tmp_path / "out" / "detector.onnx"))}.items():
        command = ["predict", str(clip), "--run", str(tmp_path / "out"), "--out", str(tmp_path / how), *more]
        assert main([*command, "--device", "cpu"]) == 0
        (verdict,) = json.loads((tmp_path / how / "verdicts.json").read_text())
        said[how] = [(one["video"], one["audio"], one["any"]) for one in verdict["windows"]]
    assert said["onnx"] != []
    for ours, theirs in zip(said["onnx"], said["torch"], strict=True):
        assert ours == pytest.approx(theirs, abs=1e-4)


@pytest.mark.filterwarnings("ignore")
def test_a_graph_of_other_weights_or_of_nothing_is_refused(tmp_path):
    detector = tiny_detector(localises=False)
    export_detector(detector, tmp_path / "graph.onnx", shape=tiny_judge().shape)
    with torch.no_grad():
        detector.classifier.class_head[1].bias += 1
    with pytest.raises(ValueError, match="the graph of other weights"):
        OnnxDetector(tmp_path / "graph.onnx", detector)
    (tmp_path / "broken.onnx").write_bytes(b"nothing")
    with pytest.raises(ValueError, match="not an ONNX graph"):
        OnnxDetector(tmp_path / "broken.onnx", detector)
    with pytest.raises(ValueError, match="no graph at"):
        OnnxDetector(tmp_path / "none.onnx", detector)


@pytest.mark.filterwarnings("ignore")
def test_a_graph_that_differs_too_much_is_not_written(tmp_path):
    with pytest.raises(ValueError, match=r"differs from the detector by .*, over -1"):
        export_detector(tiny_detector(), tmp_path / "graph.onnx", shape=tiny_judge().shape, tolerance=-1.0)
    assert list(tmp_path.iterdir()) == []


def test_a_missing_runtime_is_said_in_one_line(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(ValueError, match="ONNX needs onnx, onnxscript and onnxruntime"):
        OnnxDetector(tmp_path / "graph.onnx", tiny_detector())


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """A detector and the bytes of its graph."""
    detector, file = tiny_detector(), tmp_path_factory.mktemp("graph") / "graph.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        export_detector(detector, file, shape=tiny_judge().shape)
    return detector.eval(), file.read_bytes()


def _lies_elsewhere(model, place):
    tensor = next(one for one in model.graph.initializer if one.raw_data)
    tensor.ClearField("raw_data")
    tensor.data_location = 1
    tensor.external_data.add(key="location", value=place)


def _loops(model):
    name = model.graph.output[0].name
    for node in model.graph.node:
        node.output[:] = ["before" if one == name else one for one in node.output]
    loop = model.graph.node.add(op_type="Loop", input=["", "", "before"], output=[name])
    loop.attribute.add(name="body").g.node.add(op_type="Identity")


def _renamed(model):
    for node in model.graph.node:
        node.input[:] = ["sound" if one == "audio" else one for one in node.input]
    next(one for one in model.graph.input if one.name == "audio").name = "sound"


def _asks_for_larger_pictures(model):
    next(one for one in model.graph.input if one.name == "video").type.tensor_type.shape.dim[3].dim_value = 77


STRANGE = {
    **{
        f"lies in {place}": (lambda model, place=place: _lies_elsewhere(model, place), "lies in another file")
        for place in ("own.bin", "../own.bin", "/etc/passwd", "pipe")
    },
    "operator": (lambda model: model.graph.node.add(op_type="Evil", domain="evil.ops"), "not of the standard"),
    "loop": (_loops, "a loop, which may never end"),
    "input": (_renamed, "an input 'sound'"),
    "outputs": (lambda model: model.graph.output.pop(), "outputs class_logits"),
    "size": (_asks_for_larger_pictures, "invalid dimensions"),
}


@pytest.mark.parametrize("kind", STRANGE)
def test_a_strangers_graph_opens_nothing_else_and_ends_in_one_line(kind, exported, tmp_path, capfd):
    onnx = pytest.importorskip("onnx")
    change, said = STRANGE[kind]
    detector, content = exported
    model = onnx.ModelProto.FromString(content)
    change(model)
    (tmp_path / "graph.onnx").write_bytes(model.SerializeToString())
    (tmp_path / "own.bin").write_bytes(bytes(2**20))
    os.mkfifo(tmp_path / "pipe")
    inputs = {"video": torch.rand(2, 6, 3, 32, 32), "audio": torch.zeros(2, 9000)}
    with pytest.raises(ValueError, match=rf"graph\.onnx.*{said}") as caught:
        OnnxDetector(tmp_path / "graph.onnx", detector)(inputs)
    assert type(caught.value) is ValueError
    assert "\n" not in str(caught.value)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    "damage", [lambda content: content[: len(content) // 2], lambda _: b"", lambda _: b"\x3a\x02" * 9]
)
def test_a_damaged_graph_is_a_line(damage, exported, tmp_path):
    detector, content = exported
    (tmp_path / "graph.onnx").write_bytes(damage(content))
    with pytest.raises(ValueError, match=r"not an ONNX graph: .*graph\.onnx"):
        OnnxDetector(tmp_path / "graph.onnx", detector)
