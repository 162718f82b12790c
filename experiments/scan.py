"""``scan CORPUS --root DIR --out FILE``: a corpus as it lies on disk becomes a manifest."""

import sys
from pathlib import Path
from typing import Annotated

from experiments.command_line import Positional, run_verb
from multimodal import corpora
from multimodal.artefacts import shown
from multimodal.catalog import one_of
from multimodal.ranges import at_least

ALL = "all"


def scan(
    corpus: Positional[Annotated[str, one_of([*corpora.CORPORA, ALL])]],
    *,
    root: Path,
    out: Path | None = None,
    options: dict[str, str] | None = None,
    probe: bool = False,
    rejects: Path | None = None,
    workers: Annotated[int, at_least(1)] = 2,
    follow_links: bool = False,
) -> None:
    """Read a corpus as it lies on disk into a manifest: one row a clip, labels from the corpus's own rules.

    Examples:
        python -m experiments scan fakeavceleb --root /data/FakeAVCeleb_v1.2 --out manifest.parquet
        python -m experiments scan all --root /data --out manifests

    Args:
        corpus: name of the corpus, e.g. fakeavceleb; or all, to walk a drive and scan whatever is recognised.
        root: the corpus, or a folder up to four levels above it.
        out: the manifest to write, as parquet (default manifest.parquet); with all, a folder (default manifests).
        options: of the corpus's reader, as NAME VALUE pairs, e.g. media audio.
        probe: open each file once; what it holds goes beside the manifest, as NAME.probe.pq.
        rejects: where to list files that cannot be used (default NAME.rejects.csv beside the manifest).
        workers: processes that probe.
        follow_links: read what links that lead out of the corpus lead to, where it is spread over disks; in a
            corpus of somebody else they may lead into your own files.
    """
    if rejects and not probe:
        raise ValueError("--rejects lists what probing finds; give --probe too")
    if corpus != ALL:
        path = out or Path("manifest.parquet")
        manifest = _scan(corpus, root, path, options, follow_links)
        if probe:
            _probe(manifest, path, rejects, workers)
        return
    if options or rejects:
        raise ValueError("--options and --rejects are of one corpus; scan it by its name")
    _scan_all(root, out or Path("manifests"), probe, workers, follow_links)


def _scan(
    corpus: str, root: Path, out: Path, options: dict[str, str] | None = None, follow_links: bool = False
) -> "corpora.Manifest":
    report = corpora.ScanReport()
    try:
        manifest = corpora.scan(corpus, root, report=report, options=options, follow_links=follow_links)
    finally:  # where it fails, the reason may stand among the warnings
        for line in report.lines():
            print(shown(line), file=sys.stderr)
    manifest.write(out)
    written = corpora.Manifest.read(out)
    print(f"{out}: {len(written.clips):,} clips of {corpus} ({_kinds(written)})")
    return written


def _kinds(manifest: "corpora.Manifest") -> str:
    """Counts by class, or by label where a clip has no class."""
    labels = manifest.clips["any_fake"].map({0: "real", 1: "fake"}).astype(object).fillna("no label")
    kinds = manifest.clips["av_class"].astype(object)
    counts = kinds.where(kinds.notna(), labels).value_counts()
    return ", ".join(f"{kind} {count:,}" for kind, count in counts.items())


def _scan_all(root: Path, folder: Path, probe: bool, workers: int, follow_links: bool) -> None:
    report = corpora.ScanReport()
    found = corpora.recognise(root, report=report)
    for line in report.lines():
        print(shown(line), file=sys.stderr)
    if not found:
        raise ValueError(corpora.nothing_recognised(root))
    for name, where in found:
        print(f"{name:<16} {where}  ({corpora.CORPORA[name].title})")
    failed = []
    for (name, where), stem in zip(found, _stems([name for name, _ in found]), strict=True):
        print()
        path = folder / f"{stem}.parquet"
        try:
            manifest = _scan(name, where, path, None, follow_links)
            if probe:
                _probe(manifest, path, None, workers)
        except ValueError as error:
            failed.append(name)
            print(f"error: {name}: {shown(error)}", file=sys.stderr)
    if failed:
        raise ValueError(f"{len(failed)} of {len(found)} could not be read: {', '.join(failed)}")


def _stems(names: list[str]) -> list[str]:
    """Names of the manifests; a corpus that lies on the drive twice gets numbers."""
    return [
        f"{name}_{names[:position].count(name) + 1}" if names.count(name) > 1 else name
        for position, name in enumerate(names)
    ]


def _probe(manifest: "corpora.Manifest", path: Path, rejects: Path | None, workers: int) -> None:
    from multimodal.media.probe_corpus import probe_corpus, probe_path, write_rejects
    from multimodal.progress import progress

    table = probe_corpus(
        manifest,
        probe_path(path),
        workers=workers,
        progress=lambda outcomes, total: progress(outcomes, total=total, desc="probe", unit="file"),
    )
    rejects = rejects or path.with_name(f"{path.stem}.rejects.csv")
    count = write_rejects(table, rejects)
    print(f"{probe_path(path)}: probed {len(table):,} files; {count:,} cannot be used, see {rejects}")


def main(arguments: list[str]) -> None:
    """Command line of the verb."""
    run_verb("scan", scan, arguments)
