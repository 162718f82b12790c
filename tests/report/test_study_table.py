"""The sentences of a study."""

from multimodal.report.study_table import findings


def entry(value: float, p_holm: float | None, reason: str | None = None) -> dict:
    difference = {"value": value, "low": value - 0.1, "high": value + 0.1, "p_holm": p_holm, "reason": reason}
    difference |= {"detectable": None if p_holm is None else 0.03, "exploratory": False}
    return {"auc_any": {"value": 0.9, "low": 0.8, "high": 1.0, "difference": difference}}


def test_a_sentence_names_every_variant_those_too_that_could_not_be_tested():
    measures = {
        "concat": {"auc_any": {"value": 0.9, "low": 0.8, "high": 1.0}},
        "worse": entry(-0.5, 0.01),
        "alike": entry(0.01, 0.9),
        "same": entry(0.0, None, "nothing to test"),
    }
    results = {"baseline": "concat", "variants": {name: {"measures": of} for name, of in measures.items()}}
    assert findings(results) == [
        "AUC any: larger than chance against concat: worse (-0.500 [-0.600, -0.400], p 0.010); "
        "no difference was seen of alike; differences below ±0.030 could not be seen; "
        "not tested: same (nothing to test)."
    ]
    del results["variants"]["worse"]
    assert findings(results) == [
        "AUC any: against concat, no difference was seen of alike; differences below ±0.030 could not be seen; "
        "not tested: same (nothing to test)."
    ]
