"""The model card of a detector: what it is, what it learnt from, how well it did, and beside what floors."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from multimodal.labels import CLASSES

#: Rows and columns of the card's table; the rest stands in ``judge.json``.
_ROWS = ("any", "video", "audio", "video_alone", "audio_alone")
_COLUMNS = {"auc": "AUC", "ap_real": "AP of reals", "eer": "EER", "balanced_accuracy": "balanced accuracy"}

_HEAD = """---
library_name: multimodal-deepfake-detection
pipeline_tag: video-classification
tags:
- deepfake-detection
- audio-visual
---

# Audio-visual deepfake detector
"""

_USE = """## Use

```python
from multimodal import load_detector

judge = load_detector("path/to/this/folder")  # or owner/name on the hub
verdict = judge.file("clip.mp4")
print(verdict.main.modalities["video"].verdict)  # fake, real or cannot say
```

`judge(inputs)` takes tensors as any module does: `video` (batch, time, 3, height, width) in [0, 1], `audio`
(batch, samples) in [-1, 1].
"""


def model_card(
    *,
    encoders: Mapping[str, str],
    fusion: str,
    trained_on: str,
    provenance: Mapping[str, Any],
    thresholds: Mapping[str, Mapping[str, Mapping[str, Any]]],
    is_calibrated: bool,
    metrics: Mapping[str, Any] | None,
    audit: Sequence[str] | None = None,
) -> str:
    """The card as Markdown with the hub's header.

    Args:
        encoders: name of each modality's encoder in the catalog.
        fusion: its class.
        trained_on: a sentence.
        provenance: as a run's ``provenance.json``.
        thresholds: of each question by each rule, as ``thresholds.json`` has them.
        is_calibrated: whether scores become probabilities.
        metrics: as ``evaluate`` writes them; None where nobody measured.
        audit: what ``audit`` found, in sentences; None where nobody looked.
    """
    parts = [_HEAD]
    if provenance["generated"]:
        parts.append("**Trained on generated media only: its verdict on a real video means nothing.**\n")
    named = ", ".join(f"{name} by `{encoder}`" for name, encoder in sorted(encoders.items()))
    parts.append(f"Encoders: {named}; joined by `{fusion}`. A score is higher for fakes, in [0, 1].\n")
    parts.append("## What it learnt from\n\n" + "\n".join(_origin(trained_on, provenance)) + "\n")
    parts.append("## How well it does\n\n" + "\n".join(_results(metrics)) + "\n")
    parts.append("## What it may have learnt instead, and who pays\n\n" + "\n".join(_audit(audit)) + "\n")
    parts.append("## Thresholds\n\n" + "\n".join(_thresholds(thresholds, is_calibrated)) + "\n")
    return "\n".join([*parts, _USE])


def _origin(trained_on: str, provenance: Mapping[str, Any]) -> Iterator[str]:
    yield trained_on
    classes = ", ".join(f"{name} {provenance['classes'].get(name, 0)}" for name in CLASSES)
    yield f"Training clips by class: {classes} (R real, F fake; V video, A audio)."
    yield f"The split's hash is `{provenance['split_hash'][:16]}`, the crops are `{provenance['store']}`."
    yield "Scores say nothing about media unlike these."


def _results(metrics: Mapping[str, Any] | None) -> Iterator[str]:
    if metrics is None:
        yield "Nobody measured it on clips that were held out."
        return
    yield f"On the split `{metrics['split']}`, with 95 % intervals; in brackets what a random system reaches."
    yield ""
    yield f"| | fake : real | {' | '.join(_COLUMNS.values())} |"
    yield f"|---|---|{'---|' * len(_COLUMNS)}"
    for name in (name for name in _ROWS if name in metrics):
        floors = metrics["floors"].get(name, {}).get("random", {})
        cells = [_cell(metrics[name][column], floors.get(column)) for column in _COLUMNS]
        counts = metrics["counts"][name]
        yield f"| {name.replace('_', ' ')} | {counts['fake']} : {counts['real']} | {' | '.join(cells)} |"
    for warning in metrics.get("warnings", ()):
        yield f"\nWarning: {warning}."


def _audit(found: Sequence[str] | None) -> Iterator[str]:
    if found is None:
        yield "Nobody looked for shortcuts, corruptions or groups that pay; `audit RUN --robustness` does."
        return
    yield from (f"- {line}." for line in found)
    if not found:
        yield "The audit found no shortcut above chance, and no group or corruption to tell of."


def _cell(entry: Mapping[str, Any], floor: float | None) -> str:
    if entry["value"] is None:
        return "not defined"
    interval = "" if entry["low"] is None else f" [{entry['low']:.3f}, {entry['high']:.3f}]"
    return f"{entry['value']:.3f}{interval}" + ("" if floor is None else f" ({floor:.3f})")


def _thresholds(thresholds: Mapping[str, Mapping[str, Mapping[str, Any]]], is_calibrated: bool) -> Iterator[str]:
    rules = list(thresholds["any"])
    yield "Chosen on validation data; from here on a clip is called fake."
    yield ""
    yield f"| | {' | '.join(f'`{rule}`' for rule in rules)} |"
    yield f"|---|{'---|' * len(rules)}"
    for name in (name for name in _ROWS if name in thresholds):
        chosen = [thresholds[name].get(rule, {}).get("threshold") for rule in rules]
        cells = ["none" if one is None else f"{one:.4f}" for one in chosen]
        yield f"| {name.replace('_', ' ')} | {' | '.join(cells)} |"
    yield ""
    yield f"Scores are {'calibrated to probabilities on validation data' if is_calibrated else 'not calibrated'}."
