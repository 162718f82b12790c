"""``prepare FILE --store DIR``: media become face crops and waveform."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import partial, reduce
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from experiments import engines
from experiments.command_line import Positional, flat, run_verb
from experiments.runs.device import DeviceName, check_device
from multimodal.files import manifests_must_be_there
from multimodal.media.faces import check_detector
from multimodal.media.prepared import PrepareOptions
from multimodal.ranges import above, at_least, between

if TYPE_CHECKING:
    from multimodal.corpora.manifest import Manifest
    from multimodal.media.prepare_corpus import Prepared, PrepareSummary

# Preparing parts of a manifest by an engine, into one store that all of its machines see.


#: Parts for each worker, so that a slow one does not keep the others waiting at the end.
_PARTS_A_WORKER = 4


def prepare_elsewhere(
    manifest: "Manifest",
    store: Path,
    options: PrepareOptions,
    *,
    run_all: engines.RunAll,
    roots: dict[str, str] | None,
    workers: int,
    seconds_per_clip: float,
    memory_bytes_per_clip: int,
    device: str = "cpu",
    tracks: Literal["main", "all"] = "main",
) -> "PrepareSummary":
    """The same store as :func:`multimodal.media.prepare_corpus.prepare_corpus` makes, by ``workers`` tasks.

    Each task prepares a part of the manifest, in a process of its own; a task that is done again goes on where the
    first one stopped. Raises the error of the first task that failed, when the others are done.
    """
    from multimodal.media.prepare_corpus import part_of
    from multimodal.progress import progress

    count = max(1, min(len(manifest.clips), workers * _PARTS_A_WORKER))
    parts = [part_of(manifest, number, count) for number in range(count)]
    prepare_part = partial(
        _prepare_part,
        store=str(store.absolute()),
        options=options,
        roots=roots,
        seconds_per_clip=seconds_per_clip,
        memory_bytes_per_clip=memory_bytes_per_clip,
        device=device,
        tracks=tracks,
    )
    outcomes = run_all(prepare_part, parts, workers=workers)
    results = [outcome for _, outcome in progress(outcomes, total=count, desc="prepare", unit="part")]
    for result in results:
        if isinstance(result, Exception):
            raise result
    return _sum(results)


def _prepare_part(manifest: "Manifest", *, store: str, options: PrepareOptions, **limits: Any) -> "PrepareSummary":
    from multimodal.media.prepare_corpus import prepare_corpus

    return prepare_corpus(manifest, store, options, workers=1, **limits)


def _sum(parts: "list[PrepareSummary]") -> "PrepareSummary":
    from multimodal.media.kept import Kept
    from multimodal.media.prepare_corpus import PrepareSummary

    reasons: Counter[str] = Counter()
    for part in parts:
        reasons.update(part.reasons)
    prepared, failed, skipped = (sum(values) for values in zip(*(part[:3] for part in parts), strict=True))
    kept = reduce(Kept.plus, (part.kept for part in parts), Kept())
    return PrepareSummary(prepared, failed, skipped, dict(reasons.most_common()), kept)


def prepare(
    manifests: Positional[tuple[Path, ...]],
    *,
    store: Path = Path("store"),
    root: Path | None = None,
    options: Annotated[PrepareOptions, flat] = PrepareOptions(),
    workers: Annotated[int, at_least(1)] = 2,
    max_failures: Annotated[float, between(0, 1)] = 0.01,
    estimate: bool = False,
    sample: Annotated[int, at_least(1)] = 20,
    shard: str | None = None,
    engine: Literal["local", "ray"] = "local",
    clip_seconds: Annotated[float, above(0)] = 600.0,
    clip_gigabytes: Annotated[float, above(0)] = 2.0,
    device: DeviceName = "cpu",
    tracks: Literal["main", "all"] = "main",
) -> None:
    """Decode every clip, find and follow the face, and store aligned crops and mono sound.

    A preparation that was stopped goes on; a clip that fails is a row with its reason, and the work goes on. Look
    at the result before you train: inspect STORE --html.

    Several machines that share a disk may fill one store, each a part of the manifest (more in docs/prepare.md).

    Examples:
        python -m experiments prepare manifest.parquet --store store --workers 8
        sbatch --array=0-31 --cpus-per-task=8 --wrap 'python -m experiments prepare manifest.parquet --store
        /shared/store --workers 8 --shard $SLURM_ARRAY_TASK_ID/32'

    Args:
        manifests: files that `scan` wrote.
        store: folder to write.
        root: where the corpus lies now, if not where it was scanned (one corpus only).
        options: of the crops and the sound.
        workers: processes, each on one core; with --engine ray on the whole cluster.
        max_failures: share of failed clips above which the exit code says so.
        estimate: prepare a small random sample only, and say how long all would take and how much disk, with the
            spread.
        sample: clips of that sample.
        shard: prepare this part only, e.g. 0/32 to 31/32.
        engine: local is this machine; ray is a Ray cluster (pip install .[ray]), the one at RAY_ADDRESS or the one
            that this machine belongs to.
        clip_seconds: a clip that takes longer is given up.
        clip_gigabytes: a clip that takes more memory is given up.
        device: where faces are looked for. The cores, unless told: other verbs take the GPU there is, but boxes of
            a GPU may differ in the last digits, and one store is to be made alike. With cuda one process has the
            GPU and computes for all workers.
        tracks: main keeps one face of a clip, the one that speaks; all keeps the others too, as CLIP_ID#face2 and
            so on.
    """
    manifests_must_be_there(manifests)
    check_detector(options.face_detector)
    from multimodal.media.prepare_corpus import estimate_corpus, prepare_corpus

    manifest, roots = _clips_of(manifests, root, shard, must_be_here=engine == "local")
    common: dict[str, Any] = {"roots": roots, "workers": workers, "seconds_per_clip": clip_seconds}
    if estimate:
        scratch = next(folder for folder in store.absolute().parents if folder.is_dir())
        found = estimate_corpus(manifest, options, num_sampled=sample, scratch=scratch, progress=_bar, **common)
        print(found.text())
        return
    common["tracks"] = tracks
    common["device"] = check_device(device) if device != "cpu" else "cpu"  # "cpu" without waiting for torch
    common["memory_bytes_per_clip"] = round(clip_gigabytes * 2**30)
    if engine == "local":
        summary = prepare_corpus(manifest, store, options, progress=_bar, **common)
    else:
        summary = prepare_elsewhere(manifest, store, options, run_all=engines.get(engine), **common)
    _report(summary, len(manifest.clips), max_failures)


def _clips_of(
    files: Iterable[Path], root: Path | None, shard: str | None, *, must_be_here: bool
) -> "tuple[Manifest, dict[str, str] | None]":
    """The clips of all manifests, or this machine's part of them, and where their corpora lie if that is new."""
    from multimodal.corpora.manifest import Manifest, concatenate
    from multimodal.media.prepare_corpus import part_of

    manifest = concatenate(Manifest.read(file) for file in files)
    roots = {corpus: str(root) for corpus in manifest.roots} if root else None
    if must_be_here:
        _require_roots(roots or manifest.roots)
    return (manifest if shard is None else part_of(manifest, *_parse_shard(shard))), roots


def _require_roots(roots: dict[str, str]) -> None:
    for corpus, folder in roots.items():
        if not Path(folder).is_dir():
            raise ValueError(f"{corpus} is not at {folder}: no such folder; say where it lies now with --root")


def _report(summary: "PrepareSummary", num_clips: int, max_failures: float) -> None:
    print(summary.text())
    failed = sum(summary.reasons.values())  # of earlier runs too: one that was stopped ends as if it had not been
    if failed > max_failures * num_clips:
        raise ValueError(f"{failed} of {num_clips} clips failed, more than --max-failures {max_failures}")


def _bar(clips: "Iterable[Prepared]", total: int) -> "Iterator[Prepared]":
    """A progress bar that counts the failures so far."""
    from multimodal.progress import progress

    failed = 0
    with progress(clips, total=total, desc="prepare", unit="clip") as bar:
        for clip in bar:
            failed += clip.failure is not None
            bar.set_postfix(failed=failed, refresh=False)
            yield clip


def _parse_shard(shard: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d+)/(\d+)", shard)
    if match is None:
        raise ValueError(f"--shard must be the number of the part and of all parts, e.g. 0/8; got {shard!r}")
    return int(match[1]), int(match[2])


def main(arguments: list[str]) -> None:
    """Command line of the verb."""
    run_verb("prepare", prepare, arguments)
