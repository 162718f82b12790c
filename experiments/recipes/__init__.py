"""Recipes: functions that return a whole configuration. The command line changes single values of it."""

from collections.abc import Callable

from experiments.recipes import fakeavceleb, pretraining, small, trials
from experiments.runs.config import PretrainConfig, TrainConfig

TRAIN: dict[str, Callable[[], TrainConfig]] = {
    "small": small.train,
    "fakeavceleb": fakeavceleb.train,
}

PRETRAIN: dict[str, dict[str, Callable[[], PretrainConfig]]] = {
    "video": {
        "small": small.pretrain_video,
        "images": pretraining.images,
        "videos": pretraining.videos,
        "self_blended": pretraining.self_blended,
        "fakeavceleb": fakeavceleb.pretrain_video,
        "trial": trials.faces,
    },
    "audio": {
        "small": small.pretrain_audio,
        "speech": pretraining.speech,
        "wavlm": pretraining.wavlm,
        "waveform": pretraining.waveform,
        "vocoded": pretraining.vocoded,
        "fakeavceleb": fakeavceleb.pretrain_audio,
        "trial": trials.speech,
    },
}
