import json

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from multimodal.training.checkpoints import read_metadata, write_metadata


@pytest.fixture
def weights(tmp_path):
    path = tmp_path / "best.safetensors"
    save_file(
        {"a": torch.arange(6.0).reshape(2, 3), "b": torch.tensor([True, False])}, path, {"made by": "a test"}
    )
    return path


def test_notes_are_added_and_replaced_and_the_tensors_stay_bit_for_bit(weights):
    before = load_file(weights)
    write_metadata(weights, {"thresholds": json.dumps({"any": 0.5}), "name": "日本"})
    write_metadata(weights, {"thresholds": "[]"})
    after = load_file(weights)
    assert all(before[name].equal(after[name]) for name in before)
    expected = {"made by": "a test", "thresholds": "[]", "name": "日本"}
    assert read_metadata(weights) == expected
    with safe_open(weights, framework="pt") as opened:
        assert opened.metadata() == expected


def test_a_file_without_notes_has_none(tmp_path):
    save_file({"a": torch.zeros(1)}, tmp_path / "plain.safetensors")
    assert read_metadata(tmp_path / "plain.safetensors") == {}


def test_a_failed_write_leaves_the_old_file_and_nothing_beside_it(weights):
    before = weights.read_bytes()
    with pytest.raises(TypeError):
        write_metadata(weights, {"thresholds": object()})
    assert weights.read_bytes() == before
    assert [path.name for path in weights.parent.iterdir()] == [weights.name]


@pytest.mark.parametrize(
    "content", [b"", b"short", b"\xff" * 64, b"\x02" + b"\x00" * 7 + b"[]", b"\x40" + b"\x00" * 7]
)
def test_what_is_no_safetensors_file_is_refused_and_left_alone(content, tmp_path):
    path = tmp_path / "best.safetensors"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="not a safetensors file"):
        write_metadata(path, {"a": "b"})
    assert path.read_bytes() == content
    with pytest.raises(ValueError, match="weights not found"):
        read_metadata(tmp_path / "none.safetensors")
