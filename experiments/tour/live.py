"""A training whose curves are redrawn while it runs."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any, TypeVar

from experiments.tour.show import as_image
from multimodal.files import read_json
from multimodal.report.figures import training_figure
from multimodal.training.checkpoints import Checkpoints

Result = TypeVar("Result")


def live(train: Callable[[], Result], run: Path, *, seconds: float = 2.0) -> Result:
    """Call ``train``, and draw the curves of the run folder ``run`` anew whenever a checkpoint adds to them."""
    from IPython.display import display

    handle = display(as_image(training_figure([])), display_id=True)
    with ThreadPoolExecutor(max_workers=1) as pool:
        training = pool.submit(train)
        drawn = 0
        while True:
            done, _ = wait([training], timeout=seconds)
            history = history_of(run)
            if len(history) > drawn:
                handle.update(as_image(training_figure(history)))
                drawn = len(history)
            if done:
                return training.result()


def history_of(run: Path) -> list[dict[str, Any]]:
    """A row for each validation of a training so far, from its latest checkpoint."""
    latest = Checkpoints(run).latest()
    try:
        return [] if latest is None else read_json(latest / "state.json")["history"]
    except (ValueError, OSError):  # a newer checkpoint took its place just now
        return []
