"""From templates and values to one HTML file. Every value is escaped; only our own style sheet is not."""

import base64
import math
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from multimodal.metrics.target_metrics import CLASS_METRICS, METRICS

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


def render(template: str, **values: Any) -> str:
    """Fill ``template`` (a name such as ``run.html.j2``) with ``values``; a name that is not given is an error."""
    return _environment().get_template(template).render(**values)


def image_uri(image: bytes, kind: str = "png") -> str:
    """A picture as text that a page can hold."""
    return f"data:image/{kind};base64,{base64.b64encode(image).decode()}"


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("multimodal.report", "pages"),
        autoescape=True,
        undefined=StrictUndefined,
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


def _read(name: str) -> str:
    return resources.files("multimodal.report.pages").joinpath(name).read_text(encoding="utf-8")
