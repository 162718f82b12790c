"""What holds of a training on a GPU; skipped where there is none."""

import importlib.util
import os
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path
from threading import Event

import pytest
import torch
from accelerate import Accelerator
from safetensors.torch import load_file
from tiny_speech import TINY_SPEECH

from encoders import create_encoder
from fusion import create_fusion
from multimodal.data.delivery import delivered
from multimodal.detector import AudioVisualDetector
from multimodal.training.averaging import WeightAverage
from multimodal.training.checkpoints import Checkpoints
from multimodal.training.fit import StepNumbers, training_step
from multimodal.training.losses import DetectorLoss
from multimodal.training.options import FitOptions
from multimodal.training.parameter_groups import make_optimizer
from multimodal.training.tasks import DetectorTask

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")

SCRIPT = Path(__file__).parent / "fit_script.py"
#: By how much, of their length, the weights of a resumed training may differ where kernels need not give the same
#: bits; 6 steps at a rate of 1e-2.
TOLERANCE = 1e-3


def distance(folder: Path) -> float:
    """How far the weights after halves are from those of the whole training, as a share of their length."""
    ends = [Checkpoints(folder / name).latest() / "model.safetensors" for name in ("whole", "halves")]
    one, other = (torch.cat([value.flatten().double() for value in load_file(end).values()]) for end in ends)
    return float((one - other).norm() / one.norm())


def test_a_training_that_was_stopped_follows_the_whole_one(tmp_path):
    specification = importlib.util.spec_from_file_location("fit_script", SCRIPT)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    rows = module.train_whole_and_in_halves(tmp_path, cpu=False)
    assert rows["halves"] == rows["whole"]
    assert distance(tmp_path) < TOLERANCE


def test_with_deterministic_kernels_it_ends_as_the_whole_one(tmp_path):
    code = (
        "import runpy, sys; from pathlib import Path; from experiments.runs.loop import same_bits; "
        "made = runpy.run_path(sys.argv[1]); "
        "context = same_bits(); context.__enter__(); "
        "made['train_whole_and_in_halves'](Path(sys.argv[2]), cpu=False)"
    )
    environment = {name: value for name, value in os.environ.items() if name != "CUBLAS_WORKSPACE_CONFIG"}
    subprocess.run(
        [sys.executable, "-c", code, str(SCRIPT), str(tmp_path)], env=environment, check=True, timeout=300
    )
    assert distance(tmp_path) == 0


AUDIO = {
    "spectrogram": {"backbone": "test_resnet", "n_mels": 32},
    "wav2vec2": {"checkpoint": TINY_SPEECH, "weigh_layers": True},
    "aasist": {},
}


def batch(is_padded: bool, device: torch.device) -> dict:
    """Six windows on the device; lengths and rows stay with the host."""
    count, samples = 6, 8000
    present = torch.ones(count, dtype=torch.bool, device=device)
    lengths = torch.full((count,), samples)
    lengths[0] = samples // 2 if is_padded else samples
    return {
        "inputs": {
            "video": torch.rand(count, 4, 3, 32, 32, device=device),
            "audio": 0.1 * torch.randn(count, samples, device=device),
        },
        "present": {"video": present, "audio": present},
        "lengths": {"video": torch.full((count,), 4), "audio": lengths},
        "labels": {
            "class": torch.tensor([0, -1, 3, 1, 2, 0], device=device),
            "video": torch.tensor([0, -1, 1, 0, 1, 0], device=device),
            "audio": torch.tensor([0, 1, 1, 1, 0, 0], device=device),
        },
        "row": torch.arange(count),
    }


@pytest.mark.filterwarnings("ignore:Synchronization debug mode is a prototype:UserWarning")
@pytest.mark.parametrize("is_padded", [False, True])
@pytest.mark.parametrize("precision", ["no", "bf16"])
@pytest.mark.parametrize("fusion", ["cross_attention", "gated"])
@pytest.mark.parametrize("audio", AUDIO)
def test_no_step_waits_for_the_gpu(audio, fusion, precision, is_padded):
    if audio == "wav2vec2" and is_padded:
        pytest.skip("transformers asks the GPU whether its mask hides anything")
    accelerator = Accelerator(mixed_precision=precision)
    encoders = {
        "video": create_encoder("frames", backbone="test_vit", frame_size=32),
        "audio": create_encoder(audio, **AUDIO[audio]),
    }
    dims = {name: encoder.embed_dim for name, encoder in encoders.items()}
    model = AudioVisualDetector(encoders=encoders, fusion=create_fusion(fusion, dims=dims, out_dim=8))
    weights = torch.tensor([1.0, 2.0, 3.0, 4.0])
    criterion = DetectorLoss(name="weighted_focal", weights={"class": weights})
    task = DetectorTask(criterion=criterion, score_validation=lambda _: None, modality_dropout=0.3)
    options = FitOptions(accumulate=2, ema_decay=0.9)
    average = WeightAverage(model, 0.9)
    wrapped, optimizer = accelerator.prepare(model, make_optimizer(model, options))
    average.model.to(accelerator.device)
    numbers = StepNumbers(None, lambda step, told: None, scales_itself=False)
    there = batch(is_padded, accelerator.device)

    def step(number: int) -> None:
        taken = training_step(wrapped, task, there, optimizer, number, options, accelerator)
        numbers.add(number, there["row"], taken)
        average.update(model, number)

    for number in range(2):  # what a first step loads and asks is asked once
        step(number)
    torch.cuda.set_sync_debug_mode("error")
    try:
        step(2)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    numbers.read(later=0)
    assert len(numbers.losses) == 3


def numbered(count: int):
    for number in range(count):
        yield {"inputs": {}, "present": {}, "lengths": {}, "labels": {}, "row": torch.tensor([number])}


def test_the_next_batch_is_brought_when_it_may_be():
    may_begin = Event()
    batches = delivered(numbered(3), "cuda", may_begin)
    assert next(batches)["row"] == 0
    may_begin.set()
    assert next(batches)["row"] == 1
    assert not may_begin.is_set()
    batches.close()


def test_a_thread_that_waits_to_bring_a_batch_ends_with_the_training():
    before = threading.active_count()
    with closing(delivered(numbered(3), "cuda", Event())) as batches:
        next(batches)
        assert threading.active_count() > before
    assert threading.active_count() == before
