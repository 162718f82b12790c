"""Every way of pretraining, on small generated corpora of images, videos and audio."""

import json
from dataclasses import replace
from functools import partial
from pathlib import Path

import pandas as pd
import pytest
import torch
from accelerate import Accelerator
from safetensors.torch import load_file
from tiny_speech import TINY_SPEECH

from encoders import load_encoder
from experiments import recipes
from experiments.__main__ import main
from experiments.pretrain import pretrain
from experiments.runs.build import open_pretraining
from experiments.runs.parts import EncoderConfig
from multimodal.training.options import FitOptions

TINY = {
    "changes": {"frame_size": 32, "embed_dim": 4},
    "frames": {"backbone": "test_resnet", "frame_size": 32},
    "residuals": {"frame_size": 32, "embed_dim": 4, "width": 4},
    "spectrogram": {"backbone": "test_resnet", "n_mels": 32},
    "textures": {"embed_dim": 4},
    "traces": {"embed_dim": 4},
}
SHORT = ["--fit.steps", "2", "--fit.validate-every", "2", "--num-workers", "0", "--batch-size", "4"]


def arguments(sources: Path, *names: str, frames: int = 3) -> list[str]:
    folders = [str(sources / name) for name in names]
    return ["--sources", *folders, "--store", str(sources / "store"), "--num-frames", str(frames), *SHORT]


def small(recipe: str, modality: str, sources: Path, *names: str):
    """A recipe as it is, but with a tiny encoder and a few steps."""
    config = recipes.PRETRAIN[modality][recipe]()
    name = config.encoder.name
    options = TINY.get(name, {"variant": "AASIST-L"})
    if name == "wav2vec2":  # a tiny model of the same kind, read as the recipe reads it
        kind = "wavlm" if "wavlm" in config.encoder.options["checkpoint"] else "wav2vec2"
        options = {**config.encoder.options, "checkpoint": {**TINY_SPEECH, "model_type": kind}}
    data = replace(config.data, store=sources / "store", num_workers=0, batch_size=2)
    if name == "aasist":  # needs more sound than the generated clips have
        data = replace(data, num_frames=4)
    return replace(
        config,
        encoder=EncoderConfig(name=name, options=options),
        data=replace(data, num_frames=min(data.num_frames, 4)),
        mixture=replace(config.mixture, sources=tuple(sources / source for source in names)),
        fit=FitOptions(steps=1, validate_every=1),
        precision="no",
    )


#: modality, recipe → the sources it is for
RECIPES = {
    **{("video", name): ("videos",) for name in recipes.PRETRAIN["video"]},
    **{("audio", name): ("speech",) for name in recipes.PRETRAIN["audio"]},
    ("video", "images"): ("images",),
    ("video", "videos"): ("images", "videos"),
}


@pytest.mark.filterwarnings("ignore:.*mismatched key_padding_mask")  # of transformers' own WavLM
@pytest.mark.parametrize(("modality", "recipe"), RECIPES)
def test_every_recipe_pretrains_an_encoder(modality, recipe, sources, tmp_path):
    folder = pretrain(small(recipe, modality, sources, *RECIPES[modality, recipe]), tmp_path / "run")
    encoder = load_encoder(folder)
    assert encoder.modality == modality
    assert "generated media" in encoder.trained_on


def test_a_chain_goes_from_images_over_videos_to_the_detector(sources, workspace, tmp_path, capsys):
    images, videos, detector = (tmp_path / name for name in ("images", "videos", "detector"))
    one_picture = [*arguments(sources, "images", frames=1), "--encoder.options.frame-size", "32"]
    assert main(["pretrain", "video", "small", *one_picture, "--out", str(images)]) == 0

    assert "weights: trained on nothing yet" in capsys.readouterr().out
    more = ["--encoder.weights", str(images / "encoder"), "--out", str(videos)]
    assert main(["pretrain", "video", "small", *arguments(sources, "videos", "images"), *more]) == 0
    printed = capsys.readouterr().out
    tensors = len(load_file(images / "encoder" / "model.safetensors"))
    assert f"all {tensors} tensors loaded from {images / 'encoder'}, none left over" in printed
    assert "new, with random weights: the head" in printed
    data = ["--manifest", "manifest.parquet", "--split", "split.parquet", "--store", "store"]
    data = [value if value[0] == "-" else str(workspace / value) for value in data]
    weights = ["--video.weights", str(videos / "encoder"), "--freeze-encoders", "--num-frames", "3"]
    assert main(["train", "small", *data, *SHORT, *weights, "--out", str(detector)]) == 0
    printed = capsys.readouterr().out
    assert f"tensors loaded from {videos / 'encoder'}" in printed
    assert "trained on real or fake video of deepfake_image" in printed
    assert "then real or fake video of celebdf" in printed
    assert "frozen: 0.4 M" in printed
    assert "new, with random weights: fusion gated and all heads" in printed


def test_the_log_has_each_corpus_and_the_terminal_what_is_drawn(sources, tmp_path, capsys):
    shares = ["--shares", "celebdf", "4", "deepfake_image", "1", "--fake-share", "0.5"]
    out = ["--out", str(tmp_path / "run")]
    assert main(["pretrain", "video", "small", *arguments(sources, "images", "videos"), *shares, *out]) == 0
    printed = [line.split() for line in capsys.readouterr().out.splitlines() if "%" in line]
    rows = {(corpus, label): drawn for corpus, label, _, drawn, _ in printed}
    assert rows["celebdf", "real"] == rows["celebdf", "fake"] == "40%"
    assert rows["deepfake_image", "fake"] == "10%"
    (last,) = json.loads((tmp_path / "run" / "history.json").read_text())
    assert {"auc_video", "auc_video_celebdf", "auc_video_deepfake_image"} <= set(last)


def test_a_pretraining_on_a_mixture_that_was_stopped_goes_on_bit_for_bit(sources, tmp_path):
    def config(steps):
        whole = small("small", "video", sources, "images", "videos")
        mixture = replace(whole.mixture, shares={"celebdf": 1.0, "deepfake_image": 2.0}, fake_share=0.5)
        return replace(whole, mixture=mixture, fit=FitOptions(steps=steps, validate_every=2, deterministic=True))

    pretrain(config(4), tmp_path / "whole")
    halves = tmp_path / "halves"
    with pytest.MonkeyPatch.context() as patch:
        from multimodal.training import fit as module

        real = module.training_step

        def killed(*given):
            if given[4] == 3:
                raise KeyboardInterrupt
            return real(*given)

        patch.setattr(module, "training_step", killed)
        with pytest.raises(KeyboardInterrupt):
            pretrain(config(4), halves)
    pretrain(config(4), halves)
    one, other = (load_file(tmp_path / name / "encoder" / "model.safetensors") for name in ("whole", "halves"))
    assert all(torch.equal(one[key], other[key]) for key in one)


@pytest.mark.filterwarnings("ignore:`torch.jit")  # of what torch itself imports to compile
def test_a_compiled_training_has_the_losses_and_the_weights_of_a_plain_one(sources, tmp_path, monkeypatch):
    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend="eager"))  # traced, without a C compiler
    met = torch._dynamo.utils.counters["stats"]
    for name, compiles in (("plain", False), ("compiled", True)):
        config = small("small", "video", sources, "images", "videos")
        fit = FitOptions(steps=3, validate_every=3, compile=compiles)
        before = met["unique_graphs"]
        pretrain(replace(config, fit=fit), tmp_path / name)
        assert (met["unique_graphs"] > before) == compiles
    plain, compiled = (tmp_path / name for name in ("plain", "compiled"))
    one, other = (json.loads((folder / "history.json").read_text())[0] for folder in (plain, compiled))
    assert one["step"] == other["step"] == 3
    assert one["loss"] == pytest.approx(other["loss"], abs=1e-5)
    one, other = (load_file(folder / "encoder" / "model.safetensors") for folder in (plain, compiled))
    for key, value in one.items():
        torch.testing.assert_close(other[key], value, rtol=1e-3, atol=1e-4)


def test_genuine_clips_alone_are_enough_with_pseudo_fakes(sources, tmp_path, capsys):
    only = ["--pseudo-fakes", "only", "--out", str(tmp_path / "run")]
    assert main(["pretrain", "audio", "small", *arguments(sources, "speech"), *only]) == 0
    assert "of the fakes in train are made of genuine clips while training" in capsys.readouterr().out
    clips = open_pretraining(
        replace(
            small("small", "audio", sources, "speech"),
            mixture=replace(recipes.PRETRAIN["audio"]["vocoded"]().mixture, sources=(sources / "speech",)),
        )
    ).clips
    assert clips.table["audio_fake"].value_counts().nunique() == 1
    assert set(clips.table["method"][clips.table["audio_fake"] == 1]) == {"copy_synthesis_griffin_lim"}


def test_pseudo_fakes_alone_are_drawn_beside_their_genuine_clips(sources):
    config = small("self_blended", "video", sources, "videos")
    training = open_pretraining(config)
    parts = training.make(training.clips, Accelerator(cpu=True), lambda text: None)
    order = parts.drawn.draw.order(epoch=0)
    rows = training.clips.of("train")
    assert rows["clip_id"][order[::2]].tolist() == rows["clip_id"][order[1::2]].tolist()
    assert rows["video_fake"][order].tolist() == [0, 1] * (len(order) // 2)
    assert sorted(order) == list(range(len(rows)))


@pytest.mark.parametrize(
    ("change", "message"),
    [({"fake_share": 0.3}, "half are fakes; got --fake-share 0.3"), ({}, "got --batch-size 3. Make it even")],
)
def test_what_would_part_a_pair_is_refused(change, message, sources):
    config = small("self_blended", "video", sources, "videos")
    config = replace(config, mixture=replace(config.mixture, **change), data=replace(config.data, batch_size=3))
    with pytest.raises(ValueError, match=message):
        open_pretraining(config)


@pytest.mark.parametrize("verb", [["pretrain", "video", "small"], ["train", "small"]])
def test_an_estimate_says_time_and_memory_and_leaves_nothing(verb, sources, workspace, tmp_path, capsys):
    files = {"manifest": "manifest.parquet", "split": "split.parquet", "store": "store"}
    data = [f"--{name}={workspace / file}" for name, file in files.items()]
    tiny = ["--num-frames", "3", *SHORT, "--out", str(tmp_path / "run")]
    assert main([*verb, *data, *tiny, "--estimate"]) == 0
    printed = capsys.readouterr().out
    assert "window: 3 frames at 10 a second, 0.30 s" in printed
    assert "steps of" in printed
    assert "waiting for data" in printed
    assert " in all" in printed
    assert "GB in the largest process" in printed
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        (["--sources", "{tmp}"], "has no manifest.parquet, split.parquet; write them with scan"),
        (["--shares", "celebdf", "1"], "shares must name every corpus: celebdf, deepfake_image; got celebdf"),
        (["--fake-share", "0.5", "--balance", "weighted_sampler"], "--balance weighted_sampler draws clips too"),
        (["--encoder.options.backbone", "resnet17"], "unknown timm backbone 'resnet17'; nearest: "),
        (["--encoder.weights", "{tmp}"], "no weights at"),
    ],
)
def test_what_cannot_be_pretrained_is_one_clear_line(extra, message, sources, tmp_path, capsys):
    extra = [value.format(tmp=tmp_path) for value in extra]
    command = ["pretrain", "video", "small", *arguments(sources, "images", "videos"), *extra]
    assert main([*command, "--out", str(tmp_path / "run")]) == 1
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    assert message in line


def test_an_encoder_named_on_the_command_line_takes_its_own_options(sources, tmp_path):
    named = ["--encoder.name", "spectrogram", "--encoder.options", "backbone", "test_resnet", "front_end", "lfcc"]
    out = ["--out", str(tmp_path / "run")]
    assert main(["pretrain", "audio", "waveform", *arguments(sources, "speech"), *named, *out]) == 0
    assert load_encoder(tmp_path / "run" / "encoder").arguments()["front_end"] == "lfcc"


def test_a_clip_in_two_sources_is_refused(sources, tmp_path, capsys):
    twice = arguments(sources, "images", "images")
    assert main(["pretrain", "video", "small", *twice, "--out", str(tmp_path / "run")]) == 1
    assert "clips stand in two of the sources" in capsys.readouterr().err


def test_clips_that_cannot_teach_the_modality_are_counted(sources, tmp_path):
    clips = open_pretraining(small("small", "audio", sources, "speech", "images")).clips
    assert set(clips.table["corpus"]) == {"deepfake_audio"}
    num_images = len(pd.read_parquet(sources / "images" / "manifest.parquet"))
    assert clips.unprepared["an image has no sound"] == num_images
