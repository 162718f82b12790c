import math
import socket

import pytest

from experiments import engines


@pytest.mark.parametrize("workers", [1, 2])
def test_processes_of_this_machine_give_each_result_and_each_error(workers):
    outcomes = dict(engines.get("local")(math.sqrt, [4, -1, 9], workers=workers))
    assert (outcomes[0], outcomes[2]) == (2, 3)
    assert isinstance(outcomes[1], ValueError)


def test_a_job_array_gives_each_result_and_each_error(tmp_path, monkeypatch):
    pytest.importorskip("submitit", reason="the extra slurm is not installed")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SUBMITIT_CLUSTER", "local")
    outcomes = dict(engines.get("slurm")(math.sqrt, [4, -1, 9], workers=2))
    assert (outcomes[0], outcomes[2]) == (2, 3)
    assert isinstance(outcomes[1], Exception)


def test_a_machine_without_sbatch_says_so(monkeypatch):
    pytest.importorskip("submitit", reason="the extra slurm is not installed")
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(ValueError, match="no sbatch on this machine"):
        engines.get("slurm")


def test_a_cluster_that_cannot_be_reached_is_said_before_any_work(monkeypatch):
    pytest.importorskip("ray", reason="the extra ray is not installed")
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    with pytest.raises(ValueError, match=r"no Ray cluster at 127.0.0.1:1 .*take --engine local"):
        engines.get("ray")


def test_a_listener_that_is_no_cluster_is_not_waited_for(monkeypatch):
    ray = pytest.importorskip("experiments.engines.ray", reason="the extra ray is not installed")
    monkeypatch.setattr(ray, "_ANSWER_SECONDS", 1.0)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        monkeypatch.setenv("RAY_ADDRESS", f"127.0.0.1:{listener.getsockname()[1]}")
        with pytest.raises(ValueError, match=r"no Ray cluster answers at 127.0.0.1:\d+ in 1 s"):
            engines.get("ray")
