"""Looking at a store, as a person does after preparing."""

import pytest

from experiments.inspect import inspect


def test_inspect_tells_what_a_store_holds_and_writes_a_page(workspace, capsys, tmp_path):
    import shutil

    store = tmp_path / "store"
    shutil.copytree(workspace / "store", store)
    inspect(store, html=True, clips=2)
    text = capsys.readouterr().out
    assert "clips prepared" in text
    page = (store / "inspect.html").read_text()
    assert page.count("data:image/png") == 2
    assert "Clips drawn at random" in page


def test_inspect_refuses_what_is_no_store(tmp_path):
    with pytest.raises(ValueError, match="not a store of prepared clips"):
        inspect(tmp_path)
