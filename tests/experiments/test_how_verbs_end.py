"""How a verb ends: streams that are closed or full, signals, and what goes wrong, each in one line."""

import os
import re
import signal
import subprocess
import sys
import time
import types

import pytest

from experiments import __main__ as program
from experiments.__main__ import main

PREAMBLE = "import sys; from experiments.__main__ import main\n"


def run_code(code, **options):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, **options)


def test_a_letter_that_the_terminal_lacks_is_an_escape():
    code = f"{PREAMBLE}main(['--help']); print('\\xe9')"
    plain = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = run_code(code, env=plain)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, r"\xe9")


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_stream_that_is_closed_ends_no_verb_and_gives_its_number_to_no_file(closed, tmp_path):
    code = f"{PREAMBLE}main(['--help']); main(['frob']); open('file', 'w').write(str(sys.stdout.fileno()))"
    done = subprocess.run(["sh", "-c", f'exec "$0" -c "$1" {closed}', sys.executable, code], cwd=tmp_path)
    assert done.returncode == 0
    assert (tmp_path / "file").read_text() == "1"


def raising(error):
    def import_module(name):
        raise error

    return import_module


@pytest.mark.parametrize(
    ("error", "code", "says"),
    [
        (KeyboardInterrupt(), 130, "stopped; the same command goes on from here"),
        (MemoryError(), 1, "error: too little memory (MemoryError())"),
        (
            ImportError("libtorch.so: failed to map segment from shared object"),
            1,
            "error: too little memory (ImportError(",
        ),
        (OSError(12, "Cannot allocate memory"), 1, "error: too little memory (OSError(12"),
        (
            PermissionError(13, "Permission denied", "/theirs/run"),
            1,
            "error: /theirs/run: permission denied. Take a folder of your own, or ask its owner",
        ),
        (FileNotFoundError(2, "No such file or directory", b"a"), 1, "error: a: no such file or directory"),
        (RuntimeError("DataLoader worker (pid 7) is killed by signal: Killed."), 1, "error: too little memory ("),
        (
            RuntimeError("CUDA out of memory"),
            1,
            "error: too little memory (RuntimeError('CUDA out of memory')); a training takes less with "
            "--fit.accumulate 2 (",
        ),
    ],
)
def test_what_goes_wrong_while_a_verb_is_imported_is_one_line(error, code, says, monkeypatch, capsys):
    monkeypatch.setattr(program.importlib, "import_module", raising(error))
    assert main(["scan", "--help"]) == code
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(says)


def test_an_interrupt_that_a_library_makes_an_error_of_its_own_is_an_interrupt(monkeypatch, capsys):
    def import_module(name):
        try:
            signal.raise_signal(signal.SIGTERM)
        except KeyboardInterrupt as error:
            raise ImportError("initialization failed") from error

    monkeypatch.setattr(program.importlib, "import_module", import_module)
    assert main(["scan"]) == 143
    assert capsys.readouterr().err == "stopped; the same command goes on from here\n"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_while_an_object_is_destroyed_ends_the_verb_all_the_same_and_shows_nothing(number):
    code = (
        f"{PREAMBLE}import experiments.scan, signal, time\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "class Iterator:\n"
        f"    def __del__(self): signal.raise_signal({int(number)}); time.sleep(0.05)\n"
        "def verb(arguments):\n"
        "    for _ in range(3): Iterator()\n"
        "    time.sleep(30)\n"
        "experiments.scan.main = verb\n"
        "sys.exit(main(['scan']))"
    )
    begun = time.monotonic()
    ended = run_code(code)
    assert (ended.returncode, ended.stderr) == (128 + number, "stopped; the same command goes on from here\n")
    assert time.monotonic() - begun < 25


def test_what_a_signal_left_half_made_is_destroyed_without_a_word():
    code = (
        f"{PREAMBLE}import experiments.scan, signal\n"
        "class Half:\n"
        "    def __init__(self): signal.raise_signal(signal.SIGTERM); self.whole = True\n"
        "    def __del__(self): self.whole\n"
        "experiments.scan.main = lambda arguments: Half()\n"
        "sys.exit(main(['scan']))"
    )
    ended = run_code(code)
    assert (ended.returncode, ended.stderr) == (143, "stopped; the same command goes on from here\n")


def test_another_signal_a_moment_later_does_not_end_what_cleans_up_after_the_first():
    code = (
        f"{PREAMBLE}import experiments.scan, signal\n"
        "def verb(arguments):\n"
        "    try: signal.raise_signal(signal.SIGTERM)\n"
        "    finally:\n"
        "        signal.raise_signal(signal.SIGTERM); signal.raise_signal(signal.SIGINT)\n"
        "        print('cleaned up')\n"
        "experiments.scan.main = verb\n"
        "sys.exit(main(['scan']))"
    )
    ended = run_code(code)
    assert (ended.returncode, ended.stderr) == (143, "stopped; the same command goes on from here\n")
    assert ended.stdout == "cleaned up\n"


def test_an_interrupt_while_torch_is_imported_waits_until_it_is(tmp_path):
    (tmp_path / "torch").mkdir()
    (tmp_path / "torch" / "__init__.py").write_text(
        "import signal, time\nsignal.raise_signal(signal.SIGTERM)\ntime.sleep(0.1)\nprint('imported')\n"
    )
    code = (
        f"{PREAMBLE}import experiments.scan, time\n"
        f"sys.path.insert(0, {str(tmp_path)!r})\n"
        "def verb(arguments): import torch; time.sleep(30); print('went on')\n"
        "experiments.scan.main = verb\n"
        "sys.exit(main(['scan']))"
    )
    ended = run_code(code)
    assert (ended.returncode, ended.stderr) == (143, "stopped; the same command goes on from here\n")
    assert ended.stdout == "imported\n"


def test_what_else_goes_wrong_while_an_object_is_destroyed_is_shown_as_before(monkeypatch, capsys):
    class Broken:
        def __del__(self):
            raise RuntimeError("of a library")

    monkeypatch.setattr(sys, "unraisablehook", sys.__unraisablehook__)

    def import_module(name):
        Broken()
        return types.SimpleNamespace(main=lambda arguments: 0)

    monkeypatch.setattr(program.importlib, "import_module", import_module)
    assert main(["scan"]) == 0
    assert "RuntimeError: of a library" in capsys.readouterr().err


def test_a_broken_pipe_ends_in_silence_only_where_nobody_reads_what_is_said():
    code = (
        f"{PREAMBLE}import experiments.scan, os\ndef verb(arguments): raise BrokenPipeError(32, 'Broken pipe')\n"
    )
    code += "experiments.scan.main = verb\nsys.exit(main(['scan']))"
    heard = run_code(code)
    assert (heard.returncode, heard.stderr) == (1, "error: [Errno 32] Broken pipe\n")
    reader, writer = os.pipe()
    os.close(reader)
    unheard = subprocess.run([sys.executable, "-c", code], stdout=writer, stderr=subprocess.PIPE, text=True)
    os.close(writer)
    assert (unheard.returncode, unheard.stderr) == (1, "")


@pytest.mark.parametrize("arguments", [[], ["--help"], ["scan", "--help"]])
@pytest.mark.parametrize("is_buffered", [True, False])
def test_an_output_that_cannot_be_written_is_one_line_and_one_that_nobody_reads_none(arguments, is_buffered):
    command = [sys.executable, *([] if is_buffered else ["-u"]), "-m", "experiments", *arguments]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    options = {"stderr": subprocess.PIPE, "text": True, "env": environment}
    with open("/dev/full", "w") as full:
        ended = subprocess.run(command, stdout=full, **options)
    assert ended.returncode == 1
    assert re.fullmatch(r"error: (standard output: )?no space left on device\. Make room .*\n", ended.stderr)
    reader, writer = os.pipe()
    os.close(reader)
    ended = subprocess.run(command, stdout=writer, **options)
    os.close(writer)
    assert ended.stderr == ""
    assert ended.returncode in (0, 1)


@pytest.mark.parametrize("error", [ValueError("odd"), OSError(28, "No space left on device", "a")])
def test_who_asks_for_tracebacks_gets_those_of_the_system_too(error, monkeypatch):
    monkeypatch.setenv("EXPERIMENTS_TRACEBACK", "1")
    monkeypatch.setattr(program.importlib, "import_module", raising(error))
    with pytest.raises(type(error), match=r"odd|No space"):
        main(["scan"])


def test_a_mistake_of_the_program_keeps_its_traceback(monkeypatch):
    monkeypatch.setattr(program.importlib, "import_module", raising(RuntimeError("a mistake")))
    with pytest.raises(RuntimeError, match="a mistake"):
        main(["scan"])


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_ends_a_verb_with_one_line(number, code, tmp_path):
    fifo = tmp_path / "manifest.parquet"  # opening it for reading waits for a writer who never comes
    os.mkfifo(fifo)
    waits = (
        f"{PREAMBLE}import experiments.scan, signal\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # shells let background jobs ignore it
        f"experiments.scan.main = lambda arguments: (print('in', flush=True), open({str(fifo)!r}))\n"
        "sys.exit(main(['scan']))"
    )
    with subprocess.Popen([sys.executable, "-c", waits], stdout=-1, stderr=-1, text=True) as process:
        assert process.stdout.readline() == "in\n"
        time.sleep(0.05)
        process.send_signal(number)
        assert process.communicate(timeout=60)[1] == "stopped; the same command goes on from here\n"
    assert process.returncode == code
