import pandas as pd
import pytest
import torch

from encoders import create_encoder
from fusion import create_fusion
from multimodal.corpora.manifest import Manifest
from multimodal.data.cutting import WindowShape
from multimodal.data.order import SampleKey
from multimodal.data.windows import EvaluationWindows
from multimodal.detector import AudioVisualDetector
from multimodal.media.store.reader import Store
from multimodal.scoring import score_clips
from multimodal.tokens.cache import EvaluationTokens, TokenCache, TrainingTokens, digest, token_facts
from multimodal.tokens.embedding import embed

SHAPE = WindowShape(num_frames=4, frame_size=32, frame_rate=10.0, sample_rate=16_000)


@pytest.fixture(scope="module")
def detector() -> AudioVisualDetector:
    torch.manual_seed(0)
    video = create_encoder("frames", backbone="test_resnet", frame_size=32)
    audio = create_encoder("spectrogram", backbone="test_resnet", n_mels=32)
    fusion = create_fusion("gated", dims={"video": video.embed_dim, "audio": audio.embed_dim}, out_dim=8)
    return AudioVisualDetector(encoders={"video": video, "audio": audio}, fusion=fusion)


@pytest.fixture
def store(workspace) -> Store:
    return Store.open(workspace / "store")


@pytest.fixture
def clips(workspace) -> pd.DataFrame:
    return Manifest.read(workspace / "manifest.parquet").clips.head(5)


@pytest.fixture
def cache(detector, store, clips, tmp_path) -> TokenCache:
    return embed(detector.encoders, store, clips, SHAPE, tmp_path, windows_per_clip=2)


def test_a_classifier_on_cached_tokens_gives_the_scores_of_the_whole_detector(detector, store, clips, cache):
    whole = score_clips(detector, EvaluationWindows(store, clips, SHAPE, windows_per_clip=2), clips)
    from_tokens = score_clips(detector.classifier, EvaluationTokens(cache, store, clips), clips)
    pd.testing.assert_frame_equal(whole, from_tokens, rtol=1e-4)


def test_a_modality_left_out_is_absent_from_every_window(store, clips, cache):
    windows = EvaluationTokens(cache, store, clips, modalities=("video",))
    assert all(windows[i].tensors.present == {"video": True, "audio": False} for i in range(len(windows)))


def test_a_training_window_follows_from_its_key(clips, cache):
    windows = TrainingTokens(cache, clips, seed=1)
    keys = [SampleKey(clip, epoch, 0) for clip in range(5) for epoch in range(6)]
    drawn = [windows[key].tensors.inputs["video"] for key in keys]
    assert all(
        torch.equal(one, windows[key].tensors.inputs["video"]) for one, key in zip(drawn, keys, strict=True)
    )
    assert len({tuple(one.flatten()[:50].tolist()) for one in drawn}) == sum(windows.num_windows)


def test_a_second_call_computes_nothing_and_a_lost_shard_is_made_again(
    detector, store, clips, cache, tmp_path, monkeypatch
):
    shard = next(cache.folder.glob("tokens-*"))
    before, asked = shard.read_bytes(), []

    def again() -> TokenCache:
        def note(numbers):
            asked.append(list(numbers))
            return numbers

        return embed(detector.encoders, store, clips, SHAPE, tmp_path, windows_per_clip=2, progress=note)

    again()
    shard.unlink()
    again()
    assert asked == [[], [0]]
    assert shard.read_bytes() == before


def test_other_weights_clips_or_windows_make_another_cache(detector, store, clips, cache):
    def named(encoders=detector.encoders, ids=tuple(clips["clip_id"]), shape=SHAPE, windows=2) -> str:
        return digest(token_facts(dict(encoders.items()), store, sorted(ids), shape, windows))

    torch.manual_seed(1)
    other = torch.nn.ModuleDict(dict(detector.encoders.items()))
    other["video"] = create_encoder("frames", backbone="test_resnet", frame_size=32)
    longer = WindowShape(num_frames=5, frame_size=32, frame_rate=10.0, sample_rate=16_000)
    names = [named(), named(encoders=other), named(ids=tuple(clips["clip_id"][1:])), named(shape=longer)]
    assert named() == cache.folder.name
    assert len({*names, named(windows=3)}) == 5


def test_options_of_an_encoder_that_are_in_no_weight_make_another_cache(detector, store, clips, cache):
    hop = create_encoder("spectrogram", backbone="test_resnet", n_mels=32, hop_length=80)
    hop.load_state_dict(detector.encoders["audio"].state_dict())
    encoders = {**detector.encoders, "audio": hop}
    assert digest(token_facts(encoders, store, sorted(clips["clip_id"]), SHAPE, 2)) != cache.folder.name


def test_tokens_of_other_weights_are_refused_and_named(detector, store, clips, cache):
    facts = token_facts(dict(detector.encoders.items()), store, sorted(clips["clip_id"]), SHAPE, 2)
    with pytest.raises(ValueError, match=r"something else: video weights .*, now abc\. Use another"):
        TokenCache(cache.folder, facts | {"video weights": "abc"}, clips["clip_id"])


def test_a_folder_without_tokens_is_refused(tmp_path):
    with pytest.raises(ValueError, match="holds no tokens"):
        TokenCache(tmp_path, {}, [])
