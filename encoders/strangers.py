"""What libraries say of values that a stranger chose: one line of an error, and nothing else on the terminal."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

_MOST_CHARACTERS = 300


def escaped(text: str) -> str:
    """Text without anything that moves a cursor or is not seen: such characters become escapes.

    >>> print(escaped("a\\x1b[2Jb"))
    a\\u001b[2Jb
    """
    return "".join(one if one.isprintable() else f"\\u{ord(one):04x}" for one in text)


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
