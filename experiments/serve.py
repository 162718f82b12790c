"""``serve RUN``: a local page where a person drops a file and sees its verdict."""

import ipaddress
import secrets
import socket
from pathlib import Path
from typing import Annotated

from encoders.temporary import temporary_folder
from experiments.command_line import Positional, run_verb
from experiments.runs.device import DeviceName, check_device
from experiments.runs.folder import judge_must_be_there
from multimodal.ranges import above, at_least, between

_OWN_NAMES = ("localhost", "127.0.0.1", "::1")


def serve(
    run: Positional[Path],
    *,
    host: str = "127.0.0.1",
    port: Annotated[int, between(0, 65535)] = 8642,
    rule: str = "youden",
    doubt: Annotated[float, between(0, 1, open_high=True)] = 0.9,
    device: DeviceName = "auto",
    largest_mb: Annotated[float, above(0)] = 200.0,
    most_waiting: Annotated[int, at_least(1)] = 8,
    minutes_per_file: Annotated[float, above(0)] = 10.0,
    memory_gb: Annotated[float, above(0)] = 4.0,
    keep_minutes: Annotated[float, above(0)] = 30.0,
) -> None:
    """Show a page on this machine where a person drops media files and sees progress and verdicts.

    Files are judged one after another, as `predict` judges them, in a process that a broken file may end, and are
    deleted as soon as they are. Verdicts, in which small files are embedded to be played, are kept for a while,
    and deleted when this ends; what one that was killed left goes when the next one starts. Nothing is fetched
    from a network. Needs `pip install '.[serve]'`.

    Examples:
        python -m experiments serve runs/first

    Args:
        run: folder that `train` wrote, with thresholds chosen; one that `export` wrote; or owner/name on the hub.
        host: address to listen at. Any but this machine's own gets a random token that stands in the address
            which is printed; there is no encryption, so put such a one behind a server that has it.
        port: to listen at; 0 for any that is free.
        rule: of the thresholds, e.g. youden or f1.
        doubt: cannot say, where so large a share of other draws of the validation people would put the threshold
            about the score.
        device: where the detector computes; auto is the GPU where there is one.
        largest_mb: larger files are refused.
        most_waiting: files that may arrive, wait and be judged at a time; further ones are refused.
        minutes_per_file: a file that takes longer to decode is given up.
        memory_gb: a file that takes more memory to decode is given up.
        keep_minutes: how long a verdict can be looked at.
    """
    judge_must_be_there(run)
    try:
        import starlette  # noqa: F401  # asked for here, so that what is missing is said at once
        import uvicorn  # noqa: F401
    except ImportError as error:
        raise ValueError(f"serve needs starlette and uvicorn ({error}); pip install '.[serve]'") from error
    from experiments.runs.scoring import open_judge
    from experiments.serving.app import create_app
    from experiments.serving.connections import server_of
    from experiments.serving.desk import Desk
    from multimodal.media.isolation import Limits

    seconds = 60 * minutes_per_file
    limits = Limits(seconds, round(memory_gb * 2**30), whole_seconds=seconds)
    judge = open_judge(run, rule, limits, doubt=doubt).to(check_device(device))
    token = None if _is_own(host) else secrets.token_urlsafe(32)
    with temporary_folder("serve-") as folder, _listening(host, port) as listener:
        keep_seconds = 60 * keep_minutes
        desk = Desk(judge.file, judge.cannot_judge, folder, most_waiting=most_waiting, keep_seconds=keep_seconds)
        app = create_app(
            desk,
            largest_bytes=round(largest_mb * 2**20),
            title=judge.trained_on,
            token=token,
            hosts=(*_OWN_NAMES, host) if token is None else (),
        )
        try:
            shown_host = f"[{host}]" if ":" in host else host
            address = f"http://{shown_host}:{listener.getsockname()[1]}/"
            print(address if token is None else f"{address}?token={token}", flush=True)
            server_of(app).run(sockets=[listener])
        finally:
            desk.close()


def _is_own(host: str) -> bool:
    """Whether nobody but this machine reaches an address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _listening(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise ValueError(f"cannot listen at {host} port {port} ({error.strerror}); give another --port") from error


def main(arguments: list[str]) -> None:
    """Command line of the verb."""
    run_verb("serve", serve, arguments)
