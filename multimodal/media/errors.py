"""The one error that preparation raises for a file."""

from typing import Literal

#: Where a file failed: opening it, decoding it, finding something to judge, or a limit of its worker.
Stage = Literal["open", "decode", "detect", "time limit", "memory limit", "crash"]


class MediaError(ValueError):
    """A media file that cannot be prepared: the ``stage`` that failed and a one-line ``reason``."""

    def __init__(self, stage: Stage, reason: str) -> None:
        self.stage: Stage = stage
        self.reason = " ".join(reason.split())
        super().__init__(f"{stage}: {self.reason}")

    def __reduce__(self) -> tuple[type["MediaError"], tuple[str, str]]:
        return type(self), (self.stage, self.reason)
