"""The two things that are learnt: one branch, and the detector."""

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from multimodal.data.delivery import Batch
from multimodal.labels import CLASSES, MODALITIES, TARGETS, UNKNOWN, Modality
from multimodal.metrics.checks import by_label
from multimodal.metrics.ranking import roc_auc
from multimodal.training.losses import DetectorLoss, shares_a_batch

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

    def losses(self, model: nn.Module, batch: Batch, parts: int = 1) -> Iterator[dict[str, Float[Tensor, ""]]]:
        """Losses, by name, of parts of a batch; they sum to the batch's. A label counts only with its modality."""
        shown, labels = self._shown(batch)
        frames = {
            name: _where(batch["present"][name][:, None], one)
            for name, one in batch.get("frame_labels", {}).items()
        }
        counts = self.criterion.known(labels, frames) if parts > 1 or shares_a_batch() else None
        for rows in _split(len(batch["row"]), parts):
            inputs, lengths = _part(batch["inputs"], rows), _part(batch["lengths"], rows)
            output = model(inputs, _part(shown, rows), lengths)
            yield self.criterion.in_parts(output, _part(labels, rows), counts, _part(frames, rows))

    def _shown(self, batch: Batch) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """What the fusion is shown of each clip, and the labels that count."""
        present, known = batch["present"], batch["labels"]
        shown = drop_modality(present, self.modality_dropout)
        both = shown["video"] & shown["audio"]
        labels = {name: _where(present[name], known[name]) for name in present}
        labels["class"] = _where(both, known["class"])
        if self.modality_dropout:
            labels |= {f"shown_{name}": _where(shown[name] & ~both, known[name]) for name in shown}
        return shown, labels

    def validate(self, model: nn.Module) -> dict[str, float | None]:
        """AUC of each target on the validation clips, and their mean as ``selection``; losses beside them.

        Of a model that judges moments, how well it tells forged frames of a window from genuine ones counts, too.

        ``validation_loss`` is put together as in training, of cross entropies of the clips' scores: no class
        weighs more, and what is easy counts in full.
        """
        scores = self.score_validation(model)
        aucs = {f"auc_{target}": _auc(scores, target) for target in TARGETS}
        moments = {f"auc_moments_{name}": f"moments_{name}" for name in MODALITIES}
        aucs |= {name: _mean(scores[column]) for name, column in moments.items() if column in scores}
        defined = [value for value in aucs.values() if value is not None]
        losses = {"class": _surprise(_given_to_class(scores))}
        losses |= {name: _surprise(_given_to_label(scores, name, f"head_{name}")) for name in MODALITIES}
        heads = [losses[name] for name in MODALITIES]
        total = _sum(losses["class"], *heads, share=self.criterion.head_weight)
        said = {"validation_loss": total, **{f"validation_loss_{name}": value for name, value in losses.items()}}
        return {**aucs, **said, "selection": float(np.mean(defined)) if defined else None}


@dataclass(frozen=True, kw_only=True)
class BranchTask:
    """Real or fake by one modality alone; selected by the mean of its corpora's AUCs."""

    modality: Modality
    criterion: DetectorLoss
    score_validation: Scorer

    def losses(self, model: nn.Module, batch: Batch, parts: int = 1) -> Iterator[dict[str, Float[Tensor, ""]]]:
        """Losses of parts of a batch, which sum to the batch's; clips without the modality add nothing."""
        name = self.modality
        labels = _where(batch["present"][name], batch["labels"][name])
        counts = self.criterion.known({name: labels}) if parts > 1 or shares_a_batch() else {}
        for rows in _split(len(labels), parts):
            output = model(batch["inputs"][name][rows], batch["lengths"][name][rows])
            yield {"loss": self.criterion.binary(name, output.logits, labels[rows], counts.get(name))}

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
        loss = _surprise(_given_to_label(scores, self.modality, f"score_{self.modality}"))
        return {f"auc_{self.modality}": overall, **named, "validation_loss": loss, "selection": selection}


def _surprise(given: np.ndarray) -> float | None:
    """Cross entropy: mean of ``-log`` of what was given to the true labels; None where none is known."""
    known = given[~np.isnan(given)]
    return float(-np.log(known.clip(1e-7)).mean()) if len(known) else None


def _given_to_class(scores: pd.DataFrame) -> np.ndarray:
    """The posterior of each clip's own class; NaN where the class is unknown or there is no posterior."""
    posterior = scores[[f"p_{name}" for name in CLASSES]].to_numpy(float, na_value=np.nan)
    classes = pd.Categorical(scores["av_class"], categories=CLASSES).codes
    return np.where(classes < 0, np.nan, posterior[np.arange(len(scores)), classes])


def _given_to_label(scores: pd.DataFrame, target: str, column: str) -> np.ndarray:
    """The probability that a column gives to each clip's own label; NaN where either is missing."""
    labels = scores[f"{target}_fake"].to_numpy(float, na_value=np.nan)
    fake = scores[column].to_numpy(float, na_value=np.nan)
    return np.where(np.isnan(labels), np.nan, np.where(labels == 1, fake, 1 - fake))


def _sum(first: float | None, *others: float | None, share: float) -> float | None:
    """The sum of what is defined, all but the first times ``share``."""
    parts = [first, *(None if one is None else share * one for one in others)]
    defined = [one for one in parts if one is not None]
    return sum(defined) if defined else None


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


def _split(count: int, parts: int) -> list[slice]:
    """Slices of nearly one length, none of them empty."""
    if parts > count:
        raise ValueError(f"a batch of {count} windows on this process cannot be computed in {parts} parts")
    edges = np.linspace(0, count, parts + 1).round().astype(int).tolist()
    return [slice(first, last) for first, last in itertools.pairwise(edges)]


def _part(tensors: Mapping[str, Tensor], rows: slice) -> dict[str, Tensor]:
    return {name: value[rows] for name, value in tensors.items()}


def _where(present: Tensor, labels: Int[Tensor, "batch ..."]) -> Int[Tensor, "batch ..."]:
    return torch.where(present, labels, UNKNOWN)


def _mean(values: pd.Series) -> float | None:
    known = values.dropna()
    return float(known.mean()) if len(known) else None


def _auc(scores: pd.DataFrame, target: str) -> float | None:
    judged = scores.dropna(subset=[f"score_{target}", f"{target}_fake"])
    labels = judged[f"{target}_fake"].to_numpy(int)
    if len(set(labels)) < 2:
        return None
    fake_scores, real_scores = by_label(labels, judged[f"score_{target}"].to_numpy(float))
    return roc_auc(fake_scores, real_scores)
