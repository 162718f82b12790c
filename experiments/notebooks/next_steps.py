"""What to do next, read off the results: sentences with the command that does it, the most urgent first."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from multimodal.audit.advice import Advice
from multimodal.labels import MODALITIES, TARGETS
from multimodal.report.study_table import findings

#: Fewer test identities than this leave intervals wide; fewer seeds leave luck in a difference.
_FEW_IDENTITIES, _WIDE_INTERVAL = 20, 0.1


def next_steps(
    *,
    generated: bool,
    advice: Sequence[Advice],
    metrics: Mapping[str, Any],
    study: Mapping[str, Any] | None = None,
) -> list[str]:
    """What the results ask for.

    Args:
        generated: whether the detector learnt from clips that a program drew.
        advice: on the imbalance of each corpus.
        metrics: content of the run's ``metrics.json``.
        study: content of a study's ``results.json``.
    """
    return [*_on_data(generated, advice), *_on_certainty(metrics), *_on_modalities(metrics), *_on_study(study)]


def _on_data(generated: bool, advice: Sequence[Advice]) -> Iterator[str]:
    if generated:
        yield (
            "Everything here was learnt from generated clips and says nothing about real ones: "
            "get a corpus (docs/datasets.md) and put it where the first cell looks."
        )
    for one in advice:
        if one.mark in ("severe", "extreme") and one.commands:
            yield f"{one.verdict}. {one.steps[0]} Then: python -m experiments {one.commands[0]}"


def _on_certainty(metrics: Mapping[str, Any]) -> Iterator[str]:
    identities = metrics["counts"]["any"]["identities"]
    auc = metrics["any"]["auc"]
    width = None if auc["low"] is None else auc["high"] - auc["low"]
    if identities < _FEW_IDENTITIES or width is None or width > _WIDE_INTERVAL:
        shown = "no interval is defined" if width is None else f"the interval is {width:.2f} wide"
        yield (
            f"AUC of any is judged on {identities} identities and {shown}: "
            "judge on more people before comparing systems."
        )


def _on_modalities(metrics: Mapping[str, Any]) -> Iterator[str]:
    unsure = [target for target in TARGETS if (metrics[target]["auc"]["low"] or 0) <= 0.5]
    if unsure:
        yield (
            f"AUC of {', '.join(unsure)} is not clearly better than chance: more data, or more steps "
            f"(pretrain {next((one for one in unsure if one in MODALITIES), 'video')} with --fit.steps)."
        )
    known = {name: metrics[name]["auc"]["value"] for name in MODALITIES}
    if all(value is not None for value in known.values()):
        weak = min(known, key=lambda name: known[name])
        yield (
            f"The {weak} is the weaker side (AUC {known[weak]:.3f}): pretrain its branch on other corpora, "
            f"and look at its methods in report.html."
        )


def _on_study(study: Mapping[str, Any] | None) -> Iterator[str]:
    if study is None:
        return
    yield from findings(study)
    fewest = min(row["seeds"] for row in study["variants"].values())
    if fewest < 3:
        yield f"The study has {fewest} seeds a variant: repeat it with --seeds 5 before choosing a fusion by it."
