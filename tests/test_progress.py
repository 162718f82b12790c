"""Progress outside a terminal: lines, not a bar; nothing where it is not wanted."""

import io
import sys

import pytest

from multimodal import progress as module
from multimodal.progress import progress


@pytest.fixture
def shown(monkeypatch) -> None:
    monkeypatch.delenv("TQDM_DISABLE", raising=False)
    monkeypatch.setattr(module, "LINE_SECONDS", 0.0)


def test_outside_a_terminal_progress_is_lines_without_carriage_returns(shown, capsys):
    assert list(progress("abc", desc="read", unit="file")) == ["a", "b", "c"]
    printed = capsys.readouterr().err
    assert "\r" not in printed
    assert "\n\n" not in printed
    assert printed.splitlines()[-1].startswith("read: 3 of 3 files (100 %), ")


def test_quick_work_is_one_line_at_its_end(monkeypatch, capsys):
    monkeypatch.delenv("TQDM_DISABLE", raising=False)
    list(progress(range(1000), desc="read", unit="file"))
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("read: 1000 of 1000 files (100 %), ")


def test_work_that_goes_on_says_so_with_what_else_is_told(shown, capsys):
    with progress(desc="train", unit="step", total=6, initial=3) as bar:
        bar.update()
        bar.set_postfix(loss="0.5", refresh=False)
    assert "train: 4 of 6 steps (67 %), " in capsys.readouterr().err


def test_work_of_unknown_length_is_counted(shown, capsys):
    list(progress(iter("ab"), desc="read", unit="file"))
    assert capsys.readouterr().err.splitlines()[-1].startswith("read: 2 files, ")


def test_a_terminal_gets_a_bar(shown, monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    list(progress("abc", desc="read", unit="file"))
    assert "\rread: 100%|" in screen.getvalue()


@pytest.mark.parametrize("terminal", [True, False])
def test_nothing_is_shown_where_the_environment_says_so(terminal, monkeypatch, capsys):
    monkeypatch.setenv("TQDM_DISABLE", "1")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    assert list(progress("ab", desc="read", unit="file")) == ["a", "b"]
    assert capsys.readouterr().err == ""


def test_nothing_is_shown_by_the_other_processes(shown, capsys):
    with progress(desc="train", unit="step", total=2, disable=True) as bar:
        bar.update(2)
    assert capsys.readouterr().err == ""
