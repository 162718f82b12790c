"""What libraries say of values that a stranger chose: one line of an error, and nothing else on the terminal."""

import logging
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

_MOST_CHARACTERS = 300
#: Controls, what ends a line, turns the order of letters round or is not seen at all, and halves of a character.
CONTROLS = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)


def escaped(text: str) -> str:
    """Text without anything that moves a cursor or is not seen: such characters become escapes.

    >>> print(escaped("a\\x1b[2Jb"))
    a\\u001b[2Jb
    """
    return CONTROLS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)  # as JSON has it: that stays JSON


def one_line(error: BaseException) -> str:
    """What an error says, on one line of at most 300 characters; its kind where it says nothing."""
    return escaped(" ".join(str(error).split())[:_MOST_CHARACTERS]) or type(error).__name__


@contextmanager
def quiet_libraries() -> Iterator[None]:
    """Keep logs and warnings of libraries off the terminal while they build or read what a stranger described.

    They print values as they stand in the file, orders to the terminal among them, and all the others beside
    these. What cannot be built is an error of ours.
    """
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
