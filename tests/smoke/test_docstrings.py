"""What docstrings show is what happens: every example in the packages is run."""

import doctest
import importlib
import pkgutil
from importlib.util import find_spec

import pytest

#: Modules of engines, and what they import, which few have installed.
OPTIONAL = {"experiments.engines.ray": "ray", "experiments.engines.slurm": "submitit"}
#: Packages, and how many examples each has at least.
PACKAGES = {"encoders": 4, "fusion": 2, "multimodal": 100, "experiments": 8}


def modules_of(package: str) -> list[str]:
    found = pkgutil.walk_packages(importlib.import_module(package).__path__, f"{package}.")
    return [
        one.name
        for one in found
        if not one.name.endswith(".__main__") and find_spec(OPTIONAL.get(one.name, "doctest")) is not None
    ]


@pytest.mark.parametrize("package", PACKAGES)
def test_examples_in_docstrings_hold(package):
    tried = 0
    for name in modules_of(package):
        failed, count = doctest.testmod(importlib.import_module(name))
        assert failed == 0, name
        tried += count
    assert tried >= PACKAGES[package]
