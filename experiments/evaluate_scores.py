"""``evaluate --scores FILE [FILE]``: every metric for the scores of any system, and two systems compared."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from experiments.command_line import flat
from experiments.runs.folder import RunFolder
from multimodal.files import as_written, atomic_path, held, write_text
from multimodal.labels import Target
from multimodal.metrics.options import Columns, JoinedColumns, ScoreKind
from multimodal.ranges import at_least, between, check_ranges

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How to read files of scores.

    Args:
        columns: names of the columns, or their numbers from 1; identity, method and split are read where the file
            has them.
        join: a manifest or protocol file that brings labels, identities and methods which the scores lack.
        on: the column of --join that names the clips, by name or number; left out: the one in which all clips of
            the scores are found.
        joined: the other columns of --join, by name or number.
        fake_label: the label that means fake, the other one is real; left out: labels are 1 (fake) and 0, or words
            such as spoof and bonafide.
        higher_is_fake: whether a higher score means fake; otherwise scores are turned round. Those of ASVspoof and
            AASIST are higher for bona fide: say --no-higher-is-fake.
        kind: what scores claim to be: a probability of fake, a log-likelihood ratio (natural logarithm) of fake
            against real, or any number; calibration and decisions at even odds need one of the first two.
        fake_prior: share of fakes that probabilities assume, for Cllr and actDCF.
        target: what the label speaks of.
        split: judge the rows of this split.
        split_file: file that `split` wrote; the rows must be exactly its clips of --split.
    """

    columns: Columns = field(default_factory=Columns)
    join: Path | None = None
    on: str | None = None
    joined: JoinedColumns = field(default_factory=JoinedColumns)
    fake_label: str | None = None
    higher_is_fake: bool = True
    kind: ScoreKind = "score"
    fake_prior: Annotated[float, between(0, 1, open_low=True, open_high=True)] = 0.5
    target: Target = "any"
    split: str | None = None
    split_file: Path | None = None

    def __post_init__(self) -> None:
        check_ranges(self)

    def read(self, path: Path) -> "pd.DataFrame":
        """The scores table of a file, of one split."""
        from multimodal.metrics.score_files import check_clips, read_scores
        from multimodal.splits import Split

        scores = read_scores(
            path,
            columns=self.columns,
            fake_label=self.fake_label,
            higher_is_fake=self.higher_is_fake,
            kind=self.kind,
            target=self.target,
            join=self.join,
            on=self.on,
            joined=self.joined,
        )
        scores = self._of_split(scores, path)
        if self.split_file is not None:
            if self.split is None:
                raise ValueError(f"--split-file {self.split_file} needs --split: train, val or test")
            check_clips(scores, Split.read(self.split_file).clip_ids(self.split))
        return scores

    def _of_split(self, scores: "pd.DataFrame", path: Path) -> "pd.DataFrame":
        names = sorted(scores["split"].dropna().unique()) if "split" in scores else []
        if self.split is None:
            if len(names) > 1:
                raise ValueError(f"{path} has rows of several splits: {', '.join(names)}. Say which with --split")
            return scores
        if not names:
            if self.split_file is None:
                raise ValueError(f"{path} names no split; leave --split out, or say --columns.split")
            return scores
        if self.split not in names:
            raise ValueError(f"{path} has no split {self.split!r}; it has {', '.join(names)}")
        return scores[scores["split"] == self.split].reset_index(drop=True)


DEFAULT_READING = Reading()


def evaluate_scores_files(
    *,
    scores: tuple[Path, ...],
    reading: Annotated[Reading, flat] = DEFAULT_READING,
    out: Path | None = None,
    replicates: Annotated[int, at_least(0)] = 1000,
    seed: Annotated[int, at_least(0)] = 0,
) -> dict[str, Any]:
    """Judge the scores of any system: every metric with a 95 % interval, beside the floors of trivial systems.

    A file is a table (CSV, TSV, text or parquet) with a row a clip: clip_id, score, label, and optionally
    identity, method, split. With two files, A and B, of the same clips, they are compared in pairs as well.

    Args:
        scores: one file, or two to compare.
        reading: how to read them.
        out: folder to write metrics.json, scores.parquet and report.html into; of two files also comparison.json,
            metrics_b.json and scores_b.parquet.
        replicates: of the bootstrap over identities (over clips where the file names none).
        seed: of the bootstrap.
    """
    if len(scores) not in (1, 2):
        raise ValueError(f"give one file of scores, or two to compare; got {len(scores)}")
    for path in scores:
        if not path.is_file():
            raise ValueError(f"no file of scores at {path}; give a table with a row a clip: clip_id, score, label")
    from multimodal.corpora.manifest import GENERATED_NOTICE
    from multimodal.metrics import compare, evaluate_scores
    from multimodal.report.terminal import comparison_table

    tables = [reading.read(path) for path in scores]
    judged = [
        evaluate_scores(
            table,
            kind=reading.kind,
            turned=not reading.higher_is_fake,
            fake_prior={reading.target: reading.fake_prior},
            replicates=replicates,
            seed=seed,
        )
        for table in tables
    ]
    comparison = None
    if len(tables) == 2:
        comparison = compare(*tables, kinds=(reading.kind,) * 2, replicates=replicates, seed=seed)
    if out is not None:
        with held(out):
            judged, comparison = _write(out, scores, reading, tables, judged, comparison)
    place = "say --out DIR to read them" if out is None else str(out / "report.html")
    for path, metrics in zip(scores, judged, strict=True):
        print("\n".join([str(path), *_lines(metrics, reading.target, place), *_polarity(path, metrics, reading)]))
    if comparison is not None:
        print("\n".join(["", f"A {scores[0]}, B {scores[1]}", *comparison_table(comparison, reading.target)]))
    if reading.kind == "score":
        print(_note_on_ranks(tables[0][f"score_{reading.target}"]))
    if any(map(_of_generated_media, scores)):
        print(GENERATED_NOTICE)
    if out is not None:
        print(out / "report.html")
    return judged[0]


def _lines(metrics: dict[str, Any], target: Target, place: str) -> list[str]:
    from multimodal.report.terminal import method_table, metric_table, warning_lines

    return [*metric_table(metrics, target), *method_table(metrics, target), *warning_lines(metrics, place)]


def _polarity(path: Path, metrics: dict[str, Any], reading: Reading) -> list[str]:
    """Which way round scores were taken, where the file cannot say it or the ROC area lies on the wrong side."""
    from multimodal.metrics.score_files import lacks_header

    taken, other = ("fake", "--no-higher-is-fake") if reading.higher_is_fake else ("real", "--higher-is-fake")
    area = metrics[reading.target]["auc"]["value"]
    if area is not None and area < 0.5:
        return [
            f"note: a higher score is taken as {taken}, which gives an AUC below 0.5; where it means the "
            f"opposite, say {other}"
        ]
    if lacks_header(path, reading.columns):
        return [
            f"note: a higher score is taken as {taken}, for the file has no header that says so; where it means "
            f"the opposite, say {other} (ASVspoof's and AASIST's are higher for bona fide)"
        ]
    return []


def _of_generated_media(scores: Path) -> bool:
    """Whether a file lies in a run that was trained and judged on clips that a program drew."""
    run = RunFolder(scores.parent)
    return run.provenance.is_file() and run.read_provenance()["generated"]


def _note_on_ranks(values: "pd.Series") -> str:
    """What is not said of mere ranks, and how to have it."""
    known = values[values.abs() < float("inf")]
    left_out = "note: taken as mere ranks, so without decisions, calibration, Cllr and actDCF"
    if len(known) and known.min() >= 0 and known.max() <= 1:
        return f"{left_out}; scores lie in [0, 1]: if they are probabilities of fake, say --kind probability"
    return f"{left_out}; if they are log-likelihood ratios of fake against real, say --kind llr"


def _write(
    out: Path,
    paths: tuple[Path, ...],
    reading: Reading,
    tables: "list[pd.DataFrame]",
    judged: list[dict[str, Any]],
    comparison: dict[str, Any] | None,
) -> tuple[list[dict[str, Any]], dict[str, Any] | None]:
    """Write metrics, scores, the comparison and the page; metrics and comparison as the files then hold them."""
    from multimodal.report.figures import png_bytes, run_figures
    from multimodal.report.pages import run_report

    written = []
    for ending, table, metrics in zip(("", "_b"), tables, judged, strict=False):
        written.append(as_written(out / f"metrics{ending}.json", metrics))
        with atomic_path(out / f"scores{ending}.parquet") as temporary:
            table.to_parquet(temporary, index=False)
    if comparison is not None:
        files = {name: str(path) for name, path in zip(("a", "b"), paths, strict=True)}
        comparison = as_written(out / "comparison.json", {**files, "comparison": comparison})["comparison"]
    figures = run_figures(metrics=judged[0], thresholds=None, scores=tables[0])
    if reading.kind != "probability":
        del figures["reliability"]
    page = run_report(
        title=f"Scores of {paths[0].name}",
        config={
            "scores": [str(path) for path in paths],
            "fake_label": reading.fake_label,
            "higher_is_fake": reading.higher_is_fake,
            "kind": reading.kind,
            "fake_prior": reading.fake_prior,
        },
        metrics=judged[0],
        thresholds=None,
        images={name: png_bytes(figure) for name, figure in figures.items()},
        synthetic=any(map(_of_generated_media, paths)),
        comparison=comparison,
        compared=(paths[0].name, paths[-1].name),
    )
    write_text(out / "report.html", page)
    return written, comparison
