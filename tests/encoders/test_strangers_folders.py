"""Folders of encoders that strangers made: nothing in their config is followed, no network is asked."""

import ast
import json
import logging
import socket
import warnings
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_speech import TINY_SPEECH
from transformers import AutoConfig, AutoModel

from encoders import create_encoder, load_encoder
from encoders.audio.wav2vec2 import Wav2Vec2Encoder


@pytest.fixture(autouse=True)
def tried(monkeypatch) -> list[str]:
    """Every try to reach a network: it is refused and noted, whoever swallows the error."""
    calls: list[str] = []

    def refuse(*arguments, **options):
        calls.append(repr(arguments))
        raise OSError("the test forbids sockets")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    return calls


@pytest.fixture
def folder(tmp_path):
    create_encoder("wav2vec2", checkpoint=TINY_SPEECH).save_pretrained(tmp_path / "encoder")
    return tmp_path / "encoder"


@pytest.fixture
def trap(tmp_path):
    """A folder as transformers reads it, with code that leaves a mark when it is run."""
    values = {key: value for key, value in TINY_SPEECH.items() if key != "model_type"}
    model = AutoModel.from_config(AutoConfig.for_model("wav2vec2", **values))
    model.save_pretrained(tmp_path / "trap")
    config = json.loads((tmp_path / "trap" / "config.json").read_text())
    config["auto_map"] = {"AutoConfig": "trap.Config", "AutoModel": "trap.Model"}
    (tmp_path / "trap" / "config.json").write_text(json.dumps(config))
    (tmp_path / "trap" / "trap.py").write_text(f"open({str(tmp_path / 'sprung')!r}, 'w').close()\n")
    return tmp_path / "trap"


def change(folder, **changes):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | changes))


@pytest.mark.parametrize(
    "load", [load_encoder, Wav2Vec2Encoder.from_pretrained], ids=["load_encoder", "hub class"]
)
@pytest.mark.parametrize("value", ["facebook/wav2vec2-base", "/etc/models/speech", "../trap", "trap"])
def test_checkpoint_that_a_folder_names_is_not_followed(folder, trap, tried, load, value):
    change(folder, checkpoint=str(trap) if value == "trap" else value)
    with pytest.raises(ValueError, match=r"checkpoint=.*not followed") as caught:
        load(folder)
    assert "\n" not in str(caught.value)
    assert not tried
    assert not (folder.parent / "sprung").exists()


@pytest.mark.parametrize("load", [load_encoder, Wav2Vec2Encoder.from_pretrained], ids=["folder", "class"])
def test_default_checkpoint_is_not_fetched_for_a_folder_that_says_none(folder, tried, load):
    config = json.loads((folder / "config.json").read_text())
    del config["checkpoint"]
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(ValueError, match=r"checkpoint='facebook/wav2vec2-base'.*not followed"):
        load(folder)
    assert not tried


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("frames", {"backbone": "resnet18", "pretrained": True}),
        ("frames", {"backbone": "resnet18", "pretrained": {"a": 1}}),
        ("spectrogram", {"backbone": "resnet18", "pretrained": "yes"}),
        ("clips", {"backbone": "mc3_18", "pretrained": True}),
        ("facenet", {"pretrained": "vggface2"}),
        ("aasist", {"weights": "/etc/passwd"}),
    ],
)
def test_published_weights_that_a_folder_names_are_not_fetched(folder, tried, name, options):
    (folder / "config.json").write_text(json.dumps({"encoder": name, "trained_on": "", **options}))
    with pytest.raises(ValueError, match="not followed"):
        load_encoder(folder)
    assert not tried


@pytest.mark.parametrize(
    "backbone",
    ["hf-hub:nobody/resnet18", "hf_hub:nobody/resnet18", "local-dir:/tmp/resnet18", "resnet18.hub:a/b"],
)
def test_backbone_that_is_a_place_is_not_followed(folder, tried, backbone):
    (folder / "config.json").write_text(
        json.dumps({"encoder": "frames", "trained_on": "", "backbone": backbone, "pretrained": False})
    )
    with pytest.raises(ValueError, match="unknown timm"):
        load_encoder(folder)
    assert not tried


@pytest.mark.parametrize(
    "followed",
    [
        {"auto_map": {"AutoModel": "nobody/model--trap.Model"}},
        {"attn_implementation": "nobody/kernel"},
        {"_attn_implementation": "nobody/kernel"},
        {"quantization_config": {"quant_method": "awq"}},
    ],
    ids=lambda one: next(iter(one)),
)
def test_code_that_a_config_of_plain_values_names_is_refused(folder, tried, followed):
    change(folder, checkpoint={**TINY_SPEECH, **followed})
    with pytest.raises(ValueError, match="code of others is not followed"):
        load_encoder(folder)
    assert not tried


def test_code_beside_a_checkpoint_is_not_run_though_its_weights_are_read(trap, tried, monkeypatch):
    monkeypatch.setattr("builtins.input", lambda *_: "y")  # what somebody would answer who is asked
    encoder = create_encoder("wav2vec2", checkpoint=str(trap)).eval()
    assert encoder(torch.randn(1, 4000)).shape[2] == 16
    assert not tried
    assert not (trap.parent / "sprung").exists()


def test_weights_as_a_pickle_are_not_read(trap):
    state = load_file(trap / "model.safetensors")
    (trap / "model.safetensors").unlink()
    torch.save(state, trap / "pytorch_model.bin")
    with pytest.raises(ValueError, match=r"holds config\.json and model.safetensors"):
        create_encoder("wav2vec2", checkpoint=str(trap))


def test_adapter_that_names_its_model_is_refused(trap, tried):
    (trap / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": "nobody/model"}))
    with pytest.raises(ValueError, match="is an adapter to another model"):
        create_encoder("wav2vec2", checkpoint=str(trap))
    assert not tried


def test_half_precision_checkpoint_encodes_in_float32(trap):
    state = load_file(trap / "model.safetensors")
    save_file({key: value.half() for key, value in state.items()}, trap / "model.safetensors", {"format": "pt"})
    change(trap, dtype="float16", torch_dtype="float16")
    encoder = create_encoder("wav2vec2", checkpoint=str(trap)).eval()
    assert {value.dtype for value in encoder.state_dict().values()} == {torch.float32}
    sound = torch.randn(1, 4000, generator=torch.Generator().manual_seed(0))
    encoder.save_pretrained(trap.parent / "saved")
    with torch.no_grad():
        assert torch.equal(load_encoder(trap.parent / "saved")(sound), encoder(sound))


def test_folder_with_half_precision_in_its_config_and_weights_encodes_in_float32(folder):
    change(folder, checkpoint={**TINY_SPEECH, "dtype": "float16"})
    state = load_file(folder / "model.safetensors")
    save_file({key: value.half() for key, value in state.items()}, folder / "model.safetensors", {"format": "pt"})
    assert load_encoder(folder)(torch.randn(1, 4000)).dtype == torch.float32


def test_saved_folder_does_not_tell_where_its_checkpoint_lay(trap):
    create_encoder("wav2vec2", checkpoint=str(trap)).save_pretrained(trap.parent / "saved")
    config = json.loads((trap.parent / "saved" / "config.json").read_text())
    assert str(trap) not in json.dumps(config["checkpoint"])


@pytest.mark.parametrize("changes", [{"hidden_size": 10**30}, {"num_hidden_layers": 10**6}, {"conv_dim": [1e300]}])
def test_absurd_sizes_are_refused_before_memory_is_taken(folder, changes):
    change(folder, checkpoint={**TINY_SPEECH, **changes})
    with pytest.raises(ValueError, match=f"{next(iter(changes))}=.*no encoder of this catalog"):
        load_encoder(folder)


OURS = {"AudioVisualDetector.from_pretrained"}


def test_every_place_that_reads_others_models_says_that_neither_code_nor_pickles_are_wanted():
    root = Path(__file__).parents[2]
    sources = [path for room in ("encoders", "multimodal", "experiments") for path in (root / room).rglob("*.py")]
    nodes = [node for path in sources for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))]
    calls = [node for node in nodes if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)]
    readers = [
        call for call in calls if call.func.attr == "from_pretrained" and ast.unparse(call.func) not in OURS
    ]
    assert readers
    for call in readers:
        said = {one.arg: ast.unparse(one.value) for one in call.keywords}
        assert said.get("trust_remote_code") == "False", ast.unparse(call)
        if ast.unparse(call.func) != "AutoConfig.from_pretrained":
            assert said.get("use_safetensors") == "True", ast.unparse(call)


@pytest.mark.parametrize("size", ["96", True, -1, 4097, 10_000_000, 1e300, [96]])
def test_a_size_that_no_encoder_has_is_one_line_while_loading_and_not_while_judging(size, tmp_path):
    create_encoder("frames", backbone="test_resnet", frame_size=32).save_pretrained(tmp_path / "encoder")
    config = tmp_path / "encoder" / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"frame_size": size}))
    with pytest.raises(ValueError, match=r"config.json says frame_size=") as error:
        load_encoder(tmp_path / "encoder")
    assert "\n" not in str(error.value)


ORDER = "\x1b[2J\x1b]0;owned\x07"


@pytest.fixture
def said():
    """All that libraries log while the test runs."""
    records: list[str] = []
    handler = logging.Handler(logging.DEBUG)
    handler.emit = lambda record: records.append(record.getMessage())
    loggers = [logging.getLogger(name) for name in (None, "transformers", "timm")]
    for logger in loggers:
        logger.addHandler(handler)
    yield records
    for logger in loggers:
        logger.removeHandler(handler)


@pytest.mark.parametrize(
    "values",
    [
        {"use_return_dict": ORDER},
        {"sub_configs": {ORDER: 1}},
        {"to_dict": ORDER},
        {"inputs_to_logits_ratio": 3},
        {"rope_parameters": {ORDER: 1}},
        {"rope_scaling": {ORDER: 1}, "rope_theta": 1},
        {"hidden_act": "xielu"},
        {"num_labels": 3, "id2label": {"0": "a"}},
        {"feat_extract_norm": ORDER},
        {"dtype": ORDER},
        {"attribute_map": {"hidden_size": ORDER}},
        {"hidden_size": 0},
    ],
    ids=lambda values: next(iter(values)),
)
@pytest.mark.parametrize("model_type", ["wav2vec2", "wavlm"])
def test_values_of_a_strangers_config_reach_no_terminal_by_way_of_a_library(folder, said, values, model_type):
    change(folder, checkpoint={**TINY_SPEECH, "model_type": model_type, **values})
    answer = ""
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        try:
            load_encoder(folder)
        except ValueError as error:
            answer = str(error)
    assert answer.isprintable()
    assert not said
    assert not warned


@pytest.mark.parametrize("key", ["use_return_dict", "sub_configs", "to_dict", "save_pretrained"])
def test_key_that_a_config_computes_from_its_values_is_refused(key):
    with pytest.raises(ValueError, match=f"a config of plain values has no {key}: a config computes that itself"):
        create_encoder("wav2vec2", checkpoint={**TINY_SPEECH, key: "x"})


def test_names_of_options_and_of_tensors_are_shown_as_escapes(folder):
    state = load_file(folder / "model.safetensors")
    save_file({**state, ORDER: torch.zeros(1)}, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(ValueError, match="unexpected") as caught:
        load_encoder(folder)
    assert str(caught.value).isprintable()
    change(folder, **{ORDER: -1})
    with pytest.raises(ValueError, match="which that option cannot be") as caught:
        load_encoder(folder)
    assert str(caught.value).isprintable()


@pytest.mark.filterwarnings("error")
def test_mel_filters_without_a_frequency_are_not_warned_of_while_loading(tmp_path):
    encoder = create_encoder("spectrogram", backbone="test_resnet", n_mels=32)
    encoder.save_pretrained(tmp_path / "encoder")
    change(tmp_path / "encoder", n_mels=512)
    with pytest.raises(ValueError, match=r"another architecture.* wants \(257, 512\)"):
        load_encoder(tmp_path / "encoder")
