import contextlib
import errno
import importlib.util
import itertools
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from accelerate import Accelerator
from safetensors.torch import load_file

from multimodal.files import read_json
from multimodal.training import checkpoints
from multimodal.training.checkpoints import Checkpoints, FitState, load_weights
from multimodal.training.fit import fit, learning_rate
from multimodal.training.options import FitOptions

HERE = Path(__file__).parent


def script():
    specification = importlib.util.spec_from_file_location("fit_script", HERE / "fit_script.py")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    folder = tmp_path_factory.mktemp("alone")
    return folder, script().train_whole_and_in_halves(folder)


@pytest.fixture(scope="module")
def in_two_processes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("two")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    shared = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": "2", "OMP_NUM_THREADS": "1"}
    shared["GLOO_SOCKET_IFNAME"] = "lo"  # a machine's name need not resolve
    command = [sys.executable, str(HERE / "fit_script.py"), str(folder)]
    subprocess.run(command, env=os.environ | shared | {"ACCELERATE_USE_CPU": "true"}, timeout=300, check=True)
    return folder, [read_json(folder / f"rows-{rank}.json") for rank in (0, 1)]


def weights(run: Path) -> dict[str, torch.Tensor]:
    latest = Checkpoints(run).latest()
    assert latest.name == "step-00000006"
    return load_file(latest / "model.safetensors")


def assert_bitwise_equal(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> None:
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_six_steps_equal_three_and_a_restart_and_three_bit_for_bit(alone):
    folder, rows = alone
    assert len(rows["whole"]) == 6
    assert rows["halves"] == rows["whole"]
    assert_bitwise_equal(weights(folder / "whole"), weights(folder / "halves"))


def test_six_steps_equal_three_and_a_restart_and_three_with_two_processes(in_two_processes):
    folder, shares = in_two_processes
    assert all(rows["halves"] == rows["whole"] for rows in shares)
    assert_bitwise_equal(weights(folder / "whole"), weights(folder / "halves"))


def test_two_processes_see_the_global_batches_of_one(alone, in_two_processes):
    batches = alone[1]["whole"]
    shares = [rows["whole"] for rows in in_two_processes[1]]
    assert [sorted(a + b) for a, b in zip(*shares, strict=True)] == [sorted(batch) for batch in batches]


def test_two_processes_have_the_gradient_of_one_where_labels_are_unknown(tmp_path, in_two_processes):
    script().save_gradient(tmp_path)
    one, two = (load_file(folder / "gradient.safetensors") for folder in (tmp_path, in_two_processes[0]))
    assert one.keys() == two.keys()
    assert max(value.abs().max().item() for value in one.values()) > 1e-3
    for name, value in one.items():
        torch.testing.assert_close(two[name], value, rtol=1e-4, atol=1e-6)


def test_learning_rate_warms_up_and_ends_near_zero():
    options = FitOptions(steps=100, learning_rate=1.0, warmup_share=0.1)
    rates = [learning_rate(step, options) for step in range(100)]
    assert rates[:10] == pytest.approx([0.1 * (step + 1) for step in range(10)])
    assert rates[10] == 1.0
    assert all(later < earlier for earlier, later in itertools.pairwise(rates[10:]))
    assert rates[-1] < 0.001


class Line(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.tensor([3.0]))

    def forward(self):
        return self.weight.square().sum()


class LineTask:
    """Moves a number to zero; validation answers what the test plans."""

    def __init__(self, planned, poison_step=None) -> None:
        self.planned, self.poison_step, self.calls = list(planned), poison_step, 0

    def losses(self, model, batch, parts):
        self.calls += 1
        loss = model() * (float("nan") if self.calls == self.poison_step else 1.0)
        yield {"loss": loss, "loss_half": loss / 2}

    def validate(self, model):
        return {"selection": self.planned.pop(0)}


def fit_line(folder, task, clip_ids=None, *, num_batches=1000, accelerator=None, **options):
    batch = {
        "inputs": {},
        "present": {},
        "lengths": {},
        "labels": {},
        "row": torch.tensor([7, 8]),
    }
    return fit(
        Line(),
        task,
        lambda step: itertools.repeat(batch, num_batches),
        FitOptions(validate_every=1, **options),
        accelerator=accelerator or Accelerator(cpu=True),
        checkpoints=Checkpoints(folder),
        clip_ids=clip_ids,
    )


def test_training_stops_when_validation_no_longer_improves_and_keeps_the_best(tmp_path):
    state = fit_line(tmp_path, LineTask([0.5, 0.7, 0.6, 0.6, 0.9]), steps=50, patience=2)
    assert (state.step, state.best_step, state.best_value) == (4, 2, 0.7)
    model = Line()
    load_weights(model, tmp_path / "best.safetensors")
    assert model.weight.item() != Line().weight.item()


def test_numbers_of_every_tenth_step_and_of_every_validation_go_to_the_tracker(tmp_path):
    accelerator, told = Accelerator(cpu=True), {}
    accelerator.log = lambda values, step: told.setdefault(step, {}).update(values)
    fit_line(tmp_path, LineTask([0.5, 0.7] * 6), accelerator=accelerator, steps=12, learning_rate=0.1)
    assert [step for step, values in told.items() if "train/loss" in values] == [0, 10]
    first = told[0]
    assert set(first) == {f"train/{name}" for name in ("loss", "loss_half", "gradient_norm", "learning_rate")}
    assert first["train/loss_half"] == pytest.approx(first["train/loss"] / 2) == pytest.approx(4.5)
    assert first["train/gradient_norm"] == pytest.approx(6.0)
    assert first["train/learning_rate"] == pytest.approx(learning_rate(0, FitOptions(steps=12, learning_rate=0.1)))
    assert told[1] == {"validation/selection": 0.5}


def test_a_finished_training_is_not_trained_again(tmp_path):
    fit_line(tmp_path, LineTask([0.1, 0.2]), steps=2)
    task = LineTask([])
    assert fit_line(tmp_path, task, steps=2).finished
    assert task.calls == 0


def test_a_loss_that_is_not_finite_stops_names_the_clips_and_keeps_the_checkpoint(tmp_path):
    with pytest.raises(ValueError, match=r"loss of step 2 is nan, in rows \[7, 8\]"):
        fit_line(tmp_path, LineTask([0.1, 0.2], poison_step=3), steps=5)
    assert Checkpoints(tmp_path).latest().name == "step-00000002"


def test_a_loss_that_is_not_finite_names_the_clips_where_they_are_known(tmp_path):
    clip_ids = [f"corpus/{number}.mp4" for number in range(9)]
    with pytest.raises(ValueError, match=r"step 0 is nan, in the clips corpus/7.mp4, corpus/8.mp4; lower"):
        fit_line(tmp_path, LineTask([], poison_step=1), clip_ids, steps=5)


def test_a_gradient_that_is_not_finite_stops_before_the_weights_are_spoilt(tmp_path):
    class SharpTask(LineTask):
        def losses(self, model, batch, parts):
            for one in super().losses(model, batch, parts):
                loss = one["loss"]
                # finite, but with the slope of a square root at zero
                yield {"loss": loss + (loss - loss.detach()).sqrt() if self.calls == 3 else loss}

    with pytest.raises(ValueError, match=r"the gradient of step 2 is .*, in rows \[7, 8\]"):
        fit_line(tmp_path, SharpTask([0.1, 0.2]), steps=5)
    state = Checkpoints(tmp_path)
    assert torch.isfinite(load_file(state.latest() / "model.safetensors")["weight"]).all()
    assert state.latest().name == "step-00000002"


def fit_scaled(folder, num_batches):
    """As under float16, where a scaler doubles its factor every other step; until the batches run out."""
    accelerator = Accelerator(cpu=True)
    accelerator.scaler = torch.amp.GradScaler("cpu", init_scale=4.0, growth_interval=2)
    with contextlib.suppress(StopIteration):
        fit_line(folder, LineTask([0.1] * 6), num_batches=num_batches, accelerator=accelerator, steps=6)
    return accelerator.scaler.state_dict()


def test_six_steps_equal_three_and_a_restart_and_three_with_a_scaler_of_gradients(tmp_path):
    scaler = fit_scaled(tmp_path / "whole", 6)
    assert scaler["scale"] == 32.0
    assert fit_scaled(tmp_path / "halves", 3)["_growth_tracker"] == 1
    assert fit_scaled(tmp_path / "halves", 3) == scaler
    assert_bitwise_equal(weights(tmp_path / "whole"), weights(tmp_path / "halves"))


def says(folder, **values):
    """A checkpoint whose state says something else, by whoever made its checksums fit."""
    state = json.loads((folder / "state.json").read_text()) | values
    (folder / "state.json").write_text(json.dumps(state))
    (folder / "sums.json").unlink()


def gathers(folder, change):
    """A checkpoint whose optimizer gathered something else, by whoever made its checksums fit."""
    state = torch.load(folder / "optimizer.pt", weights_only=True)
    for gathered in state["state"].values():
        change(gathered)
    torch.save(state, folder / "optimizer.pt")
    (folder / "sums.json").unlink()


def has_groups(folder, change):
    state = torch.load(folder / "optimizer.pt", weights_only=True)
    change(state["param_groups"])
    torch.save(state, folder / "optimizer.pt")
    (folder / "sums.json").unlink()


def flip_last_bit(path):
    whole = bytearray(path.read_bytes())
    whole[-1] ^= 1
    path.write_bytes(whole)


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "model.safetensors").write_bytes(b""),
        lambda folder: (folder / "optimizer.pt").write_bytes((folder / "optimizer.pt").read_bytes()[:200]),
        lambda folder: (folder / "state.json").write_bytes(b""),
        lambda folder: (folder / "state.json").write_text('{"odd": 1}'),
        lambda folder: says(folder, finished=True, history=[]),
        lambda folder: says(folder, history=[{}]),
        lambda folder: says(folder, history=[{"step": 1, "selection": "0.5"}]),
        lambda folder: says(folder, history=[{"step": 1, "selection": 10**400}]),
        lambda folder: says(folder, history=[{"step": 9, "selection": 0.5}]),
        lambda folder: says(folder, best_value=float("inf")),
        lambda folder: gathers(folder, lambda one: one.update(exp_avg=torch.zeros(3))),
        lambda folder: gathers(folder, lambda one: one.update(exp_avg=one["exp_avg"] * float("nan"))),
        lambda folder: gathers(folder, lambda one: one.update(step="a")),
        lambda folder: gathers(folder, lambda one: one.pop("exp_avg_sq")),
        lambda folder: has_groups(folder, lambda groups: groups.append(groups[0])),
        lambda folder: torch.save([1, 2], folder / "optimizer.pt"),
        lambda folder: (folder / "optimizer.pt").unlink(),
        lambda folder: flip_last_bit(folder / "model.safetensors"),
        lambda folder: [path.unlink() for path in folder.iterdir()],
    ],
    ids=[
        *("no byte", "cut off", "no JSON", "other JSON", "never validated", "no step", "text", "a huge number"),
        *("later than its step", "infinite", "other sizes", "not finite", "no count", "lacks one"),
        *("other groups", "a list", "missing", "a bit", "empty folder"),
    ],
)
def test_a_damaged_checkpoint_falls_back_to_the_one_before_it_and_ends_the_same(damage, tmp_path, capfd):
    values = [0.1, 0.4, 0.3, 0.2, 0.5, 0.6]
    fit_line(tmp_path / "whole", LineTask(values), steps=6)
    with contextlib.suppress(StopIteration):
        fit_line(tmp_path / "damaged", LineTask(values), num_batches=4, steps=6)
    latest = Checkpoints(tmp_path / "damaged").latest()
    assert latest.name == "step-00000004"
    damage(latest)
    is_empty = not any(latest.iterdir())
    Checkpoints(tmp_path / "damaged").sweep()
    task = LineTask(values[3:])
    fit_line(tmp_path / "damaged", task, steps=6)
    assert task.calls == 3
    assert ("step-00000004 is damaged" in capfd.readouterr().err) == (not is_empty)
    for name in ("checkpoints/step-00000006/model.safetensors", "best.safetensors"):
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "damaged" / name).read_bytes()
    kept = sorted(path.name for path in (tmp_path / "damaged" / "checkpoints").iterdir())
    assert kept == ["step-00000005", "step-00000006"]


def test_rates_and_options_of_a_training_are_its_own_whatever_a_checkpoint_says(tmp_path):
    values = [0.1, 0.4, 0.3, 0.2, 0.5, 0.6]
    fit_line(tmp_path / "whole", LineTask(values), steps=6)
    with contextlib.suppress(StopIteration):
        fit_line(tmp_path / "other", LineTask(values), num_batches=4, steps=6)
    strange = {"betas": None, "lr": "x", "maximize": True, "weight_decay": 1e30, "fused": False}
    has_groups(
        Checkpoints(tmp_path / "other").latest(), lambda groups: [group.update(strange) for group in groups]
    )
    fit_line(tmp_path / "other", LineTask(values[4:]), steps=6)
    assert_bitwise_equal(weights(tmp_path / "whole"), weights(tmp_path / "other"))


def test_a_link_among_the_checkpoints_is_removed_as_one(tmp_path):
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "a").write_text("mine")
    values = [0.1, 0.4, 0.3, 0.2]
    with contextlib.suppress(StopIteration):
        fit_line(tmp_path, LineTask(values), num_batches=3, steps=4)
    (tmp_path / "checkpoints" / "step-00000009").symlink_to("../kept")
    fit_line(tmp_path, LineTask(values[2:]), steps=4)
    assert (tmp_path / "kept" / "a").read_text() == "mine"
    assert Checkpoints(tmp_path).latest().name == "step-00000004"


@pytest.mark.parametrize("number", [errno.EIO, errno.EACCES])
def test_a_checkpoint_on_a_broken_disk_is_passed_over_but_not_one_that_may_not_be_read_now(
    number, tmp_path, capfd, monkeypatch
):
    model = Line()
    optimizer = torch.optim.AdamW(model.parameters())
    kept = Checkpoints(tmp_path)
    for step in (3, 4):
        kept.save(model, optimizer, FitState(step=step), None)
    sum_of = checkpoints._sum

    def on_that_disk(path):
        if path.parent.name == "step-00000004":
            raise OSError(number, os.strerror(number), str(path))
        return sum_of(path)

    monkeypatch.setattr(checkpoints, "_sum", on_that_disk)
    if number == errno.EACCES:
        with pytest.raises(PermissionError):
            kept.load(model, optimizer, None)
    else:
        assert kept.load(model, optimizer, None).step == 3
        assert "step-00000004 is damaged" in capfd.readouterr().err


def test_a_run_without_a_whole_checkpoint_is_not_begun_anew_in_silence(tmp_path):
    fit_line(tmp_path, LineTask([0.1, 0.2]), steps=2)
    for folder in Checkpoints(tmp_path).folder.iterdir():
        (folder / "state.json").write_bytes(b"")
    with pytest.raises(ValueError, match=r"is damaged \(not JSON.*so are all before it; remove .*checkpoints to"):
        fit_line(tmp_path, LineTask([0.1, 0.2]), steps=2)


def test_a_checkpoint_of_a_later_step_than_the_last_is_one_line(tmp_path):
    with contextlib.suppress(StopIteration):
        fit_line(tmp_path, LineTask([0.1, 0.4]), num_batches=2, steps=6)
    for folder in Checkpoints(tmp_path).folder.iterdir():
        says(folder, step=2**52)
    with pytest.raises(ValueError, match=r"checkpoints goes on from step 4,503,\S* of 6; remove it to train anew"):
        fit_line(tmp_path, LineTask([0.1]), steps=6)


def test_weights_of_another_architecture_are_refused_by_name(tmp_path):
    Checkpoints(tmp_path).save_best(torch.nn.Linear(2, 2))
    with pytest.raises(ValueError, match="weights do not fit"):
        load_weights(Line(), tmp_path / "best.safetensors")
