import os
from dataclasses import replace

import pytest
import torch

from encoders import create_encoder
from experiments.recipes import small
from experiments.runs.advised import bfloat16_error, check_precision
from experiments.runs.build import _hasten, build_encoder, open_training
from experiments.runs.clips import describe_window, read_clips
from experiments.runs.config import DataConfig
from experiments.runs.device import use_device
from experiments.runs.feed import window_shape
from experiments.runs.parts import EncoderConfig, FusionConfig
from multimodal.data.options import Reading
from multimodal.media.store.reader import Store
from multimodal.splits import make_split


def test_a_store_of_another_sample_rate_than_the_encoder_wants_is_refused(write_sounds, tmp_path):
    store: Store = write_sounds(tmp_path, "tones", {"a.wav": (0, 0.5, 0)})[1]
    encoder = create_encoder("spectrogram", backbone="test_resnet", sample_rate=8000)
    with pytest.raises(
        ValueError, match=r"wants 8000 Hz; the store has 16000 Hz. Prepare it again with --sample-rate"
    ):
        window_shape({"audio": encoder}, store, Reading(num_frames=16))


def test_windows_are_as_the_encoders_and_the_store_say(write_sounds, tmp_path):
    store: Store = write_sounds(tmp_path, "tones", {"a.wav": (0, 0.5, 0)})[1]
    video = create_encoder("frames", backbone="test_resnet", frame_size=48)
    shape = window_shape({"video": video}, store, Reading(num_frames=5, silent_ends="keep"))
    assert (shape.num_frames, shape.frame_size, shape.frame_rate, shape.sample_rate) == (5, 48, 10.0, 16_000)
    assert shape.silent_ends == "keep"


def test_a_folder_of_the_other_modality_is_refused_by_the_name_of_what_is_in_it(tmp_path):
    create_encoder("spectrogram", backbone="test_resnet").save_pretrained(tmp_path)
    with pytest.raises(ValueError, match="the encoder 'spectrogram' is for audio; choose one for video"):
        build_encoder("video", "frames", weights=tmp_path)


def test_a_split_that_lacks_clips_of_the_manifest_is_refused(write_sounds, tmp_path):
    names = {f"{number}.wav": (0, 0.3, 0) for number in range(6)}
    manifest, _ = write_sounds(tmp_path, "tones", names)
    manifest.write(tmp_path / "manifest.parquet")
    fewer = replace(manifest, clips=manifest.clips.iloc[1:])
    make_split(fewer, "random").write(tmp_path / "split.parquet")
    with pytest.raises(ValueError, match=r"1 of 6 clips are not in the split, e.g. tones/0.wav"):
        read_clips(tmp_path / "manifest.parquet", tmp_path / "split.parquet", tmp_path / "tones-store")


@pytest.mark.parametrize(
    ("part", "message"),
    [
        (
            {"fusion": FusionConfig(name="concat", options={"num_heads": 4})},
            "fusion 'concat': unknown option",
        ),
        (
            {"encoders": {"audio": EncoderConfig(name="aasist", options={"backbone": "resnet18"})}},
            "encoder 'aasist': unknown option 'backbone'; .*oose from",
        ),
    ],
)
def test_options_that_an_encoder_or_a_fusion_has_not_are_refused_before_a_clip_is_read(part, message, tmp_path):
    files = {name: tmp_path / name for name in ("manifest", "split", "store")}
    for path in files.values():
        path.touch()  # reading one of them would fail otherwise
    config = replace(small.train(), data=replace(small.DATA, **files), **part)
    with pytest.raises(ValueError, match=message):
        open_training(config)


def test_a_window_in_seconds_becomes_the_frames_that_last_as_long():
    data = DataConfig(window_seconds=4.0).at_rate(12.5)
    assert (data.num_frames, data.window_seconds) == (50, None)
    assert DataConfig(window_seconds=0.01).at_rate(25.0).num_frames == 1
    assert DataConfig(num_frames=8).at_rate(25.0) == DataConfig(num_frames=8)


@pytest.mark.parametrize(
    ("num_frames", "hears", "is_warned"),
    [(8, True, True), (8, False, True), (1, False, False), (25, True, False), (25, False, False)],
)
def test_a_training_says_how_long_its_windows_last_and_warns_of_less_than_a_second(num_frames, hears, is_warned):
    said: list[str] = []
    describe_window(num_frames, 25.0, hears=hears, say=said.append)
    assert said[0] == f"window: {num_frames} frames at 25 a second, {num_frames / 25:.2f} s"
    assert (len(said) == 2) == is_warned


@pytest.mark.filterwarnings("ignore:`torch.jit")  # of what torch itself imports to compile
def test_compiling_and_checkpointing_are_switched_on_in_the_encoder_itself():
    encoder = create_encoder("frames", backbone="test_vit", frame_size=32)
    _hasten(encoder, compiles=False, checkpoints=False)
    assert (encoder._compiled_call_impl, encoder.backbone.grad_checkpointing) == (None, False)
    _hasten(encoder, compiles=True, checkpoints=True)
    assert encoder._compiled_call_impl is not None
    assert encoder.backbone.grad_checkpointing


def test_bfloat16_is_refused_where_the_processor_gives_noise_in_it():
    if torch.cuda.is_available():
        pytest.skip("a GPU computes it")
    if bfloat16_error() < 0.05:
        check_precision("bf16")
    else:
        with pytest.raises(ValueError, match="ONEDNN_MAX_CPU_ISA=AVX2"):
            check_precision("bf16")


def test_a_run_told_to_compute_on_the_cpu_tells_accelerate(monkeypatch):
    monkeypatch.setenv("ACCELERATE_USE_CPU", "false")
    use_device("auto")
    assert os.environ["ACCELERATE_USE_CPU"] == "false"
    use_device("cpu")
    assert os.environ["ACCELERATE_USE_CPU"] == "true"
