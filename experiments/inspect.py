"""``inspect STORE``: what a store of prepared clips holds, on the terminal and as a page to look at."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from experiments.command_line import Positional, run_verb
from multimodal.files import must_be_there
from multimodal.ranges import at_least

if TYPE_CHECKING:
    import pandas as pd


def inspect(
    store: Positional[Path],
    *,
    html: bool = False,
    clips: Annotated[int, at_least(1)] = 12,
    seed: Annotated[int, at_least(0)] = 0,
    manifest: tuple[Path, ...] = (),
) -> None:
    """Say what a store holds and what failed; with --html write STORE/inspect.html, to look at before you train.

    The page shows, for clips drawn at random, the face crops, where the face was in the picture, and the sound
    with the silence at its ends marked: wrong faces, jumping boxes and silence that gives fakes away are seen.

    Examples:
        python -m experiments inspect store --html --manifest manifest.parquet

    Args:
        store: folder that `prepare` wrote.
        html: write the page too.
        clips: how many are shown on it.
        seed: of the draw.
        manifest: files that `scan` wrote; the page then says what each clip is.
    """
    must_be_there(store, "store", "prepare FILE --store")
    from multimodal.corpora.manifest import GENERATED_NOTICE, is_generated, lies_in_generated
    from multimodal.media.store.reader import Store
    from multimodal.media.store.summary import summarise

    opened = Store.open(store)
    names = opened.index["clip_id"]
    rows = _rows_of(manifest, names, store) if manifest else None
    generated = lies_in_generated(store.absolute()) or (rows is not None and is_generated(rows))
    print(summarise(opened).text())
    if generated:
        print(GENERATED_NOTICE)
    if html:
        import numpy as np

        from multimodal.files import write_text
        from multimodal.report.pages.store import store_page

        drawn = np.random.default_rng(seed).choice(names.to_numpy(), min(clips, len(names)), replace=False)
        known = {} if rows is None else labels_of(rows)
        labels = {name: known[clip] for name in drawn if (clip := name.partition("#face")[0]) in known}
        page = store_page(opened, sorted(drawn.tolist()), labels=labels, synthetic=generated)
        write_text(store / "inspect.html", page)
        print(store / "inspect.html")


def _rows_of(manifests: tuple[Path, ...], stored: "pd.Series", store: Path) -> "pd.DataFrame":
    from multimodal.corpora.manifest import Manifest, concatenate

    clips = concatenate(Manifest.read(path) for path in manifests).clips
    rows = clips[clips["clip_id"].isin(stored)]
    if rows.empty:
        named = ", ".join(str(path) for path in manifests)
        raise ValueError(f"no clip of {named} is in {store}; give the manifest that it was prepared from")
    return rows


def labels_of(rows: "pd.DataFrame") -> dict[str, str]:
    """What each clip is, by clip: its class, or what is known of it, and how it was forged."""
    known = rows[["clip_id", "av_class", "any_fake", "method"]].astype(object)
    known = known.where(known.notna(), None)
    return {
        clip: ", ".join(dict.fromkeys(part for part in (av_class or _word(fake), method) if part))
        for clip, av_class, fake, method in known.itertuples(index=False)
    }


def _word(fake: int | None) -> str:
    return "not labelled" if fake is None else ("fake" if fake else "real")


def main(arguments: list[str]) -> None:
    """Command line of the verb."""
    run_verb("inspect", inspect, arguments)
