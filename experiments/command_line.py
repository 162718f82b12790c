"""Command lines of the verbs, by tyro; every name that can be chosen is a choice that completes with Tab."""

import ast
import codecs
import contextlib
import functools
import inspect
import io
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from textwrap import indent
from typing import Annotated, Any, TextIO, TypeVar

import tyro
from tyro.conf import Positional, arg

from multimodal.artefacts import shown_text
from multimodal.catalog import nearest, unknown
from multimodal.ranges import OutOfRangeError, check_range, ranges_of

Result = TypeVar("Result")
Recipe = TypeVar("Recipe", bound=Any)
PROGRAM = "python -m experiments"

#: What most people change of a training; it comes first in the help.
FIRST = (
    "--out", "--manifest", "--split", "--store", "--sources",
    "--video.name", "--video.weights", "--audio.name", "--audio.weights", "--encoder.name", "--encoder.weights",
    "--fusion.name", "--loss", "--balance", "--window-seconds", "--batch-size", "--fit.steps",
)  # fmt: skip
#: For a config whose fields stand at the top level of the command line.
flat = arg(name="")

__all__ = [
    "PROGRAM",
    "Annotated",
    "CommandLineError",
    "Positional",
    "choose",
    "flat",
    "run_verb",
    "with_named_parts",
    "without_config",
]


class CommandLineError(ValueError):
    """What was typed does not fit; the exit code says so, as for everything that the parser refuses."""

    exit_code = 2


def run_verb(verb: str, function: Callable[..., Result], arguments: list[str]) -> Result:
    """Parse ``arguments`` by the signature and docstring of ``function``, and call it.

    A command line that does not fit is one line on standard error, and exit code 2.
    """
    _refuse_addresses(arguments)
    command = functools.partial(tyro.cli, _deferred(function), prog=f"{PROGRAM} {verb}")
    if {"-h", "--help"} & set(arguments):  # also where it stands in place of an option's value
        print(_first_things_first(_help_text(command)) + _without_examples(function.__doc__ or "")[1])
        sys.exit(0)
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


def _refuse_addresses(arguments: list[str]) -> None:
    """Refuse what a path would make nonsense of: an address, and nothing where a value should stand.

    Raises:
        CommandLineError: names the word.
    """
    for place, word in enumerate(arguments):
        before = arguments[place - 1] if place else "the first word"
        if not word and (place == 0 or before.startswith("--")):
            raise CommandLineError(f"{before} is empty; give a value, or leave it out")
        option, equals, value = word.partition("=") if word.startswith("--") else ("", "", word)
        if equals and not value:
            raise CommandLineError(f"{option} is empty; give a value, or leave it out")
        is_page = re.match(r"www\.[\w-]+\.\w", value) and not Path(value).exists()
        if is_page or re.match(r"[A-Za-z][A-Za-z0-9+.-]+://", value):
            raise CommandLineError(
                f"{value} is an address on the network; download it first, and give the path on this machine"
            )


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


#: What tyro calls a kind of value → what it is.
_KINDS = {
    "INT": "a whole number",
    "FLOAT": "a number",
    "[INT": "whole numbers",
    "[FLOAT": "numbers",
    "[STR": "pairs of a name and a number",
}


def _answer(complaint: str, command: Callable[..., Any], verb: str, arguments: list[str]) -> str:
    """What tyro complains of, in this program's manner where a name or a number is wrong."""
    outside = re.search(r"Error parsing \S+: (\w+) (must .*?; got \S+)", complaint)
    if outside:
        return _with_option(OutOfRangeError(outside[1], outside[2]), arguments)
    wrong = re.search(r"invalid choice '(.*?)' for argument '(?:--)?(.*?)'\. Expected one of \((.*?)\)", complaint)
    if wrong:
        return unknown(wrong[2].removesuffix(".name"), wrong[1], re.findall(r"'(.*?)'", wrong[3]))
    kind = re.search(r"Error parsing (--[\w.-]+): .* Argument helptext: \S+ (?:\{None\}\|)?(\S+)", complaint)
    if kind and kind[2] in _KINDS:
        words = next((words for words in _by_option(arguments) if words[0].split("=")[0] == kind[1]), [""])
        values = [*words[0].split("=")[1:], *words[1:]]
        return f"{kind[1]} wants {_KINDS[kind[2]]}; got {' '.join(values)!r}"
    option = re.search(r"Unrecognized options?: (--[\w.-]+)", complaint)
    if option is None:
        return complaint
    near = nearest(option[1], re.findall(r"--[\w.-]+", _help_text(command)))
    hint = f"did you mean {near!r}? All" if near else "all"
    return f"unknown option {option[1]!r}; {hint} are listed by: {PROGRAM} {verb} --help"


def _help_text(command: Callable[..., Any]) -> str:
    """What tyro shows: in boxes where standard output has the characters for them."""
    encoding = codecs.lookup(getattr(sys.stdout, "encoding", None) or "utf-8").name
    shown = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    with contextlib.redirect_stdout(shown), contextlib.suppress(SystemExit):
        command(args=["--help"])
    shown.seek(0)
    return shown.read()


def _first_things_first(text: str) -> str:
    """The help of a training with the options that most people change in a box of their own, before all others."""
    entries = {
        found[1]: found[0] for found in re.finditer(r"^│ (--[\w.-]+).*\n(?:│ (?!-|─).*\n)*", text, re.MULTILINE)
    }
    if "--fit.steps" not in entries:
        return text
    first = [entries[option] for option in FIRST if option in entries]
    for entry in first:
        text = text.replace(entry, "", 1)
    text = re.sub(r"^╭.*\n(?:│ (?!-).*\n)*╰.*\n", "", text, flags=re.MULTILINE)  # boxes that are empty now
    text = text.replace("╭─ options ─────────", "╭─ further options ─", 1)
    width = len(first[0].splitlines()[0])
    title = "╭─ what most trainings need "
    box = "".join([title + "─" * (width - len(title) - 1) + "╮\n", *first, "╰" + "─" * (width - 2) + "╯\n"])
    before, corner, after = text.partition("╭")
    return before + box + corner + after


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


def with_named_parts(recipe: Recipe, arguments: list[str]) -> tuple[Recipe, list[str]]:
    """The recipe with the options of encoders and fusion that ``arguments`` give, and the other arguments.

    ``--PART.options NAME VALUE ...`` and ``--PART.options.NAME VALUE`` change the recipe's options of a part;
    these are left out where ``--PART.name`` names a part in its place, for they belong to the recipe's own.

    Raises:
        CommandLineError: no pairs; name or options beside a folder of weights, which has its own; or the length of
            a window said twice.
    """
    _check_beside_weights(arguments)
    typed = {one.partition("=")[0].replace("_", "-") for one in arguments if one.startswith("--")}
    if {"--window-seconds", "--num-frames"} <= typed:
        raise CommandLineError(
            "--window-seconds stands beside --num-frames, and both say how long a window is; leave one out"
        )
    is_branch = hasattr(recipe, "encoder")
    parts = {"encoder": recipe.encoder} if is_branch else {**recipe.encoders, "fusion": recipe.fusion}
    for name, part in parts.items():
        pairs, arguments = _option_pairs(f"--{name}.options", arguments)
        is_named = any(re.match(rf"--{name}\.name\b", one) for one in arguments)
        parts[name] = replace(part, options=({} if is_named else part.options) | pairs)
    if is_branch:
        return replace(recipe, **parts), arguments
    fusion = parts.pop("fusion")
    return replace(recipe, encoders=parts, fusion=fusion), arguments


def _option_pairs(option: str, arguments: list[str]) -> tuple[dict[str, Any], list[str]]:
    """What stands as ``OPTION NAME VALUE ...`` or as ``OPTION.NAME VALUE``, and the other arguments."""
    pairs: dict[str, Any] = {}
    rest: list[str] = []
    for words in _by_option(arguments):
        head, sign, value = words[0].partition("=")
        values = [value] * bool(sign) + words[1:]
        if head.startswith(f"{option}."):
            values, others = [head.removeprefix(f"{option}."), *values[:1]], values[1:]
            rest += others
        elif head != option:
            rest += words
            continue
        if len(values) % 2 or not values:
            raise CommandLineError(f"{option} wants pairs of NAME and VALUE; got {' '.join(values) or 'nothing'}")
        pairs |= {
            name.replace("-", "_"): _plain(text) for name, text in zip(values[::2], values[1::2], strict=True)
        }
    return pairs, rest


def _by_option(arguments: list[str]) -> list[list[str]]:
    """Every option with the words up to the next one; the words before the first stand alone."""
    found: list[list[str]] = []
    for one in arguments:
        if not found or one.startswith("--"):
            found.append([])
        found[-1].append(one)
    return found


def _plain(text: str) -> Any:
    """A number, True, False or None where the text is one, else the text."""
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text
    return value if isinstance(value, int | float | None) else text


def _check_beside_weights(arguments: list[str]) -> None:
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
