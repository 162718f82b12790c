"""Configurations as plain values, in files, and with single settings changed by their path."""

from collections.abc import Mapping
from dataclasses import is_dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from experiments.runs.config import Option
from multimodal.artefacts import one_line
from multimodal.files import read_json, write_json

if TYPE_CHECKING:
    import cattrs

Kind = TypeVar("Kind")


def with_settings(config: Any, settings: Mapping[str, Any]) -> Any:
    """The configuration with some settings changed, each by its path such as ``fusion.options.width``.

    Raises:
        ValueError: there is no such setting; names those that there are.
    """
    for setting, value in settings.items():
        config = _with_setting(config, setting, value)
    return config


def _with_setting(config: Any, setting: str, value: Any) -> Any:
    name, _, rest = setting.partition(".")
    if isinstance(config, dict):
        return {**config, name: _with_setting(config[name], rest, value) if rest else value}
    if not is_dataclass(config) or name not in config.__dataclass_fields__:
        known = ", ".join(getattr(config, "__dataclass_fields__", {}))
        raise ValueError(f"no setting {name!r}; choose from {known}")
    inner = _with_setting(getattr(config, name), rest, value) if rest else value
    return replace(config, **{name: inner})  # type: ignore[type-var]


# Configurations in files.


def _converter() -> "cattrs.Converter":
    import cattrs

    converter = cattrs.Converter(forbid_extra_keys=True)
    converter.register_unstructure_hook(Path, str)
    converter.register_structure_hook(Path, lambda value, _: Path(value))
    converter.register_structure_hook(Option, lambda value, _: value)  # numbers and words as JSON has them
    return converter


def to_plain(config: object) -> Any:
    """A configuration as plain dicts, lists, strings and numbers."""
    return _converter().unstructure(config)


def write_config(path: Path, config: object) -> None:
    """Write a configuration as JSON."""
    write_json(path, to_plain(config))


def read_config(path: Path, kind: type[Kind]) -> Kind:
    """Read a configuration; ``ValueError`` says what does not fit."""
    import cattrs
    from cattrs.errors import BaseValidationError

    if not path.is_file():
        raise ValueError(f"not a run: {path.parent} has no {path.name}; give the folder that `train` wrote")
    plain = read_json(path)
    try:
        return _converter().structure(plain, kind)
    except BaseValidationError as error:
        wrong = "; ".join(cattrs.transform_error(error))
    except Exception as error:  # values that no verb wrote make the converter raise anything
        wrong = one_line(error)
    verb = kind.__name__.removesuffix("Config").lower()
    raise ValueError(
        f"{path} was not written by `{verb}`, or by another version of it: {wrong:.500}. "
        f"Give a folder that `{verb}` wrote"
    )
