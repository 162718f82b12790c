"""The two things that are learnt: one branch, and the detector."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from multimodal.data.windows import Batch
from multimodal.labels import TARGETS, UNKNOWN, Modality
from multimodal.metrics.checks import by_label
from multimodal.metrics.ranking import roc_auc
from multimodal.training.losses import DetectorLoss

#: Scores the validation clips, over all processes: a scores table.
Scorer = Callable[[nn.Module], pd.DataFrame]


@dataclass(frozen=True, kw_only=True)
class DetectorTask:
    """Four classes and each modality's own head; selected by the mean AUC of any, video and audio.

    Args:
        criterion: the loss.
        score_validation: scores the validation clips.
        modality_dropout: share of the clips of which the fusion is shown one modality only, so that it can judge
            by either alone.
    """

    criterion: DetectorLoss
    score_validation: Scorer
    modality_dropout: float = 0.0

    def loss(self, model: nn.Module, batch: Batch) -> Float[Tensor, ""]:
        """Loss of a batch; a label counts only where its modality is present."""
        present, known = batch["present"], batch["labels"]
        shown = drop_modality(present, self.modality_dropout)
        both = shown["video"] & shown["audio"]
        labels = {name: _where(present[name], known[name]) for name in present}
        labels["class"] = _where(both, known["class"])
        if self.modality_dropout:
            labels |= {f"shown_{name}": _where(shown[name] & ~both, known[name]) for name in shown}
        return self.criterion(model(batch["inputs"], shown, batch["lengths"]), labels)

    def validate(self, model: nn.Module) -> dict[str, float | None]:
        """AUC of each target on the validation clips, and their mean as ``selection``."""
        scores = self.score_validation(model)
        aucs = {f"auc_{target}": _auc(scores, target) for target in TARGETS}
        defined = [value for value in aucs.values() if value is not None]
        return {**aucs, "selection": float(np.mean(defined)) if defined else None}


@dataclass(frozen=True, kw_only=True)
class BranchTask:
    """Real or fake by one modality alone; selected by the mean of its corpora's AUCs."""

    modality: Modality
    criterion: DetectorLoss
    score_validation: Scorer

    def loss(self, model: nn.Module, batch: Batch) -> Float[Tensor, ""]:
        """Loss of a batch; clips without the modality add nothing."""
        labels = _where(batch["present"][self.modality], batch["labels"][self.modality])
        output = model(batch["inputs"][self.modality], batch["lengths"][self.modality])
        return self.criterion.binary(self.modality, output.logits, labels)

    def validate(self, model: nn.Module) -> dict[str, float | None]:
        """AUC of the modality on the validation clips, of each corpus too where there are several.

        The selection is the mean over corpora, or the AUC of all where no corpus has both labels.
        """
        scores = self.score_validation(model)
        overall = _auc(scores, self.modality)
        apart = {corpus: _auc(rows, self.modality) for corpus, rows in scores.groupby("corpus")}
        defined = [auc for auc in apart.values() if auc is not None]
        named = {f"auc_{self.modality}_{corpus}": auc for corpus, auc in apart.items()} if len(apart) > 1 else {}
        selection = float(np.mean(defined)) if defined else overall
        return {f"auc_{self.modality}": overall, **named, "selection": selection}


def drop_modality(present: dict[str, Bool[Tensor, " batch"]], share: float) -> dict[str, Bool[Tensor, " batch"]]:
    """Leave out one modality, either as likely, of a ``share`` of the clips that have both.

    The random numbers are torch's, which the training loop seeds by the step.
    """
    if not share:
        return present
    both = present["video"] & present["audio"]
    drawn = torch.rand(len(both), device=both.device)
    return {
        "video": present["video"] & ~(both & (drawn < share / 2)),
        "audio": present["audio"] & ~(both & (drawn >= share / 2) & (drawn < share)),
    }


def _where(present: Tensor, labels: Int[Tensor, " batch"]) -> Int[Tensor, " batch"]:
    return torch.where(present, labels, UNKNOWN)


def _auc(scores: pd.DataFrame, target: str) -> float | None:
    judged = scores.dropna(subset=[f"score_{target}", f"{target}_fake"])
    labels = judged[f"{target}_fake"].to_numpy(int)
    if len(set(labels)) < 2:
        return None
    fake_scores, real_scores = by_label(labels, judged[f"score_{target}"].to_numpy(float))
    return roc_auc(fake_scores, real_scores)
