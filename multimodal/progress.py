"""How far long work is: a bar in a terminal, a line every few seconds where the output goes into a file."""

import io
import os
import sys
from collections.abc import Iterable
from typing import Any

from tqdm import tqdm

#: Seconds between two lines outside a terminal.
LINE_SECONDS = 5.0

_WITH_TOTAL = "{desc}: {n_fmt} of {total_fmt} {units} ({percentage:.0f} %), {elapsed}, {remaining} left{postfix}"
_WITHOUT = "{desc}: {n_fmt} {units}, {elapsed}{postfix}"


class _Lines(tqdm):  # type: ignore[misc]  # tqdm tells nothing of its types
    """A bar that is printed as lines, since a log shows every carriage return as rubbish."""

    shown = -1

    def __init__(self, *args: Any, **options: Any) -> None:
        # tqdm writes what ends its bars, a line break or a carriage return, into the file that it is given.
        super().__init__(*args, file=io.StringIO(), mininterval=LINE_SECONDS, miniters=1, **options)
        if not self.disable:
            self.bar_format = _WITH_TOTAL if self.total else _WITHOUT

    @property
    def format_dict(self) -> dict[str, Any]:
        """What a line can say; tqdm's, and the name of what is counted in the plural."""
        told: dict[str, Any] = super().format_dict
        unit = told["unit"]
        return told | {"units": unit + ("es" if unit.endswith(("ch", "s", "x")) else "s")}

    def display(self, msg: str | None = None, pos: int | None = None) -> bool:
        if self.n > self.initial and self.n != self.shown:  # nothing is done yet, or the end says it once more
            print(str(self), file=sys.stderr, flush=True)
            self.shown = self.n
        return True


def progress(
    items: Iterable[Any] | None = None,
    *,
    desc: str,
    unit: str,
    total: int | None = None,
    initial: int = 0,
    disable: bool = False,
) -> "tqdm[Any]":
    """``tqdm`` over ``items``, or to be moved by hand: a bar in a terminal, else a line every five seconds.

    Nothing is shown with ``disable``, nor where the environment says ``TQDM_DISABLE=1``.

    Args:
        items: the work, or None where ``update`` is called by hand.
        desc: what is done, e.g. "prepare".
        unit: of what there is one an item, e.g. "clip".
        total: how many there are, if ``items`` does not know.
        initial: how many were done before.
        disable: show nothing, e.g. in all processes but the first.
    """
    kind = tqdm if sys.stderr.isatty() else _Lines
    # tqdm reads the variable when it is imported, and disable=False would have its way against it.
    hidden = disable or os.environ.get("TQDM_DISABLE", "0") not in ("", "0")
    return kind(items, desc=desc, unit=unit, total=total, initial=initial, disable=hidden)
