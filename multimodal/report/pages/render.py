"""From templates and values to one HTML file: how numbers are written, tables, pictures.

Every value is escaped, control characters too; only our own style sheet is not.
"""

import base64
import math
import struct
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from typing import Any, NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from multimodal.artefacts import shown_text
from multimodal.metrics.target_metrics import CLASS_METRICS, METRICS
from multimodal.report.figures.style import COLUMN, DOTS_PER_PIXEL

# How numbers are written on pages: aligned, with their interval, and "not defined" where there is none.


NOT_DEFINED = "not defined"


def metric_name(metric: str) -> str:
    """A metric's name in words.

    >>> metric_name("ap_real"), metric_name("recall_FVRA"), metric_name("log_loss")
    ('average precision (real)', 'recall of FVRA', 'log loss')
    """
    if metric in METRICS:
        return METRICS[metric].title
    return CLASS_METRICS.get(metric, metric.replace("_", " "))


def as_number(value: Any) -> float | None:
    """A number, or the ``value`` of a result, if it is finite; None for null, NaN and anything else."""
    if isinstance(value, Mapping):
        value = value.get("value")
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if math.isfinite(value) else None


def decimal(value: Any, digits: int = 3) -> str:
    """A number with a fixed count of digits.

    >>> decimal(0.5), decimal(None), decimal({"value": 0.25})
    ('0.500', 'not defined', '0.250')
    """
    number = as_number(value)
    return NOT_DEFINED if number is None else f"{number:.{digits}f}"


def interval(result: Any) -> str:
    """The interval of a ``{"value", "low", "high"}``, empty where there is none.

    >>> interval({"value": 0.931, "low": 0.902, "high": 0.955})
    '[0.902, 0.955]'
    """
    if not isinstance(result, Mapping) or as_number(result) is None:
        return ""
    low, high = as_number(result.get("low")), as_number(result.get("high"))
    return "" if low is None or high is None else f"[{low:.3f}, {high:.3f}]"


def p_value(value: Any) -> str:
    """A p-value, never written as 0.

    >>> p_value(0.0312), p_value(1e-9), p_value(None)
    ('0.031', '< 0.001', 'not defined')
    """
    number = as_number(value)
    if number is None:
        return NOT_DEFINED
    return "< 0.001" if number < 0.001 else f"{number:.3f}"


def smallest_seen(difference: Mapping[str, Any]) -> str:
    """The smallest difference that a test could have seen, either way.

    >>> smallest_seen({"detectable": 0.0304}), smallest_seen({"detectable": None})
    ('±0.030', '-')
    """
    seen = difference.get("detectable")
    return "-" if seen is None else f"±{seen:.3f}"


def count(value: Any) -> str:
    """A whole number with separators.

    >>> count(21544), count(None)
    ('21,544', 'not defined')
    """
    number = as_number(value)
    return NOT_DEFINED if number is None else f"{int(number):,}"


def seconds(value: float) -> str:
    """A duration as a person reads it.

    >>> seconds(3.21), seconds(125.0), seconds(7260)
    ('3.2 s', '2 min 05 s', '2 h 01 min')
    """
    if value < 60:
        return f"{value:.1f} s"
    minutes, rest = divmod(round(value), 60)
    return f"{minutes} min {rest:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def clock(value: float) -> str:
    """A place in a clip, in minutes and seconds.

    >>> clock(65.25)
    '1:05.2'
    """
    tenths = math.floor(value * 10 + 1e-6)
    return f"{tenths // 600}:{tenths % 600 // 10:02d}.{tenths % 10}"


def ratio(real: Any, fake: Any) -> str:
    """Real to fake, the smaller side 1.

    >>> ratio(500, 21044), ratio(10, 10), ratio(0, 5)
    ('1 : 42.1', '1 : 1', 'not defined')
    """
    real_count, fake_count = as_number(real), as_number(fake)
    if not real_count or not fake_count:
        return NOT_DEFINED
    smaller = min(real_count, fake_count)
    return f"{real_count / smaller:.3g} : {fake_count / smaller:.3g}"


# Tables: a page says what stands in them, parts.html.j2 how that is written.


class Written(str):
    """A number that is written out already; it stands at the right of its cell."""


class Code(str):
    """A setting or the name of one, in letters of one width."""


class Bar(NamedTuple):
    """A bar as long as its share of the cell."""

    percent: float


class Table(NamedTuple):
    """A table that a page shows in a box of its own, so that a wide one scrolls and the page does not.

    Args:
        headers: a title a column; none for a list of names and values.
        rows: text, :class:`Written`, :class:`Code`, :class:`Bar`, an int (a count), a float, None (not defined),
            or a ``{"value", "low", "high"}``, which may have a ``floor`` and a ``mark``.
        title: written above it.
        note: written beneath it.
        folded: what to call it where it is shown at a click only.
    """

    headers: Sequence[str]
    rows: Sequence[Sequence[Any]]
    title: str = ""
    note: str = ""
    folded: str = ""

    @property
    def kinds(self) -> list[str]:
        """What the cells of each column are; numbers that have an interval in some row have room for it in all."""
        columns = zip(*self.rows, strict=True)
        return [max((_kind(cell) for cell in column), key=_KINDS.index) for column in columns]


_KINDS = ("text", "code", "bar", "number", "result")


def _kind(cell: Any) -> str:
    if isinstance(cell, Mapping):
        return "result"
    if isinstance(cell, (Bar, Code)):
        return type(cell).__name__.lower()
    return "text" if isinstance(cell, str) and not isinstance(cell, Written) else "number"


def result_of(value: Any) -> Mapping[str, Any]:
    """A result as a table takes it, also where it is a number without an interval, or is not there."""
    return value if isinstance(value, Mapping) else {"value": value}


class Picture(NamedTuple):
    """A PNG as text that a page can hold, with its width in pixels of the page and whether that is a column's."""

    uri: str
    width: int
    is_wide: bool


def embed(image: bytes) -> Picture:
    """A PNG file as a picture; ``ValueError`` if it is something else."""
    if image[:8] != b"\x89PNG\r\n\x1a\n":
        raise ValueError(
            f"a picture of a page must be a PNG file; got {image[:8]!r}. Give what png_bytes returns."
        )
    (dots,) = struct.unpack(">I", image[16:20])
    width = round(dots / DOTS_PER_PIXEL)
    return Picture(f"data:image/png;base64,{base64.b64encode(image).decode()}", width, width > 101 * COLUMN)


def render(template: str, **values: Any) -> str:
    """Fill ``template`` (a name such as ``run.html.j2``) with ``values``; a name that is not given is an error."""
    return _environment().get_template(template).render(**values)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("multimodal.report", "pages"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for function in (
        clock,
        count,
        decimal,
        interval,
        metric_name,
        p_value,
        ratio,
        seconds,
    ):
        environment.filters[function.__name__] = function
    environment.globals["style"] = Markup(_read("style.css"))
    return environment


def _finalize(value: Any) -> Any:
    """Text with its control characters as escapes: a name that turns letters round would pass for another."""
    return shown_text(value) if type(value) is str else value


def _read(name: str) -> str:
    return resources.files("multimodal.report.pages").joinpath(name).read_text(encoding="utf-8")
