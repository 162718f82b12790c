"""Preparing a stranger's file in a process of its own: one that crashes the decoder takes nothing else along."""

import signal
import time
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from pathlib import Path

from multimodal.corpora.manifest import Media
from multimodal.media.errors import MediaError
from multimodal.media.prepare import default_detector, prepare_tracks
from multimodal.media.prepared import PreparedClip, PrepareOptions
from multimodal.media.worker import limit_memory


class ApartPreparer:
    """Does what :func:`~multimodal.media.prepare.prepare_tracks` does, in another process.

    Args:
        seconds: a file that takes longer is given up.
        memory_bytes: a file that takes more, on top of the idle process, is given up (Linux).
    """

    def __init__(self, *, seconds: float = 600.0, memory_bytes: int = 4 * 2**30) -> None:
        self._limits = (seconds, memory_bytes)
        self._pool: ProcessPoolExecutor | None = None

    def tracks(self, path: Path, options: PrepareOptions, media: Media) -> list[PreparedClip]:
        """Every face of a file, the main one first; ``MediaError`` also where the process died of the file."""
        if self._pool is None:
            context = get_context("forkserver")
            context.set_forkserver_preload(["multimodal.media.worker"])
            memory_bytes = self._limits[1]
            self._pool = ProcessPoolExecutor(1, mp_context=context, initializer=_begin, initargs=(memory_bytes,))
        started = time.monotonic()
        try:
            return self._pool.submit(_prepare, path, options, media, self._limits[0]).result()
        except BrokenProcessPool as error:
            self._pool = None
            seconds = self._limits[0]
            if time.monotonic() - started >= seconds:
                raise MediaError("time limit", f"not done after {seconds:g} seconds") from error
            raise MediaError("crash", "the decoder died of this file") from error
        except MemoryError as error:
            raise MediaError("memory limit", "more memory than one file may take") from error


def _begin(memory_bytes: int) -> None:
    signal.signal(signal.SIGALRM, signal.SIG_DFL)  # ends this process, wherever it hangs
    default_detector()  # what is loaded now does not count as the file's
    limit_memory(memory_bytes)


def _prepare(path: Path, options: PrepareOptions, media: Media, seconds: float) -> list[PreparedClip]:
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        return prepare_tracks(path, options, media=media)
    except BlockingIOError as error:  # FFmpeg had no room for the stack of a thread
        raise MemoryError from error
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
