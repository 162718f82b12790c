import base64
import html
import io
import re
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from multimodal.report.figures.style import blank_figure
from multimodal.report.pages import prediction, prediction_page
from multimodal.report.pages.heat import heats_of
from multimodal.report.pages.prediction import FIGURES, VerdictFigure, policy_hash
from multimodal.report.verdict import (
    Box,
    Evidence,
    FileVerdict,
    Heat,
    Judgement,
    ModalityVerdict,
    Player,
    Segment,
    Thumbnail,
    WindowScores,
)

HOSTILE = '<script>alert("x")</script>.mp4'


def cannot_say(reason: str) -> ModalityVerdict:
    return ModalityVerdict(score=None, threshold=0.5, reason=reason)


@pytest.fixture(scope="module")
def verdict() -> FileVerdict:
    face = Judgement(
        name=f"main face of {HOSTILE}",
        modalities={
            "any": ModalityVerdict(score=0.8, threshold=0.62),
            "video": ModalityVerdict(score=0.31, threshold=0.55, low=0.5, high=0.6, probability=0.12, prior=0.25),
            "audio": cannot_say("no audio stream <b>"),
        },
        posterior={"RVRA": 0.25, "RVFA": 0.4, "FVRA": 0.1, "FVFA": 0.25},
        windows=[WindowScores(0.0, 1.6, video=0.3)],
        conflicts=["The video <i>alone</i> looks fake."],
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
    assert re.findall(r"<script[^>]*>", page) == ["<script>"]
    assert "<i>clips" not in page
    assert "stream <b>" not in page
    assert page.count("&lt;script&gt;") == 4
    assert re.findall(r'(?:src|href)="(?!data:image/png;base64,)', page) == []


@pytest.mark.parametrize("letter", ["\u202e", "\u2066", "\u200f", "\u200b", "\x1b", "\x85", "\u2028"])
def test_letters_that_turn_a_name_round_or_are_not_seen_stand_on_the_page_as_escapes(letter):
    page = prediction_page([replace(broken(), file=f"photo{letter}gpj.mp4")])
    assert letter not in page
    assert f"photo\\u{ord(letter):04x}gpj.mp4" in page


def test_each_modality_has_its_word_its_probability_and_its_threshold(verdict):
    page = prediction_page([verdict])
    assert re.findall(r'<div class="big [a-z-]+">(.*?)</div>', page) == ["fake", "real", "cannot say"]
    assert 'style="width: 80.0%"></span>\n<i style="left: 62.0%"></i>' in page
    assert "score <b>0.310</b>, threshold 0.550, in doubt from 0.500 to 0.600" in page
    assert '<u style="left: 50.0%; width: 10.0%"></u>' in page
    assert "probability of fake <b>0.120</b> where 25 % of clips are fake" in page
    assert "The video &lt;i&gt;alone&lt;/i&gt; looks fake." in page
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


def test_of_a_film_only_the_first_faces_have_figures_and_all_have_verdicts(monkeypatch, verdict):
    monkeypatch.setattr(prediction, "_MOST_WITH_FIGURES", 2)
    page = prediction_page([replace(verdict, faces=[verdict.main] * 2)])
    assert page.count(FIGURES["scores over time"].caption) == 2
    assert page.count(">0.800</b>") == 3


def test_a_file_that_cannot_be_read_has_a_section_and_no_picture():
    page = prediction_page([broken()])
    assert page.count("cannot say</div>") == 3
    assert page.count("not decodable") == 6  # each modality's reason, in its card and in words
    assert "<img" not in page


def told(word_score: float, name: str) -> FileVerdict:
    """A file with two faces, a player and a forged stretch."""
    parts = {target: ModalityVerdict(score=word_score, threshold=0.5) for target in ("any", "video", "audio")}
    face = Judgement(
        name="face 1",
        modalities=parts,
        start_seconds=0.5,
        end_seconds=2.5,
        is_speaker=True,
        boxes=[Box(0.5, 10, 10, 40, 40)],
        windows=[WindowScores(0.5, 1.5, any=0.4, video=0.2), WindowScores(1.5, 2.5, any=0.9, video=0.8)],
        segments=[Segment("audio", 1.2, 1.6, 0.8)],
        evidence=Evidence(
            thumbnails=[Thumbnail(1.0, np.zeros((16, 16, 3), np.uint8))],
            waveform=np.sin(np.arange(32_000, dtype=np.float32)),
        ),
    )
    other = Judgement(name="face 2", modalities=parts, start_seconds=1.0, end_seconds=2.0, is_speaker=False)
    return FileVerdict(
        file=name,
        main=face,
        faces=[other],
        trained_on="12 clips",
        synthetic=False,
        player=Player("../a%20b.mp4", "video"),
    )


def test_only_the_script_of_the_page_may_run_and_only_the_media_beside_it_may_be_read():
    page = prediction_page([told(0.9, "a.mp4")])
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', page)
    (script,) = re.findall(r"<script>(.*?)</script>", page, flags=re.DOTALL)
    rules = dict(rule.strip().split(" ", 1) for rule in html.unescape(policy).split(";"))
    assert rules["default-src"] == rules["base-uri"] == rules["form-action"] == "'none'"
    assert rules["script-src"] == f"'{policy_hash(script)}'"
    assert rules["media-src"] == "data: 'self' file:"
    without = prediction_page([broken()])
    assert "media-src data: ;" in without
    assert not re.search(r"https?:", page.replace("http-equiv", ""))


def test_what_a_journalist_asks_is_answered_in_words_before_anything_else():
    page = prediction_page([told(0.9, "a.mp4")])
    asked = dict(re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", page))
    assert asked["Is it fake?"] == "It looks fake."
    assert asked["Which part?"] == "The picture looks fake, the sound looks fake."
    assert asked["When?"] == "The sound looks forged from 1.20 to 1.60 s."
    assert asked["Whose face?"].startswith("face 1 speaks, is seen from 0.5 to 2.5 s: fake; face 2 is seen")
    assert asked["What has it learnt from?"] == "12 clips"
    assert page.index("<dl>") < page.index('class="cards"')


def test_lanes_go_from_where_a_face_is_first_seen_in_the_seconds_of_the_file():
    page = prediction_page([told(0.9, "a.mp4")])
    assert 'data-start="0.5" data-end="2.5"' in page
    assert 'class="stretch audio-fill" style="left: 35.00%; width: 20.00%"' in page
    assert 'points="250.0,80.0 750.0,20.0"' in page  # the middles of the windows, at 1 and 2 of 0.5 to 2.5 s
    assert 'style="left: 0.00%; width: 100.00%"' in page  # what is heard begins when the face is seen
    assert re.findall(r'<span style="left: ([0-9.]+)%">1.0 s</span>', page) == ["25.00"]
    assert 'data-seek="1.2"' in page
    assert '<video class="medium" controls preload="metadata" src="../a%20b.mp4">' in page
    assert '[{"seconds": 0.5, "x0": 10' in page


def test_a_batch_has_a_summary_and_one_file_has_none():
    page = prediction_page([told(0.9, "a.mp4"), told(0.1, "b.mp4"), broken()])
    assert re.findall(r'<tr data-word="([a-z ]+)">', page) == ["fake", "real", "cannot say"]
    assert 'href="#file-2"' in page
    assert 'id="file-2"' in page
    assert 'id="summary"' not in prediction_page([told(0.9, "a.mp4")])


# Where it was seen.


def colours(uri: str) -> np.ndarray:
    """Red less blue of each pixel of a picture."""
    image = np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.split(",")[1]))).convert("RGB")).astype(int)
    return image[:, :, 0] - image[:, :, 2]


def test_a_map_lays_red_over_what_speaks_for_fake_and_blue_over_what_speaks_for_genuine():
    cells = np.zeros((2, 8, 8))
    cells[0, 6, 1], cells[1, 1, 6] = 2.0, -1.0
    seen = np.full((2, 16, 16, 3), 128, np.uint8)
    heat = Heat("video", "occlusion", cells, 1.0, 1.2, seen=seen)
    (shown,) = heats_of(Judgement(name="face 1", modalities={}, evidence=Evidence(heats=[heat])))
    first, second = (colours(one["uri"]) for one in shown["pictures"])
    assert [one["seconds"] for one in shown["pictures"]] == pytest.approx([1.0, 1.1])
    assert np.unravel_index(first.argmax(), first.shape) == pytest.approx((6.5 / 8 * 132, 1.5 / 8 * 132), abs=9)
    assert np.unravel_index(second.argmin(), second.shape) == pytest.approx((1.5 / 8 * 132, 6.5 / 8 * 132), abs=9)
    assert abs(int(second.min())) < int(first.max())  # the scale is that of the whole map


def test_a_map_of_sound_has_its_low_tones_below():
    cells = np.zeros((16, 5))
    cells[0, 4] = 1.0
    heat = Heat("audio", "integrated_gradients", cells, 0.0, 0.2, heard=np.random.default_rng(0).normal(size=3200))
    (shown,) = heats_of(Judgement(name="sound only", modalities={}, evidence=Evidence(heats=[heat])))
    red = colours(shown["pictures"][0]["uri"])
    rows, columns = np.nonzero(red > red.max() / 2)
    assert rows.min() > red.shape[0] * 0.9
    assert columns.min() > red.shape[1] * 0.7


def test_maps_and_attention_reach_the_page_and_a_click_jumps_there(verdict):
    heat = Heat("video", "grad_cam", np.ones((1, 4, 4)), 1.5, 1.6, seen=np.zeros((1, 8, 8, 3), np.uint8))
    evidence = Evidence(heats=[heat], attention={"video": np.eye(3), "audio": np.eye(3)})
    page = prediction_page([replace(verdict, main=replace(verdict.main, evidence=evidence))])
    assert "<h4>Where the picture speaks for fake</h4>" in page
    assert "by Grad-CAM: red speaks for fake" in page
    assert '<button type="button" data-seek="1.5"' in page
    assert page.count("(down) at") == 4  # a caption and a text for who cannot see, of each
    assert "Where the picture speaks" not in prediction_page([verdict])
