"""The notebook over all corpora runs from top to bottom, and is kept with its outputs."""

import re
from itertools import pairwise

import nbformat
import pytest

from experiments.notebooks.refresh import MAX_BYTES, NOTEBOOK, execute


def code_of(notebook) -> list:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def text_outputs(cell) -> str:
    """What a person reads of a cell's outputs: its text, without marks of where a line may end."""
    outputs = (
        output.get("text") or "".join(output.get("data", {}).get("text/html", "")) for output in cell.outputs
    )
    return re.sub(r"<[^>]+>", "", "\n".join(outputs))


@pytest.fixture(scope="module")
def stored():
    return nbformat.read(NOTEBOOK, as_version=4)


def test_the_stored_notebook_was_executed_in_order_without_errors_or_warnings(stored):
    nbformat.validate(stored)
    assert [cell.execution_count for cell in code_of(stored)] == list(range(1, len(code_of(stored)) + 1))
    outputs = [output for cell in code_of(stored) for output in cell.outputs]
    assert [output for output in outputs if output.output_type == "error" or output.get("name") == "stderr"] == []
    assert NOTEBOOK.stat().st_size < MAX_BYTES


def test_the_stored_notebook_is_short_calls_the_library_and_says_that_media_are_generated(stored):
    cells = code_of(stored)
    assert len(cells) <= 25
    assert max(len(cell.source.splitlines()) for cell in cells) <= 16
    assert not any(re.search(r"^\s*(def|class|while) ", cell.source, flags=re.MULTILINE) for cell in cells)
    assert text_outputs(cells[1]).count("GENERATED STAND-IN") == 9
    assert "/home/" not in NOTEBOOK.read_text(encoding="utf-8")


def test_every_figure_of_the_stored_notebook_is_followed_by_a_sentence(stored):
    figures = 0
    for cell, after in pairwise(stored.cells):
        pictures = [output for output in cell.get("outputs", []) if "image/png" in output.get("data", {})]
        figures += len(pictures)
        assert not pictures or after.source.startswith("*"), cell.source
    assert figures >= 15


def test_the_notebook_runs_anew_beside_real_missing_wrong_and_half_downloaded_roots(
    workspace, tmp_path, monkeypatch
):
    (tmp_path / "project").mkdir()
    (tmp_path / "FakeAVCeleb").symlink_to(workspace / "corpus")
    (tmp_path / "FaceForensics++" / "AUDIO" / "REAL").mkdir(parents=True)
    (tmp_path / "FaceForensics++" / "AUDIO" / "FAKE").mkdir()
    (tmp_path / "Celeb-DF-v2" / "Celeb-real").mkdir(parents=True)
    monkeypatch.setenv("NOTEBOOK_FOLDER", str(tmp_path / "project"))
    monkeypatch.setenv("NOTEBOOK_SIZE", "tiny")
    cells = code_of(execute(NOTEBOOK))
    remarks = text_outputs(cells[1])
    assert "recognised there: deepfake_audio" in remarks
    assert "holds Celeb-real/ but not Celeb-synthesis/" in remarks
    assert "there is no folder ../DFD" in remarks
    assert "says nothing about real ones" in text_outputs(cells[-1])
    assert [output for cell in cells for output in cell.outputs if output.get("name") == "stderr"] == []
