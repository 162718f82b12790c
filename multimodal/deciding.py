"""From the scores of a clip to its verdicts: which threshold judges, what is doubtful, which probability holds."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from multimodal.labels import MODALITIES, TARGETS, Modality, Target
from multimodal.metrics.answer import DecisionPoint, Word, decision_point, no_less_than_parts
from multimodal.metrics.probabilities import assumed_share, probabilities
from multimodal.metrics.scores_table import QUESTIONS
from multimodal.report.verdict import ModalityVerdict, one_answer

#: question → rule → its entry as ``thresholds.json`` has it
Thresholds = Mapping[str, Mapping[str, Mapping[str, Any]]]


class Decider:
    """Judges scores by thresholds and calibration that validation chose.

    Args:
        thresholds: of every target and of each modality's own head, by the rules that chose them.
        rule: whose thresholds judge.
        doubt: share of the thresholds of other draws of the validation people that the band of doubt holds.
        calibration: from scores to probabilities; None for no probabilities.
    """

    def __init__(
        self, thresholds: Thresholds, *, rule: str, doubt: float, calibration: Mapping[str, Any] | None
    ) -> None:
        self.doubt, self.calibration = doubt, calibration
        self.points = {name: decision_point(rules[rule], doubt) for name, rules in thresholds.items()}

    def set_by_hand(self, thresholds: Mapping[Target, float]) -> None:
        """Judge by these in place of those that validation chose, without a band of doubt.

        That of a modality also judges clips that lack the other one.
        """
        for name, threshold in thresholds.items():
            for question in (name, f"{name}_alone"):
                if question in self.points:
                    self.points[question] = DecisionPoint(threshold)

    def verdicts(self, means: pd.Series, absent: Mapping[str, str]) -> dict[Target, ModalityVerdict]:
        """The verdict on every target, one answer together.

        Args:
            means: scores of the clip, as :func:`multimodal.scoring.score_windows` names them.
            absent: modality → why it cannot be judged.
        """
        likely = self._probabilities(means)
        return one_answer({target: self._judge(target, means, likely, absent) for target in TARGETS})

    def heads(self, means: pd.Series, absent: Mapping[str, str]) -> dict[Target, Word]:
        """What each modality's own head says by its own threshold; nothing where one of the two is absent."""
        if any(name in absent for name in MODALITIES):
            return {}
        return {name: self.points[f"{name}_alone"].word(float(means[f"head_{name}"])) for name in MODALITIES}

    def _probabilities(self, means: pd.Series) -> dict[str, float | None]:
        """The scores, calibrated on validation data, for the prior that was stated there.

        Each question has a fit of its own; that of ``any`` is raised to what is said of a part of it.
        """
        if self.calibration is None:
            return dict.fromkeys(QUESTIONS)
        said = probabilities(means.to_frame().T, self.calibration, self.calibration["method"]).iloc[0]
        said["any"] = no_less_than_parts(said[["any"]].to_numpy(), said[list(MODALITIES)].to_numpy()[None])[0]
        return {name: None if np.isnan(said[name]) else float(said[name]) for name in QUESTIONS}

    def _judge(
        self, target: Target, means: pd.Series, likely: Mapping[str, float | None], absent: Mapping[str, str]
    ) -> ModalityVerdict:
        """A target by its threshold; where a modality is absent, the other is judged by its own head alone.

        One fake modality makes a clip fake, but one real modality does not make it real.
        """
        if target in absent:
            return ModalityVerdict(score=None, threshold=None, reason=absent[target])
        lacking: list[Modality] = [modality for modality in MODALITIES if modality in absent]
        known = next(modality for modality in MODALITIES if modality not in absent)
        question = f"{known}_alone" if lacking else target
        point, score = self.points[question], float(means[f"score_{target}"])
        word, why = point.word(score), absent[lacking[0]] if lacking else ""
        if lacking and target == "any" and word == "real":
            reason = f"the {known} alone looks real, and the {lacking[0]} cannot be judged: {why}"
            return ModalityVerdict(score=None, threshold=None, reason=reason)
        reasons = [self._doubt(point)] if word == "cannot say" else []
        reasons += [f"judged by {known} alone: {why}"] if lacking and point.threshold is not None else []
        return ModalityVerdict(
            score=score,
            **point._asdict(),
            probability=likely[target],
            prior=None if likely[target] is None else self._prior(question),
            reason="; ".join(reasons) or None,
        )

    def _prior(self, question: str) -> float:
        """Share of fakes for which the probabilities of a question hold."""
        assert self.calibration is not None  # else there is no probability either
        return assumed_share(self.calibration, question, self.calibration["method"])

    def _doubt(self, point: DecisionPoint) -> str:
        if point.threshold is None:
            return "no threshold could be chosen on the validation data"
        return (
            f"too near to the threshold: drawn from other validation people it lies between {point.low:.3f} and "
            f"{point.high:.3f} in {self.doubt:.0%} of the draws"
        )
