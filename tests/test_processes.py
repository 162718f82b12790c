"""Workers of a pool end with the process that started them, however it ends."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from multimodal.processes import interrupts_wait, worker_pool

PARENT = """
import os, sys, time
from pathlib import Path
from multimodal.processes import worker_pool

def sleep(folder):
    Path(folder, str(os.getpid())).touch()
    time.sleep(100)

if __name__ == "__main__":
    with worker_pool(2, start_method="{method}") as pool:
        for future in [pool.submit(sleep, sys.argv[1]) for _ in range(4)]:
            future.result()
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
@pytest.mark.parametrize("method", ["forkserver", "spawn"])
def test_workers_of_a_pool_end_with_their_parent(number, method, tmp_path):
    (tmp_path / "parent.py").write_text(PARENT.format(method=method))
    (tmp_path / "workers").mkdir()
    with subprocess.Popen(
        [sys.executable, tmp_path / "parent.py", tmp_path / "workers"],
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])},
        stderr=subprocess.DEVNULL,
    ) as parent:
        try:
            assert _becomes_true(lambda: len(list((tmp_path / "workers").iterdir())) == 2, seconds=60)
            workers = [int(path.name) for path in (tmp_path / "workers").iterdir()]
            parent.send_signal(number)
            parent.wait(timeout=30)
        finally:
            parent.kill()  # leaving the block waits for it
    assert _becomes_true(lambda: not any(_is_running(worker) for worker in workers), seconds=5)
    assert len(list((tmp_path / "workers").iterdir())) == 2  # and nobody began what was waiting


SLOW = """
import os, time
from pathlib import Path
Path(__file__).with_name(str(os.getpid())).touch()
time.sleep(90)
"""


def test_a_fork_server_of_a_pool_that_still_imports_ends_with_its_parent(tmp_path):
    (tmp_path / "parent.py").write_text(PARENT.replace('"{method}"', '"forkserver", preload=["slow"]'))
    (tmp_path / "slow.py").write_text(SLOW)
    path = f"{Path(__file__).parents[1]}:{tmp_path}"
    with subprocess.Popen(
        [sys.executable, tmp_path / "parent.py", tmp_path], env=os.environ | {"PYTHONPATH": path}
    ) as parent:
        try:
            assert _becomes_true(lambda: any(one.name.isdigit() for one in tmp_path.iterdir()), seconds=60)
        finally:
            parent.kill()
    (server,) = (int(one.name) for one in tmp_path.iterdir() if one.name.isdigit())
    assert _becomes_true(lambda: not _is_running(server), seconds=5)


IMPORTED = """
import ctypes, runpy
runpy.run_module("experiments", run_name="__mp_main__", alter_sys=True)  # as a worker that is spawned begins
signal = ctypes.c_int()
ctypes.CDLL(None).prctl(2, ctypes.byref(signal))
print(signal.value)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's signal at a parent's death is Linux's")
def test_a_worker_of_a_verb_ends_with_its_parent_while_it_still_imports():
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    done = subprocess.run([sys.executable, "-c", IMPORTED], env=environment, stdout=subprocess.PIPE, check=True)
    assert int(done.stdout) == signal.SIGKILL


LAUNCHER = """
import subprocess, sys
begin = "import time; from multimodal.processes import die_with_launcher; die_with_launcher(); "
line = [sys.executable, "-c", begin + "print('begun', flush=True); time.sleep(90)"]
with subprocess.Popen(line, stdout=subprocess.PIPE) as rank:
    rank.stdout.readline()
    print(rank.pid, flush=True)
    rank.wait()
"""


def test_a_rank_ends_with_its_launcher_though_no_pipe_is_between_them():
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    with subprocess.Popen([sys.executable, "-c", LAUNCHER], env=environment, stdout=subprocess.PIPE) as launcher:
        rank = int(launcher.stdout.readline())
        assert _is_running(rank)
        launcher.kill()
        launcher.wait()
        assert _becomes_true(lambda: not _is_running(rank), seconds=5)


def test_an_interrupt_waits_until_a_process_is_started():
    started = []

    def start():
        with interrupts_wait():
            signal.raise_signal(signal.SIGINT)
            started.append(1)

    with pytest.raises(KeyboardInterrupt):
        start()
    assert started


def test_a_worker_of_a_pool_that_dies_is_one_line():
    told = "a worker died, perhaps for want of memory"
    with pytest.raises(ValueError, match=told), worker_pool(1, start_method="spawn") as pool:
        pool.submit(os._exit, 9).result()


def _becomes_true(holds, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.02)
    return holds()


def _is_running(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "ZX"


UNGUARDED_SCRIPTS = {
    "isolated": """
from contextlib import nullcontext
from functools import partial
from multimodal.media.isolation import IsolatedWorkers, Limits
with IsolatedWorkers(partial(nullcontext, abs), workers=2, limits=Limits(5.0, None), preload=()) as crew:
    print(list(crew.run([1, 2])))
""",
    "pool": """
from multimodal.processes import worker_pool
with worker_pool(2, start_method="spawn") as pool:
    print(list(pool.map(abs, [1, 2])))
""",
}


@pytest.mark.parametrize("kind", UNGUARDED_SCRIPTS)
def test_a_script_without_a_guard_is_told_what_to_write_once(kind, tmp_path):
    (tmp_path / "script.py").write_text(UNGUARDED_SCRIPTS[kind])
    done = subprocess.run([sys.executable, "script.py"], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    *_, last = done.stderr.splitlines()
    assert 'put what it does under: if __name__ == "__main__":' in last
    assert done.stderr.count("put what it does under") == 1
    assert "freeze_support" not in done.stderr


LONG_NAMES = """
from multimodal.media.probe_corpus import ProbeJob, probe_files
from multimodal.processes import worker_pool

if __name__ == "__main__":
    with worker_pool(1, start_method="forkserver") as pool:
        print(pool.submit(abs, -1).result())
    (probed,) = probe_files([ProbeJob("a", "/none.wav", "audio")], workers=1, seconds_per_file=60)
    print(probed.failure.reason)
"""


def test_workers_are_met_where_the_folder_for_temporary_files_has_a_long_name(tmp_path):
    (tmp_path / "parent.py").write_text(LONG_NAMES)
    folder = tmp_path / ("long" * 30)
    folder.mkdir()
    told = subprocess.run(
        [sys.executable, tmp_path / "parent.py"],
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[1]), "TMPDIR": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.stdout.splitlines() == ["1", "no such file"], told.stderr


def test_what_a_killed_process_left_of_its_sockets_is_removed_by_the_next():
    code = (
        "import os, sys; from multimodal.processes import make_room_for_sockets\n"
        "make_room_for_sockets(); print(len(os.listdir(sys.argv[1])), flush=True)\n"
        "if sys.argv[2] == 'killed': os.kill(os.getpid(), 9)"
    )
    with tempfile.TemporaryDirectory(dir="/tmp") as short:
        environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1]), "TMPDIR": short}

        def run(how: str) -> subprocess.CompletedProcess[str]:
            command = [sys.executable, "-c", code, short, how]
            return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

        assert [run("killed").stdout for _ in range(2)] == ["1\n"] * 2
        assert len(os.listdir(short)) == 1
        ended = run("ends")
        assert (ended.stdout, ended.stderr) == ("1\n", "")
        assert os.listdir(short) == []


GONE = """
import sys
from multiprocessing import get_context
from multimodal.processes import fork_server_context

def wait(semaphore): pass

if __name__ == "__main__":
    context = fork_server_context(())
    semaphore = context.Semaphore()
    if sys.argv[1] == "gone":
        from multiprocessing.synchronize import SemLock
        SemLock._cleanup(semaphore._semlock.name)
    process = context.Process(target=wait, args=(semaphore,))
    process.start()
    process.join()
    print(process.exitcode)
"""


@pytest.mark.parametrize(("how", "code"), [("there", "0"), ("gone", "1")])
def test_a_worker_that_finds_its_parent_going_ends_without_a_word(how, code, tmp_path):
    (tmp_path / "parent.py").write_text(GONE)
    told = subprocess.run(
        [sys.executable, tmp_path / "parent.py", how],
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.stdout == f"{code}\n"
    assert "forkserver" not in told.stderr  # where its traceback would begin
