"""The detector of a run with its best weights, and what it says of the test split."""

import pandas as pd
from accelerate import Accelerator

from experiments.build import load_clips, rebuild_detector, require_same_data, window_shape
from experiments.config import TrainConfig
from experiments.learn import split_scorer
from experiments.run_folder import RunFolder
from experiments.thresholds import validation_scores
from multimodal.data.windows import EvaluationWindows
from multimodal.detector import AudioVisualDetector
from multimodal.files import read_json
from multimodal.training.checkpoints import load_weights


def load_detector(folder: RunFolder, config: TrainConfig) -> AudioVisualDetector:
    """The detector of a run with the weights that validation chose; nothing is downloaded."""
    detector = rebuild_detector(config, read_json(folder.architecture))
    if folder.frozen_encoders.is_file():  # the rest learnt from their tokens
        load_weights(detector.encoders, folder.frozen_encoders)
        load_weights(detector.classifier, folder.weights)
    else:
        load_weights(detector, folder.weights)
    return detector.eval()


def score_run(folder: RunFolder) -> tuple[pd.DataFrame, bool]:
    """The scores of validation (as training left them) and test, and whether any clip was generated."""
    config = folder.read_config(TrainConfig)
    clips = load_clips(config.data)
    require_same_data(clips, folder.read_provenance())
    detector = load_detector(folder, config)
    accelerator = Accelerator()
    shape = window_shape(config.data, clips.store, dict(detector.encoders.items()))
    rows = clips.of("test")
    windows = EvaluationWindows(clips.store, rows, shape, windows_per_clip=config.data.windows_per_clip)
    score = split_scorer(windows, rows, "test", config.data, accelerator, show=True)
    test = score(detector.to(accelerator.device)).assign(split="test")
    return pd.concat([validation_scores(folder), test], ignore_index=True), clips.generated
