"""Starts of the command line that cost nothing: a process imports once, and forks for each of them.

On a busy machine a start of a verb takes half a minute of imports, so that most kills would hit imports. A command
that is started here is the same from its command line on: ``experiments.__main__`` in a process, and a session, of
its own. It is asked for by a line of JSON, and two lines come back: its process, and later its exit code.
Run by hand (``python -m benchmarks.warm_start``) it waits for such lines.
"""

import importlib
import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

MODULES = (
    *("experiments.ablate", "experiments.studies.runs", "experiments.evaluate", "experiments.generate"),
    *("experiments.predict", "experiments.prepare", "experiments.pretrain", "experiments.train"),
    *("experiments.runs.loop", "experiments.runs.build", "experiments.runs.scoring", "experiments.runs.pages"),
    *("experiments.runs.advised", "experiments.runs.feed", "experiments.studies.pages", "multimodal.judge"),
    *("multimodal.media.prepare_corpus", "multimodal.metrics.evaluation", "multimodal.metrics.seeds"),
    *("encoders.video.frames", "encoders.audio.spectrogram", "fusion.concat", "multimodal.synthetic.generation"),
    *("timm", "torchaudio", "accelerate", "av", "sklearn.metrics", "matplotlib.pyplot", "torch._dynamo"),
)


class WarmStarts:
    """A process that has imported everything, and starts commands."""

    def __init__(self) -> None:
        line = [sys.executable, "-m", "benchmarks.warm_start"]
        self._process = subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._asks, self._answers = self._process.stdin, self._process.stdout
        self._answers.readline()  # it has imported

    def start(self, command: Sequence[str], said: Path, environment: Mapping[str, str]) -> "WarmProcess":
        """Start a verb whose standard error goes to a file; one at a time."""
        asked = {"command": list(command), "said": str(said), "environment": dict(environment)}
        self._asks.write(json.dumps(asked).encode() + b"\n")
        self._asks.flush()
        return WarmProcess(int(self._answers.readline()), self._answers)

    def close(self) -> None:
        """End the process; what it has started has ended."""
        self._asks.close()
        self._process.wait()


class WarmProcess:
    """A command that was started, as ``subprocess.Popen`` would give it."""

    def __init__(self, pid: int, answers: Any) -> None:
        self.pid, self._answers, self.returncode = pid, answers, 0

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code when it has ended."""
        ready, _, _ = select.select([self._answers], [], [], timeout)
        if not ready:
            raise subprocess.TimeoutExpired("a warm start", timeout or 0)
        self.returncode = int(self._answers.readline())
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send a signal to it; it has not ended, as far as we know."""
        os.kill(self.pid, number)


def main() -> None:
    for name in MODULES:
        importlib.import_module(name)
    print("ready", flush=True)
    while asked := sys.stdin.readline():
        pid = os.fork()
        if pid == 0:
            _become(**json.loads(asked))
        print(pid, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)


def _become(command: list[str], said: str, environment: dict[str, str]) -> NoReturn:
    os.setsid()
    os.environ.update(environment)
    nothing = os.open(os.devnull, os.O_RDWR)
    for wanted, descriptor in enumerate([nothing, nothing, os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)]):
        os.dup2(descriptor, wanted)
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # as the program begins, too
    sys.argv = ["experiments", *command]
    program = importlib.import_module("experiments.__main__")
    sys.modules["__main__"] = program  # what workers import first, as they do of the real one
    sys.exit(program.main(command))


if __name__ == "__main__":
    main()
