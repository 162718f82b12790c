"""Where the runs of a study are done: processes of this machine, a Ray cluster, a Slurm array.

An engine is a module with ``run_all(function, items, workers=...)``, which yields the place of each item and its
result, or the error that it raised, as they come; and ``require()``, which raises ``ValueError`` where the engine
cannot be reached, before any work is done for it.
"""

import importlib
import importlib.util
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

ENGINES = {"local": None, "ray": "ray", "slurm": "submitit"}


class RunAll(Protocol):
    """What an engine offers."""

    def __call__(
        self, function: Callable[[Any], Any], items: Sequence[Any], *, workers: int
    ) -> Iterator[tuple[int, Any | Exception]]:
        """Call ``function`` with every item."""


def get(name: str) -> RunAll:
    """An engine by name; where nothing answers that is said in a minute at most, mostly in seconds.

    Raises:
        ValueError: its library is missing (says what to install), or nothing is there to run on.
    """
    library = ENGINES[name]
    if library is not None and importlib.util.find_spec(library) is None:
        raise ValueError(f"the engine {name} needs {library}; install it with: pip install '.[{name}]'")
    engine = importlib.import_module(f"experiments.engines.{name}")
    engine.require()
    return engine.run_all
