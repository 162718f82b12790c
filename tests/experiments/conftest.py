"""The desk and the server of the local page, for tests of either."""

import pytest
from served import Asked, Served, verdict_on

from experiments.serving.desk import Desk


@pytest.fixture
def asked():
    return Asked()


@pytest.fixture
def desk(asked, tmp_path):
    folder = tmp_path / "desk"
    folder.mkdir()
    desk = Desk(asked, verdict_on, folder, most_waiting=3, keep_seconds=0.2)
    yield desk
    asked.go.set()
    desk.close()
    assert not folder.exists()


@pytest.fixture
def serve():
    pytest.importorskip("starlette")
    pytest.importorskip("uvicorn")
    begun = []

    def begin(desk, **options):
        begun.append(Served(desk, **options))
        return begun[-1]

    yield begin
    for one in begun:
        one.close()
