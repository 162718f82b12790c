"""The power goes at every call of saving: what was not synced is lost, and the old or the new can be read."""

import os
import tarfile
from functools import partial
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import torch

from multimodal.files import read_json, write_json
from multimodal.media.store.journal import Journal, merge
from multimodal.media.store.shard import REMOVED, Shard
from multimodal.training.checkpoints import Checkpoints, FitState

CALLS = ("fsync", "fdatasync", "replace", "mkdir", "unlink", "rmdir")


class Disk:
    """What a power cut may leave of a folder, at every call that changes names or syncs.

    Content is safe once its file was synced, and is lost else. Of names there are three tales: all changes came
    through, only those whose folder was synced since, and only those but removals at once.
    """

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root, self.cuts, self.notes = root, [], []
        self._contents: dict[int, bytes] = {}
        self._names: dict[int, dict[str, int]] = {}
        self._gone: set[int] = set()
        self._open: dict[int, int] = {}  # so that no inode is used again
        self._functions = {name: getattr(os, name) for name in CALLS}
        for path in [root, *root.rglob("*")]:
            self._sync(path)
        for name in CALLS:
            monkeypatch.setattr(os, name, partial(self._call, name))

    def _call(self, name, *args, **kwargs):
        self._cut()
        if name in ("unlink", "rmdir"):
            self._gone.add(os.stat(args[0], dir_fd=kwargs.get("dir_fd"), follow_symlinks=False).st_ino)
        self._functions[name](*args, **kwargs)
        if name in ("fsync", "fdatasync"):
            descriptor = args[0] if isinstance(args[0], int) else args[0].fileno()
            self._sync(Path(os.readlink(f"/proc/self/fd/{descriptor}")))

    def _sync(self, path: Path) -> None:
        number = self._keep(path)
        if path.is_dir():
            self._names[number] = {inner.name: self._keep(inner) for inner in path.iterdir()}
        else:
            self._contents[number] = path.read_bytes()

    def _keep(self, path: Path) -> int:
        number = path.stat().st_ino
        if number not in self._open:
            self._open[number] = os.open(path, os.O_RDONLY)
        return number

    def _cut(self) -> None:
        for path in self.root.rglob("*"):
            self._keep(path)
        now = {path.stat().st_ino: path for path in [self.root, *self.root.rglob("*")] if path.is_dir()}
        listed = {number: {one.name: one.stat().st_ino for one in path.iterdir()} for number, path in now.items()}
        kept = {
            number: {name: inner for name, inner in names.items() if inner not in self._gone}
            for number, names in self._names.items()
        }
        folders = set(now) | set(self._names)
        for names in (listed, dict(self._names), kept):
            self.cuts.append((names, folders, dict(self._contents), len(self.notes)))

    def close(self) -> None:
        """The last cut, after everything; the calls are to be set back before."""
        self._cut()
        for descriptor in self._open.values():
            os.close(descriptor)

    def lay_out(self, number: int, folder: Path) -> int:
        """Write what cut ``number`` left to ``folder``; gives how many notes had been made before it."""
        names, folders, contents, notes = self.cuts[number]

        def write(inode: int, path: Path) -> None:
            if inode not in folders:
                path.write_bytes(contents.get(inode, b""))
                return
            path.mkdir(parents=True)
            for name, inner in names.get(inode, {}).items():
                write(inner, path / name)

        write(self.root.stat().st_ino, folder)
        return notes


@pytest.fixture
def disk(tmp_path):
    """A folder, what starts to record what happens in it, and what ends this and lays out every cut."""
    patch = pytest.MonkeyPatch()
    disks = []

    def start():
        disks.append(Disk(tmp_path / "disk", patch))
        return disks[0]

    def end():
        patch.undo()
        disks[0].close()
        for number in range(len(disks[0].cuts)):
            folder = tmp_path / f"cut{number}"
            yield disks[0].lay_out(number, folder), folder

    (tmp_path / "disk").mkdir()
    yield tmp_path / "disk", start, end
    patch.undo()


def test_the_disk_loses_a_file_that_was_not_synced_before_its_name(disk):
    folder, start, end = disk
    write_json(folder / "a.json", "old")
    start()
    (folder / "new").write_text("new")
    os.replace(folder / "new", folder / "a.json")
    assert b"" in {(cut / "a.json").read_bytes() for _, cut in end()}


def test_json_is_the_old_or_the_new_at_every_cut_and_the_new_once_it_is_written(disk):
    folder, start, end = disk
    write_json(folder / "a.json", "old")
    notes = start().notes
    write_json(folder / "a.json", "new")
    notes.append("written")
    found = [(written, read_json(cut / "a.json")) for written, cut in end()]
    assert set(found) == {(0, "old"), (0, "new"), (1, "new")}
    assert len(found) >= 12


def test_a_training_goes_on_from_a_whole_checkpoint_at_every_cut(disk):
    folder, start, end = disk

    def model_of(step):
        model = torch.nn.Linear(2, 2)
        torch.nn.init.constant_(model.weight, step)
        optimizer = torch.optim.AdamW(model.parameters(), lr=0.0)
        model(torch.ones(2)).sum().backward()
        optimizer.step()
        return model, optimizer

    def save(step):
        Checkpoints(folder).save(*model_of(step), FitState(step=step), None)

    for step in (1, 2):
        save(step)
    notes = start().notes
    for step in (3, 4):
        save(step)
        notes.append(step)
    steps = set()
    for saved, cut in end():
        checkpoints, (model, optimizer) = Checkpoints(cut), model_of(0)
        checkpoints.sweep()
        state = checkpoints.load(model, optimizer, None)
        assert state.step >= 2 + saved
        assert torch.all(model.weight == model_of(state.step)[0].weight)
        steps.add(state.step)
    assert steps == {2, 3, 4}


def test_a_store_has_every_clip_that_a_journal_notes_once_at_every_cut(disk):
    folder, start, end = disk
    for name in ("shards", "journals"):
        (folder / name).mkdir()
    _write_clips(folder, "a", ["first"])
    merge(folder)
    notes = start().notes
    _write_clips(folder, "b", ["both", "second", "third"], notes)
    _write_clips(folder, "c", ["fourth", "both", "fifth"], notes)
    merge(folder)
    for noted, cut in end():
        merge(cut)
        rows = pq.read_table(cut / "index.parquet").to_pylist()
        assert {"first", *notes[:noted]} <= {row["clip_id"] for row in rows}
        for row in rows:
            shard = (cut / "shards" / row["shard"]).read_bytes()
            assert shard[row["sound_offset"] :].startswith(row["clip_id"].encode())
        met = []
        for path in (cut / "shards").glob("*.tar"):
            with tarfile.open(path) as archive:
                met += [name for name in archive.getnames() if name != REMOVED]
        assert sorted(met) == sorted(f"{row['clip_id']}.json" for row in rows)


def _write_clips(folder, writer, clip_ids, notes=None):
    journal, shard = Journal(folder, writer), Shard(folder / "shards" / f"{writer}-0000.tar")
    for clip_id in clip_ids:
        start = shard.length
        member = shard.add(f"{clip_id}.json", clip_id.encode() * 100)
        shard.sync()
        row = {"clip_id": clip_id, "shard": shard.name, "num_bytes": shard.length - start}
        journal.add({"clip": {**row, "sound_offset": member.offset}, "end": shard.length})
        if notes is not None:
            notes.append(clip_id)
    shard.finish()
    journal.close()
