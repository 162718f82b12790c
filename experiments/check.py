"""``check FILE...``: what makes results wrong, found before anything is trained."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from tyro.conf import arg

from experiments.command_line import Positional, run_verb
from multimodal.files import manifests_must_be_there

if TYPE_CHECKING:
    from multimodal.audit import Examination


def check(
    manifests: Positional[tuple[Path, ...]],
    *,
    split: Path | None = None,
    roots: dict[str, str] | None = None,
    look_at: Literal["nothing", "sizes", "contents"] = "contents",
    as_json: Annotated[bool, arg(name="json")] = False,
    html: Path | None = None,
) -> "Examination":
    """Look for duplicates, contradicting labels, leaks of a split, shared people, shortcuts and broken files.

    Give all manifests that are used together. What `scan --probe` learnt is taken from beside each manifest. The
    exit code is 1 where something was found that makes results wrong.

    Examples:
        python -m experiments check manifest.parquet --split split.parquet --html check.html

    Args:
        manifests: files that `scan` wrote.
        split: judge this split instead of the corpora's official ones: what its parts share, whether it is of
            these clips, and whether every part has all classes.
        roots: where corpora lie now, as NAME DIR pairs, if not where they were scanned.
        look_at: nothing but the manifests, the sizes of the files, or their contents too (the default).
        as_json: print JSON instead of text.
        html: also write a page.
    """
    if not manifests:
        raise ValueError("no manifest given; make one with scan, then: check manifest.parquet")
    manifests_must_be_there(manifests)
    import pandas as pd

    from multimodal.audit import examine, findings_text, gather, to_json
    from multimodal.corpora.manifest import GENERATED_NOTICE, Manifest, is_generated
    from multimodal.files import sweep_beside, write_text
    from multimodal.media.probe_corpus import probe_path, read_probe_table
    from multimodal.splits import Split

    read = [Manifest.read(path) for path in manifests]
    tables = [read_probe_table(probe_path(path)) for path in manifests if probe_path(path).is_file()]
    evidence = gather(
        read,
        split=Split.read(split) if split else None,
        roots=roots,
        probe=pd.concat(tables, ignore_index=True) if tables else None,
        looks_at=look_at,
    )
    examination = examine(evidence)
    generated = is_generated(evidence.clips)
    text = json.dumps({**to_json(examination), "generated": generated}, indent=2, ensure_ascii=False)
    print(text if as_json else findings_text(examination))
    if generated and not as_json:
        print(GENERATED_NOTICE)
    if html:
        from multimodal.report.pages import check_page

        sweep_beside(html)
        write_text(html, check_page(examination, synthetic=generated))
        if not as_json:
            print(html)
    return examination


def main(arguments: list[str]) -> int:
    """Command line of the verb."""
    return int(run_verb("check", check, arguments).counts["error"] > 0)
