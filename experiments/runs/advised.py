"""Options that follow from the training clips, settled before a run begins: its config says what was done."""

import sys
from dataclasses import replace
from typing import TypeVar

import pandas as pd
from accelerate import PartialState

from experiments.runs.config import BalanceConfig, EncoderConfig, Precision, PretrainConfig, TrainConfig
from multimodal.audit.advice import Recommendation, recommend

Config = TypeVar("Config", PretrainConfig, TrainConfig)


def settled(config: TrainConfig, clips: pd.DataFrame) -> TrainConfig:
    """Put the advice of ``statistics`` in place of ``auto``, and freeze the encoders where SMOTE needs it.

    Args:
        config: of a training.
        clips: its training split.
    """
    check_balance(config.balance)
    check_precision(config.precision)
    if config.balance.name == "auto":
        has_weights = _has_weights(config.video) and _has_weights(config.audio)
        config = _advised(config, clips, "any_fake", has_fusion=has_weights)
    if config.balance.name in ("smote", "hybrid") and not config.freeze_encoders:
        _say(f"{config.balance.name} works on embeddings: the encoders are frozen, fusion and heads learn")
        config = replace(config, freeze_encoders=True)
    if config.tokens is not None and not config.freeze_encoders:
        raise ValueError("tokens are kept of frozen encoders only; add --freeze-encoders, or leave --tokens out")
    return config


def settled_branch(config: PretrainConfig, clips: pd.DataFrame) -> PretrainConfig:
    """The same for one branch, which has no fusion head to make embeddings for."""
    check_balance(config.balance)
    check_precision(config.precision)
    if config.balance.name in ("smote", "hybrid"):
        raise ValueError(
            f"--balance {config.balance.name} makes embeddings for a fusion head, which pretraining has not; "
            "choose weighted_sampler, and smote with `train`"
        )
    if config.balance.name == "auto":
        config = _advised(config, clips, f"{config.modality}_fake", has_fusion=False)
    return config


def check_balance(balance: BalanceConfig) -> None:
    """Refuse numbers that no balance can work with, before anything takes time."""
    if balance.neighbours < 1:
        raise ValueError(f"--balance-neighbours must be at least 1; got {balance.neighbours}. SMOTE's own is 5")
    if not 0 < balance.ratio <= 1:
        raise ValueError(
            f"--balance-ratio must lie in (0, 1], the rarest class over the largest; got {balance.ratio}. "
            "For one to two give 0.5"
        )
    if not 0 <= balance.beta < 1:
        raise ValueError(f"--balance-beta must lie in [0, 1); got {balance.beta}. The paper uses 0.9 to 0.9999")


def check_precision(precision: Precision) -> None:
    """Refuse float16 on a CPU, where Accelerate would compute in float32 without a word."""
    if precision == "fp16" and PartialState().device.type == "cpu":
        raise ValueError("--precision fp16 needs a GPU, and this machine computes on the CPU; choose bf16 or no")


def _advised(config: Config, clips: pd.DataFrame, label: str, *, has_fusion: bool) -> Config:
    fake, real = int((clips[label] == 1).sum()), int((clips[label] == 0).sum())
    advice: Recommendation = recommend(real=real, fake=fake, has_fusion=has_fusion)[0]
    _say(f"auto: {real:,} real and {fake:,} fake training clips, so {advice.options}")
    return replace(
        config,
        balance=replace(config.balance, name=advice.balance),
        loss=replace(config.loss, name=advice.loss),
    )


def _has_weights(encoder: EncoderConfig) -> bool:
    """Whether an encoder knows something; SMOTE among embeddings of random weights would be idle."""
    options = encoder.options
    return bool(encoder.weights or options.get("pretrained") or options.get("checkpoint"))


def _say(text: str) -> None:
    print(text, file=sys.stderr)
