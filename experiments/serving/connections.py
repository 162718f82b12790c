"""The server of `serve` (uvicorn, an extra): who may hold a connection how long, and how it ends at once."""

import asyncio
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from experiments.serving.app import IDLE_SECONDS, App

#: More connections at a time are answered by 503.
_MOST_CONNECTIONS = 64
#: A net: nothing is left to wait for once connections are cut off. A whole number, as uvicorn wants it.
_ENDING_SECONDS = 1


def server_of(app: App) -> uvicorn.Server:
    """The server of an application: its ``run(sockets=[...])`` serves until a signal or ``should_exit``."""
    config = uvicorn.Config(
        app,
        http=_Connection,
        ws="none",
        log_level="warning",
        limit_concurrency=_MOST_CONNECTIONS,
        server_header=False,
        timeout_graceful_shutdown=_ENDING_SECONDS,
    )
    return uvicorn.Server(config)


class _Connection(H11Protocol):
    """A connection that is cut off where nobody asks or reads for a while: others wait for its place.

    uvicorn itself waits without end for the first request, for a head of which a byte has come, for the body of a
    request that is answered already, and for whoever does not read. The time of a body that the application reads
    is the application's.
    """

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._until_asked: asyncio.TimerHandle | None = None
        self._until_read: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        self._watch()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._watch()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._until_read = self._cut_off_later()

    def resume_writing(self) -> None:
        super().resume_writing()
        _cancel(self._until_read)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        _cancel(self._until_asked)
        _cancel(self._until_read)

    def shutdown(self) -> None:
        """Cut off, also in the middle of a file: it would not be judged any more, and may come for ever."""
        self.transport.abort()

    def _watch(self) -> None:
        """Begin to wait for a whole head where no request is to be answered; its bytes do not begin it anew."""
        if self.cycle is not None and not self.cycle.response_complete:
            _cancel(self._until_asked)
            self._until_asked = None
        elif self._until_asked is None:
            self._until_asked = self._cut_off_later()

    def _cut_off_later(self) -> asyncio.TimerHandle:
        return self.loop.call_later(IDLE_SECONDS, self.transport.abort)


def _cancel(timer: asyncio.TimerHandle | None) -> None:
    if timer is not None:
        timer.cancel()
