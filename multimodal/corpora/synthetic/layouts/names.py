"""Names, numbers and tables as corpora write them."""

import csv
import io
import json
import string
from collections.abc import Iterable, Sequence
from typing import Any

from multimodal.synthetic.randomness import keyed_generator

CAPITALS_AND_DIGITS = string.ascii_uppercase + string.digits
_ADDRESS = string.ascii_letters + string.digits + "-_"
_SPLIT_CYCLE = ("train", "val", "test", "train")


def word(seed: int, *key: str | int, alphabet: str, length: int) -> str:
    """A random word that depends on the seed and the key alone."""
    return "".join(keyed_generator(seed, "word", *key).choice(list(alphabet), size=length))


def address(seed: int, *key: str | int) -> str:
    """The eleven characters of a YouTube video's address."""
    return word(seed, "address", *key, alphabet=_ADDRESS, length=11)


def numbers(seed: int, *key: str | int, count: int, below: int) -> list[int]:
    """Distinct numbers in [0, below), in random order."""
    return keyed_generator(seed, "numbers", *key).choice(below, size=count, replace=False).tolist()


def split_of(index: int, *, names: Sequence[str] = ("train", "val", "test")) -> str:
    """Split of the ``index``-th unit: two of four to train, one to val, one to test; any three have all.

    >>> [split_of(index) for index in range(5)]
    ['train', 'val', 'test', 'train', 'train']
    """
    return dict(zip(("train", "val", "test"), names, strict=True))[_SPLIT_CYCLE[index % 4]]


def csv_text(rows: Iterable[Sequence[object]], *, delimiter: str = ",") -> str:
    """Rows as delimited text, quoted where needed."""
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator="\n").writerows(rows)
    return text.getvalue()


def lines_text(lines: Iterable[str]) -> str:
    """Lines, each with its end."""
    return "".join(f"{line}\n" for line in lines)


def json_text(value: Any) -> str:
    """JSON on one line, as corpora ship it."""
    return json.dumps(value, ensure_ascii=False) + "\n"
