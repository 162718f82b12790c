"""An encoder as an ONNX graph, checked against itself in onnxruntime (``pip install '.[onnx]'``)."""

import importlib
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import torch
from torch import Tensor

from encoders.base import Encoder, VideoSpec


class Export(NamedTuple):
    """Where the graph is, and how far its tokens are from the encoder's (largest absolute difference)."""

    file: Path
    largest_difference: float


def export_onnx(encoder: Encoder, file: str | Path, *, length: int, tolerance: float = 1e-4) -> Export:
    """Write ``encoder`` in evaluation mode as ONNX and compare both on random input in float32 on the CPU.

    The graph has one input ``x`` and one output ``tokens``, any batch size, and windows of the given length.
    The checks of the input are not part of it.

    Args:
        encoder: the encoder; it comes back in the mode and on the device it had.
        file: where to write the graph, usually ``*.onnx``.
        length: frames of video, or samples of sound, in a window.
        tolerance: largest absolute difference of a token value that is accepted.

    Raises:
        ValueError: onnx, onnxscript or onnxruntime is missing, or the graph's tokens differ by more.
    """
    onnxruntime = import_onnx()
    file = Path(file)
    was_training, device = encoder.training, next(encoder.parameters()).device
    encoder.eval().cpu()
    try:
        example = _example(encoder, batch_size=2, length=length)
        with torch.no_grad():
            torch.onnx.export(
                encoder,
                (example,),
                file,
                input_names=["x"],
                output_names=["tokens"],
                dynamic_shapes={"x": {0: torch.export.Dim("batch")}},
                dynamo=True,
                external_data=False,
                verbose=False,
            )
            x = _example(encoder, batch_size=3, length=length)
            expected = encoder(x)
    finally:
        encoder.train(was_training).to(device)
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    tokens = torch.from_numpy(session.run(["tokens"], {"x": x.numpy()})[0])
    largest = (tokens - expected).abs().max().item()
    if not largest <= tolerance:
        raise ValueError(f"the ONNX graph of {encoder.name!r} differs by {largest:.2g}, more than {tolerance:.2g}")
    return Export(file, largest)


def import_onnx(*packages: str) -> ModuleType:
    """onnxruntime, after ``packages``; all of them at once, for torch.onnx would find out late and in part."""
    try:
        for package in packages or ("onnx", "onnxscript"):
            importlib.import_module(package)
        return importlib.import_module("onnxruntime")
    except ImportError as error:
        raise ValueError(
            f"ONNX needs onnx, onnxscript and onnxruntime ({error}); pip install '.[onnx]'"
        ) from error


def _example(encoder: Encoder, *, batch_size: int, length: int) -> Tensor:
    """Random input that differs between clips."""
    generator = torch.Generator().manual_seed(batch_size)
    if isinstance(encoder.input_spec, VideoSpec):
        side = encoder.input_spec.frame_size
        return torch.rand(batch_size, length, 3, side, side, generator=generator)
    return 0.1 * torch.randn(batch_size, length, generator=generator)
