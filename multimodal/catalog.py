"""Names and where each lives: what is asked for is imported then, and a wrong name is answered with the nearest.

A catalog is a literal dict, the table of contents of its package. Its values say where things lie instead of being
them, since otherwise whoever wants one name pays for the imports of all.
"""

import importlib
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any, TypeVar

from tyro.constructors import PrimitiveConstructorSpec

Item = TypeVar("Item")


class Catalog(Mapping[str, Item]):
    """A table of contents: name → ``"module:attribute"``, imported when the name is asked for.

    Names, their number and whether one is there cost nothing; ``values()`` and ``items()`` import everything.

    >>> mathematics = Catalog[float]({"pi": "math:pi", "nothing": "no.such.module:attribute"})
    >>> list(mathematics), "pi" in mathematics, mathematics["pi"]
    (['pi', 'nothing'], True, 3.141592653589793)
    """

    def __init__(self, places: Mapping[str, str]) -> None:
        self._places = dict(places)

    def __getitem__(self, name: str) -> Item:
        module, _, attribute = self._places[name].partition(":")
        return getattr(importlib.import_module(module), attribute)

    def __contains__(self, name: object) -> bool:
        return name in self._places

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


def public_names(package: str, modules: Mapping[str, tuple[str, ...]]) -> Callable[[str], Any]:
    """The ``__getattr__`` of a package that imports a public name when it is asked for (PEP 562).

    Args:
        package: ``__name__`` of the package.
        modules: modules of the package → public names that lie there.
    """
    places = {name: f"{package}.{module}" for module, names in modules.items() for name in names}

    def find(name: str) -> Any:
        if name not in places:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(importlib.import_module(places[name]), name)
        setattr(sys.modules[package], name, value)  # the next one who asks finds it without coming here
        return value

    return find


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


def choose(catalog: Mapping[str, Item], name: str, what: str) -> Item:
    """The entry of a catalog; ``ValueError`` names the nearest entry and all choices.

    >>> choose({"random": 1, "group_out": 2}, "randon", "protocol")
    Traceback (most recent call last):
    ValueError: unknown protocol 'randon'; did you mean 'random'? Choose from group_out, random
    """
    if name in catalog:
        return catalog[name]
    raise ValueError(unknown(what, name, catalog))


def unknown(what: str, name: str, choices: Iterable[str]) -> str:
    """The line that answers a name which is none of the choices: the nearest, and all."""
    known = sorted(choices)
    if not known:
        return f"unknown {what} {name!r}; there is none"
    near = nearest(name, known)
    hint = f"did you mean {near!r}? Choose" if near else "choose"
    return f"unknown {what} {name!r}; {hint} from {', '.join(known)}"


def nearest(name: str, choices: Iterable[str]) -> str | None:
    """The choice that was probably meant, if one is near."""
    written = name.lower().replace("-", "_").replace(" ", "_")
    plain = {choice.lower().replace("-", "_"): choice for choice in choices}
    found = get_close_matches(written, plain, n=3, cutoff=0.5)
    swapped = [one for one in found if sorted(one) == sorted(written)]  # letters that changed places
    return plain[(swapped or found)[0]] if found else None
