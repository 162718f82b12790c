import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from multimodal.labels import TARGETS
from multimodal.metrics.answer import decision_point, strongest
from multimodal.report.verdict import (
    Box,
    Evidence,
    FileVerdict,
    Judgement,
    ModalityVerdict,
    WindowScores,
    conflicts,
    one_answer,
)

WORDS = ["real", "cannot say", "fake"]
SHARE = st.floats(0, 1)


@pytest.mark.parametrize(
    ("score", "threshold", "word"), [(0.6, 0.6, "fake"), (0.59, 0.6, "real"), (0.0, 0.0, "fake")]
)
def test_a_probability_at_its_threshold_is_called_fake(score, threshold, word):
    assert ModalityVerdict(score=score, threshold=threshold).verdict == word


def test_cannot_say_needs_a_reason():
    assert ModalityVerdict(score=None, threshold=0.5, reason="no face").verdict == "cannot say"
    with pytest.raises(ValueError, match="needs a reason"):
        ModalityVerdict(score=None, threshold=0.5)
    with pytest.raises(ValueError, match="needs a reason"):
        ModalityVerdict(score=0.5, threshold=None)


def test_a_probability_outside_its_range_is_refused():
    with pytest.raises(ValueError, match=r"\[0, 1\]; got 1.2"):
        ModalityVerdict(score=1.2, threshold=0.5)


def test_the_json_holds_verdicts_and_scores_but_no_picture_or_sound():
    judgement = Judgement(
        name="main face",
        modalities={"video": ModalityVerdict(score=0.8, threshold=0.5)},
        end_seconds=1.6,
        boxes=[Box(0.0, 1.0, 2.0, 3.0, 4.0)],
        windows=[WindowScores(0.0, 1.6, video=0.8)],
        evidence=Evidence(waveform=np.zeros(10)),
    )
    verdict = FileVerdict(file="a.mp4", main=judgement, faces=[judgement], trained_on="x", synthetic=False)
    written = json.loads(json.dumps(verdict.as_json(), allow_nan=False))
    face = {
        "name": "main face",
        **{"start_seconds": 0.0, "end_seconds": 1.6, "is_speaker": None},
        "boxes": [{"seconds": 0.0, "x0": 1.0, "y0": 2.0, "x1": 3.0, "y1": 4.0}],
        "modalities": {
            "video": {
                **{"verdict": "fake", "score": 0.8, "threshold": 0.5, "low": None, "high": None},
                **{"probability": None, "prior": None, "reason": None},
            }
        },
        "conflicts": [],
        "segments": None,
        "synchrony": None,
        "familiarity": None,
        "posterior": None,
        "windows": [{"start_seconds": 0.0, "end_seconds": 1.6, "video": 0.8, "audio": None, "any": None}],
    }
    assert written == {
        "file": "a.mp4",
        **face,
        "faces": [face],
        "trained_on": "x",
        "synthetic": False,
        "warnings": [],
    }


@st.composite
def verdicts(draw) -> dict[str, ModalityVerdict]:
    """Any scores, thresholds and bands, of three targets."""
    found = {}
    for target in TARGETS:
        low, threshold, high = sorted((draw(SHARE), draw(SHARE), draw(SHARE)))
        band = (low, high) if draw(st.booleans()) else (None, None)
        found[target] = ModalityVerdict(
            score=draw(SHARE), threshold=threshold, low=band[0], high=band[1], reason="in doubt"
        )
    return found


@given(verdicts())
def test_any_is_never_less_fake_than_a_part_and_says_which(said):
    answer = one_answer(said)
    parts = [answer[name].verdict for name in ("video", "audio")]
    assert WORDS.index(answer["any"].verdict) >= max(map(WORDS.index, parts))
    assert WORDS.index(answer["any"].verdict) >= WORDS.index(said["any"].verdict)
    assert {name: answer[name] for name in ("video", "audio")} == {name: said[name] for name in ("video", "audio")}
    if answer["any"].verdict != said["any"].verdict:
        named = [name for name in ("video", "audio") if name in answer["any"].reason]
        assert [answer[name].verdict for name in named] == [answer["any"].verdict] * len(named) != []


@given(SHARE, st.lists(SHARE, min_size=2, max_size=41), st.floats(0, 0.99))
def test_a_wider_band_of_doubt_never_turns_a_word_into_its_opposite(score, draws, doubt):
    entry = {"threshold": float(np.median(draws)), "draws": sorted(draws)}
    without, within = (decision_point(entry, share).word(score) for share in (0.0, doubt))
    assert within in (without, "cannot say")


def test_the_band_holds_the_share_of_draws_that_is_asked_for_and_a_threshold_set_by_hand_has_none():
    entry = {"threshold": 0.5, "draws": np.linspace(0.4, 0.8, 41).tolist()}
    assert decision_point(entry, 0.9) == pytest.approx((0.5, 0.42, 0.78))
    assert decision_point(entry, 0.0)[1:] == (None, None)
    assert decision_point(entry | {"threshold": 0.2}, 0.9) == (0.2, None, None)
    assert decision_point({"threshold": None, "reason": "no fake clip"}, 0.9).word(0.9) == "cannot say"


def test_a_part_that_validation_knew_no_fakes_of_does_not_hold_any_back():
    unknown = ModalityVerdict(score=0.3, threshold=None, reason="no threshold could be chosen")
    real = ModalityVerdict(score=0.1, threshold=0.5)
    assert one_answer({"any": real, "video": real, "audio": unknown})["any"].verdict == "real"


def test_conflicts_are_said_in_words():
    fake, real = (ModalityVerdict(score=score, threshold=0.5) for score in (0.7, 0.2))
    said = one_answer({"any": real, "video": fake, "audio": real})
    (first,) = conflicts(said, {"video": "fake", "audio": "real"})
    assert first.startswith("The clip as a whole lies below its threshold, but the video is fake")
    (second,) = conflicts({"any": fake, "video": real, "audio": real}, {})
    assert "which part is open" in second
    (third,) = conflicts(said | {"any": fake}, {"video": "real", "audio": "real"})
    assert third == "The video alone looks real; beside the other modality it looks fake."
    assert list(conflicts({"any": real, "video": real, "audio": real}, {"video": "cannot say"})) == []
    assert strongest(["real", "fake"]) == "fake"
