"""Where a training is followed while it runs: experiment trackers by name, all of them through Accelerate."""

import importlib.util
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from multimodal.catalog import unknown

if TYPE_CHECKING:
    from accelerate import Accelerator

#: The names as the command line offers them; ``none`` follows nothing.
TrackerName = Literal["tensorboard", "wandb", "mlflow", "trackio", "none"]


class Tracker(NamedTuple):
    """A tracker that Accelerate knows.

    ``package`` is what must be installed. ``takes_settings`` is whether it keeps nested settings of a run:
    TensorBoard does not, and ``config.json`` lies beside its log anyway.
    """

    package: str
    takes_settings: bool = True


#: Every tracker by Accelerate's name for it; a new one is a line here and a name above.
TRACKERS: dict[str, Tracker] = {
    "tensorboard": Tracker("tensorboard", takes_settings=False),
    "wandb": Tracker("wandb"),
    "mlflow": Tracker("mlflow"),
    "trackio": Tracker("trackio"),
}


def check_tracker(name: str) -> None:
    """Refuse a tracker that is unknown or not installed, before any work."""
    if name == "none":
        return
    if name not in TRACKERS:
        raise ValueError(unknown("tracker", name, [*TRACKERS, "none"]))
    package = TRACKERS[name].package
    if importlib.util.find_spec(package) is None:
        raise ValueError(f"--tracker {name} needs {package}; install it with: pip install {package}")


def begin_tracking(accelerator: "Accelerator", name: str, *, title: str, settings: Mapping[str, Any]) -> None:
    """Open the tracker that the accelerator was made for.

    Args:
        accelerator: made with ``log_with`` of this tracker.
        name: of the tracker.
        title: of the project; TensorBoard's log stays in the run folder under its own name.
        settings: of the run, for a tracker that keeps them.
    """
    if name == "none":
        return
    keeps = TRACKERS[name].takes_settings
    accelerator.init_trackers(title if keeps else name, config=dict(settings) if keeps else None)
