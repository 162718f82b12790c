import json
import pickle
import tarfile
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from multimodal.corpora.manifest import Clip, Manifest, collect
from multimodal.media.prepare import prepare_clip
from multimodal.media.prepare_corpus import prepare_corpus
from multimodal.media.prepared import PreparedClip, PrepareOptions
from multimodal.media.store.format import clip_key, fingerprint_of
from multimodal.media.store.reader import JoinedStore, Store

OPTIONS = PrepareOptions(crop_size=48)


def manifest_of(root, names) -> Manifest:
    kinds = {".mp4": "video", ".flac": "audio", ".png": "image"}
    clips = [
        Clip(name, kinds[name[-4:] if name[-5] != "." else name[-5:]], 0, 0, "real", size_bytes=1)
        for name in names
    ]
    return collect(clips, corpus="tiny", root=root)


@pytest.fixture(scope="module")
def root(tmp_path_factory, media):
    """A corpus of one talking head, one video without a face, one sound, one image and one broken file."""
    folder = tmp_path_factory.mktemp("corpus")
    media.write(folder / "head (1).mp4", pictures=media.talking(30), sound=media.speech(1.2))
    media.write(folder / "room.mp4", pictures=media.counting(20), sound=media.speech(0.8))
    media.write(folder / "voice.flac", sound=media.speech(0.99), audio_codec="flac", sound_rate=16_000)
    Image.fromarray(media.face(120)).save(folder / "face.png")
    (folder / "broken.mp4").write_bytes(b"no video")
    return folder


@pytest.fixture(scope="module")
def store(root, tmp_path_factory) -> Store:
    folder = tmp_path_factory.mktemp("store")
    names = ["head (1).mp4", "room.mp4", "voice.flac", "face.png", "broken.mp4"]
    summary = prepare_corpus(manifest_of(root, names), folder, OPTIONS)
    assert summary[:3] == (4, 1, 0)
    return Store.open(folder)


def assert_same(one: PreparedClip, other: PreparedClip) -> None:
    assert one.absent == other.absent
    assert one.start_seconds == pytest.approx(other.start_seconds)
    for name in ("frames", "waveform"):
        ours, theirs = getattr(one, name), getattr(other, name)
        assert (ours is None) == (theirs is None)
        if ours is not None:
            np.testing.assert_array_equal(ours, theirs)
    if one.boxes is not None:
        np.testing.assert_allclose(one.boxes, other.boxes, atol=0.01)


@pytest.mark.parametrize(
    ("name", "kind"),
    [("head (1).mp4", "video"), ("room.mp4", "video"), ("voice.flac", "audio"), ("face.png", "image")],
)
def test_a_store_gives_back_what_was_prepared(name, kind, root, store):
    fresh = prepare_clip(root / name, f"tiny/{name}", OPTIONS, media=kind)
    kept = store.read(f"tiny/{name}")
    assert_same(kept, fresh)
    assert kept.num_frames == fresh.num_frames == store.index.set_index("clip_id").num_frames[f"tiny/{name}"]


@pytest.mark.parametrize("window", [(0, 5), (7, 16), (25, 16), (29, 1), (30, 4)])
@pytest.mark.parametrize("name", ["head (1).mp4", "room.mp4", "voice.flac"])
def test_a_window_is_a_part_of_the_whole(window, name, store):
    assert_same(store.read(f"tiny/{name}", *window), store.read(f"tiny/{name}").window(*window))


def test_the_index_says_what_is_known_of_every_clip(store):
    index = store.index.set_index("clip_id")
    head = index.loc["tiny/head (1).mp4"]
    assert (head.num_frames, head.num_samples, head.num_seen) == (30, 19_200, 30)
    assert (head.video_codec, head.audio_codec, head.source_width) == ("h264", "aac", 112)
    assert head.silence_start_seconds < 0.01
    assert index.absent_video["tiny/voice.flac"] == "no video stream"
    assert index.absent_audio["tiny/face.png"] == "an image has no sound"
    assert store.failures.to_dict("records")[0]["stage"] == "open"


def test_a_clip_that_failed_is_named_with_its_reason(store):
    with pytest.raises(ValueError, match=r"no clip 'tiny/broken.mp4' .* failed at open: no media file"):
        store.read("tiny/broken.mp4")
    with pytest.raises(ValueError, match=r"no clip 'tiny/other.mp4' in [^;]*$"):
        store.read("tiny/other.mp4")


def opened_elsewhere(content: bytes, size: int) -> np.ndarray:
    """A crop, opened without this project, as docs/prepare.md promises."""
    length = int.from_bytes(content[:4], "little")
    packed = np.frombuffer(pa.decompress(content[4:], length, codec="lz4_raw"), np.uint8)
    planes, rest = np.split(packed, [packed.size // size**2 * size**2])
    planes = planes.reshape(-1, size, size)
    if len(planes) == 2:
        colours = np.concatenate([planes[1] >> 4, planes[1] & 15])
        counts, columns = np.split(rest[: len(rest) - (len(rest) - 4 * size) // 3].view("<u2"), [2 * size])
        colours[np.repeat(np.arange(2 * size), counts), columns] += rest[len(rest) - len(columns) :]
        planes = np.stack([planes[0], *np.split(colours - np.uint8(8), 2)])
    green, red, blue = planes.cumsum(axis=1, dtype=np.uint8)
    return np.stack([red + green, green, blue + green], axis=-1)


def test_shards_open_with_tar_and_follow_the_webdataset_convention(store):
    members: dict[str, dict[str, bytes]] = {}
    for path in (store.folder / "shards").glob("*.tar"):
        with tarfile.open(path) as archive:
            for member in archive:
                key, _, extension = member.name.partition(".")
                members.setdefault(key, {})[extension] = archive.extractfile(member).read()
    head = members[clip_key("tiny/head (1).mp4")]
    assert json.loads(head["json"])["clip_id"] == "tiny/head (1).mp4"
    crop = opened_elsewhere(head["0007.lz4"], 48)
    np.testing.assert_array_equal(crop, store.read("tiny/head (1).mp4").frames[7])
    assert head["wav"][:4] == b"RIFF"
    assert len(members) == 4


def test_threads_and_pickled_copies_read_the_same(store):
    expected = store.read("tiny/head (1).mp4", 3, 8)
    copy = pickle.loads(pickle.dumps(store))  # noqa: S301 - our own bytes
    assert len(pickle.dumps(store)) < 2_000
    with ThreadPoolExecutor(4) as pool:
        for window in pool.map(lambda _: copy.read("tiny/head (1).mp4", 3, 8), range(20)):
            assert_same(window, expected)


def test_a_checkpoint_made_with_other_crops_is_refused_by_the_option_that_differs(store):
    store.check_options(fingerprint_of(OPTIONS))
    with pytest.raises(ValueError, match=r"made with other crops.*crop_size is 48, not 224"):
        store.check_options(fingerprint_of(PrepareOptions()))


def test_a_folder_that_is_no_store_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"not a store of prepared clips.*header.json"):
        Store.open(tmp_path)
    (tmp_path / "header.json").write_text('{"format": "something else"}')
    with pytest.raises(ValueError, match="says another format"):
        Store.open(tmp_path)


@pytest.mark.parametrize("older_format", ["zstd", "webp"])
def test_a_store_of_another_lossless_format_has_the_same_crops_and_is_not_mixed(
    older_format, store, root, tmp_path
):
    options = PrepareOptions(crop_size=48, frame_format=older_format)
    manifest = manifest_of(root, ["head (1).mp4"])
    prepare_corpus(manifest, tmp_path / "older", options)
    older = Store.open(tmp_path / "older")
    assert_same(older.read("tiny/head (1).mp4", 3, 8), store.read("tiny/head (1).mp4", 3, 8))
    older.check_options(store.fingerprint)
    with pytest.raises(ValueError, match=f"is {older_format}, not lz4"):
        prepare_corpus(manifest, tmp_path / "older", OPTIONS)


def test_jpeg_crops_read_as_they_would_be_prepared(root, tmp_path):
    options = PrepareOptions(crop_size=48, frame_format="jpeg", jpeg_quality=80)
    prepare_corpus(manifest_of(root, ["head (1).mp4"]), tmp_path, options)
    kept = Store.open(tmp_path).read("tiny/head (1).mp4")
    assert_same(kept, prepare_clip(root / "head (1).mp4", "tiny/head (1).mp4", options))
    lossless = prepare_clip(root / "head (1).mp4", "a", OPTIONS)
    assert not np.array_equal(kept.frames, lossless.frames)
    assert np.abs(kept.frames.astype(int) - lossless.frames).mean() < 6


@pytest.fixture(scope="module")
def pair(write_sounds, tmp_path_factory) -> tuple[Store, Store]:
    folder = tmp_path_factory.mktemp("joined")
    one = write_sounds(folder, "one", {"a.wav": (0, 0.5, 0), "b.wav": (0, 0.7, 0)})[1]
    return one, write_sounds(folder, "two", {"a.wav": (0, 0.9, 0)})[1]


def test_clips_are_read_from_the_store_that_has_them(pair):
    joined = JoinedStore(pair)
    assert joined.index["clip_id"].tolist() == ["one/a.wav", "one/b.wav", "two/a.wav"]
    for store, clip_id in [(pair[0], "one/b.wav"), (pair[1], "two/a.wav")]:
        np.testing.assert_array_equal(joined.read(clip_id, 1, 3).waveform, store.read(clip_id, 1, 3).waveform)


def test_a_pickled_join_carries_no_table(pair):
    joined = JoinedStore(pair)
    assert len(joined.index) == 3
    carried = pickle.dumps(joined)
    assert len(carried) < 3000
    assert len(pickle.loads(carried).index) == 3  # noqa: S301 (our own bytes)


def test_a_clip_that_no_store_has_is_named(pair):
    with pytest.raises(ValueError, match=r"no clip 'one/none.wav'"):
        JoinedStore(pair).read("one/none.wav")


def test_stores_that_were_prepared_otherwise_are_refused(pair, write_sounds, tmp_path):
    other = write_sounds(tmp_path, "three", {"a.wav": (0, 0.5, 0)}, crop_size=64)[1]
    with pytest.raises(ValueError, match=r"prepared otherwise than .*: crop_size is 64, not 224"):
        JoinedStore([*pair, other])


def test_a_clip_in_two_stores_is_refused(pair):
    with pytest.raises(ValueError, match=r"2 clips are in two of the stores, e.g. one/a.wav"):
        JoinedStore([pair[0], pair[0]]).index  # noqa: B018 (the table is made when it is asked for)
