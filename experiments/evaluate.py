"""``evaluate RUN`` judges a run, ``--scores FILE`` anybody's scores, ``--matrix`` runs across corpora."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from experiments.command_line import Positional, run_verb
from experiments.runs.device import DeviceName
from experiments.runs.folder import RunFolder
from multimodal.files import as_written, atomic_path
from multimodal.labels import MODALITIES, TARGETS
from multimodal.ranges import at_least

if TYPE_CHECKING:
    from collections.abc import Callable


def evaluate(
    run: Positional[Path],
    *,
    replicates: Annotated[int, at_least(0)] = 1000,
    seed: Annotated[int, at_least(0)] = 0,
    device: DeviceName = "auto",
    allow_seen: bool = False,
    floors: bool = True,
    lips: bool = True,
) -> dict[str, Any]:
    """Judge a run on its test split: every metric with a 95 % interval and the floors of trivial systems.

    Writes scores.parquet, metrics.json, figures, report.html and, where thresholds were chosen, thresholds.html
    into the run folder. For the scores of any system: evaluate --scores FILE (see evaluate --scores --help); for
    runs on corpora that they were not trained on: evaluate --matrix RUN... (see evaluate --matrix --help). For
    anybody's detector: evaluate --detector MODULE:NAME (see evaluate --detector --help).

    Args:
        run: folder that `train` wrote; thresholds and calibration come from `thresholds`, if it was run. Or one of
            `pretrain`, whose branch is judged on its own modality.
        replicates: of the bootstrap over identities.
        seed: of the bootstrap.
        device: where the detector computes; auto is the GPU where there is one.
        allow_seen: judge on clips that were learnt from all the same, and mark the result.
        floors: also tell what shortcuts alone reach on these clips, and what share of the scores follows.
        lips: also learn from genuine clips how lips and sound go together, so that `predict` says whether they are
            in step: reads ten seconds of at most 280 clips.
    """
    with RunFolder(run).judged():
        return _evaluate(run, replicates, seed, device, allow_seen, floors, lips)


def _evaluate(
    run: Path, replicates: int, seed: int, device: DeviceName, allow_seen: bool, floors: bool, lips: bool
) -> dict[str, Any]:
    from experiments.runs.auditing import floor_lines, floors_of, manifests_of, probe_of
    from experiments.runs.memory import marks
    from experiments.runs.pages import write_report
    from experiments.runs.scoring import score_run
    from multimodal.metrics import evaluate_scores
    from multimodal.metrics.probabilities import judge_probabilities, probabilities
    from multimodal.report.terminal import warning_lines

    folder = RunFolder(run)
    scores, seen, generated, clips = score_run(run, device, allow_seen=allow_seen)
    thresholds, calibration = folder.read_thresholds(), folder.read_calibration()
    if calibration is not None:
        said = probabilities(scores, calibration, calibration["method"])
        scores = scores.assign(**{f"probability_{target}": said[target] for target in TARGETS})
    with atomic_path(folder.scores) as temporary:
        scores.to_parquet(temporary, index=False)
    test = scores[scores["split"] == "test"].reset_index(drop=True)
    metrics = evaluate_scores(
        test,
        thresholds=(thresholds or {}).get("thresholds"),
        fake_prior=None if calibration is None else calibration["prior"]["learnt"],
        replicates=replicates,
        seed=seed,
    )
    if calibration is not None:
        metrics["calibration"] = judge_probabilities(test, calibration, replicates=replicates, seed=seed)
    further = {} if folder.is_branch else _of_both(run, device, replicates, seed, lips)
    metrics |= further | {"seen": seen}
    shortcuts: list[str] = []
    if floors:
        metrics["shortcut_floors"] = floors_of(
            clips.of("test"),
            clips.store,
            probe_of(manifests_of(folder)),
            scores=test,
            replicates=replicates,
            seed=seed,
        )
        shortcuts = floor_lines(metrics["shortcut_floors"])
    marked = marks(seen, folder.read_provenance().get("seen"), (thresholds or {}).get("seen"))
    metrics["warnings"] = [*marked, *metrics["warnings"]]
    metrics = as_written(folder.metrics, metrics)
    write_report(folder, timings=None)
    lines = [*headlines(metrics, generated=generated), *shortcuts, *warning_lines(metrics, str(folder.report))]
    print("\n".join(lines))
    print("\n".join(_further_lines(further)))
    print(folder.report)
    return metrics


def _of_both(run: Path, device: DeviceName, replicates: int, seed: int, lips: bool) -> dict[str, Any]:
    """What only a detector is asked: when a clip is forged, what is familiar, and whether lips and sound agree."""
    from experiments.runs.familiar import learn_familiarity
    from experiments.runs.lips import learn_synchrony
    from experiments.runs.localising import localise_run

    localisation = localise_run(run, device, replicates=replicates, seed=seed)
    found = {} if localisation is None else {"localisation": localisation}
    found["familiarity"] = learn_familiarity(run, device)
    return {**found, "synchrony": learn_synchrony(run)} if lips else found


def _further_lines(further: dict[str, Any]) -> list[str]:
    from experiments.runs.familiar import familiarity_line
    from experiments.runs.lips import synchrony_line
    from experiments.runs.localising import localisation_lines

    lines = localisation_lines(further["localisation"]) if "localisation" in further else []
    lines += [synchrony_line(further["synchrony"])] if "synchrony" in further else []
    return [*lines, familiarity_line(further["familiarity"])] if "familiarity" in further else lines


def headlines(metrics: dict[str, Any], *, generated: bool) -> list[str]:
    """The headline numbers, each with its interval and its floor."""
    names = [*TARGETS, *(f"{modality}_alone" for modality in MODALITIES)]
    judged = [name for name in names if name in metrics]
    lines = [f"{name.replace('_', ' '):<12} AUC {_text(metrics[name]['auc'])}  (floor 0.500)" for name in judged]
    if "class" in metrics:
        balanced = _text(metrics["class"]["balanced_accuracy"])
        lines.append(f"{'class':<12} balanced accuracy {balanced}  (floor 0.250)")
    if generated:
        from multimodal.corpora.manifest import GENERATED_NOTICE

        lines.append(GENERATED_NOTICE)
    return lines


def _text(entry: dict[str, Any]) -> str:
    if entry["value"] is None:
        return f"not defined ({entry.get('reason')})"
    interval = "no interval" if entry["low"] is None else f"{entry['low']:.3f}, {entry['high']:.3f}"
    return f"{entry['value']:.3f} [{interval}]"


def main(arguments: list[str]) -> None:
    """Command line of the verb: a run; or by ``--scores``, ``--matrix`` or ``--detector`` what its module says."""
    given = {argument.split("=")[0] for argument in arguments}
    command: Callable[..., Any] = evaluate
    if "--detector" in given:
        from experiments.evaluate_detector import evaluate_detector as command
    elif "--matrix" in given:
        from experiments.evaluate_matrix import evaluate_matrix as command
    elif "--scores" in given:
        from experiments.evaluate_scores import evaluate_scores_files as command
    run_verb("evaluate", command, arguments)
