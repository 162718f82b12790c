"""The process in which files are decoded: it may crash, hang or eat memory, and the run goes on."""

import resource
import signal
import sys
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from multimodal.corpora.manifest import Media
from multimodal.media.errors import MediaError
from multimodal.media.faces import FaceDetector, MtcnnDetector
from multimodal.media.prepare import prepare_file
from multimodal.media.prepared import PrepareOptions
from multimodal.media.store.shard import StoreWriteError
from multimodal.media.store.writer import StoreWriter


class Job(NamedTuple):
    """One clip to prepare."""

    clip_id: str
    path: str
    media: Media


class Limits(NamedTuple):
    """What one clip may take: seconds, and bytes on top of what the empty worker has."""

    seconds: float
    memory_bytes: int


class Done(NamedTuple):
    """What became of a clip, and how long that took: prepared if ``stage`` is None."""

    clip_id: str
    stage: str | None = None
    reason: str | None = None
    seconds: float = 0.0


class Ready(NamedTuple):
    """The worker has loaded what it needs."""


class StoreFull(NamedTuple):
    """The store cannot be written; no clip is to blame."""

    reason: str


def serve(
    connection: Connection, store_folder: Path, options: PrepareOptions, limits: Limits, device: str
) -> None:
    """Prepare the clips that come through ``connection``, one answer each, until None or its end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent is interrupted, and ends us
    # The kernel ends a worker that is over its time, wherever it hangs, even when the parent is dead.
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    torch.set_num_threads(1)
    detector = MtcnnDetector(device)
    detector.find(np.zeros((96, 96, 3), np.uint8), options.smallest_face)  # loads what it needs
    limit_memory(limits.memory_bytes)
    writer = StoreWriter(store_folder)
    try:
        connection.send(Ready())
        while (job := _receive(connection)) is not None:
            signal.setitimer(signal.ITIMER_REAL, limits.seconds)
            start = time.monotonic()
            answer = _prepare(job, options, detector, writer)
            signal.setitimer(signal.ITIMER_REAL, 0)
            if isinstance(answer, Done):
                answer = answer._replace(seconds=time.monotonic() - start)
            connection.send(answer)
    except (BrokenPipeError, ConnectionResetError):
        pass  # the parent is gone; what is finished is in the journal
    finally:
        writer.close()


def _receive(connection: Connection) -> Job | None:
    try:
        return connection.recv()
    except EOFError:
        return None


def _prepare(job: Job, options: PrepareOptions, detector: FaceDetector, writer: StoreWriter) -> Done | StoreFull:
    try:
        done = _attempt(job, options, detector, writer)
        if done.stage is not None and done.reason is not None:
            writer.write_failure(job.clip_id, done.stage, done.reason)
    except StoreWriteError as error:
        return StoreFull(str(error))
    return done


def _attempt(job: Job, options: PrepareOptions, detector: FaceDetector, writer: StoreWriter) -> Done:
    try:
        preparation = prepare_file(job.path, job.clip_id, options, media=job.media, detector=detector)[0]
        if {"video", "audio"} <= preparation.absent.keys():
            raise MediaError("detect", "; ".join(preparation.absent[name] for name in ("video", "audio")))
        writer.write(preparation)
    except MediaError as error:
        return Done(job.clip_id, error.stage, error.reason)
    except (MemoryError, BlockingIOError):  # the second: FFmpeg had no room for the stack of a thread
        return Done(job.clip_id, "memory limit", "more memory than one clip may take")
    except StoreWriteError:
        raise
    except Exception as error:  # of any library that reads files; the run goes on
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        return Done(job.clip_id, "decode", reason[:300])
    return Done(job.clip_id)


def limit_memory(memory_bytes: int) -> None:
    """Let this process take so many bytes more than it has now (Linux)."""
    if sys.platform != "linux":
        return  # elsewhere what a process has taken so far cannot be told in a common way
    status = Path("/proc/self/status").read_text()
    data_kib = int(status.partition("VmData:")[2].split()[0])
    limit = data_kib * 1024 + memory_bytes
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
