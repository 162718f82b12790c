import json

import numpy as np
import pytest

from multimodal.report.verdict import Evidence, FileVerdict, Judgement, ModalityVerdict, WindowScores


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
        windows=[WindowScores(0.0, 1.6, video=0.8)],
        evidence=Evidence(waveform=np.zeros(10)),
    )
    verdict = FileVerdict(file="a.mp4", main=judgement, faces=[judgement], trained_on="x", synthetic=False)
    written = json.loads(json.dumps(verdict.as_json(), allow_nan=False))
    face = {
        "name": "main face",
        "modalities": {
            "video": {"verdict": "fake", "score": 0.8, "threshold": 0.5, "probability": None, "reason": None}
        },
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
