"""Configurations as plain values, in files, and with single settings changed by their path."""

import json
import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar, get_args, get_origin

from encoders.folders import json_text
from experiments.command_line import CommandLineError
from experiments.runs.parts import Option
from multimodal.artefacts import one_line
from multimodal.catalog import unknown
from multimodal.files import read_json, write_json
from multimodal.ranges import OutOfRangeError

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
        raise ValueError(unknown("setting", name, getattr(config, "__dataclass_fields__", {})))
    inner = _with_setting(getattr(config, name), rest, value) if rest else value
    return replace(config, **{name: inner})  # type: ignore[type-var]


# Configurations in files.


#: No configuration has as many.
_MOST_VALUES = 10_000


def _converter() -> "cattrs.Converter":
    import cattrs

    converter = cattrs.Converter(forbid_extra_keys=True)
    converter.register_unstructure_hook(Path, str)
    converter.register_structure_hook(Path, lambda value, _: Path(_word(value, str)))
    converter.register_structure_hook_func(_is_choice, _one_of)
    # cattrs would take any value for one of these that Python can make one of: "false" for true, 2.5 for 2
    for kind, structured in {bool: _yes_or_no, int: _whole, float: _number, str: _word}.items():
        converter.register_structure_hook(kind, structured)
    converter.register_structure_hook(Option, lambda value, _: value)  # numbers and words as JSON has them
    return converter


class MisfitError(ValueError):
    """A value that a setting cannot have; says what it wants."""


def _yes_or_no(value: Any, _: Any) -> bool:
    if not isinstance(value, bool):
        raise MisfitError(f"wants true or false; got {value!r:.60}")
    return value


def _whole(value: Any, _: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value // 1:
        raise MisfitError(f"wants a whole number; got {value!r:.60}")
    return int(value)  # 1e3 is a thousand


def _number(value: Any, _: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise MisfitError(f"wants a number; got {value!r:.60}")
    return float(value)


def _word(value: Any, _: Any) -> str:
    if not isinstance(value, str):
        raise MisfitError(f"wants a word; got {value!r:.60}")
    return value


def _is_choice(kind: Any) -> bool:
    origin: Any = get_origin(kind)
    return origin is Literal


def _one_of(value: Any, kind: Any) -> Any:
    if value not in get_args(kind):
        raise MisfitError(unknown("value", str(value)[:60], map(str, get_args(kind))))
    return value


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
        wrong = "; ".join(cattrs.transform_error(error, format_exception=_what_is_wrong))
    except Exception as error:  # values that no verb wrote make the converter raise anything
        wrong = one_line(error)
    verb = kind.__name__.removesuffix("Config").lower()
    raise ValueError(
        f"{path} was not written by `{verb}`, or by another version of it: {wrong:.500}. "
        f"Give a folder that `{verb}` wrote"
    )


def config_from(path: Path, kind: type[Kind]) -> Kind:
    """A configuration that anybody wrote, as JSON or YAML: a run's ``config.json``, or a recipe of one's own.

    Raises:
        CommandLineError: no such file, neither JSON nor YAML, or what does not fit.
    """
    import cattrs
    import yaml
    from cattrs.errors import BaseValidationError

    if not path.is_file():
        raise CommandLineError(f"no such configuration: {path}; give a run's config.json, or a file like it")
    try:
        plain = _parsed(json_text(path))
        if _count(plain, {}) > _MOST_VALUES:
            raise ValueError(f"more than {_MOST_VALUES:,} values, aliases counted as what they stand for")
        if not isinstance(plain, dict):
            raise ValueError("it holds no names with values, as `fit: {steps: 100}` does")
        return _converter().structure(_exponents_as_numbers(plain), kind)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise CommandLineError(f"{path} is neither JSON nor YAML: {' '.join(str(error).split())}") from error
    except BaseValidationError as error:
        wrong = "; ".join(cattrs.transform_error(error, format_exception=_what_is_wrong))
    except Exception as error:  # values of any kind and depth make reader and converter raise anything
        wrong = one_line(error)
    raise CommandLineError(f"{path} is no {kind.__name__}: {wrong:.500}. Compare it with a run's config.json")


def _parsed(text: str) -> Any:
    """What JSON or YAML says; nearly all JSON is YAML, but for such as is indented by tabs."""
    import yaml

    try:
        return json.loads(text)
    except ValueError:
        return yaml.safe_load(text)


def _what_is_wrong(error: BaseException, kind: type | None) -> str:
    from cattrs.errors import ForbiddenExtraKeysError
    from cattrs.v import format_exception

    if isinstance(error, ForbiddenExtraKeysError):
        known, names = [field.name for field in fields(error.cl)], sorted(map(str, error.extra_fields))
        return "; ".join(unknown("setting", name[:60], known) for name in names)
    return str(error) if isinstance(error, OutOfRangeError | MisfitError) else format_exception(error, kind)


def _count(value: Any, known: dict[int, int]) -> int:
    """Values in a value; a few lines of aliases of aliases are millions, but only once they are written out."""
    if id(value) not in known:
        inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        known[id(value)] = 1 + sum(_count(one, known) for one in inner)
    return known[id(value)]


def _exponents_as_numbers(value: Any) -> Any:
    """YAML 1.1 takes ``3e-4`` for a word; whoever writes it means the number."""
    if isinstance(value, dict):
        return {name: _exponents_as_numbers(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_exponents_as_numbers(one) for one in value]
    is_number = isinstance(value, str) and re.fullmatch(r"[+-]?\d+(\.\d*)?[eE][+-]?\d+", value)
    return float(value) if is_number else value
