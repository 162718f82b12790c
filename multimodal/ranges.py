"""Which numbers an option may have: said where it is declared, shown in the help, checked when it is made.

A field ``steps: Annotated[int, at_least(1)] = 1000`` shows ``(at least 1; default: 1000)`` on a command line, and
a class whose ``__post_init__`` calls :func:`check_ranges` refuses anything else. Needs no torch.
"""

import functools
import inspect
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, get_type_hints

from tyro.conf import arg


class OutOfRangeError(ValueError):
    """A number outside the range of the option ``name``."""

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(f"{name} {problem}")
        self.name, self.problem = name, problem


@dataclass(frozen=True, kw_only=True)
class Range:
    """Numbers from ``low`` to ``high``, without the ends that ``open_low`` and ``open_high`` leave out.

    NaN and the infinities lie in no range.
    """

    low: float
    high: float = math.inf
    open_low: bool = False
    open_high: bool = False

    def __contains__(self, value: float) -> bool:
        above = value > self.low if self.open_low else value >= self.low
        below = value < self.high if self.open_high else value <= self.high
        return above and below and math.isfinite(value)

    def __call__(self, default: str) -> str:
        """What stands behind an option's help; tyro calls it."""
        return f"({self}; default: {default})"

    def __str__(self) -> str:
        if self.high == math.inf:
            return f"above {self.low:g}" if self.open_low else f"at least {self.low:g}"
        return f"in {'(' if self.open_low else '['}{self.low:g}, {self.high:g}{')' if self.open_high else ']'}"


def at_least(low: float) -> Any:
    """Note on a field: ``low`` or more."""
    return arg(help_behavior_hint=Range(low=low))


def above(low: float) -> Any:
    """Note on a field: more than ``low``."""
    return arg(help_behavior_hint=Range(low=low, open_low=True))


def between(low: float, high: float, *, open_low: bool = False, open_high: bool = False) -> Any:
    """Note on a field: ``low`` to ``high``; both ends belong to it unless they are left open."""
    return arg(help_behavior_hint=Range(low=low, high=high, open_low=open_low, open_high=open_high))


@functools.cache
def ranges_of(owner: Callable[..., Any]) -> dict[str, Range]:
    """Field or parameter → its range, of a class or a function.

    >>> from typing import Annotated
    >>> def halve(number: Annotated[float, at_least(0)]) -> float: ...
    >>> str(ranges_of(halve)["number"])
    'at least 0'
    """
    found = {}
    if inspect.isclass(owner):
        hints = get_type_hints(owner, include_extras=True)
    else:  # what a function gives back may have no name yet
        hints = {name: one.annotation for name, one in inspect.signature(owner).parameters.items()}
    for name, hint in hints.items():
        for note in getattr(hint, "__metadata__", ()):
            if isinstance(getattr(note, "help_behavior_hint", None), Range):
                found[name] = note.help_behavior_hint
    return found


def check_ranges(options: object) -> None:
    """For ``__post_init__`` of a dataclass: refuse a number outside its field's range.

    Raises:
        OutOfRangeError: names field, range and value.
    """
    kind: Any = type(options)
    for name, allowed in ranges_of(kind).items():
        check_range(name, getattr(options, name), allowed)


def check_range(name: str, value: object, allowed: Range) -> None:
    """Refuse a number outside a range, or any of several; None and words have none."""
    for number in _numbers(value):
        if number not in allowed:
            verb = "lie" if math.isfinite(allowed.high) else "be"
            finite = "" if math.isfinite(number) else " and finite"
            raise OutOfRangeError(name, f"must {verb} {allowed}{finite}; got {number}")


def _numbers(value: object) -> Iterator[float]:
    if isinstance(value, int | float):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _numbers(one)
    elif isinstance(value, tuple | list):
        for one in value:
            yield from _numbers(one)
