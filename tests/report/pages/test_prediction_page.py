import re

import numpy as np
import pytest
from matplotlib.figure import Figure

from multimodal.report.figures.style import blank_figure
from multimodal.report.pages import prediction_page
from multimodal.report.pages.prediction import FIGURES, VerdictFigure
from multimodal.report.verdict import Evidence, FileVerdict, Judgement, ModalityVerdict, Thumbnail, WindowScores

HOSTILE = '<script>alert("x")</script>.mp4'


def cannot_say(reason: str) -> ModalityVerdict:
    return ModalityVerdict(score=None, threshold=0.5, reason=reason)


@pytest.fixture(scope="module")
def verdict() -> FileVerdict:
    face = Judgement(
        name=f"main face of {HOSTILE}",
        modalities={
            "any": ModalityVerdict(score=0.8, threshold=0.62),
            "video": ModalityVerdict(score=0.31, threshold=0.55, probability=0.12),
            "audio": cannot_say("no audio stream <b>"),
        },
        posterior={"RVRA": 0.25, "RVFA": 0.4, "FVRA": 0.1, "FVFA": 0.25},
        windows=[WindowScores(0.0, 1.6, video=0.3)],
        evidence=Evidence(thumbnails=[Thumbnail(0.8, np.zeros((16, 16, 3), np.uint8))]),
    )
    return FileVerdict(
        file=HOSTILE, main=face, trained_on="120 <i>clips</i>", synthetic=True, warnings=[f"odd name: {HOSTILE}"]
    )


def broken() -> FileVerdict:
    nothing = Judgement(
        name="whole file", modalities={name: cannot_say("not decodable") for name in ("any", "video", "audio")}
    )
    return FileVerdict(file="broken.mp4", main=nothing, trained_on="x", synthetic=False)


def test_names_of_strangers_are_escaped_and_nothing_is_fetched(verdict):
    page = prediction_page([verdict])
    assert "<script" not in page
    assert "<i>clips" not in page
    assert "stream <b>" not in page
    assert page.count("&lt;script&gt;") == 3
    assert re.findall(r'(?:src|href)="(?!data:image/png;base64,)', page) == []


def test_each_modality_has_its_word_its_probability_and_its_threshold(verdict):
    page = prediction_page([verdict])
    assert re.findall(r'<div class="big [a-z-]+">(.*?)</div>', page) == ["fake", "real", "cannot say"]
    assert 'style="width: 80.0%"></span>\n<i style="left: 62.0%"></i>' in page
    assert "score <b>0.310</b>, threshold 0.550" in page
    assert "probability of fake <b>0.120</b>" in page
    assert "no audio stream &lt;b&gt;" in page


def test_the_posterior_is_shown_as_bars_or_said_to_be_undefined(verdict):
    bars = re.findall(r'<span class="(\w+)-fill" style="width: ([\d.]+)%"', prediction_page([verdict]))[-4:]
    assert bars == [("RVRA", "25.0"), ("RVFA", "40.0"), ("FVRA", "10.0"), ("FVFA", "25.0")]
    assert "posterior is not defined" in prediction_page([broken()])


def test_a_detector_trained_on_generated_media_says_what_its_verdict_is_worth(verdict):
    sentence = "its verdict on a real video means nothing"
    assert sentence in prediction_page([verdict])
    assert sentence not in prediction_page([broken()])


def test_a_new_figure_of_a_judgement_reaches_the_page_by_a_line_in_the_table(monkeypatch, verdict):
    def draw(judgement: Judgement) -> Figure | None:
        return blank_figure("x", 0.5) if judgement.evidence else None

    monkeypatch.setitem(FIGURES, "saliency", VerdictFigure(draw, "Where it looked."))
    assert prediction_page([verdict, broken()]).count("Where it looked.") == 1


def test_a_file_that_cannot_be_read_has_a_section_and_no_picture():
    page = prediction_page([broken()])
    assert page.count("cannot say</div>") == 3
    assert page.count("not decodable") == 3
    assert "<img" not in page
