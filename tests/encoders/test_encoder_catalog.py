"""Bad names, bad options, bad folders: one line each."""

import json
import os

import pytest
import torch
from safetensors.torch import load_file, save_file

from encoders import Encoder, create_encoder, list_encoders, load_encoder
from encoders.video.clips import ClipEncoder
from encoders.video.frames import FrameEncoder


@pytest.fixture
def folder(tmp_path):
    create_encoder("frames", backbone="test_resnet", frame_size=32).save_pretrained(tmp_path)
    return tmp_path


def test_unknown_encoder_offers_the_nearest():
    with pytest.raises(
        ValueError, match=r"unknown encoder 'spectogram'; did you mean 'spectrogram'\? Choose from .*wav2vec2$"
    ):
        create_encoder("spectogram")


def test_unknown_option_lists_the_options():
    with pytest.raises(
        ValueError,
        match=r"unknown option 'frame_siz' of encoder 'frames'; did you mean 'frame_size'\? Choose from backbone",
    ):
        create_encoder("frames", frame_siz=64)


def test_unknown_modality_is_refused():
    with pytest.raises(ValueError, match="unknown modality 'text'"):
        list_encoders("text")


@pytest.mark.parametrize("name", ["frames", "spectrogram"])
def test_unknown_backbone_offers_the_nearest_timm_names(name):
    with pytest.raises(ValueError, match=r"unknown timm backbone 'resnet81'; nearest: .*resnet18"):
        create_encoder(name, backbone="resnet81")


def test_old_or_partial_backbone_name_offers_the_names_that_hold_it():
    with pytest.raises(ValueError, match=r"unknown timm backbone 'xception'; nearest: legacy_xception, "):
        create_encoder("frames", backbone="xception")


def test_unknown_tag_of_a_backbone_is_refused():
    with pytest.raises(ValueError, match=r"unknown timm tag in 'resnet18.no_such_tag'; resnet18 has .*a1_in1k"):
        create_encoder("frames", backbone="resnet18.no_such_tag")


def test_backbone_without_that_stage_is_refused():
    with pytest.raises(ValueError, match=r"timm cannot build 'test_resnet' with .*out_indices=\(9,\)"):
        create_encoder("frames", backbone="test_resnet", stage=9)


def test_unknown_clip_backbone_offers_the_nearest():
    with pytest.raises(
        ValueError, match=r"unknown clip backbone 'r3d_81'; did you mean 'r3d_18'\? Choose from mc3_18"
    ):
        create_encoder("clips", backbone="r3d_81")


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("aasist", {"variant": "AASIST-XL"}, "unknown variant 'AASIST-XL'; choose from AASIST, AASIST-L"),
        ("clips", {"frame_size": 16}, "frame_size must be at least 32"),
        ("facenet", {"frame_size": 64}, "frame_size must be at least 80"),
        ("facenet", {"pretrained": "lfw"}, "pretrained must be vggface2, casia-webface or None; got 'lfw'"),
        (
            "frames",
            {"backbone": "test_vit", "temporal_layers": 1, "temporal_heads": 7},
            "must divide the width 64",
        ),
        ("spectrogram", {"front_end": "cqt"}, "unknown front_end 'cqt'; choose from log_mel, lfcc, linear"),
    ],
)
def test_bad_options_are_refused_in_one_line(name, arguments, message):
    with pytest.raises(ValueError, match=message):
        create_encoder(name, **arguments)


def test_folder_without_config_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"not an encoder folder: .* has no config\.json"):
        load_encoder(tmp_path)


def test_config_of_something_else_is_refused(folder):
    (folder / "config.json").write_text(json.dumps({"model_type": "bert"}))
    with pytest.raises(ValueError, match="not the config of an encoder"):
        load_encoder(folder)


def test_missing_or_truncated_weights_are_refused(folder):
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(ValueError, match="cannot read weights from"):
        load_encoder(folder)
    weights.unlink()
    with pytest.raises(ValueError, match="cannot read weights from"):
        load_encoder(folder)


def test_weights_of_another_architecture_list_every_kind_of_misfit(folder):
    state = load_file(folder / "model.safetensors")
    state["extra"] = torch.zeros(1)
    del state["backbone.conv1.0.weight"]
    state["backbone.bn1.weight"] = torch.zeros(3)
    save_file(state, folder / "model.safetensors")
    with pytest.raises(
        ValueError, match=r"another architecture, 3 misfits: .*missing; extra unexpected; .* is \(3,\)"
    ):
        load_encoder(folder)
    with pytest.raises(ValueError, match="another architecture"):
        FrameEncoder.from_pretrained(folder)


def test_folder_of_another_encoder_is_refused_by_the_class(folder):
    with pytest.raises(ValueError, match="holds encoder 'frames', not 'clips'"):
        ClipEncoder.from_pretrained(folder)


def test_lenient_loading_is_refused(folder):
    with pytest.raises(ValueError, match="loaded strictly"):
        FrameEncoder.from_pretrained(folder, strict=False)


def test_saving_again_replaces_the_weights(folder):
    encoder = load_encoder(folder)
    with torch.no_grad():
        next(encoder.parameters()).add_(1)
    encoder.save_pretrained(folder)
    assert torch.equal(next(load_encoder(folder).parameters()), next(encoder.parameters()))
    assert sorted(path.name for path in folder.iterdir()) == ["README.md", "config.json", "model.safetensors"]


def test_saved_weights_can_be_read_by_whom_the_umask_lets(tmp_path):
    before = os.umask(0o022)
    try:
        create_encoder("spectrogram").save_pretrained(tmp_path)
    finally:
        os.umask(before)
    assert (tmp_path / "model.safetensors").stat().st_mode & 0o777 == 0o644


def test_the_contract_s_class_reads_any_encoder_by_what_its_folder_says(folder):
    loaded = Encoder.from_pretrained(folder)
    assert type(loaded) is FrameEncoder
    assert torch.equal(next(loaded.parameters()), next(load_encoder(folder).parameters()))
    assert loaded.input_spec.frame_size == 32


def test_an_encoder_is_read_by_its_name_on_the_hub(folder, monkeypatch):
    asked = []

    def snapshot(repo_id, *, allow_patterns, **options):
        asked.append((repo_id, sorted(allow_patterns), options))
        return str(folder)

    monkeypatch.setattr("encoders.hub.snapshot_download", snapshot)
    assert type(load_encoder("someone/frames", revision="v1")) is FrameEncoder
    assert asked == [
        ("someone/frames", ["config.json", "learnt_from.safetensors", "model.safetensors"], {"revision": "v1"})
    ]


def test_a_folder_here_comes_before_a_repository_of_that_name(folder, tmp_path_factory, monkeypatch):
    here = tmp_path_factory.mktemp("here")
    monkeypatch.chdir(here)
    (here / "runs").mkdir()
    (here / "runs" / "encoder").symlink_to(folder)

    def refuse(*_, **__):
        raise AssertionError("the hub was asked")

    monkeypatch.setattr("encoders.hub.snapshot_download", refuse)
    assert type(load_encoder("runs/encoder")) is FrameEncoder
    with pytest.raises(ValueError, match="not an encoder folder"):
        load_encoder("./nowhere/encoder")


def test_a_name_that_neither_this_machine_nor_the_hub_knows_is_one_line(monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ValueError, match=r"no folder nobody/nothing here, and the hub did not give") as error:
        load_encoder("nobody/nothing", local_files_only=True)
    assert "\n" not in str(error.value)
