"""One queue of files that strangers may have made: judged one by one, deleted at once, verdicts kept a while."""

import queue
import secrets
import shutil
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from multimodal.artefacts import one_line, shown
from multimodal.corpora.folder.labelled import SUFFIXES
from multimodal.face import Watch
from multimodal.files import write_json, write_text
from multimodal.media.errors import why_given_up
from multimodal.report.pages import prediction_page
from multimodal.report.player import Players, Stamp, stamp_of
from multimodal.report.verdict import FileVerdict, WindowScores

State = Literal["arriving", "waiting", "judging", "done"]
#: A larger file is not put into its page, which has no player then.
_LARGEST_PLAYED = 32 * 2**20
_SWEEP_SECONDS, _ENDING_SECONDS = 5.0, 1.0


class BusyError(Exception):
    """So many files are here already that no other is taken."""


@dataclass
class Job:
    """A file on its way to a verdict. ``key`` is a secret: whoever knows it may read the verdict."""

    key: str
    name: str
    folder: Path
    state: State = "arriving"
    judged_seconds: float = 0.0
    word: str | None = None
    reason: str | None = None
    ended: float = field(default=0.0, repr=False)

    @property
    def file(self) -> Path:
        """Where the file lies until it is judged; its name is ours but for the suffix."""
        return self.folder / f"file{Path(self.name).suffix.lower()}"

    @property
    def page(self) -> Path:
        """The page of the verdict."""
        return self.folder / "verdict.html"

    @property
    def numbers(self) -> Path:
        """The verdict as JSON."""
        return self.folder / "verdict.json"


class Desk:
    """Takes files, has them judged one after another, deletes them, and keeps their verdicts for a while.

    Args:
        judge: says of a file what there is to say, and tells somebody who watches of its windows.
        cannot_judge: the verdict on a file that ``judge`` failed at, from the file and the reason.
        folder: its own, where files and verdicts lie; removed by :meth:`close`.
        most_waiting: files that may arrive, wait and be judged at a time.
        keep_seconds: how long a verdict is kept.
    """

    def __init__(
        self,
        judge: Callable[[Path, Watch], FileVerdict],
        cannot_judge: Callable[[Path, str], FileVerdict],
        folder: Path,
        *,
        most_waiting: int = 8,
        keep_seconds: float = 1800.0,
    ) -> None:
        self._judge, self._cannot_judge = judge, cannot_judge
        self._folder, self._most_waiting, self._keep_seconds = folder, most_waiting, keep_seconds
        self._jobs: dict[str, Job] = {}
        self._queue: queue.Queue[Job | None] = queue.Queue()
        self._lock, self._closing = threading.Lock(), threading.Event()
        self._thread = threading.Thread(target=self._work, name="judge", daemon=True)
        self._thread.start()

    def admit(self, name: str) -> Job:
        """A place for a file that arrives.

        Raises:
            ValueError: a name of no media file.
            BusyError: there is no place.
            OSError: its folder cannot be made; the place stays free.
        """
        name = shown(name.replace("\\", "/").rpartition("/")[2])[-200:]
        if Path(name).suffix.lower() not in SUFFIXES:
            raise ValueError(f"no media file by its name: {name!r}; want one of {', '.join(sorted(SUFFIXES))}")
        with self._lock:
            if sum(job.state != "done" for job in self._jobs.values()) >= self._most_waiting:
                raise BusyError(f"{self._most_waiting} files wait already; try again when some are judged")
            key = secrets.token_urlsafe(24)
            job = Job(key, name, self._folder / key)
            job.folder.mkdir(mode=0o700)
            self._jobs[key] = job
        return job

    def submit(self, job: Job) -> None:
        """Put a file that has arrived into the queue."""
        job.state = "waiting"
        self._queue.put(job)

    def drop(self, job: Job) -> None:
        """Forget a file, and delete what there is of it."""
        with self._lock:
            self._jobs.pop(job.key, None)
        shutil.rmtree(job.folder, ignore_errors=True)

    def find(self, key: str) -> Job | None:
        """The job of a key; None where there is none, or none any more."""
        return self._jobs.get(key)

    def status(self, job: Job) -> dict[str, Any]:
        """What a page shows of a job: ``name``, ``state``, ``ahead``, ``judged_seconds``, ``word``, ``reason``."""
        with self._lock:
            keys = list(self._jobs)
            ahead = sum(self._jobs[key].state in ("waiting", "judging") for key in keys[: keys.index(job.key)])
        told = {name: getattr(job, name) for name in ("name", "state", "judged_seconds", "word", "reason")}
        return {**told, "ahead": ahead if job.state == "waiting" else 0}

    def close(self) -> None:
        """Take no more, and delete everything; a file that is being judged ends with this process."""
        self._closing.set()
        self._queue.put(None)  # wakes who waits for a file
        self._thread.join(timeout=_ENDING_SECONDS)
        shutil.rmtree(self._folder, ignore_errors=True)

    # What runs in the thread.

    def _work(self) -> None:
        while not self._closing.is_set():
            self._forget_old()
            try:
                job = self._queue.get(timeout=min(_SWEEP_SECONDS, self._keep_seconds))
            except queue.Empty:
                continue
            if job is not None and job.key in self._jobs and not self._closing.is_set():
                self._serve(job)

    def _forget_old(self) -> None:
        oldest = time.monotonic() - self._keep_seconds
        for job in [job for job in self._jobs.values() if job.state == "done" and job.ended < oldest]:
            self.drop(job)

    def _serve(self, job: Job) -> None:
        """Judge a file, keep its verdict and delete it, whatever happens."""

        def watch(name: str, windows: Sequence[WindowScores]) -> None:
            job.judged_seconds = max([job.judged_seconds, *(window.end_seconds for window in windows)])

        job.state = "judging"
        stamp = stamp_of(job.file)
        try:
            try:
                verdict = self._judge(job.file, watch)
            except Exception as error:  # whatever one odd file does to a library, the next one is judged
                verdict = self._cannot_judge(job.file, why_given_up(error))
            self._keep(job, verdict, stamp)
        except Exception as error:  # a full disk, say: it ends this file, and not the queue
            job.word, job.reason = "cannot say", f"no verdict could be kept: {one_line(error)}"
        finally:
            with suppress(OSError):  # its folder goes with the verdict
                job.file.unlink(missing_ok=True)
            job.ended, job.state = time.monotonic(), "done"

    def _keep(self, job: Job, verdict: FileVerdict, stamp: Stamp | None) -> None:
        player = Players(job.folder, "embed", most_of_a_file=_LARGEST_PLAYED).of(job.file, verdict, stamp)
        if player is not None and player.note:  # it would be referenced, and is deleted in a moment
            player = None
        named = replace(verdict, file=job.name, player=player)
        write_json(job.numbers, named.as_json())
        write_text(job.page, prediction_page([named], title="Verdict"))
        whole = named.main.modalities["any"]
        job.word, job.reason = whole.verdict, whole.reason
