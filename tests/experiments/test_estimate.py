"""``--estimate`` times what a training does, all of it."""

from dataclasses import replace

import pytest
import torch

from experiments import recipes
from experiments.pretrain import pretrain
from experiments.runs.build import open_pretraining
from experiments.runs.estimate import Estimate, estimate
from experiments.runs.parts import EncoderConfig
from multimodal.training import fit as fitting
from multimodal.training.averaging import WeightAverage
from multimodal.training.checkpoints import Checkpoints
from multimodal.training.options import FitOptions
from multimodal.training.tasks import BranchTask


def config(sources, **options):
    recipe = recipes.PRETRAIN["video"]["small"]()
    return replace(
        recipe,
        encoder=EncoderConfig(name="frames", options={"backbone": "test_resnet", "frame_size": 32}),
        data=replace(recipe.data, store=sources / "store", num_workers=0, batch_size=2, num_frames=2),
        mixture=replace(recipe.mixture, sources=(sources / "videos",)),
        fit=FitOptions(steps=3, validate_every=3, **options),
    )


@pytest.fixture
def done(monkeypatch):
    """What was done, in order, and whether by deterministic kernels alone."""
    found = []

    def noted(place, name, say):
        real = getattr(place, name)

        def call(*given, **options):
            found.append((say(*given), torch.are_deterministic_algorithms_enabled()))
            return real(*given, **options)

        monkeypatch.setattr(place, name, call)

    noted(fitting, "training_step", lambda *_: "step")
    noted(WeightAverage, "update", lambda *_: "average")
    noted(Checkpoints, "save", lambda *given: f"checkpoint of {'two' if given[-1] is not None else 'one'}")
    learns = {True: "judge weights", False: "judge their average"}
    noted(BranchTask, "validate", lambda _, model: learns[next(model.parameters()).requires_grad])
    return found


@pytest.mark.parametrize("options", [{}, {"ema_decay": 0.9, "deterministic": True}], ids=["plain", "averaged"])
def test_an_estimate_does_what_the_training_does(options, sources, tmp_path, done):
    asked = config(sources, **options)
    pretrain(asked, tmp_path / "run", tracker="none")
    trained, done[:] = list(done), []
    estimate(open_pretraining(asked), scratch=tmp_path)
    assert done[: len(trained) - 1] == trained[:-1]
    # a second judgement, since the first starts the workers
    judging = [one for one in trained if one[0].startswith("judge")]
    assert done[len(trained) - 1 :] == [*judging, trained[-1]]
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_the_whole_run_is_made_of_its_parts_and_a_beginning():
    found = Estimate(
        device="a CPU",
        steps=100,
        validations=4,
        begin_seconds=60.0,
        step_seconds=2.0,
        waiting_share=0.25,
        validation_seconds=10.0,
        host_gigabytes=1.5,
        device_gigabytes=None,
    )
    assert found.total_seconds == 60 + 200 + 40
    assert "about 5 min in all, 60 s of it to begin" in found.text()
