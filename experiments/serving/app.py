"""The web side of `serve`: a page, uploads with limits, progress, verdicts; who may ask (Starlette, an extra)."""

import asyncio
import json
import re
import secrets
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from typing import Any, NamedTuple
from urllib.parse import parse_qs

from experiments.serving.desk import BusyError, Desk, Job
from multimodal.report.pages.serve import POLICY, serve_page

#: An application and what it is called with, as the ASGI specification has them.
Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Callable[[], Awaitable[Message]], Send], Awaitable[None]]

#: Who sends nothing of a file for so long, or is not done after so long, is refused, and who asks for nothing for
#: so long is cut off by the server's connections.
IDLE_SECONDS, _UPLOAD_SECONDS = 20.0, 900.0
#: A length of more digits is that of no file, and Python refuses to read one of thousands.
_MOST_DIGITS = 18
_HEADERS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class RefusedError(Exception):
    """A request that is answered by a status and a sentence."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


def create_app(desk: Desk, *, largest_bytes: int, title: str, token: str | None, hosts: Iterable[str]) -> App:
    """The application before a desk.

    Args:
        desk: that takes the files.
        largest_bytes: of a file.
        title: what the page says of the detector.
        token: that whoever asks must know; None where all who reach this machine's own address may ask.
        hosts: names by which it may be asked, so that no page of elsewhere reaches it under a name of its own;
            any where there are none.
    """
    from starlette.applications import Starlette
    from starlette.responses import FileResponse, HTMLResponse, JSONResponse
    from starlette.routing import Route

    async def index(request: Any) -> Any:
        page = serve_page(title=title, largest_bytes=largest_bytes)
        return HTMLResponse(page, headers={"Content-Security-Policy": POLICY})

    async def upload(request: Any) -> Any:
        job = await _taken(request, desk, largest_bytes)
        return JSONResponse({"key": job.key}, status_code=202)

    def of(read: Callable[[Job], Any], *, is_verdict: bool = False) -> Callable[[Any], Any]:
        async def answer(request: Any) -> Any:
            job = desk.find(request.path_params["key"])
            if job is None or (is_verdict and not (job.state == "done" and job.page.is_file())):
                raise RefusedError(404, "no such file here, or its verdict is deleted by now")
            return read(job)

        return answer

    async def refused(request: Any, error: Any) -> Any:
        return JSONResponse({"error": str(error)}, status_code=error.status)

    policy = {"Content-Security-Policy": "frame-ancestors 'self'"}  # the page itself has a stricter one
    page = of(lambda job: FileResponse(job.page, media_type="text/html", headers=policy), is_verdict=True)
    numbers = of(lambda job: FileResponse(job.numbers, media_type="application/json"), is_verdict=True)
    routes = [
        Route("/", index),
        Route("/files", upload, methods=["POST"]),
        Route("/files/{key}", of(lambda job: JSONResponse(desk.status(job)))),
        Route("/verdicts/{key}", page),
        Route("/verdicts/{key}/json", numbers),
    ]
    application = Starlette(routes=routes, exception_handlers={RefusedError: refused})
    return _Guard(application, token=token, hosts=frozenset(hosts))


async def _taken(request: Any, desk: Desk, largest_bytes: int) -> Job:
    """The job of a file that has arrived whole; of one that has not, nothing stays."""
    length = request.headers.get("content-length") or "0"
    if not (length.isascii() and length.isdecimal()):
        raise RefusedError(400, "the length of the file is no number")
    if len(length) > _MOST_DIGITS or int(length) > largest_bytes:
        raise RefusedError(413, _too_large(largest_bytes))
    try:
        job = desk.admit(request.query_params.get("name", ""))
    except ValueError as error:
        raise RefusedError(415, str(error)) from error
    except BusyError as error:
        raise RefusedError(503, str(error)) from error
    except OSError as error:
        raise RefusedError(507, _not_kept(error)) from error
    try:
        await asyncio.wait_for(_receive(request, job, largest_bytes), _UPLOAD_SECONDS)
    except (TimeoutError, asyncio.TimeoutError) as error:  # one and the same from Python 3.11 on
        desk.drop(job)
        raise RefusedError(408, "the file came too slowly") from error
    except OSError as error:  # after what it is one of, too
        desk.drop(job)
        raise RefusedError(507, _not_kept(error)) from error
    except BaseException:
        desk.drop(job)
        raise
    desk.submit(job)
    return job


def _too_large(largest_bytes: int) -> str:
    return f"the file is larger than {largest_bytes / 2**20:,.0f} MB"


def _not_kept(error: OSError) -> str:
    return f"the file cannot be kept here until it is judged ({error.strerror or type(error).__name__})"


async def _receive(request: Any, job: Job, largest_bytes: int) -> None:
    """Write the body of a request to a job's file; nothing is held in memory."""
    from starlette.requests import ClientDisconnect

    size, chunks = 0, request.stream()
    with job.file.open("xb") as file:
        while True:
            try:
                chunk = await asyncio.wait_for(anext(chunks), IDLE_SECONDS)
            except StopAsyncIteration:
                break
            except ClientDisconnect as error:
                raise RefusedError(400, "the file broke off") from error
            size += len(chunk)
            if size > largest_bytes:
                raise RefusedError(413, _too_large(largest_bytes))
            await asyncio.to_thread(file.write, chunk)
    if size == 0:
        raise RefusedError(400, "the file is empty")


# Who may ask.


class _Answer(NamedTuple):
    status: int
    why: str
    headers: Mapping[str, str] = {}

    async def send(self, send: Send) -> None:
        headers = {"content-type": "application/json", **self.headers}
        named = [(name.encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": self.status, "headers": named})
        await send({"type": "http.response.body", "body": json.dumps({"error": self.why}).encode()})


#: A name or an address of IPv4, or one of IPv6 in brackets; then a port or none, and nothing else.
_HOST = re.compile(r"(?:(?P<name>[a-z0-9._-]+)|\[(?P<ipv6>[0-9a-f:.]+)\])(?::[0-9]*)?", re.IGNORECASE)


def _name_of(host: str) -> str | None:
    """The name in a header ``Host``, in small letters; None of what is none."""
    found = _HOST.fullmatch(host)
    return (found["name"] or found["ipv6"]).lower() if found else None


class _Guard:
    """Lets in who may ask, and puts the same headers on every answer.

    A page of elsewhere that a person has open may send requests here, too: none with a foreign ``Origin`` passes.
    """

    def __init__(self, app: App, *, token: str | None, hosts: frozenset[str]) -> None:
        self._app, self._token, self._hosts = app, token, hosts

    async def __call__(self, scope: Message, receive: Callable[[], Awaitable[Message]], send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                added = [(name.lower().encode(), value.encode()) for name, value in _HEADERS.items()]
                message = {**message, "headers": [*message["headers"], *added]}
            await send(message)

        answer = self._answer(scope)
        if answer is None:
            await self._app(scope, receive, send_with_headers)
        else:
            await answer.send(send_with_headers)

    def _answer(self, scope: Message) -> _Answer | None:
        """What is answered in place of the application: a refusal, or the cookie for a token."""
        from starlette.requests import cookie_parser

        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        host, origin = headers.get("host", ""), headers.get("origin")
        if self._hosts and _name_of(host) not in self._hosts:
            return _Answer(400, "asked under a name that is not this machine's own")
        if origin is not None and (not host or origin not in (f"http://{host}", f"https://{host}")):
            return _Answer(403, "asked by a page of elsewhere")
        if self._token is None:
            return None
        given = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
        if self._is_token(given):  # so that it does not stay in the address
            cookie = f"token={self._token}; HttpOnly; SameSite=Strict; Path=/"
            return _Answer(303, "", {"location": "/", "set-cookie": cookie})
        bearer = headers.get("authorization", "").removeprefix("Bearer ")
        if not self._is_token(cookie_parser(headers.get("cookie", "")).get("token", bearer)):
            return _Answer(401, "open the address that `serve` printed, with its token")
        return None

    def _is_token(self, given: str) -> bool:
        assert self._token is not None
        return secrets.compare_digest(given.encode(), self._token.encode())
