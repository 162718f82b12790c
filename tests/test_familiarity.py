"""What is unlike anything that a detector knows: few false alarms as promised, far clips, and the file of it."""

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from multimodal.familiarity import (
    FALSE_ALARMS,
    Familiarity,
    learn_familiar,
    read_familiar,
    unlike_notes,
    write_familiar,
)


def clips(people: int, each: int, seed: int, dim: int = 40) -> tuple[np.ndarray, np.ndarray]:
    """Embeddings of people who differ along few axes, and who they are."""
    generator = np.random.default_rng(seed)
    axes = np.random.default_rng(0).normal(size=(6, dim))
    person = np.repeat(generator.normal(size=(people, 6)), each, axis=0)
    inner = person + 0.5 * generator.normal(size=person.shape)
    return inner @ axes + 0.1 * generator.normal(size=(len(inner), dim)), np.repeat(np.arange(people), each)


@pytest.fixture(scope="module")
def familiar():
    return learn_familiar(*clips(100, 4, seed=1))


def test_few_clips_of_other_people_are_called_unlike(familiar):
    said = [familiar.of(one).is_unlike for one in clips(500, 2, seed=2)[0]]
    assert np.mean(said) <= FALSE_ALARMS + 0.01  # the promise, and three standard errors of it


@pytest.mark.parametrize("change", [lambda x: 3 * x, lambda x: x + 2 * np.eye(40)[0], lambda x: 0 * x - 9])
def test_clips_that_lie_elsewhere_are_called_unlike(familiar, change):
    said = [familiar.of(change(one)) for one in clips(20, 2, seed=3)[0]]
    assert np.mean([one.is_unlike for one in said]) > 0.5
    assert max(one.further_than for one in said) == 1.0


def test_the_distance_of_known_clips_is_one_on_average_and_that_of_held_out_ones_no_less(familiar):
    distances = familiar.distances(clips(100, 4, seed=1)[0])
    assert np.mean(distances**2) == pytest.approx(1.0, rel=0.01)
    assert np.mean(familiar.held_out) > np.mean(distances)


def test_an_encoder_whose_tokens_never_change_knows_anything_else_as_unlike():
    dead = learn_familiar(np.full((30, 5), 2.0), np.arange(30))
    assert not dead.of(np.full(5, 2.0)).further_than > 0
    assert dead.of(np.full(5, 2.1)).is_unlike


@pytest.mark.parametrize(("people", "each"), [(4, 10), (6, 3)])
def test_too_few_clips_or_people_are_refused(people, each):
    with pytest.raises(ValueError, match="takes 20 clips of 5 people"):
        learn_familiar(*clips(people, each, seed=0))


def test_what_was_learnt_comes_back_and_nothing_else_is_taken(familiar, tmp_path):
    file = tmp_path / "familiar.safetensors"
    assert read_familiar(file) == {}
    write_familiar({"audio": familiar}, file)
    (again,) = read_familiar(file).values()
    for one in clips(3, 1, seed=4)[0]:
        assert again.of(one).distance == pytest.approx(familiar.of(one).distance, rel=1e-3)
    tensors = load_file(file)
    for name, value, reason in (
        ("audio.rest", np.float32([0]), "do not fit"),
        ("audio.rest", np.float32(-1), "are not positive"),
        ("audio.mean", np.full(40, np.nan, np.float32), "not finite"),
        ("audio.held_out", np.zeros(0, np.float32), "missing or not finite"),
    ):
        save_file({**tensors, name: np.asarray(value)}, file)
        with pytest.raises(ValueError, match=reason):
            read_familiar(file)
    file.write_text("nothing")
    with pytest.raises(ValueError, match="not what `evaluate` wrote"):
        read_familiar(file)


def test_the_note_names_what_is_unlike():
    near, far = Familiarity(1.0, 0.5, False), Familiarity(9.0, 1.0, True)
    assert unlike_notes({"video": near, "audio": near}) == []
    (note,) = unlike_notes({"video": far, "audio": near})
    assert note.startswith("The picture is unlike anything it was trained on: further")
    assert unlike_notes({"video": far, "audio": far})[0].startswith("The picture and sound are unlike")
