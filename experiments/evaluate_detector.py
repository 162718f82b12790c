"""``evaluate --detector MODULE:NAME --manifest FILE``: anybody's detector over the clips of a manifest."""

import importlib
import json
import math
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from multimodal.files import manifests_must_be_there, open_itself
from multimodal.labels import Target
from multimodal.ranges import at_least

if TYPE_CHECKING:
    import pandas as pd

    from multimodal.corpora.manifest import Manifest

#: A prepared clip, or the path of its file, in; a score, or one for each target, out; None where it cannot judge.
Detector = Callable[[Any], float | Mapping[str, float] | None]


def evaluate_detector(
    *,
    detector: str,
    manifest: tuple[Path, ...],
    out: Path,
    store: Path | None = None,
    options: dict[str, str] | None = None,
    split: Path | None = None,
    part: Literal["train", "val", "test"] = "test",
    target: Target = "any",
    higher_is_fake: bool = True,
    replicates: Annotated[int, at_least(0)] = 1000,
    seed: Annotated[int, at_least(0)] = 0,
) -> dict[str, Any]:
    """Run anybody's detector over a manifest and judge it: every metric with a 95 % interval, beside floors.

    The detector is a function, or a class that is made with --options and then called. With --store it gets each
    prepared clip (face crops and sound, see multimodal.media.prepared.PreparedClip), without it the path of the
    file. It gives a score, a dict of scores by target, or None where it cannot judge. Writes scores.parquet,
    metrics.json and report.html into --out; a call that was stopped goes on. What the detector learnt from is not
    known, so whether it has seen these clips cannot be told.

    Examples:
        python -m experiments evaluate --detector experiments.detectors.aasist:Aasist --options weights AASIST.pth
            --manifest manifest.parquet --split split.parquet --store store --target audio --out aasist

    Args:
        detector: where Python finds it, as MODULE:NAME; the folder that you are in is looked through too.
        manifest: files that `scan` wrote.
        out: folder to write.
        store: prepared clips.
        options: of the class, as NAME VALUE pairs; numbers are given as numbers. Of the detectors that come along
            `device` says where they compute: auto, which is the GPU where there is one, cpu or cuda.
        split: judge the clips of one part of it only.
        part: of the split.
        target: what a single score speaks of: any, video or audio.
        higher_is_fake: whether a higher score means fake; otherwise scores are turned round.
        replicates: of the bootstrap over identities.
        seed: of the bootstrap.
    """
    _module_and_name(detector)
    manifests_must_be_there(manifest)
    from multimodal.corpora.manifest import GENERATED_NOTICE, Manifest, concatenate, is_generated
    from multimodal.files import atomic_path, claim, held, write_json, write_text
    from multimodal.labels import TARGETS
    from multimodal.metrics import evaluate_scores
    from multimodal.report.figures import png_bytes, run_figures
    from multimodal.report.pages import run_report
    from multimodal.report.terminal import metric_table, warning_lines

    joined = concatenate(Manifest.read(path) for path in manifest)
    clips = _clips(joined, split, part)
    call = load_detector(detector, options or {})
    asked = {"detector": detector, "options": options or {}, "store": str(store), "target": target}
    if claim(out, "detector.json", asked, kind="judged detector") != asked:
        raise ValueError(f"{out} holds the scores of another detector or other options; give a new --out")
    sign = 1 if higher_is_fake else -1
    with held(out):
        scores = _scored(clips, _reader(joined, store), call, target, out / "scores.jsonl", sign)
        judged = evaluate_scores(scores, kind="score", turned=not higher_is_fake, replicates=replicates, seed=seed)
        judged["detector"] = asked
        with atomic_path(out / "scores.parquet") as temporary:
            scores.to_parquet(temporary, index=False)
        write_json(out / "metrics.json", judged)
        images = {
            name: png_bytes(figure)
            for name, figure in run_figures(metrics=judged, thresholds=None, scores=scores).items()
        }
        generated = is_generated(clips)
        page = run_report(
            title=detector, config=asked, metrics=judged, thresholds=None, images=images, synthetic=generated
        )
        write_text(out / "report.html", page)
    for name in (name for name in TARGETS if name in judged):
        print("\n".join(metric_table(judged, name)))
    print("\n".join(warning_lines(judged, str(out / "report.html"))))
    if generated:
        print(GENERATED_NOTICE)
    print(out / "report.html")
    return judged


def load_detector(name: str, options: Mapping[str, str]) -> Detector:
    """Import MODULE:NAME, and make it with its options where it is a class.

    Raises:
        ValueError: no such module or name, or options that it does not take.
    """
    module, attribute = _module_and_name(name)
    sys.path.insert(0, "")  # a module of one's own lies where one is
    try:
        found: Any = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise ValueError(f"no detector {name}: {error}; is its folder on PYTHONPATH?") from error
    finally:
        sys.path.remove("")
    if not callable(found):
        raise ValueError(f"{name} is {type(found).__name__}, which cannot be called; give a function or a class")
    if not isinstance(found, type) and not options:
        return found
    try:
        return found(**{key: _value(text) for key, text in options.items()})
    except TypeError as error:
        raise ValueError(f"{name} cannot be made with these options: {error}") from error


def _module_and_name(name: str) -> tuple[str, str]:
    module, colon, attribute = name.partition(":")
    if not colon or not attribute:
        raise ValueError(f"--detector wants MODULE:NAME, e.g. experiments.detectors.aasist:Aasist; got {name!r}")
    return module, attribute


def _value(text: str) -> int | float | str:
    try:
        number = float(text)
    except ValueError:
        return text
    return int(number) if number.is_integer() and "." not in text else number


def _clips(manifest: "Manifest", split: Path | None, part: str) -> "pd.DataFrame":
    clips = manifest.clips
    if split is not None:
        from multimodal.splits import Split

        clips = clips[(Split.read(split).of(clips) == part).fillna(False).to_numpy(dtype=bool)]
    if clips.empty:
        raise ValueError(f"no clip in the part {part!r}; choose train, val or test")
    return clips.reset_index(drop=True)


def _reader(manifest: "Manifest", store: Path | None) -> Callable[[str], Any]:
    """What the detector gets of a clip; None where it is not prepared."""
    if store is None:
        return manifest.file_of
    from multimodal.media.store.reader import Store

    prepared = Store.open(store)
    return lambda clip_id: prepared.read(clip_id) if clip_id in prepared else None


def _scored(
    clips: "pd.DataFrame", read: Callable[[str], Any], call: Detector, target: str, journal: Path, sign: int
) -> "pd.DataFrame":
    """A row a clip; what came is safe in ``journal`` before the next clip is asked for."""
    from encoders.folders import errors_name
    from multimodal.labels import TARGETS
    from multimodal.metrics.scores_table import DESCRIPTION
    from multimodal.progress import progress

    journal.parent.mkdir(parents=True, exist_ok=True)
    known = dict(kept_scores(journal))
    with errors_name(journal), open_itself(journal, "a") as lines:
        for clip_id in progress(clips["clip_id"].tolist(), desc="detector", unit="clip"):
            if clip_id not in known:
                known[clip_id] = _plain(_ask(call, read(clip_id), clip_id), target)
                lines.write(json.dumps({"clip_id": clip_id, "scores": known[clip_id]}) + "\n")
                lines.flush()
                os.fsync(lines.fileno())
    named: list[str] = [one for one in TARGETS if any(one in known[clip_id] for clip_id in clips["clip_id"])]
    named = named or [target]
    columns = {
        f"score_{name}": [sign * known[clip_id].get(name, math.nan) for clip_id in clips["clip_id"]]
        for name in named
    }
    return clips[DESCRIPTION].assign(**columns)


def _ask(call: Detector, given: Any, clip_id: str) -> Any:
    if given is None:
        return None
    try:
        return call(given)
    except Exception as error:  # whatever one odd clip does to a stranger's detector, the others are judged
        print(
            f"not judged: {clip_id}: {type(error).__name__}: {' '.join(str(error).split())[:200]}", file=sys.stderr
        )
        return None


def _plain(answer: Any, target: str) -> dict[str, float]:
    """The scores of an answer that are numbers."""
    found = dict(answer) if isinstance(answer, Mapping) else {} if answer is None else {target: answer}
    numbers = {name: float(value) for name, value in found.items() if value is not None}
    return {name: value for name, value in numbers.items() if math.isfinite(value)}


def kept_scores(journal: Path) -> Iterator[tuple[str, dict[str, float]]]:
    """Clips that were judged before with their scores; the last line of a call that was killed is left out.

    Raises:
        ValueError: a line that this verb did not write.
    """
    from multimodal.artefacts import is_number, reading

    if not journal.is_file():
        return
    with reading(journal, "scores that were kept", "is damaged; remove it, and its clips are judged anew"):
        for line in journal.read_text(encoding="utf-8").splitlines():
            try:
                row = json.loads(line)
            except json.JSONDecodeError:
                continue  # the next call wrote on behind a part of a line
            if not isinstance(row["clip_id"], str) or not all(map(is_number, row["scores"].values())):
                raise ValueError(f"a line of other values: {line:.60}")
            yield row["clip_id"], row["scores"]
