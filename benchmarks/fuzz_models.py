"""Small encoders, detectors, runs and checkpoints, made by hand, each with the reader that would be called for it.

What ``benchmarks/fuzz_artefacts.py`` damages, with the tables and stores of ``benchmarks/fuzz_kinds.py``.
"""

import contextlib
import io
import shutil
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch
import yaml
from torch import nn

from encoders import create_encoder, load_encoder
from encoders.learnt_from import LEARNT_FILE, LearntFrom
from experiments.recipes import TRAIN
from experiments.runs.config import FusionConfig, TrainConfig
from experiments.runs.folder import RunFolder
from experiments.runs.scoring import open_judge, rebuilt_encoders
from experiments.runs.settings import config_from, read_config, to_plain, write_config
from fusion import create_fusion
from multimodal.detector import AudioVisualDetector
from multimodal.files import JUDGE_FILE, write_json
from multimodal.judge import Judge, load_detector
from multimodal.labels import CLASSES, MODALITIES
from multimodal.media.prepared import PrepareOptions
from multimodal.media.store.format import (
    fingerprint_of,
)
from multimodal.metrics.probabilities import probabilities
from multimodal.metrics.scores_table import QUESTIONS
from multimodal.training.checkpoints import Checkpoints, FitState, load_weights, save_weights

SPEECH = {
    "model_type": "wav2vec2",
    "hidden_size": 8,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 8,
    "conv_dim": [4, 4],
    "conv_kernel": [10, 8],
    "conv_stride": [8, 8],
    "num_feat_extract_layers": 2,
    "num_conv_pos_embeddings": 4,
    "num_conv_pos_embedding_groups": 2,
}


class Kind(NamedTuple):
    """An artefact: ``make`` writes it into a folder and gives the file to damage, ``read`` reads the folder."""

    make: Callable[[Path], Path]
    read: Callable[[Path], Any]


def make_encoder(folder: Path) -> Path:
    create_encoder("wav2vec2", checkpoint=SPEECH).save_pretrained(folder)
    return folder / "config.json"


def make_encoder_weights(folder: Path) -> Path:
    make_encoder(folder)
    return folder / "model.safetensors"


def make_architecture(folder: Path) -> Path:
    described = {
        "audio": {"name": "wav2vec2", "arguments": {"checkpoint": SPEECH}},
        "video": {"name": "frames", "arguments": {"backbone": "test_resnet", "pretrained": False}},
    }
    write_json(folder / "architecture.json", described)
    return folder / "architecture.json"


def make_run_config(folder: Path) -> Path:
    write_config(folder / "config.json", TRAIN["small"]())
    return folder / "config.json"


def make_provenance(folder: Path) -> Path:
    facts = {"corpora": ["made"], "generated": True, "protocol": "p", "split_hash": "0", "store": "{}"}
    write_json(folder / "provenance.json", {**facts, "store_options": {}, "clips": {"train": 1}})
    return folder / "provenance.json"


def make_thresholds(folder: Path) -> Path:
    rules = {"youden": {"threshold": 0.5, "value": 1.0}}
    write_json(folder / "thresholds.json", {"chosen_on": "val", "thresholds": dict.fromkeys(QUESTIONS, rules)})
    return folder / "thresholds.json"


def make_calibration(folder: Path) -> Path:
    shares = dict.fromkeys((*CLASSES, *QUESTIONS), 0.25)
    fits = {
        "fake": 2,
        "real": 2,
        "temperature": {"method": "temperature", "temperature": 1.5},
        "platt": {"method": "platt", "slope": 1.0, "intercept": 0.0},
        "isotonic": {"method": "isotonic", "scores": [0.0, 1.0], "probabilities": [0.1, 0.9]},
    }
    prior = {"learnt": shares, "validation": shares, "wanted": None}
    stored = {"chosen_on": "val", "method": "platt", "prior": prior, "fits": dict.fromkeys(QUESTIONS, fits)}
    write_json(folder / "calibration.json", stored)
    return folder / "calibration.json"


def read_calibration(folder: Path) -> Any:
    calibration = RunFolder(folder).read_calibration()
    assert calibration is not None
    scores = {question.score: [0.4] for question in QUESTIONS.values()} | {f"p_{name}": [0.25] for name in CLASSES}
    return probabilities(pd.DataFrame(scores), calibration, calibration["method"])


def make_weights(folder: Path) -> Path:
    save_weights(nn.Linear(4, 4), folder / "best.safetensors")
    return folder / "best.safetensors"


def make_recipe(folder: Path) -> Path:
    plain = to_plain(TRAIN["small"]())
    (folder / "recipe.yaml").write_text(yaml.safe_dump(plain), encoding="utf-8")
    return folder / "recipe.yaml"


def make_learnt(folder: Path) -> Path:
    hashes = {"clips": np.array([1, 5, 9], dtype=np.uint64), "people": np.array([7], dtype=np.uint64)}
    LearntFrom(hashes, unknown=("ImageNet",)).write(folder)
    return folder / LEARNT_FILE


def make_checkpoint(folder: Path) -> Path:
    model = nn.Linear(4, 4)
    optimizer = torch.optim.AdamW(model.parameters())
    model(torch.ones(1, 4)).sum().backward()
    optimizer.step()
    row: dict[str, float | None] = {"step": 1, "selection": 0.5, "loss": None}
    Checkpoints(folder).save(model, optimizer, FitState(step=1, best_value=0.5, history=[row]), None)
    return folder / "checkpoints" / "step-00000001"


def read_checkpoint(folder: Path) -> Any:
    model = nn.Linear(4, 4)
    with contextlib.redirect_stderr(io.StringIO()):  # it names what it passes by
        return Checkpoints(folder).load(model, torch.optim.AdamW(model.parameters()), None)


#: What a detector's crops are unless somebody asks for others.
SMALL_CROPS = PrepareOptions(frame_rate=10.0, crop_size=32)


def make_detector(folder: Path, crops: PrepareOptions = SMALL_CROPS, *, num_frames: int = 8) -> Path:
    """A detector that judges files, as ``export`` writes it."""
    video = create_encoder("frames", backbone="test_resnet", frame_size=32)
    audio = create_encoder("spectrogram", backbone="test_resnet", n_mels=32)
    fusion = create_fusion("concat", dims={"video": video.embed_dim, "audio": audio.embed_dim}, out_dim=8)
    detector = AudioVisualDetector(encoders={"video": video, "audio": audio}, fusion=fusion, localises=True)
    names = (*QUESTIONS, "video_alone", "audio_alone")
    rules = {"youden": {"threshold": 0.5, "value": 1.0, "draws": [0.4, 0.6]}}
    facts = {"corpora": ["made"], "generated": True, "protocol": "p", "split_hash": "0" * 32}
    stored = {"store": fingerprint_of(crops), "store_options": asdict(crops)}
    moments = dict.fromkeys(MODALITIES, 0.0)
    Judge(
        detector,
        num_frames=num_frames,
        silent_ends="keep",
        thresholds=dict.fromkeys(names, rules),
        doubt=0.5,
        provenance={**facts, **stored, "clips": {"train": 1}, "classes": {}},
        metrics={"split": "test", "floors": {}, "counts": {}, "localisation": {"thresholds": moments}},
        audit=["a sentence"],
    ).save_pretrained(folder)
    return folder


def make_run(folder: Path) -> Path:
    """A run that judges files, as ``train``, ``thresholds`` and ``evaluate`` leave it."""
    judge = load_detector(make_detector(folder / "kept"))
    shutil.rmtree(folder / "kept")
    encoders = judge.detector.encoders
    described = {name: {"name": one.name, "arguments": one.arguments()} for name, one in encoders.items()}  # type: ignore[misc]
    write_json(folder / "architecture.json", described)
    config = TRAIN["small"]()
    fusion = FusionConfig(name="concat", out_dim=8)
    write_config(
        folder / "config.json", replace(config, fusion=fusion, loss=replace(config.loss, frame_weight=1.0))
    )
    save_weights(judge.detector, folder / "best.safetensors")
    write_json(folder / "provenance.json", judge.provenance)
    write_json(folder / "thresholds.json", {"chosen_on": "val", "thresholds": judge.thresholds_by_rule})
    write_json(folder / "metrics.json", judge.metrics)
    audit = {"warnings": ["a leak"], "floors": {}, "groups": {}, "corruptions": {}}
    write_json(folder / "audit.json", audit)
    return folder


def read_run(folder: Path) -> Any:
    return open_judge(folder, "youden")


MODELS = {
    "encoder config": Kind(make_encoder, load_encoder),
    "encoder weights": Kind(make_encoder_weights, load_encoder),
    "architecture": Kind(make_architecture, lambda folder: rebuilt_encoders(folder / "architecture.json")),
    "run config": Kind(make_run_config, lambda folder: read_config(folder / "config.json", TrainConfig)),
    "provenance": Kind(make_provenance, lambda folder: RunFolder(folder).read_provenance()),
    "thresholds": Kind(make_thresholds, lambda folder: RunFolder(folder).read_thresholds()),
    "calibration": Kind(make_calibration, read_calibration),
    "weights": Kind(make_weights, lambda folder: load_weights(nn.Linear(4, 4), folder / "best.safetensors")),
    "checkpoint state": Kind(lambda folder: make_checkpoint(folder) / "state.json", read_checkpoint),
    "checkpoint weights": Kind(lambda folder: make_checkpoint(folder) / "model.safetensors", read_checkpoint),
    "checkpoint optimizer": Kind(lambda folder: make_checkpoint(folder) / "optimizer.pt", read_checkpoint),
    "recipe": Kind(make_recipe, lambda folder: config_from(folder / "recipe.yaml", TrainConfig)),
    "detector config": Kind(lambda folder: make_detector(folder) / "config.json", load_detector),
    "judge": Kind(lambda folder: make_detector(folder) / JUDGE_FILE, lambda folder: load_detector(folder).card()),
    "learnt from": Kind(make_learnt, LearntFrom.read),
    "run of a detector": Kind(lambda folder: make_run(folder) / "config.json", read_run),
    "metrics of a run": Kind(lambda folder: make_run(folder) / "metrics.json", read_run),
    "audit of a run": Kind(lambda folder: make_run(folder) / "audit.json", read_run),
}
