"""Overhead of encoders: forward and backward beside the bare timm, torchvision or transformers model.

    python -m benchmarks.encoders [--rounds 15] [--threads 1] [--precisions float32] [--only NAME]

Both run in the same process on the same input, in turns, and change places from round to round; the ratio is the
median over the rounds. Time is this process's own CPU time, so that other work on the machine counts little, and
wall time on a GPU. The bare model gets what a user would give it: frames that are stacked and normalised already,
in the library's own layout of memory; the spectrogram is computed for both. A ratio above 1.05 fails (exit
status 1). AASIST is missing: no library has it to compare with.
"""

import argparse
import copy
import sys
import time
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any, NamedTuple

import numpy as np
import timm
import torch
from torch import Tensor

from encoders import Encoder, VideoSpec, create_encoder

LIMIT = 1.05
#: Two clips of eight frames, and sixteen clips of a second of sound.
VIDEO_SHAPE = (2, 8)
AUDIO_SHAPE = (16, 16_000)
WARM_UP_ROUNDS = 2
SPEECH = {"model_type": "wav2vec2", "hidden_size": 256, "num_hidden_layers": 4, "num_attention_heads": 4}
SPEECH |= {"intermediate_size": 512, "conv_dim": [128] * 7, "num_conv_pos_embedding_groups": 16}
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "frames resnet18 112": ("frames", {"backbone": "resnet18", "frame_size": 112}),
    "frames mobilenetv3_small_050 112": ("frames", {"backbone": "mobilenetv3_small_050", "frame_size": 112}),
    "frames legacy_xception 96": ("frames", {"backbone": "legacy_xception", "frame_size": 96}),
    "frames vit_tiny_patch16_224 112": ("frames", {"backbone": "vit_tiny_patch16_224", "frame_size": 112}),
    "clips mc3_18 64": ("clips", {"backbone": "mc3_18", "frame_size": 64}),
    "facenet 96": ("facenet", {"frame_size": 96}),
    "spectrogram resnet18": ("spectrogram", {"backbone": "resnet18"}),
    "wav2vec2 4 layers of 256": ("wav2vec2", {"checkpoint": SPEECH}),
}


class Row(NamedTuple):
    """Median milliseconds of forward and backward, and the median over the rounds of their ratio."""

    bare_ms: float
    encoder_ms: float
    ratio: float


def bare_forward(encoder: Encoder, x: Tensor) -> Callable[[], Tensor]:
    """The same network on the same input, without our code around it."""
    if encoder.name == "clips":
        clip = x.transpose(1, 2).contiguous()
        return lambda: encoder.layers(clip).mean(dim=(3, 4))
    if encoder.name == "wav2vec2":
        return lambda: encoder.model(x).last_hidden_state
    # the library's own layout of weights, which our encoders change
    backbone = copy.deepcopy(encoder.backbone).to(memory_format=torch.contiguous_format)
    if encoder.name == "spectrogram":
        return lambda: backbone(encoder.front_end(x).add(1e-6).log().unsqueeze(1)).mean(dim=2)
    frames = x.flatten(0, 1).contiguous()
    return lambda: backbone(frames)


def milliseconds(forward: Callable[[], Tensor], autocast: Any, device: str) -> float:
    clock = time.process_time if device == "cpu" else time.perf_counter
    synchronise()
    start = clock()
    with autocast:
        loss = forward().float().square().mean()
    loss.backward()
    synchronise()
    return 1000 * (clock() - start)


def synchronise() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def measure(name: str, arguments: dict[str, Any], *, device: str, dtype: torch.dtype, rounds: int) -> Row:
    encoder = create_encoder(name, **arguments).to(device).train()
    x = example(encoder).to(device)
    forwards = (bare_forward(encoder, x), lambda: encoder(x))
    times = np.empty((rounds + WARM_UP_ROUNDS, 2))
    for number, taken in enumerate(times):
        for which in (0, 1) if number % 2 else (1, 0):
            autocast = torch.autocast(device, dtype) if dtype != torch.float32 else nullcontext()
            taken[which] = milliseconds(forwards[which], autocast, device)
    kept = times[WARM_UP_ROUNDS:]
    bare, ours = np.median(kept, axis=0)
    return Row(bare, ours, float(np.median(kept[:, 1] / kept[:, 0])))


def example(encoder: Encoder) -> Tensor:
    """Random input of the shape that the encoder wants."""
    if not isinstance(encoder.input_spec, VideoSpec):
        return 0.1 * torch.randn(AUDIO_SHAPE)
    side = encoder.input_spec.frame_size
    return torch.rand(*VIDEO_SHAPE, 3, side, side)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument(
        "--precisions", nargs="+", choices=["float32", "bfloat16"], default=["float32", "bfloat16"]
    )
    parser.add_argument("--only", default="", help="run cases whose name contains this")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    print(f"torch {torch.__version__}, timm {timm.__version__}, {options.threads} threads")
    print("| encoder | device | precision | bare ms | encoder ms | ratio |\n|---|---|---|---|---|---|")
    worst = 0.0
    for label, (name, arguments) in CASES.items():
        if options.only not in label:
            continue
        for device in ["cpu", "cuda"] if torch.cuda.is_available() else ["cpu"]:
            for precision in options.precisions:
                dtype = getattr(torch, precision)
                row = measure(name, arguments, device=device, dtype=dtype, rounds=options.rounds)
                cells = f"{row.bare_ms:.1f} | {row.encoder_ms:.1f} | {row.ratio:.3f}"
                print(f"| {label} | {device} | {precision} | {cells} |", flush=True)
                worst = max(worst, row.ratio)
    print(f"largest ratio {worst:.3f}, limit {LIMIT}")
    return int(worst > LIMIT)


if __name__ == "__main__":
    sys.exit(main())
