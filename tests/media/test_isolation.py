"""Workers that crash, hang, eat memory or lose their parent, and what becomes of their jobs."""

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path

import av
import numpy as np
import pytest

from multimodal.data.cutting import WindowShape, judged_spans
from multimodal.media.errors import MediaError, why_given_up
from multimodal.media.isolation import IsolatedWorkers, Limits
from multimodal.media.prepared import PrepareOptions
from multimodal.media.streamed import Asked, FaceFound, IsolatedPreparer

OPTIONS = PrepareOptions(frame_rate=10, crop_size=32)


class Full(Exception):
    """An error of the run, such as a full disk."""


def hurt(job: str) -> str:
    """What a file may do to the process that opens it, by its name."""
    if "crash once" in job and not Path(job).exists():
        Path(job).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    if "crash always" in job:
        os._exit(3)
    if "hang" in job:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        sum(range(10**12))  # in C, where no handler of Python's is called
    if "eat" in job:
        bytearray(2**40)
    if "thread" in job:
        raise BlockingIOError("no room for a stack")
    if "odd" in job:
        raise RuntimeError("a library\ngave up")
    if "large" in job:
        return "a" * 10**7
    if "torch" in job:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory")
    if "damaged" in job:
        raise MediaError("open", "it is damaged")
    if "full" in job:
        raise Full("no room")
    if "pieces" in job:
        return pieces(job)
    return job.upper()


def pieces(job: str) -> Iterator[str]:
    """Letters of a name, a third of a second each where it says that it is slow."""
    for letter in job[:6]:
        time.sleep(0.3 if "slow" in job else 0)
        yield letter
    if "then crash" in job:
        os._exit(3)


@pytest.fixture
def forked(monkeypatch):
    """Workers that know the functions of this file."""
    context = multiprocessing.get_context("fork")
    monkeypatch.setattr("multimodal.media.isolation.fork_server_context", lambda _: context)


def isolated(enter: Callable | None = None, *, workers: int = 2, **options) -> IsolatedWorkers:
    enter, limits = enter or partial(nullcontext, hurt), Limits(1.0, 2**30)
    return IsolatedWorkers(enter, workers=workers, limits=limits, preload=(), **options)


pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")


@pytest.mark.usefixtures("forked")
def test_every_job_ends_as_a_result_or_as_a_failure_that_says_why(tmp_path):
    failing = {
        "crash always": "crash: the worker died (exit code 3) 2 times",
        "damaged": "open: it is damaged",
        "eat": "memory limit: more memory than one clip may take",
        "hang": "time limit: not done after 1 seconds",
        "odd": "decode: RuntimeError: a library gave up",
        "thread": "memory limit: more memory than one clip may take",
        "torch": "memory limit: more memory than one clip may take",
    }
    fine = ["a", "b", str(tmp_path / "crash once"), "large"]
    with isolated() as workers:
        outcomes = list(workers.run(["a", *failing, *fine[1:]]))
    assert sorted(one.job for one in outcomes) == sorted([*failing, *fine])
    assert {one.job: str(one.failure) for one in outcomes if one.failure} == failing
    assert {one.job: len(one.result) for one in outcomes if one.result} == {
        **{job: len(job) for job in fine},
        "large": 10**7,
    }
    assert [one.seconds >= 1.0 for one in outcomes if one.job == "hang"] == [True]
    assert multiprocessing.active_children() == []


@pytest.mark.usefixtures("forked")
def test_a_job_whose_pieces_come_on_ends_at_its_time_in_all():
    limits = Limits(5.0, 2**30, whole_seconds=0.7)
    workers = IsolatedWorkers(partial(nullcontext, hurt), workers=1, limits=limits, preload=())
    with workers:
        outcomes = list(workers.run(["slow pieces"]))
    assert [one.result for one in outcomes][:2] == ["s", "l"]
    assert str(outcomes[-1].failure) == "time limit: not done after 0.7 seconds in all"


@pytest.mark.usefixtures("forked")
def test_an_error_that_no_file_is_to_blame_for_ends_the_run():
    with isolated(errors_of_run=(Full,)) as workers, pytest.raises(Full, match="no room"):
        list(workers.run(["a", "full", "hang"]))
    assert multiprocessing.active_children() == []


@pytest.mark.usefixtures("forked")
def test_what_a_worker_entered_is_left_when_the_jobs_are_done_but_not_when_they_are_given_up(tmp_path):
    @contextmanager
    def enter():
        yield hurt
        (tmp_path / str(os.getpid())).touch()

    with isolated(enter, workers=1) as workers:
        assert len(list(workers.run("ab"))) == 2
        assert len(list(workers.run("cd"))) == 2  # by the same process
    assert len(list(tmp_path.iterdir())) == 1
    with isolated(enter) as workers:
        outcomes = workers.run(["a", "hang"])
        next(outcomes)
        outcomes.close()
    assert len(list(tmp_path.iterdir())) == 1
    assert multiprocessing.active_children() == []


@pytest.mark.usefixtures("forked")
def test_a_worker_that_cannot_start_is_an_error_of_the_run_that_says_why():
    def refuse():
        raise ValueError("no such detector")

    with isolated(refuse) as workers, pytest.raises(ValueError, match="no such detector"):
        list(workers.run("a"))
    with isolated(partial(os._exit, 3)) as workers, pytest.raises(ValueError, match=r"could not start.*code 3"):
        list(workers.run("a"))


@pytest.mark.usefixtures("forked")
def test_a_worker_that_is_killed_while_it_waits_is_replaced_and_no_job_is_blamed():
    with isolated(workers=1) as workers:
        list(workers.run("a"))
        for kill in range(3):
            (idle,) = multiprocessing.active_children()
            os.kill(idle.pid, signal.SIGKILL)
            assert [one.result for one in workers.run("b")] == ["B"], kill


@pytest.mark.usefixtures("forked")
def test_workers_that_were_let_go_are_gone_and_the_next_jobs_start_others():
    with isolated(workers=1) as workers:
        for _ in range(2):
            assert [one.result for one in workers.run("a")] == ["A"]
            assert len(multiprocessing.active_children()) == 1
            workers.end()
            assert not multiprocessing.active_children()


def test_no_workers_at_all_are_refused():
    with pytest.raises(ValueError, match="workers must be 1 or more; got 0"):
        isolated(workers=0)


PARENT = """
import os, sys, time
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from multimodal.media.isolation import IsolatedWorkers, Limits

def compute(folder):
    Path(folder, str(os.getpid())).touch()
    {computes}

if __name__ == "__main__":
    workers = IsolatedWorkers(partial(nullcontext, compute), workers=2, limits=Limits(1000.0), preload=())
    list(workers.run([sys.argv[1]] * 2))
"""


@contextmanager
def killed_at_last(command: list[object], **options: object) -> Iterator[subprocess.Popen[bytes]]:
    """A process whose workers compute for ever: it does not outlive a test that fails."""
    with subprocess.Popen(command, **options) as parent:
        try:
            yield parent
        finally:
            parent.kill()


@pytest.mark.parametrize(
    "computes", ["sum(range(10**12))", "time.sleep(100)"], ids=["holding the lock of Python", "asleep"]
)
def test_workers_at_work_end_when_their_parent_is_killed(computes, tmp_path):
    (tmp_path / "parent.py").write_text(PARENT.format(computes=computes))
    (tmp_path / "workers").mkdir()
    with killed_at_last([sys.executable, tmp_path / "parent.py", tmp_path / "workers"]) as parent:
        assert _becomes_true(lambda: len(list((tmp_path / "workers").iterdir())) == 2, seconds=100)
        workers = [int(path.name) for path in (tmp_path / "workers").iterdir()]
        assert all(_is_running(worker) for worker in workers)
        parent.kill()
        parent.wait()
        assert _becomes_true(lambda: not any(_is_running(worker) for worker in workers), seconds=2)


SLOW = """
import os, time
from pathlib import Path
Path(__file__).with_name(str(os.getpid())).touch()
time.sleep(100)
"""


def test_a_fork_server_that_still_imports_ends_when_its_parent_is_killed(tmp_path):
    (tmp_path / "parent.py").write_text(PARENT.format(computes="pass").replace("preload=()", 'preload=("slow",)'))
    (tmp_path / "slow.py").write_text(SLOW)
    environment = os.environ | {"PYTHONPATH": f"{os.environ.get('PYTHONPATH', '')}:{tmp_path}"}
    with killed_at_last([sys.executable, tmp_path / "parent.py", tmp_path], env=environment) as parent:
        assert _becomes_true(lambda: any(path.name.isdigit() for path in tmp_path.iterdir()), seconds=100)
        (server,) = (int(path.name) for path in tmp_path.iterdir() if path.name.isdigit())
        assert _is_running(server)
        parent.kill()
        parent.wait()
        assert _becomes_true(lambda: not _is_running(server), seconds=2)


def _becomes_true(holds: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.01)
    return holds()


def _is_running(process: int) -> bool:
    try:
        stat = Path(f"/proc/{process}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):  # the second: it ended while its file was open
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"  # one that ended, and nobody asked how


@pytest.mark.usefixtures("forked")
def test_pieces_come_one_by_one_and_each_has_its_own_time():
    with isolated(workers=1) as crew:
        *letters, last = crew.run(["pieces, slow"])
    assert [(outcome.result, outcome.is_last) for outcome in letters] == [(letter, False) for letter in "pieces"]
    assert (last.result, last.failure, last.is_last) == (None, None, True)


@pytest.mark.usefixtures("forked")
def test_a_job_that_dies_after_its_first_piece_is_not_done_again():
    with isolated(workers=1) as crew:
        *letters, last = crew.run(["pieces then crash"])
    assert [outcome.result for outcome in letters] == list("pieces")
    assert str(last.failure) == "crash: the worker died (exit code 3) 1 time"


# Strangers' files.


SHAPE = WindowShape(num_frames=4, frame_size=32, frame_rate=10.0, sample_rate=16_000)


def faces(preparer: IsolatedPreparer, path: Path) -> list[FaceFound]:
    """The faces of a file; all windows are taken too."""
    found, *_ = preparer.pieces(Asked(path, "video", partial(judged_spans, shape=SHAPE), 3))
    return found


@pytest.fixture
def clip(media, tmp_path):
    return media.write(tmp_path / "clip.mp4", pictures=media.talking(12))


def test_a_file_that_cannot_be_read_says_the_same_as_here(tmp_path):
    (tmp_path / "text.mp4").write_text("not a video")
    with pytest.raises(MediaError, match=r"^open: "):
        faces(IsolatedPreparer(OPTIONS), tmp_path / "text.mp4")


def test_a_file_whose_process_is_killed_is_tried_again(clip):
    before = set(multiprocessing.active_children())
    preparer = IsolatedPreparer(OPTIONS)
    assert faces(preparer, clip)[0].num_frames > 0
    (process,) = set(multiprocessing.active_children()) - before
    os.kill(process.pid, signal.SIGSTOP)  # so that it is at work when it dies
    killer = threading.Timer(0.2, os.kill, (process.pid, signal.SIGKILL))
    killer.start()
    assert faces(preparer, clip)[0].num_frames > 0
    assert not process.is_alive()


def test_a_file_over_its_memory_is_given_up(media, tmp_path):
    large = media.write(tmp_path / "large.mp4", pictures=[np.zeros((720, 1280, 3), np.uint8)] * 30)
    with pytest.raises(MediaError, match=r"memory limit|crash|decode"):  # FFmpeg may take it for damage
        faces(IsolatedPreparer(OPTIONS, Limits(600.0, 20 * 2**20)), large)


def test_a_file_over_its_time_is_given_up(media, tmp_path):
    long = media.write(tmp_path / "long.mp4", pictures=media.talking(100))
    with pytest.raises(MediaError, match=r"time limit: not done after 0.05 seconds"):
        faces(IsolatedPreparer(OPTIONS, Limits(0.05, 4 * 2**30)), long)


def test_an_error_of_ffmpeg_is_told_without_its_class_and_with_what_to_do():
    error = av.error.ArgumentError(22, "Invalid argument", "clip.mp4")
    assert why_given_up(error) == (
        "FFmpeg cannot go on with what is in the file (Invalid argument); encode it anew, or leave it out"
    )
