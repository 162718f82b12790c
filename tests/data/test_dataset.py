import pytest
import torch
from torch.utils.data import DataLoader

from encoders import create_encoder
from fusion import create_fusion
from multimodal.corpora.manifest import Manifest
from multimodal.data.augment import Augmentation
from multimodal.data.dataset import Windows, open_store
from multimodal.detector import AudioVisualDetector
from multimodal.splits import Split


@pytest.fixture
def windows(workspace) -> Windows:
    store = open_store(workspace / "store")
    return Windows(store, workspace / "manifest.parquet", num_frames=4, augmentation=Augmentation())


def test_a_plain_loader_shuffles_every_window_once_with_labels_and_masks(windows):
    rows = []
    for batch in DataLoader(windows, batch_size=8, shuffle=True, num_workers=1):
        count = len(batch["row"])
        assert batch["inputs"]["video"].shape == (count, 4, 3, 32, 32)
        assert batch["inputs"]["audio"].shape == (count, 6400)
        assert batch["present"]["video"].dtype == torch.bool
        assert batch["lengths"]["video"].max() <= 4
        expected = windows.clips["video_fake"].iloc[batch["row"].tolist()].tolist()
        assert batch["labels"]["video"].tolist() == expected
        rows += batch["row"].tolist()
    assert len(rows) == len(windows)
    assert set(rows) == set(range(len(windows.clips)))


def test_a_detector_takes_a_batch_as_it_comes(windows):
    encoders = {
        "video": create_encoder("frames", backbone="test_resnet", frame_size=32),
        "audio": create_encoder("spectrogram"),
    }
    fusion = create_fusion("concat", dims={name: one.embed_dim for name, one in encoders.items()}, out_dim=8)
    detector = AudioVisualDetector(encoders=encoders, fusion=fusion)
    batch = next(iter(DataLoader(windows, batch_size=3)))
    output = detector(batch["inputs"], batch["present"], batch["lengths"])
    loss = torch.nn.functional.cross_entropy(output.class_logits, batch["labels"]["class"])
    loss.backward()
    assert loss.isfinite()


def test_windows_are_the_same_at_every_call_and_end(windows):
    assert torch.equal(windows[2]["inputs"]["video"], windows[2]["inputs"]["video"])
    assert torch.equal(windows[-1]["inputs"]["audio"], windows[len(windows) - 1]["inputs"]["audio"])
    with pytest.raises(IndexError, match=f"there are {len(windows)} windows"):
        windows[len(windows)]


def test_our_own_order_goes_on_where_it_stopped(windows):
    whole = [b["inputs"]["video"] for b in DataLoader(windows, batch_sampler=windows.batches(4, steps=4))]
    rest = [
        b["inputs"]["video"] for b in DataLoader(windows, batch_sampler=windows.batches(4, steps=4, start_step=2))
    ]
    assert len(whole) == 4
    assert all(torch.equal(one, other) for one, other in zip(whole[2:], rest, strict=True))


def test_a_part_of_a_split_is_taken_and_what_is_not_prepared_is_counted(workspace):
    store, manifest = open_store(workspace / "store"), Manifest.read(workspace / "manifest.parquet")
    split = Split.read(workspace / "split.parquet")
    test = Windows(
        store, manifest, split=workspace / "split.parquet", part="test", num_frames=4, windows_per_clip=1
    )
    stored = set(store.index["clip_id"])
    wanted = set(split.clip_ids("test"))
    assert set(test.clips["clip_id"]) == wanted & stored
    assert test.left_out == len(wanted - stored)
    assert len(test) == len(test.clips)


def test_clips_that_are_not_there_and_no_frames_are_one_line(workspace):
    store, clips = open_store(workspace / "store"), Manifest.read(workspace / "manifest.parquet").clips
    with pytest.raises(ValueError, match=r"none of 3 clips is in .*; prepare them first"):
        Windows(store, clips.head(3).assign(clip_id=["a", "b", "c"]))
    with pytest.raises(ValueError, match="num_frames must be at least 1; got 0"):
        Windows(store, clips, num_frames=0)
    with pytest.raises(ValueError, match="unknown part 'vali'; did you mean 'val'"):
        Windows(store, clips, part="vali")
