"""``leaderboard SYSTEM...``: systems on the same clips, with intervals, floors, leakage and differences."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from experiments.command_line import Positional, run_verb
from multimodal.files import held, write_json, write_text
from multimodal.labels import TARGETS, Target
from multimodal.ranges import at_least

if TYPE_CHECKING:
    import pandas as pd


def leaderboard(
    systems: Positional[tuple[Path, ...]],
    *,
    target: Target = "any",
    split: str = "test",
    out: Path = Path("leaderboard"),
    replicates: Annotated[int, at_least(0)] = 1000,
    seed: Annotated[int, at_least(0)] = 0,
) -> dict[str, Any]:
    """Put several systems side by side on the clips that all of them were judged on.

    Beside each stand its interval, what a random system and shortcuts alone reach, whether it has seen the clips,
    and its paired difference from the first with what could have been seen. Writes leaderboard.json and
    leaderboard.html into --out.

    Examples:
        python -m experiments leaderboard runs/first aasist other/scores.parquet --target audio

    Args:
        systems: folders of runs that were evaluated, folders of `evaluate --scores --out` or `--detector`, or
            tables of scores; the first is what the others are compared with.
        target: what is judged.
        split: rows of the tables that name several splits.
        out: folder to write.
        replicates: of the bootstrap over identities.
        seed: of the bootstrap.
    """
    if len(systems) < 2:
        raise ValueError(f"give two systems or more; got {len(systems)}")
    files = [_file_of(path) for path in systems]
    from multimodal.metrics import compare, evaluate_scores
    from multimodal.report.pages.leaderboard import leaderboard_page
    from multimodal.report.terminal import aligned

    names = _names(systems)
    tables = _common({name: _scores(file, split, target) for name, file in zip(names, files, strict=True)})
    first = next(iter(tables.values()))
    rows: dict[str, dict[str, Any]] = {}
    with held(out):
        for (name, table), path in zip(tables.items(), systems, strict=True):
            judged = evaluate_scores(table, kind="score", replicates=replicates, seed=seed)
            rows[name] = {"metrics": judged[target], **_about(path, target)}
            if table is not first:
                found = compare(first, table, kinds=("score", "score"), replicates=replicates, seed=seed)
                rows[name]["difference"] = found[target]["metrics"]["auc"]
        result = {
            "target": target,
            "counts": judged["counts"][target],
            "floors": judged["floors"][target]["random"],
            "systems": rows,
            "generated": any(row["generated"] for row in rows.values()),
        }
        write_json(out / "leaderboard.json", result)
        write_text(out / "leaderboard.html", leaderboard_page(result))
    print("\n".join(aligned(_rows(result))))
    print("difference: of the first less this one, paired over identities; could be seen: with 80 % power")
    if result["generated"]:
        from multimodal.corpora.manifest import GENERATED_NOTICE

        print(GENERATED_NOTICE)
    print(out / "leaderboard.html")
    return result


def _names(systems: tuple[Path, ...]) -> list[str]:
    names = [path.name if path.is_dir() else path.stem for path in systems]
    repeated = [name for name in names if names.count(name) > 1]
    return [str(path) for path in systems] if repeated else names


def _file_of(path: Path) -> Path:
    """The table of scores that a system is given by, or the one in its folder."""
    file = path / "scores.parquet" if path.is_dir() else path
    if not file.is_file():
        raise ValueError(f"no scores in {path}; judge it first: evaluate {path}")
    return file


def _scores(file: Path, split: str, target: Target) -> "pd.DataFrame":
    import pandas as pd

    from multimodal.metrics import read_scores

    if file.suffix == ".parquet":
        from multimodal.artefacts import read_frame

        table = read_frame(file, "a table of scores", columns=("clip_id",))
        judged = [name for name in TARGETS if {f"score_{name}", f"{name}_fake"} <= set(table)]
        if target in judged:
            return _of_split(table, split)
        if judged:
            raise ValueError(f"{file} says {' and '.join(judged)} and not {target}; choose --target {judged[0]}")
    table = read_scores(file, target=target)
    assert isinstance(table, pd.DataFrame)
    return _of_split(table, split)


def _of_split(table: "pd.DataFrame", split: str) -> "pd.DataFrame":
    names = table["split"].dropna().unique() if "split" in table else []
    return table[table["split"] == split].reset_index(drop=True) if len(names) > 1 else table


def _common(tables: "dict[str, pd.DataFrame]") -> "dict[str, pd.DataFrame]":
    """The rows of clips that every system has; how many are left out is said."""
    shared = set.intersection(*(set(table["clip_id"]) for table in tables.values()))
    if not shared:
        raise ValueError("the systems have no clip in common; judge them on the same test clips")
    for name, table in tables.items():
        if len(table) > len(shared):
            print(f"note: {len(table) - len(shared):,} of {len(table):,} clips of {name} are not in all tables")
    kept = {name: table[table["clip_id"].isin(shared)] for name, table in tables.items()}
    return {name: table.sort_values("clip_id", ignore_index=True) for name, table in kept.items()}


def _about(path: Path, target: str) -> dict[str, Any]:
    """What is known of a system beside its scores: clips seen before, shortcuts on its clips, generated media."""
    from experiments.runs.folder import RunFolder
    from multimodal.files import read_json

    folder = RunFolder(path if path.is_dir() else path.parent)
    metrics = read_json(folder.metrics) if path.is_dir() and folder.metrics.is_file() else {}
    floors = metrics.get("shortcut_floors", {}).get(target, {})
    together = floors.get("all together") if "reason" not in floors else None
    return {
        "seen": metrics.get("seen"),
        "shortcuts": None if together is None else together["auc"],
        "generated": bool(folder.provenance.is_file() and folder.read_provenance()["generated"]),
    }


def _rows(result: dict[str, Any]) -> list[list[str]]:
    from multimodal.report.pages.leaderboard import seen_text
    from multimodal.report.pages.render import decimal, interval, p_value, smallest_seen

    titles = ["system", "AUC", "", "EER", "", "difference", "", "p", "could be seen", "clips seen before"]
    rows = [titles]
    for name, row in result["systems"].items():
        found, of = row.get("difference"), row["metrics"]
        told = ["-", "", "-", "-"]
        if found is not None:
            gap = interval({**found, "value": found["difference"]})
            told = [decimal(found["difference"]), gap, p_value(found["p_value"]), smallest_seen(found)]
        numbers = [text for metric in ("auc", "eer") for text in (decimal(of[metric]), interval(of[metric]))]
        rows.append([name, *numbers, *told, seen_text(row["seen"])])
    rows.append(["random", decimal(result["floors"]["auc"]), "", decimal(result["floors"]["eer"]), *[""] * 6])
    return rows


def main(arguments: list[str]) -> None:
    """Command line of the verb."""
    run_verb("leaderboard", leaderboard, arguments)
