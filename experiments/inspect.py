"""``inspect STORE``: what a store of prepared clips holds, on the terminal and as a page to look at."""

from pathlib import Path
from typing import Annotated

from experiments.command_line import Positional, run_verb
from multimodal.ranges import at_least


def inspect(
    store: Positional[Path],
    *,
    html: bool = False,
    clips: Annotated[int, at_least(1)] = 12,
    seed: Annotated[int, at_least(0)] = 0,
) -> None:
    """Say what a store holds and what failed; with --html write STORE/inspect.html, to look at before you train.

    The page shows, for clips drawn at random, the face crops, where the face was in the picture, and the sound
    with the silence at its ends marked: wrong faces, jumping boxes and silence that gives fakes away are seen.

    Examples:
        python -m experiments inspect store --html

    Args:
        store: folder that `prepare` wrote.
        html: write the page too.
        clips: how many are shown on it.
        seed: of the draw.
    """
    from multimodal.media.store.reader import Store
    from multimodal.media.store.summary import summarise

    opened = Store.open(store)
    print(summarise(opened).text())
    if html:
        import numpy as np

        from multimodal.files import write_text
        from multimodal.report.pages.store import store_page

        names = opened.index["clip_id"].to_numpy()
        drawn = np.random.default_rng(seed).choice(names, min(clips, len(names)), replace=False)
        write_text(store / "inspect.html", store_page(opened, sorted(drawn.tolist())))
        print(store / "inspect.html")


def main(arguments: list[str]) -> None:
    """Command line of the verb."""
    run_verb("inspect", inspect, arguments)
