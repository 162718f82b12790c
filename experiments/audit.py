"""``audit RUN`` and ``audit --manifest FILE``: which shortcuts there are, how a detector breaks, and who pays."""

from pathlib import Path
from typing import Annotated, Any, Literal

from experiments.command_line import Positional, run_verb
from experiments.runs.device import DeviceName
from experiments.runs.folder import RunFolder
from multimodal.files import held, manifests_must_be_there, must_be_there, write_json, write_text
from multimodal.metrics.options import RuleName
from multimodal.ranges import at_least


def audit(
    run: Positional[Path],
    *,
    robustness: bool = False,
    only: tuple[str, ...] = (),
    rule: RuleName = "youden",
    replicates: Annotated[int, at_least(0)] = 1000,
    seed: Annotated[int, at_least(0)] = 0,
    device: DeviceName = "auto",
    allow_seen: bool = False,
) -> dict[str, Any]:
    """Say what a detector may have learnt in place of forgery, on its test clips, and who pays for its errors.

    What the file, silence, loudness, the picture's border or the place of the face alone tell is a floor, beside
    the detector and with the share of its score that follows from it. Errors at the common threshold are told for
    every group, corpus and person. Writes audit.json, audit.html and model_card.md into the run folder. For a
    corpus, before anything is trained: audit --manifest FILE (see audit --manifest --help).

    Examples:
        python -m experiments audit runs/first --robustness

    Args:
        run: folder that `train` or `pretrain` wrote, evaluated; of a branch there is no card.
        robustness: also score the clips under 17 corruptions of picture and sound in three strengths; minutes.
        only: corruptions to try; all of them where left out.
        rule: of the thresholds whose drift and whose false alarms are told.
        replicates: of the bootstrap over identities.
        seed: of folds and bootstrap.
        device: where the detector computes; auto is the GPU where there is one.
        allow_seen: judge on clips that were learnt from all the same, and mark the result.
    """
    folder = RunFolder(run)
    folder.must_be_there()
    metrics = folder.read_metrics()
    if metrics is None:
        raise ValueError(f"no metrics in {run}; judge it first: evaluate {run}")
    from experiments.runs.auditing import (
        floors_of,
        groups_of,
        manifests_of,
        probe_of,
        robustness_of,
        thresholds_by,
    )
    from experiments.runs.memory import check_seen, marks
    from experiments.runs.scoring import open_run

    _check_names(only)
    with folder.judged():
        opened = open_run(run)
        clips = opened.read()
        clips.require_same(folder.read_provenance())
        held_out = clips.of("test")
        tested = f"{len(held_out):,} test clips"
        seen = check_seen(
            {f"the run {run}": opened.learnt_from}, {"test": held_out}, allow_seen=allow_seen, say=print
        )
        scores = folder.test_scores()
        thresholds = thresholds_by(folder.read_thresholds(), rule)
        drawn = {"replicates": replicates, "seed": seed}
        found: dict[str, Any] = {
            "about": f"{run.name} on {tested} that it has not learnt from; thresholds by {rule}.",
            "generated": clips.generated,
            "warnings": [*marks(seen), *metrics["warnings"]],
            "seen": seen,
            "metrics": {name: metrics[name]["auc"] for name in ("any", "video", "audio") if name in metrics},
            "methods": metrics["per_method"],
            "floors": floors_of(held_out, clips.store, probe_of(manifests_of(folder)), scores=scores, **drawn),
            "groups": groups_of(scores, held_out, thresholds, **drawn),
        }
        if robustness or only:
            found["robustness"] = robustness_of(
                opened, clips, thresholds, names=only, device=device, replicates=replicates, seed=seed
            )
        _write(found, run, f"Audit of {run.name}")
        if folder.read_thresholds() is not None:
            write_text(run / "model_card.md", _card(run, rule))
            print(run / "model_card.md")
    return found


def audit_manifest(
    *,
    manifest: tuple[Path, ...],
    store: Path,
    split: Path | None = None,
    part: Literal["train", "val", "test"] = "train",
    out: Path = Path("audit"),
    replicates: Annotated[int, at_least(0)] = 1000,
    seed: Annotated[int, at_least(0)] = 0,
) -> dict[str, Any]:
    """Say which shortcuts a corpus offers, before a detector is trained on it: what tells fakes without a face.

    Writes audit.json and audit.html into --out. The exit code is 0 whatever is found.

    Args:
        manifest: files that `scan` wrote, with what `scan --probe` learnt beside them.
        store: the clips, prepared.
        split: judge the clips of one part of it only.
        part: of the split.
        out: folder to write.
        replicates: of the bootstrap over identities.
        seed: of folds and bootstrap.
    """
    manifests_must_be_there(manifest)
    must_be_there(store, "store", "prepare FILE --store")
    from experiments.runs.auditing import floors_of, probe_of
    from multimodal.corpora.manifest import Manifest, concatenate, is_generated
    from multimodal.media.store.reader import Store
    from multimodal.splits import Split

    clips, prepared = concatenate(Manifest.read(path) for path in manifest).clips, Store.open(store)
    if split is not None:
        clips = clips[(Split.read(split).of(clips) == part).fillna(False).to_numpy(dtype=bool)]
    there = clips[clips["clip_id"].isin(prepared.index["clip_id"])].reset_index(drop=True)
    if there.empty:
        raise ValueError(f"no clip of these manifests is in {store}; prepare them first, or say another --part")
    corpora = ", ".join(sorted(there["corpus"].unique()))
    with held(out):
        found: dict[str, Any] = {
            "about": f"{len(there):,} clips of {corpora}, before any detector.",
            "generated": is_generated(there),
            "warnings": [f"{len(clips) - len(there):,} clips are not prepared"] if len(there) < len(clips) else [],
            "floors": floors_of(there, prepared, probe_of(manifest), replicates=replicates, seed=seed),
        }
        _write(found, out, "Shortcuts of a corpus")
    return found


def _check_names(names: tuple[str, ...]) -> None:
    from multimodal.catalog import unknown
    from multimodal.data.corruptions import CORRUPTIONS

    for name in names:
        if name not in CORRUPTIONS:
            raise ValueError(unknown("corruption", name, CORRUPTIONS))


def _write(found: dict[str, Any], out: Path, title: str) -> None:
    from experiments.runs.auditing import floor_lines
    from multimodal.corpora.manifest import GENERATED_NOTICE
    from multimodal.report.pages.audit import audit_page, notes

    write_json(out / "audit.json", found)
    write_text(out / "audit.html", audit_page(found, title=title))
    print("\n".join([*floor_lines(found["floors"]), *(f"note: {line}" for line in notes(found))]))
    if found["generated"]:
        print(GENERATED_NOTICE)
    print(out / "audit.html")


def _card(run: Path, rule: str) -> str:
    """The model card of the run, with what the audit found."""
    from experiments.runs.scoring import open_judge

    return open_judge(run, rule).card()


def main(arguments: list[str]) -> None:
    """Command line of the verb: a run, or with ``--manifest`` a corpus."""
    is_corpus = any(argument.split("=")[0] == "--manifest" for argument in arguments)
    run_verb("audit", audit_manifest if is_corpus else audit, arguments)
