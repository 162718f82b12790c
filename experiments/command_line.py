"""Command lines of the verbs, by tyro; every name that can be chosen is a choice that completes with Tab."""

import contextlib
import functools
import inspect
import io
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from textwrap import indent
from typing import Annotated, Any, TextIO, TypeVar

import tyro
from tyro.conf import Positional, arg
from tyro.constructors import PrimitiveConstructorSpec

from multimodal.artefacts import shown_text
from multimodal.catalog import nearest, unknown
from multimodal.ranges import OutOfRangeError, check_range, ranges_of

Result = TypeVar("Result")
Recipe = TypeVar("Recipe", bound=Any)
PROGRAM = "python -m experiments"

#: For a config whose fields stand at the top level of the command line.
flat = arg(name="")

__all__ = [
    "PROGRAM",
    "Annotated",
    "CommandLineError",
    "Positional",
    "choose",
    "flat",
    "one_of",
    "run_verb",
    "with_named_encoders",
    "without_config",
]


class CommandLineError(ValueError):
    """What was typed does not fit; the exit code says so, as for everything that the parser refuses."""

    exit_code = 2


def one_of(names: Iterable[str]) -> "PrimitiveConstructorSpec[str]":
    """What makes an option a name of a catalog, in ``Annotated[str, ...]``; nothing that it names is imported."""
    choices = tuple(names)
    return PrimitiveConstructorSpec(
        nargs=1,
        metavar=f"{{{','.join(choices)}}}",
        instance_from_str=lambda given: given[0],
        is_instance=lambda value: isinstance(value, str),
        str_from_instance=lambda value: [value],
        choices=choices,
    )


def run_verb(verb: str, function: Callable[..., Result], arguments: list[str]) -> Result:
    """Parse ``arguments`` by the signature and docstring of ``function``, and call it.

    A command line that does not fit is one line on standard error, and exit code 2.
    """
    command = functools.partial(tyro.cli, _deferred(function), prog=f"{PROGRAM} {verb}")
    if {"-h", "--help"} & set(arguments):  # also where it stands in place of an option's value
        try:
            command(args=["--help"])
        finally:
            print(_without_examples(function.__doc__ or "")[1])
    complaint = io.StringIO()
    try:
        with contextlib.redirect_stderr(complaint):
            call = command(args=arguments)
    except SystemExit as stop:
        if stop.code:
            print(f"error: {_answer(_one_line(complaint.getvalue()), command, verb, arguments)}", file=sys.stderr)
        raise
    except ValueError as error:  # a configuration that refuses its values
        print(f"error: {_with_option(error, arguments)}", file=sys.stderr)
        sys.exit(2)
    with contextlib.redirect_stdout(_WithoutControls(sys.stdout)):
        return call()


class _WithoutControls:
    """Standard output that shows control characters as escapes: names of strangers' files end up in every verb."""

    def __init__(self, inner: TextIO) -> None:
        self._inner = inner

    def write(self, text: str) -> int:
        return self._inner.write(shown_text(text))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


def _with_option(error: ValueError, arguments: list[str]) -> str:
    """What is wrong, with the option as it was typed in place of the bare name of a field."""
    if not isinstance(error, OutOfRangeError):
        return str(error)
    typed = [one.split("=")[0] for one in arguments if one.startswith("--")]
    options = [one for one in typed if one.replace("_", "-").endswith(error.name.replace("_", "-"))]
    return f"{options[0] if len(options) == 1 else error.name} {error.problem}"


def _deferred(function: Callable[..., Result]) -> Callable[..., Callable[[], Result]]:
    """The same signature, but the call waits until the command line is known to fit."""

    def defer(*args: Any, **kwargs: Any) -> Callable[[], Result]:
        for name, allowed in ranges_of(function).items():
            check_range(name, kwargs.get(name), allowed)
        return functools.partial(function, *args, **kwargs)

    # What comes back is no business of the command line, and its type may not be imported yet.
    signature = inspect.signature(function).replace(return_annotation=inspect.Signature.empty)
    defer.__signature__ = signature  # type: ignore[attr-defined]
    defer.__annotations__ = {name: one.annotation for name, one in signature.parameters.items()}
    defer.__doc__, _ = _without_examples(function.__doc__ or "")
    return defer


def _without_examples(docstring: str) -> tuple[str, str]:
    """A docstring without its examples, and these, to stand after the options; tyro would fill them as text."""
    found = re.search(r"\n *Examples:\n((?: +\S.*\n)+)", docstring)
    if found is None:
        return docstring, ""
    return docstring.replace(found[0], ""), "\nexamples:\n" + indent(inspect.cleandoc("\n" + found[1]), "  ")


def _answer(complaint: str, command: Callable[..., Any], verb: str, arguments: list[str]) -> str:
    """What tyro complains of, in this program's manner where a name or a number is wrong."""
    outside = re.search(r"Error parsing \S+: (\w+) (must .*?; got \S+)", complaint)
    if outside:
        return _with_option(OutOfRangeError(outside[1], outside[2]), arguments)
    wrong = re.search(r"invalid choice '(.*?)' for argument '(?:--)?(.*?)'\. Expected one of \((.*?)\)", complaint)
    if wrong:
        return unknown(wrong[2].removesuffix(".name"), wrong[1], re.findall(r"'(.*?)'", wrong[3]))
    option = re.search(r"Unrecognized options?: (--[\w.-]+)", complaint)
    if option is None:
        return complaint
    with contextlib.redirect_stdout(io.StringIO()) as text, contextlib.suppress(SystemExit):
        command(args=["--help"])
    near = nearest(option[1], re.findall(r"--[\w.-]+", text.getvalue()))
    hint = f"did you mean {near!r}? All" if near else "all"
    return f"unknown option {option[1]!r}; {hint} are listed by: {PROGRAM} {verb} --help"


def _one_line(box: str) -> str:
    """The box of several lines that tyro prints, as one line."""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", box)
    words = re.sub(r"[\u2500-\u257f]+", " ", re.sub(r"\u256d.*\u256e", "", plain))
    return re.sub(r"\s+", " ", words).strip()


def choose(kind: str, arguments: list[str], choices: Mapping[str, Any], *, verb: str) -> tuple[str, list[str]]:
    """Take a name off the front of ``arguments``; with none or ``--help`` the choices are explained.

    Raises:
        CommandLineError: a name that is no choice; the nearest is offered.
    """
    if not arguments or arguments[0] in ("-h", "--help"):
        rows = "\n".join(f"  {name:<16}{_summary(choice)}" for name, choice in choices.items())
        print(f"usage: {PROGRAM} {verb} {kind.upper()} [options]\n\n{rows}\n\nOptions: {verb} NAME --help")
        sys.exit(0 if arguments else 2)
    name, *rest = arguments
    if name not in choices:
        raise CommandLineError(unknown(kind, name, choices))
    return name, rest


def without_config(arguments: list[str]) -> tuple[Path | None, list[str]]:
    """The file after ``--config``, which stands in a recipe's place, and the other arguments.

    Raises:
        CommandLineError: ``--config`` without a file.
    """
    for position, one in enumerate(arguments):
        option, sign, file = one.partition("=")
        if option == "--config":
            rest = arguments[position + 1 :]
            if not sign and (not rest or rest[0].startswith("--")):
                raise CommandLineError(
                    "--config wants a file: a run's config.json, or a JSON or YAML file like it"
                )
            return Path(file if sign else rest.pop(0)), arguments[:position] + rest
    return None, arguments


def with_named_encoders(recipe: Recipe, arguments: list[str]) -> Recipe:
    """The recipe without the options of an encoder in whose place ``arguments`` name one.

    They belong to the recipe's own; those of the named one are given as pairs, ``--encoder.options NAME VALUE``.

    Raises:
        CommandLineError: name or options beside a folder of weights, which has its own.
    """
    for position, one in enumerate(arguments):
        rest = arguments[position + 1 :]
        part = re.match(r"--(\w+)\.weights\b", one)
        if part is None or _is_published([one, *rest]):
            continue
        for field in ("name", "options"):
            if any(re.match(rf"--{part[1]}\.{field}\b", other) for other in arguments):
                raise CommandLineError(
                    f"--{part[1]}.{field} stands beside {part[0]}, whose folder names its encoder; leave one out"
                )
    named = {one.removeprefix("--").split(".name")[0] for one in arguments if re.match(r"--\w+\.name\b", one)}
    if hasattr(recipe, "encoders"):
        encoders = {
            name: replace(encoder, options={}) if name in named else encoder
            for name, encoder in recipe.encoders.items()
        }
        return replace(recipe, encoders=encoders)
    return replace(recipe, encoder=replace(recipe.encoder, options={})) if "encoder" in named else recipe


def _is_published(arguments: list[str]) -> bool:
    """Whether the option at the front gives weights that a library saved, which name no encoder of ours."""
    from encoders.folders import holds_encoder

    _, _, place = arguments[0].partition("=")
    place = place or next(iter(arguments[1:]), "")
    return Path(place).exists() and not holds_encoder(place)


def _summary(choice: object) -> str:
    """A line about a choice: the line itself, the names of what a group holds, or the first of a docstring."""
    if isinstance(choice, str):
        return choice
    return ", ".join(choice) if isinstance(choice, Mapping) else (choice.__doc__ or "").splitlines()[0]
