"""What the parts of a run have learnt from, and what is refused or told when clips are judged that they know."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from encoders.learnt_from import LearntFrom
from multimodal.splits.seen import MARK, Seen, find_seen, is_marked, refuse_seen, seen_lines

if TYPE_CHECKING:
    import pandas as pd

    from experiments.runs.parts import EncoderConfig


def history_of_encoder(encoder: "EncoderConfig") -> LearntFrom:
    """What an encoder of a configuration has learnt from before the training begins."""
    if encoder.weights is not None:
        return LearntFrom.read(encoder.weights) or LearntFrom(unknown=(str(encoder.weights),))
    return LearntFrom(unknown=(f"the published {encoder.name}",) if encoder.starts_trained else ())


def history_of_run(folder: Path) -> LearntFrom:
    """What a run has learnt from, its encoders' own trainings included."""
    return LearntFrom.read(folder) or LearntFrom(unknown=(f"the run {folder}",))


def together(histories: Mapping[str, LearntFrom]) -> LearntFrom:
    """What any of them has learnt from."""
    found = LearntFrom()
    for one in histories.values():
        found = found | one
    return found


def check_seen(
    histories: Mapping[str, LearntFrom],
    parts: Mapping[str, "pd.DataFrame"],
    *,
    allow_seen: bool,
    say: Callable[[str], None],
) -> dict[str, Any]:
    """Refuse clips that were learnt from, or test clips that chose something; say of whom more is known.

    Args:
        histories: by whose they are, as it stands in the error: "the video encoder runs/a/encoder".
        parts: val or test → its clips, rows of a manifest or of a scores table.
        allow_seen: refuse nothing; what is returned marks the result.
        say: takes the warnings.

    Returns:
        for the result: by part what was seen, ``"unknown"`` stages, and ``"marked"``.
    """
    if not allow_seen:
        for of, history in histories.items():
            refuse_seen({part: find_seen(history, rows) for part, rows in parts.items()}, of)
    everything = together(histories)
    seen: dict[str, Seen] = {part: find_seen(everything, rows) for part, rows in parts.items()}
    for line in seen_lines(seen, everything.unknown):
        say(f"warning: {line}")
    if is_marked(seen):
        say(f"warning: {MARK}")
    found = {part: one.as_json() for part, one in seen.items()}
    return {"parts": found, "unknown": list(everything.unknown), "marked": is_marked(seen)}


def with_manifest(scores: "pd.DataFrame", config: Mapping[str, Any]) -> "pd.DataFrame":
    """A run's scores with donors and genuine clips from the manifest beside them, while that is where it was."""
    manifest = Path(config.get("data", {}).get("manifest", ""))
    if not manifest.is_file():
        return scores
    from multimodal.corpora.manifest import Manifest

    more = ["clip_id", *(name for name in ("corpus", "path", "donors", "source_clip") if name not in scores)]
    return scores.merge(Manifest.read(manifest).clips[more], on="clip_id", how="left")


def marks(*seen: Mapping[str, Any] | None) -> list[str]:
    """The sentence in front of a result where any of the checks found that it flatters."""
    return [MARK] if any(one and one["marked"] for one in seen) else []
