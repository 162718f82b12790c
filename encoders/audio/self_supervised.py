"""Building transformers' speech models without surprises: from a config, a folder or a name."""

from collections.abc import Mapping
from typing import Any

from transformers import AutoConfig, AutoModel, PretrainedConfig

MODEL_TYPES = ("wav2vec2", "hubert", "wavlm")

#: Both draw from global generators and leave parameters without gradient, which distributed training refuses.
_OFF = {"apply_spec_augment": False, "mask_time_prob": 0.0, "mask_feature_prob": 0.0, "layerdrop": 0.0}


def create_model(config: Mapping[str, Any]) -> Any:
    """Model with random weights from a config dict that names its ``model_type``."""
    values = dict(config)
    model_type = values.pop("model_type", None)
    if model_type not in MODEL_TYPES:
        raise ValueError(f"model_type must be one of {', '.join(MODEL_TYPES)}; got {model_type!r}")
    return AutoModel.from_config(_quietened(AutoConfig.for_model(model_type, **values)))


def load_model(checkpoint: str) -> Any:
    """Model with the weights of a local folder or of a name on the hub; all weights must be there.

    Raises:
        ValueError: the name cannot be reached, or the weights are of another architecture.
    """
    try:
        config = AutoConfig.from_pretrained(checkpoint)
        if config.model_type not in MODEL_TYPES:
            kinds = ", ".join(MODEL_TYPES)
            raise ValueError(f"{checkpoint!r} is a {config.model_type!r} model; wav2vec2 takes one of {kinds}")
        model, report = AutoModel.from_pretrained(
            checkpoint, config=_quietened(config), output_loading_info=True, ignore_mismatched_sizes=True
        )
    except OSError as error:
        raise ValueError(
            f"cannot get {checkpoint!r} ({str(error).splitlines()[0]}). Without network give a local folder that "
            "holds config.json and model.safetensors, as checkpoint='path/to/folder', or a config as a dict."
        ) from error
    misfits = sorted(f"{key} missing" for key in report["missing_keys"])
    misfits += sorted(f"{key} of another shape" for key, *_ in report["mismatched_keys"])
    if misfits:
        raise ValueError(f"weights of {checkpoint!r} do not fit its config: {'; '.join(misfits[:12])}")
    return model


def _quietened(config: PretrainedConfig) -> PretrainedConfig:
    for option, value in _OFF.items():
        setattr(config, option, value)
    return config
