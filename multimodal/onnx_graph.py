"""The whole detector as one ONNX graph, checked against itself, and such a graph in the detector's place.

Padding, absent modalities and moments are part of the graph. Batches of any size and, where its encoders allow it,
windows of any length go through it. It needs ``pip install '.[onnx]'``.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from encoders.onnx_export import import_onnx
from multimodal.artefacts import reading
from multimodal.data.cutting import WindowShape
from multimodal.detector import AudioVisualDetector, DetectorOutput, Inputs, Lengths, Present
from multimodal.files import atomic_path
from multimodal.heads import encode_short
from multimodal.labels import CLASSES, MODALITIES
from multimodal.scoring import evaluating

#: What a graph says of the detector that it was made of.
_KEY = "weights"
_OUTPUTS = ("class_logits", *(f"{name}_{what}" for what in ("logit", "embedding") for name in MODALITIES))


class DetectorGraph(NamedTuple):
    """Where the graph is, how far its logits are from the detector's at most, and what may be of any size."""

    file: Path
    largest_difference: float
    dynamic: tuple[str, ...]

    @property
    def lengths(self) -> str:
        """What is said of the lengths of windows."""
        return (
            f"windows of any length of {' and '.join(self.dynamic)}" if self.dynamic else "windows of one length"
        )


def fingerprint(detector: nn.Module) -> str:
    """A hash of all weights, by which a graph is known to be of a detector."""
    digest = hashlib.blake2b(digest_size=16)
    for name, value in sorted(detector.state_dict().items()):
        digest.update(f"{name} {value.dtype} {tuple(value.shape)}".encode())
        digest.update(value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy())
    return digest.hexdigest()


def export_detector(
    detector: AudioVisualDetector, file: str | Path, *, shape: WindowShape, tolerance: float = 1e-4
) -> DetectorGraph:
    """Write a detector in evaluation mode as ONNX, and compare both on random windows in float32 on the CPU.

    Inputs are ``video``, ``audio`` and, by modality, ``_present`` (a flag a window) and ``_length`` (frames or
    samples before the padding); outputs ``class_logits``, of each modality a ``_logit`` of its own head and an
    ``_embedding``, the mean token, and, with heads for moments, ``_frames``. Compared are windows of which some
    lack a modality and some are padded.

    Args:
        detector: it comes back in the mode and on the device that it had.
        file: where to write the graph, usually ``*.onnx``; it appears when the comparison held.
        shape: of the windows that it judges.
        tolerance: largest absolute difference of a logit that is accepted.

    Raises:
        ValueError: onnx, onnxscript or onnxruntime is missing, or the graph's logits differ by more.
    """
    onnxruntime = import_onnx()
    file, device = Path(file), next(detector.parameters()).device
    detector.cpu()
    try:
        with evaluating(detector), torch.no_grad(), atomic_path(file) as temporary:
            program = _exported(detector, shape)
            program.model.metadata_props[_KEY] = fingerprint(detector)
            program.save(temporary, external_data=False)
            session = onnxruntime.InferenceSession(temporary, providers=["CPUExecutionProvider"])
            dynamic = tuple(one.name for one in session.get_inputs()[:2] if not isinstance(one.shape[1], int))
            largest = max(_difference(detector, session, sizes) for sizes in _checked_sizes(shape, dynamic))
            if not largest <= tolerance:
                raise ValueError(
                    f"the ONNX graph differs from the detector by {largest:.2g}, over {tolerance:.2g}"
                )
    finally:
        detector.to(device)
    return DetectorGraph(file, largest, dynamic)


class _Sizes(NamedTuple):
    windows: int
    num_frames: int
    num_samples: int
    frame_size: int


def _exported(detector: AudioVisualDetector, shape: WindowShape) -> Any:
    """The traced program; window lengths that a part of the detector fixes stay fixed."""
    batch, length = torch.export.Dim("batch"), torch.export.Dim.AUTO
    window: dict[str, dict[int, Any]] = {name: {0: batch, 1: length} for name in MODALITIES}
    flags: dict[str, dict[int, Any]] = {name: {0: batch} for name in _input_names() if name not in MODALITIES}
    return torch.onnx.export(
        _Graph(detector),
        tuple(_example(_Sizes(2, shape.num_frames, shape.num_samples, shape.frame_size)).values()),
        input_names=_input_names(),
        output_names=_output_names(localises=detector.localises),
        dynamic_shapes=window | flags,
        dynamo=True,
        verbose=False,
    )


def _checked_sizes(shape: WindowShape, dynamic: tuple[str, ...]) -> list[_Sizes]:
    """The windows that are judged, and longer ones where the graph takes any."""
    judged = _Sizes(3, shape.num_frames, shape.num_samples, shape.frame_size)
    if set(dynamic) != set(MODALITIES):
        return [judged]
    return [judged, judged._replace(num_frames=judged.num_frames + 2, num_samples=judged.num_samples * 5 // 4)]


def _input_names() -> list[str]:
    return [*MODALITIES, *(f"{name}_{what}" for what in ("present", "length") for name in MODALITIES)]


def _output_names(*, localises: bool) -> list[str]:
    return [*_OUTPUTS, *(f"{name}_frames" for name in MODALITIES if localises)]


def _example(sizes: _Sizes) -> dict[str, Tensor]:
    """Random windows: the second has no sound, the third no picture, and every other one is padded."""
    generator = torch.Generator().manual_seed(sizes.windows)
    number, side = torch.arange(sizes.windows), sizes.frame_size
    padded = number % 2
    return {
        "video": torch.rand(sizes.windows, sizes.num_frames, 3, side, side, generator=generator),
        "audio": 0.1 * torch.randn(sizes.windows, sizes.num_samples, generator=generator),
        "video_present": number != 2,
        "audio_present": number != 1,
        "video_length": sizes.num_frames - padded * (sizes.num_frames // 2),
        "audio_length": sizes.num_samples - padded * (sizes.num_samples // 4),
    }


def _difference(detector: AudioVisualDetector, session: Any, sizes: _Sizes) -> float:
    example = _example(sizes)
    pairs = zip(_run(session, example), _Graph(detector)(**example), strict=True)
    return max((ours - theirs).abs().max().item() for ours, theirs in pairs)


def _run(session: Any, values: Mapping[str, Tensor]) -> list[Tensor]:
    taken = {one.name for one in session.get_inputs()}  # a length that no encoder asks for is no input
    fed = {name: value.contiguous().numpy() for name, value in values.items() if name in taken}
    return [torch.from_numpy(value) for value in session.run(None, fed)]


class _Graph(nn.Module):
    """The detector with tensors in and out, as a graph has them, and without a choice that depends on values."""

    def __init__(self, detector: AudioVisualDetector) -> None:
        super().__init__()
        self.detector = detector

    def forward(
        self,
        video: Float[Tensor, "batch time 3 size size"],
        audio: Float[Tensor, "batch samples"],
        video_present: Bool[Tensor, " batch"],
        audio_present: Bool[Tensor, " batch"],
        video_length: Int[Tensor, " batch"],
        audio_length: Int[Tensor, " batch"],
    ) -> tuple[Tensor, ...]:
        """Logits in the order of the graph's outputs."""
        inputs, lengths = {"video": video, "audio": audio}, {"video": video_length, "audio": audio_length}
        encoders = self.detector.encoders
        tokens = {name: encode_short(encoders[name], inputs[name], lengths[name]) for name in MODALITIES}
        output = self.detector.classifier(tokens, {"video": video_present, "audio": audio_present})
        parts = [output.modality_logits, output.embeddings, output.frame_logits or {}]
        named = (part[name] for part in parts if part for name in MODALITIES)
        return (output.class_logits, *named)


#: The operators of the standard; others may come from a library, or do what the standard does not.
_STANDARD = ("", "ai.onnx")


def _read_plain(file: Path) -> bytes:
    """A graph that is whole in its file: it names no other file, no operator of elsewhere, and comes to an end.

    Raises:
        ValueError: it is another; or whatever its parser says.
    """
    content = file.read_bytes()
    model = import_module("onnx").ModelProto.FromString(content)
    known = {*_STANDARD, *(function.domain for function in model.functions)}
    for part in _parts(model):
        kind = part.DESCRIPTOR.name
        if kind == "TensorProto" and (part.external_data or part.data_location):
            raise ValueError(f"{part.name!r:.60} lies in another file; such are not opened")
        if kind == "NodeProto" and part.domain not in known:
            raise ValueError(
                f"an operator {part.op_type!r:.60} of {part.domain!r:.60}, which is not of the standard"
            )
        if kind == "NodeProto" and part.op_type == "Loop":
            raise ValueError("a loop, which may never end; no detector has one")
    return content


def _parts(message: Any) -> Iterator[Any]:
    """A message of protobuf and all messages in it."""
    yield message
    for field, value in message.ListFields():
        if field.message_type is not None:
            for inner in value if isinstance(value, Sequence) else (value,):
                yield from _parts(inner)


_TYPES = {"present": "tensor(bool)", "length": "tensor(int64)"}


def _check_ends(session: Any, *, localises: bool) -> None:
    """Raise ``ValueError`` unless inputs and outputs have the names and types that :func:`_exported` gives."""
    inputs = {one.name: one.type for one in session.get_inputs()}
    for name, found in inputs.items():
        wanted = _TYPES.get(name.rpartition("_")[2], "tensor(float)")
        if name not in _input_names() or found != wanted:
            raise ValueError(f"an input {name!r:.60} of type {found:.60}")
    outputs = [one.name for one in session.get_outputs()]
    if outputs != _output_names(localises=localises) or not set(MODALITIES) <= set(inputs):
        raise ValueError(f"inputs {', '.join(inputs)} and outputs {', '.join(outputs)}"[:200])
    odd = [one.name for one in session.get_outputs() if one.type != "tensor(float)"]
    if odd:
        raise ValueError(f"outputs that are no float32: {', '.join(odd)}")


class OnnxDetector(nn.Module):
    """A graph in the place of the detector that it was made of, computed by onnxruntime on the CPU.

    Args:
        file: what :func:`export_detector` wrote.
        of: the detector.

    Raises:
        ValueError: onnxruntime is missing, no such graph, or one of another detector.
    """

    def __init__(self, file: str | Path, of: AudioVisualDetector) -> None:
        super().__init__()
        onnxruntime = import_onnx("onnx", "onnxruntime")
        self.file = Path(file)
        if not self.file.is_file():
            raise ValueError(f"no graph at {file}; write one by: export RUN --out DIR --onnx")
        with reading(self.file, "an ONNX graph"):
            options = onnxruntime.SessionOptions()
            options.log_severity_level = 4  # what is wrong is said once, by us
            self.session: Any = onnxruntime.InferenceSession(
                _read_plain(self.file), options, providers=["CPUExecutionProvider"]
            )
            _check_ends(self.session, localises=of.localises)
        if self.session.get_modelmeta().custom_metadata_map.get(_KEY) != fingerprint(of):
            raise ValueError(f"{file} is the graph of other weights; write it anew: export RUN --out DIR --onnx")
        self.localises = of.localises
        self.eval()

    def forward(
        self, inputs: Inputs, present: Present | None = None, lengths: Lengths | None = None
    ) -> DetectorOutput:
        """As :meth:`multimodal.detector.AudioVisualDetector.forward`, of both modalities."""
        if set(inputs) != set(MODALITIES):
            raise ValueError(
                f"a graph takes {' and '.join(MODALITIES)}; got {', '.join(inputs)}. Mark one absent."
            )
        windows = len(inputs["video"])
        values: dict[str, Tensor] = {}
        for name in MODALITIES:
            values[name] = inputs[name].cpu()
            everywhere = torch.ones(windows, dtype=torch.bool)
            values[f"{name}_present"] = everywhere if present is None else present[name].cpu()
            whole = torch.full((windows,), inputs[name].shape[1])
            values[f"{name}_length"] = whole if lengths is None else lengths[name].cpu()
        with reading(self.file, "a graph of this detector", "cannot be computed"):
            class_logits, *others = _run(self.session, values)
            if class_logits.shape != (windows, len(CLASSES)) or any(len(one) != windows for one in others):
                raise ValueError(f"logits of shape {tuple(class_logits.shape)} for {windows} windows")
            if not class_logits.isfinite().all():
                raise ValueError("logits that are not finite")
        named: list[str] = [*MODALITIES]
        pairs = zip(others[::2], others[1::2], strict=True)
        heads, embeddings, *frames = (dict(zip(named, pair, strict=True)) for pair in pairs)
        return DetectorOutput(
            class_logits, heads, frame_logits=frames[0] if frames else None, embeddings=embeddings
        )
