import re

import pytest

from multimodal.audit import Examination
from multimodal.audit.findings import Finding, by_severity
from multimodal.report.pages import check_page


@pytest.fixture(scope="module")
def page() -> str:
    findings = by_severity(
        [
            Finding("note", "colliding names", 4, "c: 2 file names stand for 4 clips", "Key by path."),
            Finding(
                "error", "same content", 2, "2 files <b>clash</b>", "Drop one.", ("c/<i>a</i>.jpg = c/b.jpg",)
            ),
        ]
    )
    checks = {name: f"Whether {name} are there." for name in ("same content", "colliding names", "shortcuts", "x")}
    examination = Examination(findings, {"<u>c</u>": 1_234, "d": 1}, checks, {"x": "no file was looked at"})
    return check_page(examination, synthetic=True)


def test_findings_stand_with_the_most_urgent_first_and_their_advice(page):
    assert page.index("error-edge") < page.index("note-edge")
    assert "Drop one." in page
    assert "Key by path." in page


def test_counts_by_severity_and_clips_by_corpus_are_shown(page):
    cards = re.findall(r'class="what">(\w+):.*?class="big">(\d+)<', page)
    assert cards == [("error", "1"), ("warnings", "0"), ("note", "1")]
    assert "1,235 clips" in page


def test_names_of_files_and_corpora_are_escaped(page):
    assert not re.search(r"<i>a|<u>c|<b>clash", page)
    assert "&lt;i&gt;a&lt;/i&gt;.jpg" in page


def test_what_is_fine_and_what_was_not_looked_at_are_told_apart(page):
    fine, _, unseen = page.partition("Not looked at")
    assert "Whether shortcuts are there." in fine
    assert "no file was looked at" in unseen
    assert "Whether same content are there." not in page


def test_a_generated_corpus_is_announced(page):
    assert "Generated media" in page
