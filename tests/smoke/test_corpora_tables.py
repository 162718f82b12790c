"""The tables of corpora in docs say what the catalog says, and what they name exists."""

import re
from pathlib import Path

import pytest

from experiments.__main__ import main
from multimodal.corpora import CORPORA
from multimodal.corpora.base import Corpus
from multimodal.splits import PROTOCOLS

ROOT = Path(__file__).parents[2]


def rows(path: str, heading: str = "# ") -> list[list[str]]:
    """Cells of the table below a heading."""
    section = (ROOT / path).read_text(encoding="utf-8").split(heading, 1)[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def marker(patterns: tuple[str, ...]) -> str:
    return " + ".join(f"`{pattern}`" for pattern in patterns if not pattern.startswith("!"))


def datasets_row(corpus: Corpus) -> list[str]:
    where = re.sub(r"https://([^/ )]+)[^ )]*", r"[\1](\g<0>)", corpus.request_url) or "yourself"
    what = f"{corpus.title}: {corpus.summary}"
    return [f"`scan {corpus.name}`", what, marker(corpus.markers[0]), where, corpus.licence]


def test_the_page_of_datasets_says_of_every_corpus_what_the_catalog_says():
    assert rows("docs/datasets.md", "## Every corpus\n") == [datasets_row(corpus) for corpus in CORPORA.values()]


def test_the_page_of_layouts_says_of_every_corpus_what_the_catalog_says():
    found = rows("docs/layouts.md")
    for row, corpus in zip(found, CORPORA.values(), strict=True):
        markers = " or ".join(map(marker, corpus.markers))
        assert row[1:3] == [markers, corpus.official_split or "none"]
        assert re.match(r"\[`(.+)`\]", row[0])[1] == corpus.name


def test_the_page_of_layouts_names_every_option():
    page = (ROOT / "docs/layouts.md").read_text(encoding="utf-8")
    listed = [line for line in page.split("## Options\n")[1].splitlines() if line.startswith("* ")]
    options = {corpus.name: ", ".join(f"`{one}`" for one in corpus.options) for corpus in CORPORA.values()}
    assert listed == [f"* `{name}`: {names}" for name, names in options.items() if names]


def test_protocols_and_readers_that_the_page_names_exist():
    for row in rows("docs/layouts.md"):
        reader = ROOT / "docs" / re.search(r"\((.+)\)", row[0])[1]
        assert len(reader.read_text(encoding="utf-8")) > 500
        names = [name for name in re.findall(r"`(\w+)`", row[3]) if name not in CORPORA]
        assert names
        assert set(names) <= set(PROTOCOLS)


@pytest.mark.parametrize("name", CORPORA)
def test_the_command_of_every_corpus_is_understood(name, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    assert main(["scan", name, "--root", str(tmp_path / "empty"), "--out", str(tmp_path / "m.parquet")]) == 1
    assert "under" in capsys.readouterr().err
