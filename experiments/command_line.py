"""Command lines of the verbs, by tyro; every name that can be chosen is a choice that completes with Tab."""

import contextlib
import difflib
import functools
import io
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Annotated, Any, TypeVar

import tyro
from tyro.conf import Positional, arg

Result = TypeVar("Result")
Config = TypeVar("Config", bound=Any)
PROGRAM = "python -m experiments"

#: For a config whose fields stand at the top level of the command line.
flat = arg(name="")

__all__ = ["PROGRAM", "Annotated", "Positional", "choose", "flat", "run_verb", "with_named_encoders"]


def run_verb(verb: str, function: Callable[..., Result], arguments: list[str]) -> Result:
    """Parse ``arguments`` by the signature and docstring of ``function``, and call it.

    A command line that does not fit is one line on standard error, and exit code 2.
    """
    if {"-h", "--help"} & set(arguments):
        arguments = ["--help"]  # also where it stands in place of an option's value
    complaint = io.StringIO()
    try:
        with contextlib.redirect_stderr(complaint):
            call = tyro.cli(_deferred(function), prog=f"{PROGRAM} {verb}", args=arguments)
    except SystemExit as stop:
        if stop.code:
            print(f"error: {_one_line(complaint.getvalue())}", file=sys.stderr)
        raise
    return call()


def _deferred(function: Callable[..., Result]) -> Callable[..., Callable[[], Result]]:
    """The same signature, but the call waits until the command line is known to fit."""

    @functools.wraps(function)
    def defer(*args: Any, **kwargs: Any) -> Callable[[], Result]:
        return functools.partial(function, *args, **kwargs)

    return defer


def _one_line(box: str) -> str:
    """The box of several lines that tyro prints, as one line."""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", box)
    words = re.sub(r"[\u2500-\u257f]+", " ", re.sub(r"\u256d.*\u256e", "", plain))
    return re.sub(r"\s+", " ", words).strip()


def choose(
    kind: str, arguments: list[str], choices: Mapping[str, Callable], *, verb: str
) -> tuple[str, list[str]]:
    """Take a name off the front of ``arguments``; with none or ``--help`` the choices are explained.

    Raises:
        ValueError: a name that is no choice; the nearest is offered.
    """
    if not arguments or arguments[0] in ("-h", "--help"):
        rows = "\n".join(f"  {name:<16}{_summary(choice)}" for name, choice in choices.items())
        print(f"usage: {PROGRAM} {verb} {kind.upper()} [options]\n\n{rows}\n\nOptions: {verb} NAME --help")
        sys.exit(0 if arguments else 2)
    name, *rest = arguments
    if name not in choices:
        near = difflib.get_close_matches(name, choices, n=1)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise ValueError(f"unknown {kind} {name!r}; choose from {', '.join(choices)}.{hint}")
    return name, rest


def with_named_encoders(recipe: Config, arguments: list[str]) -> Config:
    """The recipe without the options of an encoder in whose place ``arguments`` name one.

    They belong to the recipe's own; those of the named one are given as pairs, ``--encoder.options NAME VALUE``.
    """
    named = {one.removeprefix("--").split(".name")[0] for one in arguments if re.match(r"--\w+\.name\b", one)}
    renamed = {part: getattr(recipe, part) for part in named & {"encoder", "video", "audio"} & set(vars(recipe))}
    return replace(recipe, **{part: replace(config, options={}) for part, config in renamed.items()})


def _summary(choice: object) -> str:
    """First line of a recipe's docstring; the names of what a group of recipes holds."""
    return ", ".join(choice) if isinstance(choice, Mapping) else (choice.__doc__ or "").splitlines()[0]
