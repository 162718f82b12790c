"""Folders of ours with links to folders elsewhere: what lies there is not read, cut or removed."""

import shutil

import pytest
import torch

from benchmarks.fuzz_kinds import make_store, read_store
from experiments.__main__ import main
from experiments.runs.folder import RunFolder
from multimodal.files import held
from multimodal.media.prepare_corpus import _open_or_make
from multimodal.media.prepared import PrepareOptions
from multimodal.media.store.journal import finished_clips, merge
from multimodal.media.store.reader import Store
from multimodal.media.store.writer import StoreWriter
from multimodal.synthetic.generation import claimed
from multimodal.training.checkpoints import Checkpoints, FitState

SETTINGS = {"modality": "audio"}


def contents(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def victim(tmp_path):
    """A folder of somebody else, with names that ours have too."""
    folder = tmp_path / "victim"
    (folder / "step-00000001").mkdir(parents=True)
    (folder / f".report.multimodal-{'0' * 16}.html").write_text("mine")
    for name in ("step-00000001/model.safetensors", "backup2.tar", "backup-0000.tar", "a.jsonl"):
        (folder / name).write_text("mine")
    before = contents(folder)
    yield folder
    assert contents(folder) == before


@pytest.fixture
def store(tmp_path):
    folder = tmp_path / "store"
    folder.mkdir()
    make_store(folder)
    return folder


def put_link(place, target):
    if place.is_dir():
        shutil.rmtree(place)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(target)


@pytest.mark.parametrize("name", ["shards", "journals"])
def test_a_store_whose_own_folder_lies_elsewhere_is_neither_read_nor_written(name, store, victim):
    put_link(store / name, victim)
    for use in (
        Store.open,
        merge,
        finished_clips,
        StoreWriter,
        lambda folder: _open_or_make(folder, PrepareOptions()),
    ):
        with pytest.raises(ValueError, match=f"{name} is a link out of .*store"):
            use(store)
    assert main(["inspect", str(store)]) == 1


def test_a_journal_that_names_the_archive_of_somebody_else_removes_nothing(store, victim):
    (store / "journals").mkdir(exist_ok=True)
    (store / "shards" / "backup2.tar").write_text("not a shard")
    (store / "journals" / "backup2.jsonl").write_text("")
    merge(store)
    assert (store / "shards" / "backup2.tar").exists()
    for target, says in ((victim / "backup-0000.tar", "is a link out of"), ("backup2.tar", "would be cut")):
        link = store / "shards" / "backup-0001.tar"
        link.symlink_to(target)
        (store / "journals" / "backup.jsonl").write_text("")
        with pytest.raises(ValueError, match=says):
            merge(store)
        link.unlink()


def test_own_folders_of_a_store_may_be_links_that_stay_in_it_and_the_store_itself_any(store, tmp_path):
    (store / "shards").rename(store / "moved")
    (store / "shards").symlink_to("moved")
    (tmp_path / "link").symlink_to(store)
    merge(tmp_path / "link")
    assert read_store(tmp_path / "link")[0][0] == 2


@pytest.mark.parametrize("name", ["checkpoints", "figures", "tensorboard", "encoder", "a/deep/one"])
def test_nothing_is_written_into_a_run_or_a_corpus_whose_folder_lies_elsewhere(name, tmp_path, victim):
    run, corpus = RunFolder(tmp_path / "run"), tmp_path / "corpus"
    with run.begun(SETTINGS), claimed(corpus, {}):
        pass
    for folder in (run.path, corpus):
        put_link(folder / name, victim)
    for use in (lambda: run.begun(SETTINGS), run.judged, lambda: claimed(corpus, {})):
        with pytest.raises(ValueError, match=rf"{name} is a link out of .*would be written; put"), use():
            pass


def test_checkpoints_of_another_folder_are_neither_removed_nor_gone_on_from(tmp_path, victim):
    put_link(tmp_path / "run" / "checkpoints", victim)
    model, kept = torch.nn.Linear(1, 1), Checkpoints(tmp_path / "run")
    optimizer = torch.optim.AdamW(model.parameters())
    for use in (
        kept.sweep,
        kept.latest,
        lambda: kept.load(model, optimizer, None),
        lambda: kept.save(model, optimizer, FitState(step=3), None),
    ):
        with pytest.raises(ValueError, match="checkpoints is a link out of"):
            use()


def test_links_that_stay_in_a_run_and_a_run_behind_a_link_go_on(tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "run").symlink_to("disk")
    with RunFolder(tmp_path / "run").begun(SETTINGS):
        (tmp_path / "disk" / "kept").mkdir()
        (tmp_path / "disk" / "checkpoints").symlink_to("kept")
    with RunFolder(tmp_path / "run").begun(SETTINGS):
        Checkpoints(tmp_path / "run").sweep()


def test_a_folder_that_anybody_may_fill_may_hold_links(tmp_path, victim):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "data").symlink_to(victim)
    with held(tmp_path / "out"):
        pass
