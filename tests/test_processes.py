"""Workers of a pool end with the process that started them, however it ends."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

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
        assert _becomes_true(lambda: len(list((tmp_path / "workers").iterdir())) == 2, seconds=60)
        workers = [int(path.name) for path in (tmp_path / "workers").iterdir()]
        parent.send_signal(number)
        parent.wait(timeout=30)
    assert _becomes_true(lambda: not any(_is_running(worker) for worker in workers), seconds=5)
    assert len(list((tmp_path / "workers").iterdir())) == 2  # and nobody began what was waiting


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
