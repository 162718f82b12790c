"""The networks of a face detector, in this process or in one that computes for all workers on a GPU.

A worker decodes, cuts out and reduces; what is left for networks are many small images, a few at a time. On a GPU
each of these calls takes as long as a hundred images would, and every process that has the GPU open takes half a
gigabyte of it. So one process has it, and what workers ask while it computes goes through together the next time.
"""

import signal
import socket
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from multiprocessing.connection import Client, Connection, wait
from typing import NamedTuple, Protocol

import numpy as np
import torch
from jaxtyping import UInt8
from torch import Tensor

from encoders.temporary import temporary_folder
from multimodal.media.faces import networks_of
from multimodal.processes import die_with_parent, fork_server_context, interrupts_wait, short_folder

Images = UInt8[np.ndarray, "images height width 3"]
Outputs = tuple[Tensor, ...]


class Networks(Protocol):
    """Gives what a network of a detector, by its name there, says of images; on the CPU, an image a row."""

    def __call__(self, name: str, images: Images) -> Outputs:
        """The outputs of the network, a row an image."""
        ...


class LoadedNetworks(Networks, Protocol):
    """Networks in this process.

    Attributes:
        together: how many images go through a network together where several processes ask, by its name. It is
            always so many, with blank ones where fewer were asked, since a GPU chooses its way of computing by
            that number: what is said of an image then does not depend on who else asks.
    """

    together: Mapping[str, int]

    def compute(self, name: str, images: Images) -> Outputs:
        """As a call, but on the device, which may still be computing."""
        ...


#: Loads networks onto a device.
Load = Callable[[str], LoadedNetworks]


class NetworksGoneError(ValueError):
    """The process that computes for all is not there any more; no clip is to blame."""


class SharedNetworks:
    """Networks of another process, by the address that :func:`serving` gave."""

    def __init__(self, address: str) -> None:
        self._connection = Client(address, family="AF_UNIX")

    def __call__(self, name: str, images: Images) -> Outputs:
        """As any networks; raises :class:`NetworksGoneError`, or what went wrong there."""
        try:
            self._connection.send((name, images))
            answer = self._connection.recv()
        except (EOFError, OSError) as error:
            raise NetworksGoneError(
                "the process that looks for faces on the GPU died; see what it printed above, and call again"
            ) from error
        if isinstance(answer, Exception):
            raise answer
        return tuple(torch.from_numpy(part) for part in answer)


@contextmanager
def on_device(face_detector: str, device: str, *, preload: Iterable[str]) -> Iterator[str | None]:
    """Where workers ask for what a detector's networks say; None on a CPU, where each computes for itself."""
    if device == "cpu":
        yield None
        return
    with serving(networks_of(face_detector), device, preload=preload) as address:
        yield address


@contextmanager
def serving(load: Load, device: str, *, preload: Iterable[str]) -> Iterator[str]:
    """An address at which networks answer while the block runs, by a process that ends with it, or with this one.

    Args:
        load: what loads the networks there.
        device: where they compute.
        preload: modules that the fork server imports, if it has not begun yet.

    Raises:
        Exception: what ``load`` raised.
    """
    context = fork_server_context(preload)
    with temporary_folder("multimodal-networks-", short_folder()) as folder:
        address = str(folder / "socket")
        ours, theirs = context.Pipe()
        process = context.Process(target=_serve, args=(theirs, address, load, device), daemon=True)
        with interrupts_wait():
            process.start()
        theirs.close()
        try:
            _wait_until_ready(ours)
            yield address
        finally:
            process.kill()
            process.join()


def _wait_until_ready(connection: Connection) -> None:
    try:
        error = connection.recv()
    except EOFError:
        raise NetworksGoneError("the process that looks for faces could not start; see what it printed") from None
    if error is not None:
        raise error


# What runs in that process.


class _Asked(NamedTuple):
    """What somebody wants to know, and who."""

    client: Connection
    name: str
    images: Images


def _serve(control: Connection, address: str, load: Load, device: str) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent is interrupted, and ends us
    die_with_parent()
    try:
        torch.set_num_threads(1)
        torch.backends.cudnn.allow_tf32 = False  # ten bits of each number: boxes would be others than a CPU's
        networks = load(device)
        listening = socket.socket(socket.AF_UNIX)
        listening.bind(address)
        listening.listen()
    except Exception as error:
        control.send(error)
        return
    control.send(None)
    clients: list[Connection] = []
    while True:
        ready = wait([listening, *clients])
        if listening in ready:
            clients.append(Connection(listening.accept()[0].detach()))
        asked = [one for client in clients if client in ready and (one := _next_of(client)) is not None]
        for one, answer in zip(asked, _answers(networks, asked), strict=True):
            with suppress(BrokenPipeError, ConnectionResetError):  # it died meanwhile
                one.client.send(answer)
        clients = [client for client in clients if not client.closed]


def _next_of(client: Connection) -> _Asked | None:
    """What a worker asks; None, and nothing more of it, if it is gone."""
    try:
        return _Asked(client, *client.recv())
    except (EOFError, OSError):
        client.close()
        return None


def _answers(networks: LoadedNetworks, asked: Sequence[_Asked]) -> Sequence[tuple[np.ndarray, ...] | Exception]:
    """What the networks say of each; where that fails of all together, of each alone, or why not."""
    try:
        return computed(networks, [(one.name, one.images) for one in asked])
    except Exception as error:
        if len(asked) == 1:
            return [error]
        return [answer for one in asked for answer in _answers(networks, [one])]


def computed(networks: LoadedNetworks, asked: Sequence[tuple[str, Images]]) -> list[tuple[np.ndarray, ...]]:
    """What networks say of several sets of images; those of one network and size go through it together."""
    places: defaultdict[tuple[str, tuple[int, ...]], list[int]] = defaultdict(list)
    for place, (name, images) in enumerate(asked):
        places[name, images.shape[1:]].append(place)
    outputs = {
        (name, size): _in_equal_parts(networks, name, np.concatenate([asked[place][1] for place in here]))
        for (name, size), here in places.items()
    }
    answers: dict[int, tuple[np.ndarray, ...]] = {}
    for key, here in places.items():  # all of it is on its way by now
        whole = [torch.cat(parts).cpu().numpy() for parts in zip(*outputs[key], strict=True)]
        ends = np.cumsum([len(asked[place][1]) for place in here])
        for place, end in zip(here, ends.tolist(), strict=True):
            answers[place] = tuple(part[end - len(asked[place][1]) : end] for part in whole)
    return [answers[place] for place in range(len(asked))]


def _in_equal_parts(networks: LoadedNetworks, name: str, images: Images) -> list[Outputs]:
    count = networks.together[name]
    lacking = -len(images) % count
    filled = np.concatenate([images, np.zeros((lacking, *images.shape[1:]), np.uint8)]) if lacking else images
    return [networks.compute(name, filled[first : first + count]) for first in range(0, len(filled), count)]
