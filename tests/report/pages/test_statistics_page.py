import re

import pytest

from multimodal.audit.advice import advise
from multimodal.audit.statistics import compute_statistics
from multimodal.corpora.manifest import Clip, collect
from multimodal.report.pages import statistics_page
from multimodal.report.pages.corpus import stacked


@pytest.fixture(scope="module")
def page() -> str:
    clips = [
        Clip(f"{row}.mp4", "video", int(row > 0), int(row > 10), "real" if row == 0 else f"<b>{row % 30}</b>", 1)
        for row in range(41)
    ]
    statistics = compute_statistics(collect(clips, corpus="<i>mine</i>", root="/nowhere"))
    return statistics_page(statistics, advise(statistics), synthetic=True)


def test_names_of_corpora_and_methods_are_escaped(page):
    assert "<i>" not in page
    assert not re.search(r"<b>\d", page)
    assert "&lt;i&gt;mine&lt;/i&gt;" in page


def test_counts_ratio_mark_and_advice_stand_on_the_page(page):
    row = re.search(r'<tr class="first">.*?</tr>', page, re.DOTALL).group()
    assert re.findall(r'<td class="number">(.*?)</td>', row) == ["1", "40", "0", "1 : 40.0"]
    assert ">extreme</span>" in row
    assert '<code class="line">train RECIPE<br>--balance smote<br>--loss focal</code>' in page


def test_bars_fill_their_width_in_proportion(page):
    row = re.search(r'<tr class="first">.*?</tr>', page, re.DOTALL).group()
    assert re.findall(r"width: ([\d.]+)%", row) == ["2.44", "97.56"]


def test_every_corpus_has_a_row_in_the_overview_before_the_counts(page):
    overview = page[: page.index("<h2 ")]
    assert ">extreme</span>" in overview
    assert re.findall(r'<td class="number">(.*?)</td>', overview) == ["1", "40", "1 : 40.0"]
    clips = [Clip(f"{row}.wav", "audio", None, row % 2, "m", 1, official_split="test") for row in range(4)]
    statistics = compute_statistics(collect(clips, corpus="in_the_wild", root="/nowhere"))
    judged = statistics_page(statistics, advise(statistics))
    assert "not to be trained on alone" in judged
    assert '<a href="#in_the_wild">In-the-Wild</a>' in judged
    assert '<h2 id="in_the_wild">In-the-Wild</h2>' in judged


def test_methods_beyond_the_twentieth_are_counted(page):
    assert "and 11 methods more" in page


def test_a_generated_corpus_is_announced(page):
    assert "Generated media" in page


def test_a_bar_of_nothing_is_empty():
    assert stacked({"real": 0}) == []
