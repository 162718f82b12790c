"""What is installed: one lock for every Python, within the ranges of setup.cfg, and a wheel with all it needs."""

import configparser
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from multimodal import __version__

ROOT = Path(__file__).parents[1]
PACKAGES = ("encoders", "fusion", "multimodal", "experiments")
PYTHONS = ("3.10", "3.11", "3.12", "3.13")


@pytest.fixture(scope="module")
def setup() -> configparser.ConfigParser:
    config = configparser.ConfigParser(comment_prefixes=("#",), interpolation=None)
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    return config


def requirements(text: str) -> list[Requirement]:
    lines = (line.strip() for line in text.splitlines())
    return [Requirement(line) for line in lines if line and not line.startswith("#")]


def lock() -> list[Requirement]:
    return requirements((ROOT / "requirements" / "lock.txt").read_text(encoding="utf-8"))


def applies(requirement: Requirement, python: str) -> bool:
    """Whether a line counts on Linux x86-64 with that Python."""
    machine = {"sys_platform": "linux", "platform_system": "Linux", "platform_machine": "x86_64"}
    here = default_environment() | machine | {"python_version": python, "python_full_version": f"{python}.1"}
    return requirement.marker is None or requirement.marker.evaluate(here)


def asked_for(setup: configparser.ConfigParser) -> list[Requirement]:
    extras = setup["options.extras_require"]
    return requirements(setup["options"]["install_requires"] + extras["test"] + extras["lint"])


@pytest.mark.parametrize("python", PYTHONS)
def test_the_lock_has_one_version_of_all_that_is_asked_for_and_the_ranges_admit_it(setup, python):
    locked: dict[str, list[str]] = {}
    for line in lock():
        if applies(line, python):
            (exact,) = line.specifier
            locked.setdefault(canonicalize_name(line.name), []).append(exact.version)
    assert [name for name, versions in locked.items() if len(versions) > 1] == []
    for asked in asked_for(setup):
        if applies(asked, python):
            assert locked[canonicalize_name(asked.name)][0] in asked.specifier, asked


def test_every_line_of_the_lock_is_one_exact_version_and_no_line_names_a_registry():
    assert all(line.url is None and [one.operator for one in line.specifier] == ["=="] for line in lock())
    text = (ROOT / "requirements" / "lock.txt").read_text(encoding="utf-8")
    assert not re.search(r"://|index-url|find-links", text)


def test_every_range_of_what_is_needed_has_an_upper_end(setup):
    for asked in requirements(setup["options"]["install_requires"]):
        assert {one.operator for one in asked.specifier} & {"<", "=="}, asked


def test_makefile_and_metadata_admit_the_same_versions_of_python(setup):
    admitted = SpecifierSet(setup["options"]["python_requires"])
    assert [f"3.{minor}" for minor in range(9, 16) if f"3.{minor}.1" in admitted] == list(PYTHONS)
    assert "(3, 10) <= sys.version_info[:2] <= (3, 13)" in (ROOT / "Makefile").read_text(encoding="utf-8")
    for python in PYTHONS:
        assert f"Programming Language :: Python :: {python}" in setup["metadata"]["classifiers"]


def test_the_citation_names_this_version():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == __version__
    assert {"cff-version", "title", "message", "authors", "license"} <= set(citation)


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """The folder that a wheel was installed into; it is built of the sources alone, outside any repository."""
    folder = tmp_path_factory.mktemp("packaging")
    for package in PACKAGES:
        ignored = shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints")
        shutil.copytree(ROOT / package, folder / "sources" / package, ignore=ignored)
    for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder / "sources")
    offline = ["--quiet", "--no-deps", "--no-index", "--disable-pip-version-check"]
    wheels = ["wheel", *offline, "--no-build-isolation", "--wheel-dir", str(folder), str(folder / "sources")]
    subprocess.run([sys.executable, "-m", "pip", *wheels], check=True, cwd=folder)
    (wheel,) = folder.glob("*.whl")
    site = folder / "site"
    subprocess.run(
        [sys.executable, "-m", "pip", "install", *offline, "--target", str(site), str(wheel)], check=True
    )
    return site


def files_of(folder: Path) -> set[str]:
    found = (path.relative_to(folder) for name in PACKAGES for path in (folder / name).rglob("*"))
    return {
        str(path) for path in found if path.suffix and not {"__pycache__", ".ipynb_checkpoints"} & set(path.parts)
    }


def test_a_wheel_has_every_file_of_the_packages(installed):
    assert files_of(installed) == files_of(ROOT)
    assert all((installed / package / "py.typed").is_file() for package in PACKAGES)
    assert list((installed / "experiments" / "notebooks").glob("*.ipynb"))


def test_the_command_that_a_wheel_installed_works_in_an_empty_folder(installed, tmp_path):
    only = os.environ | {"PYTHONPATH": str(installed)}
    made = [str(installed / "bin" / "deepfake-experiments"), "generate", "faces140k", "--out", "corpus"]
    subprocess.run(made, check=True, cwd=tmp_path, env=only, capture_output=True)
    assert list((tmp_path / "corpus").rglob("*.jpg"))
    code = "import experiments.__main__; print(experiments.__file__); experiments.__main__.main(['--help'])"
    ran = subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path, env=only, capture_output=True)
    assert ran.stdout.decode().startswith(str(installed))
