"""``python -m experiments VERB``: finds the verb's module and gives it the rest of the command line."""

import signal

if __name__ == "__main__" and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # before the verb nothing is there to save or to say

import contextlib
import errno
import importlib
import io
import os
import select
import sys
import threading
import time
from collections.abc import Iterator
from types import FrameType

from multimodal.artefacts import shown
from multimodal.catalog import unknown

if __name__ == "__mp_main__":  # a worker, which begins by this: it is told of its parent after seconds of imports
    from multimodal.processes import die_with_launcher

    die_with_launcher()

#: The verbs in the order in which they are used, and what each does.
GROUPS: dict[str, dict[str, str]] = {
    "start here": {
        "quickstart": "the whole main job on a small generated corpus, from nothing to a report",
    },
    "data": {
        "generate": "write a small synthetic copy of a corpus's layout",
        "scan": "corpus on disk -> manifest",
        "statistics": "counts, real:fake ratios, what to do about imbalance",
        "check": "what is wrong with a corpus: duplicates, labels, shared people, broken files",
        "split": "manifest -> split, with the leakage it leaves",
        "prepare": "media -> face crops and waveform",
        "inspect": "what a store of prepared clips holds: crops, boxes, sound, failures",
    },
    "models": {
        "pretrain": "train one branch, video or audio, alone",
        "train": "train the fusion detector",
        "ablate": "a table of runs that differ in one thing, with what is larger than chance",
    },
    "results": {
        "evaluate": "scores, metrics with intervals, per modality and per method, figures and report",
        "thresholds": "operating points per modality, chosen on validation data only",
        "leaderboard": "several systems on the same clips: intervals, floors, leakage, differences",
        "audit": "which shortcuts there are, how a detector breaks, who pays for its errors; a page",
        "predict": "media files -> verdict per modality, as JSON and a page",
        "serve": "a local page: drop a file, see its progress and verdict",
        "trial": "real media from public files: fetch, train and judge beside published weights and floors",
        "export": "a run -> a folder to keep or share: weights, thresholds, calibration, model card",
    },
    "the shell": {
        "completion": "names and options complete with Tab: prints what bash and zsh want to know",
    },
}
VERBS = {verb: summary for group in GROUPS.values() for verb, summary in group.items()}


def usage() -> str:
    """The verbs, a line each."""
    rows = "\n\n".join(
        "\n".join([f"{group}:", *(f"  {verb:<12}{summary}" for verb, summary in verbs.items())])
        for group, verbs in GROUPS.items()
    )
    return f"usage: python -m experiments VERB [options]\n\n{rows}\n\nEach verb explains itself with --help."


def main(arguments: list[str] | None = None) -> int:
    """Run one verb; an error that the user can mend is one line and exit code 1 (2 for a wrong command line)."""
    arguments = sys.argv[1:] if arguments is None else arguments
    _open_streams()
    with _output_is_told():
        return _run(arguments)
    return 1


def _run(arguments: list[str]) -> int:
    # read when torch is loaded: threads that wait sleep, in place of turning round and round beside other jobs
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    if not arguments or arguments[0] in ("-h", "--help"):
        print(usage())
        return 0
    verb, *rest = arguments
    if verb not in VERBS:
        return _fail(unknown("verb", verb, VERBS), 2)
    signals = _Signals()
    with signals.say_nothing_else():
        return _end_of(verb, rest, signals)


def _end_of(verb: str, rest: list[str], signals: "_Signals") -> int:
    try:
        with signals.end_the_verb():
            if "TORCHELASTIC_RUN_ID" in os.environ:  # torchrun or accelerate launch started this process
                from multimodal.processes import die_with_launcher

                die_with_launcher()
            return importlib.import_module(f"experiments.{verb}").main(rest) or 0
    except KeyboardInterrupt:
        return signals.stopped(verb)
    except Exception as error:
        if isinstance(error, BrokenPipeError) and _output_is_closed():  # who read it has seen enough: ``| head``
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 1
        if signals.number is not None:  # a library that was being imported made another error of the interrupt
            return signals.stopped(verb)
        if os.environ.get("EXPERIMENTS_TRACEBACK"):
            raise
        if _is_lack_of_memory(error):
            told = " ".join(repr(error).replace("\\n", " ").split())[:200]  # NumPy says it in forty lines
            do = _LESS_ON_A_GPU if "CUDA out of memory" in told else "give more, or do less at a time"
            return _fail(f"too little memory ({told}); {do}", 1)
        if not isinstance(error, ValueError | OSError):  # a mistake of this program: its place is wanted
            raise
        return _fail(_in_words(error), getattr(error, "exit_code", 1))


_LESS_ON_A_GPU = (
    "a training takes less with --fit.accumulate 2 (a batch in parts) or "
    "--fit.checkpoint-gradients; anything else with a smaller --batch-size or --device cpu"
)
#: What helps against the errors of the system that a verb meets most.
_TO_DO = {
    **dict.fromkeys((errno.EACCES, errno.EPERM), ". Take a folder of your own, or ask its owner"),
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT), ". Make room there and call again, or take another disk"),
    errno.EFBIG: ". Raise the limit on the size of files (ulimit -f) and call again",
    errno.EROFS: ". Take a folder on a disk that can be written",
}
_STOPPED = "stopped; the same command goes on from here"
_STOPPED_ANEW = {
    "predict": "stopped; what was judged stands in verdicts.jsonl, and the same command judges all files anew",
    "serve": "stopped; the files that were sent, and their verdicts, are deleted",
}


def _open_streams() -> None:
    """Whatever a verb says can be written: a letter that the terminal lacks as an escape, to a closed stream not.

    Else one name of a stranger's file would end a verb in a language without its letters, and so would a daemon
    that starts it with nothing to write to. A closed descriptor is opened before a file can take its number.
    """
    for descriptor, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, os.fdopen(descriptor, "w" if descriptor else "r", encoding="utf-8", closefd=False))
        elif descriptor == 1 and isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # as standard error is by itself


@contextlib.contextmanager
def _output_is_told() -> Iterator[None]:
    """Write what is left to be written while it can still be said in a line that it cannot be.

    The interpreter does it when it ends, and shows an error of its own.
    """
    try:
        try:
            yield
        finally:
            sys.stdout.flush()
    except OSError as error:
        if os.environ.get("EXPERIMENTS_TRACEBACK"):  # then a verb's own come here, too
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):  # else who read it has seen enough
            sys.exit(_fail(f"standard output: {_in_words(error)}", 1))


def _output_is_closed() -> bool:
    """Whether nobody reads standard output any more; else the broken pipe is another: of a worker that died."""
    output = select.poll()
    output.register(sys.stdout.fileno(), 0)
    return any(happened & select.POLLERR for _, happened in output.poll(0))


def _fail(message: str, code: int) -> int:
    with contextlib.suppress(OSError):  # nobody hears it
        print(f"error: {shown(message)}", file=sys.stderr)
    return code


def _in_words(error: ValueError | OSError) -> str:
    """What an error says; of the system's errors the file first, and no number."""
    if isinstance(error, UnicodeEncodeError):
        from multimodal.files import readable

        what = "the name of a folder or file is not UTF-8, and tables keep no other; rename it"
        return f"{readable(error.object)[:300]}: {what}"
    if not isinstance(error, OSError) or not error.strerror:
        return str(error)
    do = _TO_DO.get(error.errno or 0, "")
    if not isinstance(error.filename, str | bytes):
        return f"{error.strerror[0].lower()}{error.strerror[1:]}{do}" if do else str(error)
    return f"{os.fsdecode(error.filename)}: {error.strerror[0].lower()}{error.strerror[1:]}{do}"


def _is_lack_of_memory(error: Exception) -> bool:
    """Whether memory ran out: libraries say so by errors of their own, also while they are imported.

    The system kills what takes too much, and first the processes that read for a training.
    """
    signs = ("out of memory", "allocate memory", "failed to map segment", "dataloader worker (pid")
    return isinstance(error, MemoryError) or any(sign in str(error).lower() for sign in signs)


#: Seconds after which a stop that could not be raised is raised again.
_A_MOMENT, _SAME_SECONDS = 0.01, 2.0


class _Signals:
    """Ctrl-C, and SIGTERM as a Ctrl-C, so that whatever cleans up after one cleans up after a scheduler too.

    ``number`` is that of the signal that came, None before. Another within moments is the same one, sent to a
    group and to each of it, and must not end what cleans up after the first. Where Python lets no error out, as
    in what destroys an object, one that came is raised again a moment later, by an alarm: it would be shown, and
    the verb go on. So it is while torch is imported, whose libraries end the process by an error that they do
    not know.
    """

    def __init__(self) -> None:
        self.number: int | None = None
        self._heard_at = 0.0
        self._owner = os.getpid()
        self._show_unraisable = sys.unraisablehook

    @contextlib.contextmanager
    def end_the_verb(self) -> Iterator[None]:
        """While a verb runs, both end it with its state left as it is, and no traceback is shown."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
        before = {
            number: old for number, old in before.items() if old not in (None, signal.SIG_IGN)
        }  # as nohup asks
        for number in before:
            signal.signal(number, self._stop)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            for number, handler in before.items():
                signal.signal(number, handler)

    @contextlib.contextmanager
    def say_nothing_else(self) -> Iterator[None]:
        """Show nothing of objects that a signal left half made, which are destroyed after the verb."""
        self._show_unraisable, sys.unraisablehook = sys.unraisablehook, self._unraisable
        try:
            yield
        finally:
            sys.unraisablehook = self._show_unraisable

    def _stop(self, number: int, frame: FrameType | None) -> None:
        if os.getpid() != self._owner:  # a forked worker has the handler too; it ends without a word
            os._exit(128 + number)
        if self.number is not None and time.monotonic() < self._heard_at + _SAME_SECONDS:
            return
        self.number, self._heard_at = number, time.monotonic()
        self._interrupt(frame)

    def _interrupt(self, frame: FrameType | None) -> None:
        if _imports_torch(frame):
            self._interrupt_later()
        else:
            raise KeyboardInterrupt

    def _interrupt_later(self) -> None:
        signal.signal(signal.SIGALRM, lambda _, frame: self._interrupt(frame))
        signal.setitimer(signal.ITIMER_REAL, _A_MOMENT)

    def _unraisable(self, told: "sys.UnraisableHookArgs") -> None:
        if self.number is None:
            self._show_unraisable(told)
        elif told.exc_type is KeyboardInterrupt:
            self._interrupt_later()  # any other error comes of what the signal left half made

    def stopped(self, verb: str) -> int:
        """Say so; the exit code that shells know."""
        print(_STOPPED_ANEW.get(verb, _STOPPED), file=sys.stderr)
        return 128 + (self.number or signal.SIGINT)


def _imports_torch(frame: FrameType | None) -> bool:
    """Whether Python is importing torch where it is interrupted."""
    names = {str(one.f_globals.get("__name__")) for one in _callers(frame)}
    return "importlib._bootstrap" in names and any(name.partition(".")[0] == "torch" for name in names)


def _callers(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back


if __name__ == "__main__":
    sys.exit(main())
