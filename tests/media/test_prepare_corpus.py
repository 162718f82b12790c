"""Runs over whole corpora, with real worker processes that are really killed."""

import errno
import hashlib
import multiprocessing
import os
import resource
import signal
import tarfile
import threading
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from multimodal.corpora.manifest import Clip, Manifest, collect
from multimodal.files import is_leftover
from multimodal.media.prepare import Preparation, prepare_file
from multimodal.media.prepare_corpus import _open_or_make, prepare_corpus
from multimodal.media.prepared import PrepareOptions
from multimodal.media.store.format import claim_store
from multimodal.media.store.journal import finished_clips, merge
from multimodal.media.store.reader import Store
from multimodal.media.store.shard import REMOVED
from multimodal.media.store.writer import StoreWriter

OPTIONS = PrepareOptions(crop_size=48)
#: So large that making its crops takes seconds.
SLOW = PrepareOptions(crop_size=1024)


def manifest_of(root: Path) -> Manifest:
    kinds = {".mp4": "video", ".flac": "audio"}
    clips = [Clip(path.name, kinds[path.suffix], 0, 0, "real", size_bytes=1) for path in root.iterdir()]
    return collect(clips, corpus="tiny", root=root)


def members_of(store: Path) -> dict[str, str]:
    """A hash of the bytes of every member that the index names, by clip."""
    hashes = {}
    for path in (store / "shards").glob("*.tar"):
        with tarfile.open(path) as archive:
            for member in archive:
                if member.name == REMOVED:
                    continue
                content = archive.extractfile(member).read()
                hashes.setdefault(member.name, set()).add(hashlib.sha256(content).hexdigest())
    assert all(len(found) == 1 for found in hashes.values())
    return {name: found.pop() for name, found in hashes.items()}


@pytest.fixture(scope="module")
def root(tmp_path_factory, media):
    """Ten talking heads, two of them broken."""
    folder = tmp_path_factory.mktemp("corpus")
    for number in range(10):
        sound = media.speech(0.4 + number / 25, seed=number)
        media.write(folder / f"{number}.mp4", pictures=media.talking(10 + number), sound=sound)
    (folder / "3.mp4").write_bytes(b"")
    (folder / "5.mp4").write_text("not a video\n" * 100)
    return folder


@pytest.fixture(scope="module")
def undisturbed(root, tmp_path_factory):
    """The store of one run with one worker."""
    folder = tmp_path_factory.mktemp("undisturbed")
    summary = prepare_corpus(manifest_of(root), folder, OPTIONS)
    assert summary[:3] == (8, 2, 0)
    return folder


def assert_same_store(folder: Path, expected: Path) -> None:
    assert members_of(folder) == members_of(expected)
    ours, theirs = Store.open(folder), Store.open(expected)
    assert ours.index.clip_id.tolist() == theirs.index.clip_id.tolist()
    assert ours.failures.to_dict("records") == theirs.failures.to_dict("records")
    for clip_id in ours.index.clip_id:
        np.testing.assert_array_equal(ours.read(clip_id).frames, theirs.read(clip_id).frames)
    assert list((folder / "journals").iterdir()) == []


def test_failures_are_rows_and_the_summary_counts_their_reasons(root, undisturbed):
    again = prepare_corpus(manifest_of(root), undisturbed, OPTIONS)
    assert again[:3] == (0, 0, 10)
    assert again.reasons["open: the file is empty"] == 1
    assert again.text().startswith("prepared 0 clips, 0 failed, 10 were finished before\n     1  open: ")


def test_any_number_of_workers_gives_the_same_store(root, undisturbed, tmp_path):
    prepare_corpus(manifest_of(root), tmp_path, OPTIONS, workers=3)
    assert_same_store(tmp_path, undisturbed)


def test_a_run_killed_again_and_again_ends_with_the_same_store(root, undisturbed, tmp_path):
    context = multiprocessing.get_context("forkserver")
    rng = np.random.default_rng(0)
    for _ in range(3):
        runner = context.Process(
            target=prepare_corpus, args=(manifest_of(root), tmp_path, OPTIONS), kwargs={"workers": 2}
        )
        runner.start()
        deadline = time.monotonic() + 60
        grown = rng.integers(1, 120_000)
        while runner.is_alive() and time.monotonic() < deadline and _bytes_in(tmp_path / "shards") < grown:
            time.sleep(0.002)
        runner.kill()
        runner.join()
    prepare_corpus(manifest_of(root), tmp_path, OPTIONS)
    assert_same_store(tmp_path, undisturbed)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of fork, where a library has started threads
def test_twenty_kills_at_random_moments_leave_the_bytes_of_an_undisturbed_run(root, tmp_path):
    options = PrepareOptions(crop_size=224)
    names = sorted(path.name for path in root.iterdir() if path.name not in ("3.mp4", "5.mp4"))
    preparations = [prepare_file(root / name, f"tiny/{name}", options)[0] for name in names]
    stores = tmp_path / "killed", tmp_path / "undisturbed"
    for store in stores:
        store.mkdir()
        claim_store(store, options)
    rng = np.random.default_rng(0)
    for _ in range(20):
        child = multiprocessing.get_context("fork").Process(target=_write_rest, args=(stores[0], preparations))
        child.start()
        time.sleep(rng.uniform(0, 0.12))
        child.kill()
        child.join()
    for store in stores:
        _write_rest(store, preparations)
    assert_same_store(*stores)


def _write_rest(store: Path, preparations: list[Preparation]) -> None:
    """What a worker does with clips whose faces are found: crops, compression, shards and journal."""
    merge(store)
    finished = finished_clips(store)[0]
    writer = StoreWriter(store)
    for preparation in preparations:
        if preparation.clip_id not in finished:
            writer.write(preparation)
    writer.close()
    merge(store)


def test_two_processes_on_one_store_do_not_harm_each_other(root, undisturbed, tmp_path):
    context = multiprocessing.get_context("forkserver")
    args = (manifest_of(root), tmp_path, OPTIONS)
    runners = [context.Process(target=prepare_corpus, args=args, kwargs={"workers": 2}) for _ in range(2)]
    for runner in runners:
        runner.start()
    for runner in runners:
        runner.join()
    assert [runner.exitcode for runner in runners] == [0, 0]
    assert_same_store(tmp_path, undisturbed)


def _open(folder, start, answers):
    start.wait()
    try:
        _open_or_make(folder, OPTIONS)
        answers.put("opened")
    except ValueError as error:
        answers.put(str(error))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of fork, where a library has started threads
def test_of_many_runs_that_start_on_a_new_store_together_none_is_refused(tmp_path):
    context = multiprocessing.get_context("fork")
    for attempt in range(3):
        start, answers = context.Barrier(24), context.Queue()
        args = (tmp_path / f"store{attempt}", start, answers)
        runs = [context.Process(target=_open, args=args) for _ in range(24)]
        for run in runs:
            run.start()
        assert {answers.get(timeout=300) for _ in runs} == {"opened"}
        for run in runs:
            run.join()


@pytest.mark.parametrize("gap", [1, 3])
def test_a_clip_of_two_writers_is_met_once_by_who_reads_the_shards(gap, root, undisturbed, tmp_path):
    claim_store(tmp_path, OPTIONS)
    names = sorted(path.name for path in root.iterdir() if path.name not in ("3.mp4", "5.mp4"))
    preparations = [prepare_file(root / name, f"tiny/{name}", OPTIONS)[0] for name in names]
    writers = StoreWriter(tmp_path), StoreWriter(tmp_path)
    for place, preparation in enumerate(preparations):
        for number, writer in enumerate(writers):
            if place % gap == 0 or place % 2 == number:  # some by both, the others by one of them
                writer.write(preparation)
    for writer in writers:
        writer.close()
    journals = {path: path.read_bytes() for path in (tmp_path / "journals").iterdir()}
    merge(tmp_path)
    once = _met(tmp_path)
    assert sorted(once) == sorted(set(once)) == sorted(_met(undisturbed))
    for path, content in journals.items():  # a power cut may bring them back: the merge is done again
        path.write_bytes(content)
    merge(tmp_path)
    assert sorted(_met(tmp_path)) == sorted(once)
    ours, theirs = Store.open(tmp_path), Store.open(undisturbed)
    for clip_id in theirs.index.clip_id:
        np.testing.assert_array_equal(ours.read(clip_id).frames, theirs.read(clip_id).frames)


def _met(store: Path) -> list[str]:
    """Names of all members of all shards, as often as a reader of the tar files meets them."""
    met = []
    for path in (store / "shards").glob("*.tar"):
        with tarfile.open(path) as archive:
            met += [name for name in archive.getnames() if name != REMOVED]
    return met


def test_what_a_killed_merge_left_is_swept(undisturbed):
    (undisturbed / f".index.multimodal-{'0' * 16}.parquet").write_bytes(b"half")
    merge(undisturbed)
    assert not any(is_leftover(path) for path in undisturbed.iterdir())


@pytest.fixture
def one_slow(tmp_path, media):
    """A corpus of one clip that takes seconds with SLOW, and one that does not."""
    folder = tmp_path / "corpus"
    folder.mkdir()
    media.write(folder / "a_slow.mp4", pictures=media.talking(100))
    media.write(folder / "b_quick.flac", sound=media.speech(0.5), audio_codec="flac", sound_rate=16_000)
    return folder


def test_a_clip_over_its_time_is_given_up_and_the_run_goes_on(one_slow, tmp_path):
    store = tmp_path / "store"
    summary = prepare_corpus(manifest_of(one_slow), store, SLOW, seconds_per_clip=1.0)
    assert summary.reasons == {"time limit: not done after 1 seconds": 1}
    assert Store.open(store).index.clip_id.tolist() == ["tiny/b_quick.flac"]


def test_a_clip_over_its_memory_is_given_up_and_the_run_goes_on(one_slow, tmp_path, media):
    pictures = [np.zeros((720, 1280, 3), np.uint8)] * 30
    media.write(one_slow / "a_slow.mp4", pictures=pictures)
    store = tmp_path / "store"
    summary = prepare_corpus(manifest_of(one_slow), store, OPTIONS, memory_bytes_per_clip=40 * 2**20)
    assert list(summary.reasons.values()) == [1]
    stages = ("memory limit", "crash", "decode")  # where memory is short in FFmpeg, it may take it for damage
    assert Store.open(store).failures.stage.item() in stages
    assert Store.open(store).index.clip_id.tolist() == ["tiny/b_quick.flac"]


@pytest.mark.parametrize(("kills", "is_prepared"), [(1, True), (2, False)])
def test_a_clip_is_tried_again_once_when_its_worker_dies(kills, is_prepared, one_slow, tmp_path):
    store = tmp_path / "store"
    killer = threading.Thread(target=_kill_workers_at_work, args=(store / "shards", kills))
    killer.start()
    summary = prepare_corpus(manifest_of(one_slow), store, SLOW)
    killer.join()
    assert summary.prepared == (2 if is_prepared else 1)
    expected = {} if is_prepared else {"crash: the worker died (signal SIGKILL) 2 times": 1}
    assert summary.reasons == expected
    assert ("tiny/a_slow.mp4" in Store.open(store)) == is_prepared


def test_a_full_disk_stops_the_run_with_one_line_and_finished_clips_stay(root, undisturbed, tmp_path):
    def fill_disk(outcomes, total):
        for count, outcome in enumerate(outcomes):
            if count == 2:
                for worker in multiprocessing.active_children():
                    room = _bytes_in(tmp_path / "shards") + 5_000
                    resource.prlimit(worker.pid, resource.RLIMIT_FSIZE, (room, room))
            yield outcome

    with pytest.raises(ValueError, match=r"cannot write the store .*: File too large. Finished clips are kept"):
        prepare_corpus(manifest_of(root), tmp_path, OPTIONS, progress=fill_disk)
    assert 2 <= len(Store.open(tmp_path)) < 8
    prepare_corpus(manifest_of(root), tmp_path, OPTIONS)
    assert_same_store(tmp_path, undisturbed)


@pytest.mark.parametrize(
    ("cannot", "exists"), [("prepare_corpus.claim_store", False), ("store.journal.store_lock", True)]
)
def test_a_disk_that_may_only_be_read_is_told_in_one_line(
    cannot, exists, root, undisturbed, tmp_path, monkeypatch
):
    def refuse(*_):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(f"multimodal.media.{cannot}", refuse)
    store = undisturbed if exists else tmp_path / "store"
    with pytest.raises(ValueError, match=r"cannot write the store .*: Read-only file system.*that you may write"):
        prepare_corpus(manifest_of(root), store, OPTIONS)
    assert not exists or len(Store.open(store)) == 8


def test_a_store_holds_clips_of_one_set_of_options(root, undisturbed):
    with pytest.raises(ValueError, match="prepared with other options: crop_size is 48, not 1024"):
        prepare_corpus(manifest_of(root), undisturbed, SLOW)


def test_a_folder_with_other_files_is_not_taken_for_a_store(root):
    with pytest.raises(ValueError, match="exists and is no store"):
        prepare_corpus(manifest_of(root), root, OPTIONS)


def test_a_corpus_without_a_known_root_is_refused_before_any_work(root, tmp_path):
    manifest = Manifest(manifest_of(root).clips, {})
    with pytest.raises(ValueError, match="no root known for corpus 'tiny'"):
        prepare_corpus(manifest, tmp_path / "store", OPTIONS)


def test_damaged_videos_are_prepared_or_named_and_never_stop_the_run(tmp_path, media):
    folder = tmp_path / "corpus"
    folder.mkdir()
    whole = media.write(tmp_path / "a.mp4", pictures=media.talking(10, side=96), sound=media.speech(0.4))
    content = np.frombuffer(whole.read_bytes(), np.uint8)
    rng = np.random.default_rng(1)
    for number in range(100):
        damaged = content.copy()
        places = rng.integers(0, len(content), rng.integers(1, 20))
        damaged[places] = rng.integers(0, 256, len(places))
        (folder / f"{number}.mp4").write_bytes(damaged.tobytes())
    summary = prepare_corpus(manifest_of(folder), tmp_path / "store", OPTIONS, workers=2, seconds_per_clip=30)
    assert summary.prepared + summary.failed == 100
    store = Store.open(tmp_path / "store")
    assert len(store.index) + len(store.failures) == 100
    for clip_id in store.index.clip_id:
        clip = store.read(clip_id)
        if clip.frames is not None and clip.waveform is not None:
            assert len(clip.waveform) == len(clip.frames) * 640


def _bytes_in(folder: Path) -> int:
    total = 0
    for path in folder.glob("*.tar"):
        with suppress(FileNotFoundError):  # merged away at this moment
            total += path.stat().st_size
    return total


def _kill_workers_at_work(shards: Path, kills: int) -> None:
    """Kill the worker each time that a new shard has begun to grow."""
    seen: set[Path] = set()
    deadline = time.monotonic() + 120
    while len(seen) < kills and time.monotonic() < deadline:
        growing = {path for path in shards.glob("*.tar") if path.stat().st_size > 0} - seen
        if growing:
            seen |= growing
            for worker in multiprocessing.active_children():
                os.kill(worker.pid, signal.SIGKILL)
        time.sleep(0.005)


def test_all_faces_of_a_clip_are_kept_on_request_and_the_summary_counts_them(tmp_path, media):
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    room = np.full((200, 400, 3), (70, 110, 140), np.uint8)
    room[60:156, 20:116] = media.face(96)
    room[20:180, 200:360] = media.face(160)
    media.write(corpus / "two.mp4", pictures=[room] * 20, sound=media.speech(0.8))
    media.write(corpus / "one.mp4", pictures=[*media.talking(15), *media.counting(5, (112, 112))])
    manifest = manifest_of(corpus)
    main = prepare_corpus(manifest, tmp_path / "main", OPTIONS)
    every = prepare_corpus(manifest, tmp_path / "all", OPTIONS, tracks="all")
    assert main.kept == every.kept == ({"alone": 1, "size": 1}, 3, 35 / 25, 40 / 25)
    assert "3 faces in 2 clips; 87.5 % of their time is kept" in main.text()
    assert "main faces chosen: 1 alone, 1 by time and size" in main.text()
    assert Store.open(tmp_path / "main").index.clip_id.tolist() == ["tiny/one.mp4", "tiny/two.mp4"]
    store = Store.open(tmp_path / "all")
    assert store.index.clip_id.tolist() == ["tiny/one.mp4", "tiny/two.mp4", "tiny/two.mp4#face2"]
    assert store.read("tiny/two.mp4").boxes[0, 0] > store.read("tiny/two.mp4#face2").boxes[0, 0]
    assert prepare_corpus(manifest, tmp_path / "all", OPTIONS, tracks="all").skipped == 2
