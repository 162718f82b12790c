from experiments.notebooks.next_steps import next_steps
from multimodal.audit.advice import advise
from multimodal.audit.statistics import PartStatistics, balance_of


def metrics(video=(0.8, 0.7, 0.9), audio=(0.95, 0.93, 0.97), any_fake=(0.9, 0.88, 0.92), identities=100):
    def entry(value, low, high):
        return {"auc": {"value": value, "low": low, "high": high}}

    return {
        "counts": {"any": {"identities": identities}},
        "any": entry(*any_fake),
        "video": entry(*video),
        "audio": entry(*audio),
    }


def corpus(real, fake):
    balance = balance_of(real=real, fake=fake)
    return PartStatistics("mine", "all", real + fake, {"audio": 1}, balance, None, balance, {}, {}, 0)


def test_results_on_generated_media_ask_for_a_corpus_first():
    first, *rest = next_steps(generated=True, advice=[], metrics=metrics())
    assert "says nothing about real ones" in first
    assert next_steps(generated=False, advice=[], metrics=metrics()) == rest


def test_the_weaker_modality_is_named():
    (step,) = next_steps(generated=False, advice=[], metrics=metrics())
    assert step.startswith("The video is the weaker side (AUC 0.800)")


def test_few_people_and_a_wide_interval_ask_for_more_people():
    few = next_steps(generated=False, advice=[], metrics=metrics(identities=3))
    wide = next_steps(generated=False, advice=[], metrics=metrics(any_fake=(0.8, 0.6, 0.9)))
    undefined = next_steps(generated=False, advice=[], metrics=metrics(any_fake=(0.8, None, None)))
    assert "3 identities" in few[0]
    assert "the interval is 0.30 wide" in wide[0]
    assert "no interval is defined" in undefined[0]


def test_what_is_not_better_than_chance_is_said_of_its_target():
    steps = next_steps(generated=False, advice=[], metrics=metrics(audio=(0.6, 0.45, 0.7)))
    (step,) = [step for step in steps if step.startswith("AUC of")]
    assert step.startswith("AUC of audio is not clearly better than chance")


def test_only_an_imbalance_above_five_asks_for_something():
    uneven, even = advise([corpus(10, 100)]), advise([corpus(50, 100)])
    assert any("--balance" in step for step in next_steps(generated=False, advice=uneven, metrics=metrics()))
    assert not any("--balance" in step for step in next_steps(generated=False, advice=even, metrics=metrics()))


def test_a_study_of_few_seeds_asks_for_more():
    measure = {
        "value": 0.9,
        "low": 0.8,
        "high": 1.0,
        "difference": {"value": 0.0, "p_holm": None, "reason": "one"},
    }
    row = {"seeds": 2, "measures": {"auc_any": measure}}
    study = {"baseline": "concat", "variants": {"concat": row, "gated": row}}
    steps = next_steps(generated=False, advice=[], metrics=metrics(), study=study)
    assert steps[-1].startswith("The study has 2 seeds a variant")
    assert any("no difference from concat could be tested" in step for step in steps)
