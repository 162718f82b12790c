"""From templates and values to one HTML file. Every value is escaped; only our own style sheet is not."""

import base64
from functools import cache
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from multimodal.report.pages import numbers


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
        numbers.clock,
        numbers.count,
        numbers.decimal,
        numbers.interval,
        numbers.metric_name,
        numbers.p_value,
        numbers.ratio,
        numbers.seconds,
    ):
        environment.filters[function.__name__] = function
    environment.globals["style"] = Markup(_read("style.css"))
    return environment


def _read(name: str) -> str:
    return resources.files("multimodal.report.pages").joinpath(name).read_text(encoding="utf-8")
