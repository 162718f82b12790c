"""Looking a name up in a catalog, with an error that helps when it is not there."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import TypeVar

Item = TypeVar("Item")


def choose(catalog: Mapping[str, Item], name: str, what: str) -> Item:
    """The entry of a catalog; ``ValueError`` names the nearest entry and all choices.

    >>> choose({"random": 1, "group_out": 2}, "randon", "protocol")
    Traceback (most recent call last):
    ValueError: unknown protocol 'randon'; did you mean 'random'? Choose from group_out, random
    """
    if name in catalog:
        return catalog[name]
    if not catalog:
        raise ValueError(f"unknown {what} {name!r}; there is none")
    near = get_close_matches(name.lower().replace("-", "_").replace(" ", "_"), catalog, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}? Choose" if near else "choose"
    raise ValueError(f"unknown {what} {name!r}; {hint} from {', '.join(sorted(catalog))}")
