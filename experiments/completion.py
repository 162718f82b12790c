"""``completion``: what a shell has to know so that verbs, options and names complete with Tab."""

import contextlib
import importlib
import io
import os
import re
from typing import Annotated

from experiments.__main__ import VERBS
from experiments.command_line import Positional, run_verb
from multimodal.catalog import one_of

#: The console script; a shell completes the words after a command, and cannot see ``python -m experiments``.
COMMAND = "deepfake-experiments"

#: Options after which a verb does something else, and has other options.
_FORMS = {
    "evaluate": [["--scores"], ["--matrix"], ["--detector"]],
    "thresholds": [["--transfer"]],
    "audit": [["--manifest"]],
}

_SCRIPT = """# Completion of {command} for bash; for zsh too, after: autoload -U bashcompinit && bashcompinit
_deepfake_experiments() {{
  local word="${{COMP_WORDS[COMP_CWORD]}}" verb="${{COMP_WORDS[1]}}" option="" index
  for ((index = COMP_CWORD - 1; index > 1; index--)); do
    if [[ "${{COMP_WORDS[index]}}" == --* ]]; then option="${{COMP_WORDS[index]}}"; break; fi
  done
  if ((COMP_CWORD == 1)); then COMPREPLY=($(compgen -W "{verbs}" -- "$word")); return; fi
  case "$verb $option" in
{choices}
  esac
  if [[ "$word" == -* ]]; then
    case "$verb" in
{options}
    esac
  fi
}}
complete -o default -F _deepfake_experiments {command}
"""


def completion(shell: Positional[Annotated[str, one_of(["bash", "zsh"])]] = "bash") -> None:
    """Print a script that completes verbs, options and names with Tab; every verb is asked for it, in a minute.

    Examples:
        deepfake-experiments completion >> ~/.bashrc
        deepfake-experiments completion zsh >> ~/.zshrc

    Args:
        shell: which shell is to know.
    """
    start = "autoload -U bashcompinit && bashcompinit\n" if shell == "zsh" else ""
    print(start + script({verb: described(verb) for verb in VERBS}))


def described(verb: str) -> dict[str, list[str]]:
    """Options of a verb, and the choices of each where it has any; under no name, its first words."""
    options: dict[str, list[str]] = {"": []}
    for names in ([], *_FORMS.get(verb, [])):
        _ask(verb, names, options)
    return options


def script(verbs: dict[str, dict[str, list[str]]]) -> str:
    """The script for verbs and their options.

    >>> print(script({"scan": {"": ["dfdc"], "--root": [], "--mode": ["a", "b"]}}))  # doctest: +ELLIPSIS
    # Completion of deepfake-experiments...
        "scan ") COMPREPLY=($(compgen -W "dfdc" -- "$word")) ;;
        "scan --mode") COMPREPLY=($(compgen -W "a b" -- "$word")) ;;
      esac
      if [[ "$word" == -* ]]; then
        case "$verb" in
          "scan") COMPREPLY=($(compgen -W "--root --mode" -- "$word")) ;;
    ...
    """
    words = 'COMPREPLY=($(compgen -W "{}" -- "$word")) ;;'
    return _SCRIPT.format(
        command=COMMAND,
        verbs=" ".join(verbs),
        choices="\n".join(
            f'    "{verb} {option}") {words.format(" ".join(choices))}'
            for verb, options in verbs.items()
            for option, choices in options.items()
            if choices
        ),
        options="\n".join(
            f'      "{verb}") {words.format(" ".join(option for option in options if option))}'
            for verb, options in verbs.items()
        ),
    )


def _ask(verb: str, names: list[str], options: dict[str, list[str]]) -> None:
    """Add what the help of a verb says; where it lists names to choose from, that of each."""
    text = _help(verb, names)
    if "NAME --help" in text:
        listed = re.findall(r"^  (\w+) ", text, flags=re.MULTILINE)
        _add(options, "", listed)
        for name in listed:
            _ask(verb, [*names, name], options)
        return
    for positional in re.findall(r"^usage:.*?\{([\w,]+)\}", text):
        _add(options, "", positional.split(","))
    for option, choices in re.findall(r"(--[a-z][\w.-]*)(?: (?:\{None\}\|)?\[?\{(?!None\})([\w,.-]+)\})?", text):
        _add(options, option, choices.split(",") if choices else [])


def _add(options: dict[str, list[str]], option: str, choices: list[str]) -> None:
    known = options.setdefault(option, [])
    known += [choice for choice in choices if choice not in known]


def _help(verb: str, names: list[str]) -> str:
    """The help as printed into a window so wide that no line is broken."""
    before = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = "5000"
    try:
        with contextlib.redirect_stdout(io.StringIO()) as text, contextlib.suppress(SystemExit):
            importlib.import_module(f"experiments.{verb}").main([*names, "--help"])
    finally:
        os.environ.pop("COLUMNS") if before is None else os.environ.update(COLUMNS=before)
    return text.getvalue()


def main(arguments: list[str]) -> None:
    """Command line of the verb."""
    run_verb("completion", completion, arguments)
