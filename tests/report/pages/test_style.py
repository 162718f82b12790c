"""That style has one place, and that every page takes it from there."""

import re
from pathlib import Path

import pytest

import multimodal.report
from multimodal.report.figures import style

REPORT = Path(multimodal.report.__file__).parent
SHEET = (REPORT / "pages" / "style.css").read_text(encoding="utf-8")
TEMPLATES = sorted((REPORT / "pages").glob("*.j2"))
ELSEWHERE = [path for path in sorted(REPORT.rglob("*.py")) if path.name != "style.py"]

#: Where a colour or a size of letters would be said.
IN_CODE = r"""["']#[0-9a-fA-F]{3,8}["']|fontsize|labelsize|["']font|cmap=["']|colou?r=["']"""
IN_TEMPLATES = r"#[0-9a-fA-F]{3,8}[;\" }]|font|color|background|<style(?!>\n\{\{ style \}\})"


def schemes() -> tuple[dict[str, str], dict[str, str]]:
    """The variables of the light scheme and those of the dark one."""
    light, _, dark = SHEET.partition("@media (prefers-color-scheme: dark)")
    pattern = r"(--[a-z-]+): (#[0-9a-f]{6});"
    return dict(re.findall(pattern, light)), dict(re.findall(pattern, dark))


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2.1 defines it."""
    shares = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(first: str, second: str) -> float:
    low, high = sorted(map(luminance, (first, second)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("path", ELSEWHERE, ids=lambda path: path.name)
def test_no_module_but_the_style_holds_a_colour_or_a_size_of_letters(path):
    named = re.findall(IN_CODE, path.read_text(encoding="utf-8"))
    assert [word for word in named if word != "fontsize"] == []
    assert set(re.findall(r"fontsize=([\w.]+)", path.read_text(encoding="utf-8"))) <= {"style.TYPE_SIZE"}


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_no_template_holds_a_colour_or_a_size_of_letters(path):
    assert re.findall(IN_TEMPLATES, path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_every_page_is_made_from_the_base_and_its_tables_scroll_in_their_own_box(path):
    text = path.read_text(encoding="utf-8")
    assert path.name in ("base.html.j2", "parts.html.j2") or text.startswith('{% extends "base.html.j2" %}')
    in_a_box = re.findall(r'<div class="scroll[^\n]*>\n(?:\{%[^\n]*\n)?<table>', text)
    assert len(in_a_box) == text.count("<table")


@pytest.mark.parametrize("path", [*TEMPLATES, REPORT / "pages" / "style.css"], ids=lambda path: path.name)
def test_nothing_refers_to_the_network(path):
    shown = r"(?!\{\{ (?:image\.uri|one\.uri|line\.spectrogram|file\.player\.uri) \}\})"
    named = re.findall(rf"https?:|url\(|@import|<script (?!type)|<link|src=\"{shown}", path.read_text("utf-8"))
    assert named == []


def test_the_base_fits_a_telephone_forbids_the_network_and_takes_the_style():
    base = (REPORT / "pages" / "base.html.j2").read_text(encoding="utf-8")
    assert 'name="viewport" content="width=device-width, initial-scale=1"' in base
    assert "default-src 'none'; img-src data:; style-src 'unsafe-inline'" in base
    assert "{{ style }}" in base


def test_both_schemes_name_the_same_colours_and_no_rule_names_another():
    light, dark = schemes()
    assert set(light) == set(dark)
    rules = re.sub(r":root \{.*?\}", "", SHEET, flags=re.DOTALL)
    assert re.findall(r"#[0-9a-fA-F]{3,8}\b", rules) == []
    assert set(re.findall(r"var\((--[a-z-]+)\)", SHEET)) == set(light)


def test_pages_and_figures_give_labels_and_classes_the_same_colours():
    light, _ = schemes()
    of_pages = [light[name] for name in ("--real", "--rvfa", "--fvra", "--fake")]
    assert of_pages == [colour.lower() for colour in style.CLASS_COLOURS.values()]


@pytest.mark.parametrize("scheme", schemes(), ids=["light", "dark"])
def test_letters_stand_out_from_what_is_behind_them(scheme):
    papers = ("--paper", "--warn", "--good", "--fair", "--poor", "--bad", "--neutral")
    assert min(contrast(scheme["--ink"], scheme[paper]) for paper in papers) >= 4.5
    texts = ("--muted", "--link", "--real-text", "--fake-text", "--low-text")
    assert min(contrast(scheme[text], scheme["--paper"]) for text in texts) >= 4.5


def test_ink_is_read_on_every_cell_of_a_heat_map():
    for colours in (style.SHARE_HEAT, style.ERROR_HEAT):
        cells = [
            "#" + "".join(f"{round(255 * share):02x}" for share in colours(place)[:3]) for place in (0.0, 1.0)
        ]
        assert min(contrast(style.INK, cell) for cell in cells) >= 4.5
