"""``statistics FILE...``: counts, real:fake ratios, and what to do about imbalance."""

import json
from pathlib import Path
from typing import Annotated

from tyro.conf import arg

from experiments.command_line import Positional, run_verb
from multimodal.files import manifests_must_be_there


def statistics(
    manifests: Positional[tuple[Path, ...]],
    *,
    split: Path | None = None,
    as_json: Annotated[bool, arg(name="json")] = False,
    html: Path | None = None,
) -> None:
    """Count real and fake clips by corpus, split, class and method, mark the imbalance, and advise.

    Examples:
        python -m experiments statistics manifest.parquet --split split.parquet --html statistics.html

    Args:
        manifests: files that `scan` wrote.
        split: count by this split instead of the corpora's official ones.
        as_json: print counts and advice as JSON instead of the table.
        html: also write a page with charts.
    """
    manifests_must_be_there(manifests)
    from multimodal.audit.advice import advise, statistics_text
    from multimodal.audit.advice import to_json as advice_to_json
    from multimodal.audit.statistics import compute_statistics, to_json
    from multimodal.corpora.manifest import GENERATED_NOTICE, Manifest, concatenate, is_generated
    from multimodal.files import sweep_beside, write_text
    from multimodal.splits import Split

    manifest = concatenate(Manifest.read(path) for path in manifests)
    counted = compute_statistics(manifest, Split.read(split) if split else None)
    advice = advise(counted)
    generated = is_generated(manifest.clips)
    plain = {"statistics": to_json(counted), "advice": advice_to_json(advice), "generated": generated}
    print(json.dumps(plain, indent=2) if as_json else statistics_text(counted, advice))
    if generated and not as_json:
        print(GENERATED_NOTICE)
    if html:
        from multimodal.report.pages import statistics_page

        sweep_beside(html)
        write_text(html, statistics_page(counted, advice, synthetic=generated))
        print(html)


def main(arguments: list[str]) -> None:
    """Command line of the verb."""
    run_verb("statistics", statistics, arguments)
