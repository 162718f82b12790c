"""A server of the local page in this process, before a judge that is told what to say."""

import socket
import threading
import time
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

from multimodal.report.verdict import FileVerdict, Judgement, ModalityVerdict


def verdict_on(path: Path, reason: str) -> FileVerdict:
    said = {name: ModalityVerdict(score=None, threshold=None, reason=reason) for name in ("any", "video", "audio")}
    main = Judgement(name="not judged", modalities=said)
    return FileVerdict(file=str(path), main=main, trained_on="nothing", synthetic=False)


class Asked:
    """A judge that says what a file holds, when it is told to; one at a time, or that is an error."""

    def __init__(self) -> None:
        self.go, self.busy, self.order = threading.Event(), threading.Lock(), []

    def __call__(self, path, watch) -> FileVerdict:
        assert self.busy.acquire(blocking=False)
        try:
            assert self.go.wait(5)
            content = path.read_text()
            self.order.append(content)
            if content == "odd":
                raise RuntimeError("a library\ngave up")
            return verdict_on(path, content)
        finally:
            self.busy.release()


def wait_for(condition) -> None:
    until = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.005)


class Served:
    """A server in this process, and how it is asked."""

    def __init__(self, desk, **options) -> None:
        from experiments.serve import _listening
        from experiments.serving.app import create_app
        from experiments.serving.connections import server_of

        given = {
            "largest_bytes": 400_000,
            "title": "Trained on <nothing>.",
            "token": None,
            "hosts": ("127.0.0.1",),
        }
        app = create_app(desk, **given | options)
        self._listener = _listening("127.0.0.1", 0)
        self.address = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._server = server_of(app)
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._listener]}, daemon=True)
        self._thread.start()
        self._opener = build_opener(ProxyHandler({}))

    def ask(self, path, data=None, *, tries=10, **headers):
        """Status, headers and text of an answer; who refuses at once may hang up on a body that is on its way."""
        try:
            return self._ask(path, data, headers)
        except OSError:
            if tries == 1 or not isinstance(data, bytes):
                raise
            return self.ask(path, data, tries=tries - 1, **headers)

    def _ask(self, path, data, headers):
        try:
            with self._opener.open(Request(self.address + path, data=data, headers=headers), timeout=20) as answer:
                return answer.status, answer.headers, answer.read().decode()
        except HTTPError as error:
            with error:
                return error.code, error.headers, error.read().decode()

    def connect(self, sent: bytes = b"") -> socket.socket:
        """A connection on which so much has been sent."""
        connection = socket.create_connection(self._listener.getsockname()[:2], timeout=20)
        connection.sendall(sent)
        return connection

    @property
    def connections(self) -> int:
        """How many it holds."""
        return len(self._server.server_state.connections)

    def close(self) -> float:
        """End it; how many seconds that took."""
        began = time.monotonic()
        if self._thread.is_alive():
            self._server.should_exit = True
            self._thread.join(timeout=30)
            self._listener.close()
        assert not self._thread.is_alive()
        return time.monotonic() - began
