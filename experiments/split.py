"""``split FILE --protocol NAME``: a manifest becomes a split, with the leakage that it leaves."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from experiments.command_line import Positional, run_verb
from multimodal import splits
from multimodal.catalog import one_of
from multimodal.files import manifests_must_be_there
from multimodal.ranges import at_least

if TYPE_CHECKING:
    from multimodal.corpora.manifest import Manifest


def split(
    manifests: Positional[tuple[Path, ...]],
    *,
    protocol: tuple[Annotated[str, one_of(splits.PROTOCOLS)], ...],
    options: dict[str, str] | None = None,
    seed: Annotated[int, at_least(0)] = 0,
    out: Path = Path("split.parquet"),
) -> "splits.Split":
    """Assign the clips of a manifest to train, val and test by a named rule, and say what leaks.

    Examples:
        python -m experiments split manifest.parquet --protocol source_disjoint --out split.parquet
        python -m experiments split manifest.parquet --protocol mrdf5 --options fold 3

    Args:
        manifests: files that `scan` wrote.
        protocol: the rule, e.g. group_out; with several, their leakage stands side by side, the first is written.
        options: of the first protocol, as NAME VALUE pairs, e.g. fold 3.
        seed: of whatever is drawn.
        out: the split to write, as parquet.
    """
    manifests_must_be_there(manifests)
    from multimodal.corpora.manifest import GENERATED_NOTICE, Manifest, concatenate, is_generated
    from multimodal.splits.leakage import leakage_text, measure_leakage

    manifest = concatenate(Manifest.read(path) for path in manifests)
    first, *others = protocol
    for name in others:
        splits.protocol_options(name)  # an unknown name is refused before anything is counted
    chosen = _try(manifest, first, seed, options)
    beside = {name: _try(manifest, name, seed) for name in others}
    made = [one for one in (chosen, *beside.values()) if isinstance(one, splits.Split)]
    if made:
        print(leakage_text([measure_leakage(manifest, one) for one in made]))
    for name, one in beside.items():
        if isinstance(one, ValueError):
            print(f"{name} is not in the table: {one}")
    if is_generated(manifest.clips):
        print(GENERATED_NOTICE)
    if isinstance(chosen, ValueError):
        raise chosen  # nothing is written, and the table of the others stands above
    chosen.write(out)
    written = splits.Split.read(out)
    print(f"{out}: {written.protocol}, seed {written.seed}, hash {written.hash[:16]}")
    return written


def _try(
    manifest: "Manifest", protocol: str, seed: int, options: dict[str, str] | None = None
) -> "splits.Split | ValueError":
    """A split, or why there is none: it lacks its list, or the corpus has no groups."""
    try:
        return splits.make_split(manifest, protocol, seed=seed, options=options)
    except ValueError as error:
        return error


def main(arguments: list[str]) -> None:
    """Command line of the verb."""
    run_verb("split", split, arguments)
