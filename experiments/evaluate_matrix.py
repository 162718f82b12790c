"""``evaluate --matrix RUN... --sources FOLDER...``: trained on one corpus, tested on the others."""

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from experiments.runs.device import DeviceName
from experiments.runs.folder import RunFolder
from multimodal.files import as_written, held, manifests_must_be_there
from multimodal.labels import TARGETS
from multimodal.ranges import at_least

if TYPE_CHECKING:
    from experiments.runs.scoring import HeldOut, TrainedRun

METRICS = ("auc", "eer")


def evaluate_matrix(
    *,
    matrix: tuple[Path, ...],
    sources: tuple[Path, ...],
    store: Path = Path("store"),
    split: str = "test",
    out: Path = Path("matrix"),
    allow_seen: bool = False,
    replicates: Annotated[int, at_least(0)] = 1000,
    seed: Annotated[int, at_least(0)] = 0,
    device: DeviceName = "auto",
) -> dict[str, Any]:
    """Judge every run on every corpus: AUC and equal error rate with 95 % intervals, as table and figure.

    Writes matrix.json, a figure for each target and the scores into --out; scores that are there already are not
    computed again. A run is not tested on clips that it, or an encoder of it in an earlier training, learnt from.

    Args:
        matrix: folders that `pretrain` or `train` wrote.
        sources: folders that each hold manifest.parquet, split.parquet and, unless they share --store, store.
        store: prepared clips of the sources that have no store of their own.
        split: what is tested.
        out: folder to write.
        allow_seen: test on clips that were learnt from all the same, and mark the result.
        replicates: of the bootstrap over identities.
        seed: of the bootstrap.
        device: where the models compute; auto is the GPU where there is one.
    """
    for path in matrix:
        RunFolder(path).must_be_there()
    manifests_must_be_there(folder / "manifest.parquet" for folder in sources)
    from experiments.runs.scoring import open_run, open_test_set

    runs = [open_run(path) for path in matrix]
    tested = [open_test_set(folder, split, store) for folder in sources]
    _check_names("runs", [run.name for run in runs])
    _check_names("sources", [one.name for one in tested])
    with held(out):
        return _judge_all(runs, tested, split, out, replicates, seed, device, allow_seen)


def _judge_all(
    runs: "list[TrainedRun]",
    tested: "list[HeldOut]",
    split: str,
    out: Path,
    replicates: int,
    seed: int,
    device: DeviceName,
    allow_seen: bool,
) -> dict[str, Any]:
    from experiments.runs.scoring import matrix_scores
    from multimodal.corpora.manifest import GENERATED_NOTICE
    from multimodal.report.figures.study import matrix_figure
    from multimodal.report.figures.style import png_bytes, save_images

    judged: dict[str, dict[str, dict[str, Any]]] = {}
    for run in runs:
        for one in tested:
            found = matrix_scores(run, one, out / "scores", device, allow_seen=allow_seen)
            own = bool(run.corpora & set(one.rows["corpus"]))
            for target, cell in _cells(found.scores, replicates, seed).items():
                about = {"own": own, "seen": found.seen}
                judged.setdefault(target, {}).setdefault(run.name, {})[one.name] = {**cell, **about}
    names = [one.name for one in tested]
    generated = any(one.clips.generated for one in tested)
    images = {
        f"matrix-{target}": png_bytes(matrix_figure(f"{target}: trained on one, tested on others", cells, names))
        for target, cells in judged.items()
    }
    written = as_written(out / "matrix.json", {"split": split, "generated": generated, "matrix": judged})
    judged = written["matrix"]
    print("\n".join(line for target, cells in judged.items() for line in _table(target, cells, names)))
    if generated:
        print(GENERATED_NOTICE)
    for path in save_images(images, out):
        print(path)
    return judged


def _check_names(kind: str, names: list[str]) -> None:
    repeated = [name for name, count in Counter(names).items() if count > 1]
    if repeated:
        raise ValueError(f"two {kind} are called {repeated[0]!r}; rename a folder, since the table goes by names")


def _cells(scores: Any, replicates: int, seed: int) -> dict[str, dict[str, Any]]:
    """AUC and equal error rate of each target that was scored."""
    from multimodal.metrics import evaluate_scores

    targets = [target for target in TARGETS if f"score_{target}" in scores]
    judged = evaluate_scores(scores, replicates=replicates, seed=seed)
    nothing = {"value": None, "low": None, "high": None, "reason": "no clip has a label and a score"}
    return {
        target: {
            **{metric: judged.get(target, {}).get(metric, nothing) for metric in METRICS},
            "counts": judged["counts"].get(target),
        }
        for target in targets
    }


def _table(target: str, cells: dict[str, dict[str, Any]], names: list[str]) -> list[str]:
    """A row a run, two columns a test set."""
    from experiments.runs.memory import marks
    from multimodal.report.terminal import aligned

    titles = [f"{name} {metric.upper()}" for name in names for metric in METRICS]
    rows = [
        [run, *(_text(row[name], metric) for name in names for metric in METRICS)] for run, row in cells.items()
    ]
    marked = marks(*(cell["seen"] for row in cells.values() for cell in row.values()))
    legend = [f"! {line}" for line in marked]
    return [f"{target} (* trained on this corpus)", *aligned([[target, *titles], *rows]), *legend]


def _text(cell: dict[str, Any], metric: str) -> str:
    from multimodal.report.pages.render import decimal, interval

    entry = cell[metric]
    if entry["value"] is None:
        return "not defined"
    return f"{decimal(entry)} {interval(entry)}{'*' * cell['own']}{'!' * cell['seen']['marked']}"
