"""Where a verb computes, whatever the same process did before."""

import contextlib
import os
import socket

import pytest
import torch
from accelerate import Accelerator

from experiments.__main__ import VERBS, main
from experiments.runs.device import accelerator_on, check_device, processes


def test_a_gpu_that_is_not_there_is_refused():
    if torch.cuda.is_available():
        assert check_device("cuda") == "cuda"
    else:
        with pytest.raises(ValueError, match="torch sees no GPU here"):
            check_device("cuda")


def test_a_device_of_another_name_is_refused():
    with pytest.raises(ValueError, match="unknown device 'tpu'; choose from auto, cpu, cuda"):
        check_device("tpu")


#: Commands by whether networks compute in them. A detector of anybody's is told by its own options where it does,
#: and export holds its graph against the detector on the CPU on purpose.
COMPUTES = {
    True: [
        *("ablate fusion small", "audit", "evaluate", "evaluate --matrix", "predict", "prepare", "quickstart"),
        *("pretrain video small", "serve", "train small"),
        *("trial faces", "trial published mrdf5", "trial speech"),
    ],
    False: [
        *("audit --manifest m", "check", "completion", "evaluate --detector a:b", "evaluate --scores s"),
        *("export", "generate fakeavceleb", "inspect", "leaderboard", "scan fakeavceleb", "split"),
        *("statistics", "thresholds"),
    ],
}


@pytest.mark.parametrize(("computes", "command"), [(known, one) for known in COMPUTES for one in COMPUTES[known]])
def test_every_verb_whose_networks_compute_can_be_told_where(computes, command, capsys):
    with contextlib.suppress(SystemExit):
        main([*command.split(), "--help"])
    printed = capsys.readouterr()
    assert "--help" in printed.out + printed.err
    assert ("--device" in printed.out + printed.err) == computes


def test_no_verb_is_forgotten_here():
    assert {command.split()[0] for commands in COMPUTES.values() for command in commands} == set(VERBS)


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without a GPU")
@pytest.mark.parametrize("verb", ["quickstart", "trial speech c", "trial faces c", "trial published mrdf5"])
def test_a_verb_of_many_steps_refuses_a_gpu_that_is_not_there_before_the_first(verb, tmp_path, capsys):
    assert main([*verb.split(), "--out", str(tmp_path / "out"), "--device", "cuda"]) == 1
    assert "torch sees no GPU here" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("trial", "said"),
    [("speech c", "no clips.csv"), ("faces c", "no clips.csv"), ("published avh_align", "give --options")],
)
def test_a_trial_told_to_compute_on_the_cpu_tells_accelerate(trial, said, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("ACCELERATE_USE_CPU", "false")
    assert main(["trial", *trial.split(), "--out", str(tmp_path / "out"), "--device", "cpu"]) == 1
    assert said in capsys.readouterr().err
    assert os.environ["ACCELERATE_USE_CPU"] == "true"


def test_a_training_may_compute_more_coarsely_than_what_this_process_did_before():
    assert accelerator_on("cpu", precision="no").mixed_precision == "no"
    with pytest.raises(ValueError, match="already been initialized"):
        Accelerator(cpu=True, mixed_precision="bf16")
    assert accelerator_on("cpu", precision="bf16").mixed_precision == "bf16"
    assert accelerator_on("cpu").mixed_precision == "bf16"


def test_what_fits_is_kept_for_whoever_still_computes_with_it():
    first = accelerator_on("cpu", precision="no")
    assert accelerator_on("cpu").state._shared_state is first.state._shared_state
    assert first.device.type == "cpu"


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_judgement_on_the_cpu_keeps_no_training_off_the_gpu():
    assert accelerator_on("cpu").device.type == "cpu"
    assert accelerator_on().device.type == "cuda"
    assert accelerator_on("cpu").device.type == "cpu"


def test_ranks_that_torchrun_started_on_a_processor_know_of_each_other(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    told = {"LOCAL_RANK": "0", "RANK": "0", "WORLD_SIZE": "1", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    for name, value in {**told, "OMP_NUM_THREADS": "1"}.items():
        monkeypatch.setenv(name, value)
    try:
        assert processes().distributed_type.value == "MULTI_CPU"
        assert accelerator_on().distributed_type.value == "MULTI_CPU"
    finally:
        torch.distributed.destroy_process_group()
