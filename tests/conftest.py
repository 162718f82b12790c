"""A small generated corpus, prepared and trained on once, and stores of a few tones, for tests that need them."""

import fcntl
import os
import random
import shutil
import signal
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from scipy.io import wavfile

#: Folders whose files take minutes: one that began last would keep one worker busy while the others wait.
_LONG = ("smoke", "benchmarks")


def pytest_addoption(parser) -> None:
    parser.addoption("--shuffle", type=int, metavar="SEED", help="run the tests in a random order of this seed")


def pytest_configure(config) -> None:
    """Hand files out in the order below (xdist: the one with most tests first), and let tests be interrupted."""
    config.option.loadscopereorder = False
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as a shell starts a job in the background
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(config, items) -> None:
    """Long files go first; the tests of a file stay together, so that one worker makes what they share once."""
    if config.getoption("--shuffle") is not None:  # no test may lean on the one before it
        random.Random(config.getoption("--shuffle")).shuffle(items)
    items.sort(key=lambda item: item.path.parent.name not in _LONG)


@pytest.fixture(autouse=True)
def own_device():
    """Accelerate keeps one device and one precision a process: no test is to choose those of the next."""
    yield
    if accelerate := sys.modules.get("accelerate.state"):
        accelerate.AcceleratorState._reset_state(reset_partial_state=True)


@pytest.fixture(scope="session")
def made_once(tmp_path_factory) -> Callable[[str, Callable[[Path], None]], Path]:
    """Lets the first worker that asks for a folder of a name fill it; no test may write into it."""
    own = tmp_path_factory.getbasetemp()
    common = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own

    def make_once(name: str, fill: Callable[[Path], None]) -> Path:
        folder, is_made = common / name, common / f"{name}.made"
        with (common / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not is_made.exists():
                shutil.rmtree(folder, ignore_errors=True)  # of a worker that failed at it
                folder.mkdir()
                fill(folder)
                is_made.touch()
        return folder

    return make_once


@pytest.fixture(scope="session")
def workspace(made_once) -> Path:
    """Folder with corpus, manifest.parquet, split.parquet and store, as the verbs make them; to be read only."""
    return made_once("workspace", _make_workspace)


def _make_workspace(folder: Path) -> None:
    from experiments.generate import generate
    from experiments.prepare import prepare
    from experiments.scan import scan
    from experiments.split import split
    from multimodal.media.prepared import PrepareOptions
    from multimodal.synthetic import SyntheticOptions

    options = SyntheticOptions(
        groups=3,
        identities_per_group=2,
        real_clips=2,
        rtvc_clips=2,
        wav2lip_clips=1,
        faceswap_clips=1,
        fsgan_clips=1,
        rtvc_wav2lip_clips=1,
        faceswap_wav2lip_clips=1,
        fsgan_wav2lip_clips=1,
        clip_seconds=0.8,
        frame_size=128,
    )
    generate("fakeavceleb", out=folder / "corpus", options=options, workers=1)
    scan("fakeavceleb", root=folder / "corpus", out=folder / "manifest.parquet")
    manifests = (folder / "manifest.parquet",)
    split(manifests, protocol=("group_out",), out=folder / "split.parquet")
    prepare(manifests, store=folder / "store", options=PrepareOptions(frame_rate=10, crop_size=32), workers=1)


#: Folder of a pretraining source → the corpus that is generated for it, and options of that.
SOURCES = {
    "images": ("deepfake_image", {"variant": "folders", "identities": 4, "clips": 3}),
    "videos": ("celebdf", {"identities": 3, "clips": 2}),
    "speech": ("deepfake_audio", {"variant": "for_norm", "identities": 4, "clips": 3}),
}


@pytest.fixture(scope="session")
def source_roots(made_once) -> dict[str, Path]:
    """Small generated corpora of images, videos and audio: name of the source → root of the corpus."""
    folder = made_once("roots", _make_roots)
    return {name: folder / name for name in SOURCES}


def _make_roots(folder: Path) -> None:
    from experiments.generate import generate
    from multimodal.synthetic import LayoutOptions

    for name, (corpus, chosen) in SOURCES.items():
        options = LayoutOptions(clip_seconds=0.4, frame_size=96, **chosen)
        generate(corpus, out=folder / name, options=options, workers=1)


@pytest.fixture(scope="session")
def sources(made_once, source_roots) -> Path:
    """Folder with the sources ``images``, ``videos`` and ``speech`` of a pretraining, and their ``store``."""
    return made_once("sources", partial(_make_sources, source_roots))


def _make_sources(source_roots: dict[str, Path], folder: Path) -> None:
    from experiments.prepare import prepare
    from experiments.scan import scan
    from experiments.split import split
    from multimodal.media.prepared import PrepareOptions

    manifests = []
    for name, root in source_roots.items():
        manifests.append(folder / name / "manifest.parquet")
        scan(SOURCES[name][0], root=root, out=manifests[-1])
        split(manifests[-1:], protocol=("random",), seed=1, out=folder / name / "split.parquet")
    prepare(
        tuple(manifests), store=folder / "store", options=PrepareOptions(frame_rate=10, crop_size=32), workers=1
    )


@pytest.fixture(scope="session")
def run(made_once, workspace, tmp_path_factory) -> Path:
    """A run folder: a tiny detector trained for a few steps, with thresholds, evaluated."""
    made = made_once("runs", partial(_make_run, workspace)) / "run"
    return Path(shutil.copytree(made, tmp_path_factory.mktemp("runs") / "run"))


def _make_run(workspace: Path, folder: Path) -> None:
    from experiments.evaluate import evaluate
    from experiments.runs.config import DataConfig, TrainConfig
    from experiments.runs.parts import EncoderConfig, FusionConfig
    from experiments.thresholds import thresholds
    from experiments.train import train
    from multimodal.training.options import FitOptions

    data = DataConfig(
        manifest=workspace / "manifest.parquet",
        split=workspace / "split.parquet",
        store=workspace / "store",
        num_frames=4,
        batch_size=8,
        windows_per_clip=2,
        num_workers=0,
    )
    config = TrainConfig(
        encoders={
            "video": EncoderConfig(name="frames", options={"backbone": "test_resnet", "frame_size": 32}),
            "audio": EncoderConfig(name="spectrogram", options={"backbone": "test_resnet", "n_mels": 32}),
        },
        fusion=FusionConfig(name="gated", out_dim=16),
        data=data,
        fit=FitOptions(steps=4, validate_every=2),
    )
    train(config, folder / "run")
    thresholds(folder / "run")
    evaluate(folder / "run", replicates=50)


@pytest.fixture(scope="session")
def write_sounds():
    """Write sounds of (silence before, tone, silence after) seconds and prepare them; manifest and store."""

    from multimodal.corpora.manifest import Clip, collect
    from multimodal.media.prepare_corpus import prepare_corpus
    from multimodal.media.prepared import PrepareOptions
    from multimodal.media.store.reader import Store

    def write(folder, corpus, sounds, *, audio_fake=0, **options):
        root, rate = folder / corpus, 16_000
        root.mkdir(parents=True)
        for name, (before, tone, after) in sounds.items():
            parts = [
                np.zeros(round(before * rate)),
                8000 * np.ones(round(tone * rate)),
                np.zeros(round(after * rate)),
            ]
            sound = np.concatenate(parts)
            wavfile.write(root / name, rate, (sound * (-1) ** np.arange(len(sound))).astype(np.int16))
        clips = [Clip(name, "audio", None, audio_fake, "real", size_bytes=1) for name in sounds]
        manifest = collect(clips, corpus=corpus, root=root)
        prepare_corpus(manifest, folder / f"{corpus}-store", PrepareOptions(frame_rate=10.0, **options))
        return manifest, Store.open(folder / f"{corpus}-store")

    return write
