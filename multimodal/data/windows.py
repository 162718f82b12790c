"""Windows of prepared clips as tensors: ``num_frames`` consecutive crops and exactly their sound."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float, UInt8
from torch import Tensor
from torch.utils.data import Dataset

from multimodal.data.augment import Augmentation
from multimodal.data.augment.picture import UNCHANGED, PictureDraw
from multimodal.data.augment.sound import SOUND_UNCHANGED, SoundDraw
from multimodal.data.cutting import WindowShape, window_starts
from multimodal.data.frame_labels import FrameLabels, FrameTable, labels_of_window
from multimodal.data.options import SilentEnds
from multimodal.data.order import SampleKey
from multimodal.data.pseudo_fakes import Forge, forged_rows, pair_rows
from multimodal.data.silence_trim import spans_of, widened
from multimodal.labels import MODALITIES, UNKNOWN, Modality, class_index
from multimodal.media.prepared import PreparedClip, sample_span
from multimodal.media.store.reader import AnyStore


class Finish(NamedTuple):
    """What makes a model's input of a window in memory: the side of its frames, and what augmentation drew."""

    frame_size: int
    sample_rate: int
    picture: PictureDraw = UNCHANGED
    sound: SoundDraw = SOUND_UNCHANGED


class WindowTensors(NamedTuple):
    """One window: a tensor and a presence flag for each modality; an absent one is zeros.

    ``lengths`` are the frames and samples that come from the clip; the rest of a short window is padding.
    ``finish`` is what has to be done yet on the device; None where the tensors are what a model takes, as tokens.
    """

    inputs: dict[str, Tensor]
    present: dict[str, bool]
    lengths: dict[str, int]
    finish: Finish | None = None


class Sample(NamedTuple):
    """One window with the labels and the row of its clip, and those of its frames, each ``(T,)``."""

    tensors: WindowTensors
    labels: dict[str, int]
    row: int
    frame_labels: dict[str, Tensor] | None = None


class TrainingWindows(Dataset[Sample]):
    """A random window of a clip, drawn and augmented as its :class:`SampleKey` says.

    Args:
        store: prepared clips.
        clips: rows of a manifest that are all in the store.
        shape: of the windows.
        seed: of the draw and the augmentation.
        augmentation: None for none.
        modalities: what is read; the others stand as not present.
        forge: makes a window fake in the rows that :mod:`multimodal.data.pseudo_fakes` added; the draw of such a
            row is that of its genuine clip, so that the two are one pair.
    """

    def __init__(
        self,
        store: AnyStore,
        clips: pd.DataFrame,
        shape: WindowShape,
        *,
        seed: int,
        augmentation: Augmentation | None = None,
        modalities: Sequence[Modality] = MODALITIES,
        forge: Forge | None = None,
    ) -> None:
        self.store, self.shape, self.seed, self.augmentation = store, shape, seed, augmentation
        self.modalities = modalities
        self.clip_ids = clips["clip_id"].tolist()
        index = _index_rows(store, self.clip_ids)
        self.spans, self.num_frames = spans_of(index, shape.silent_ends), index["num_frames"].tolist()
        self.labels, self.pairs = label_table(clips), _Pairs(clips, forge)
        self.frames = FrameTable(clips, index)

    def __len__(self) -> int:
        return len(self.clip_ids)

    @property
    def num_windows(self) -> list[int]:
        """Windows that each clip can show without overlap."""
        return [max(1, span.length // self.shape.num_frames) for span in self.spans]

    def __getitem__(self, key: SampleKey) -> Sample:
        generator = key._replace(clip=self.pairs.number[key.clip]).generator(self.seed)
        span = self.spans[key.clip]
        if self.shape.silent_ends == "random":
            span = widened(span, self.num_frames[key.clip], generator)
        start = span.first + int(generator.integers(0, max(span.length - self.shape.num_frames, 0) + 1))
        count = min(self.shape.num_frames, span.end - start)
        window = self.store.read(self.clip_ids[key.clip], start, count, modalities=self.modalities)
        tensors = self.pairs.member(window_tensors(window, self.shape), key.clip, generator)
        if self.augmentation is not None:
            rate = self.shape.sample_rate
            begun = self.augmentation.begin(tensors.inputs, tensors.present, generator, sample_rate=rate)
            finish = Finish(self.shape.frame_size, rate, begun.picture, begun.sound)
            tensors = tensors._replace(inputs=begun.inputs, finish=finish)
        sample, frames = labelled(tensors, self.labels, key.clip), self.frames.of(key.clip, start, count)
        if self.frames.knows(key.clip):  # a window of a clip that is forged in part may hold nothing forged
            sample = sample._replace(labels=labels_of_window(frames))
        return sample._replace(frame_labels=_padded(frames, self.shape.num_frames))


class ClipWindows(Dataset[Sample]):
    """Windows of clips that are judged, as crops and sound or as tokens.

    ``starts[i]`` is (row of the clips' table, place in the clip) of item i; ``store`` is what they were made from.
    """

    store: AnyStore
    starts: list[tuple[int, int]]


class EvaluationWindows(ClipWindows):
    """Windows spread evenly over every clip, at most ``windows_per_clip`` of each; nothing changes between calls.

    ``starts[i]`` is (row of ``clips``, first frame) of item i; ``modalities`` and ``forge`` as in
    :class:`TrainingWindows`. With ``silent_ends="random"`` the ends are kept here.
    """

    def __init__(
        self,
        store: AnyStore,
        clips: pd.DataFrame,
        shape: WindowShape,
        *,
        windows_per_clip: int = 4,
        modalities: Sequence[Modality] = MODALITIES,
        forge: Forge | None = None,
    ) -> None:
        self.store, self.shape, self.modalities = store, shape, modalities
        self.clip_ids = clips["clip_id"].tolist()
        self.labels, self.pairs = label_table(clips), _Pairs(clips, forge)
        ends: SilentEnds = "trim" if shape.silent_ends == "trim" else "keep"
        index = _index_rows(store, self.clip_ids)
        self.spans, self.frames = spans_of(index, ends), FrameTable(clips, index)
        self.starts = [
            (row, span.first + start)
            for row, span in enumerate(self.spans)
            for start in window_starts(span.length, shape.num_frames, windows_per_clip)
        ]

    def __len__(self) -> int:
        return len(self.starts)

    def __getitem__(self, index: int) -> Sample:
        row, start = self.starts[index]
        count = min(self.shape.num_frames, self.spans[row].end - start)
        window = self.store.read(self.clip_ids[row], start, count, modalities=self.modalities)
        generator = np.random.default_rng([self.pairs.number[row], start])
        tensors = self.pairs.member(window_tensors(window, self.shape), row, generator)
        frames = _padded(self.frames.of(row, start, count), self.shape.num_frames)
        return labelled(tensors, self.labels, row)._replace(frame_labels=frames)


def window_tensors(window: PreparedClip, shape: WindowShape) -> WindowTensors:
    """Tensors of one window; a short one is shown again and again, picture and sound alike.

    So AASIST treats short clips (Jung et al., 2022). Sound that ends before the picture is silent there, as it is
    in the file, and ``lengths`` say so: no encoder takes that for speech.

    Shape: video ``(T, 3, S, S)`` uint8, crops as the store has them (S is 1 without any); audio ``(samples,)``
    float in [-1, 1]. :func:`multimodal.data.delivery.to_device` makes of a batch of them what a model takes.
    """
    # a zero seen as many: a whole window of them takes as long as decoding half a one
    video = torch.zeros((), dtype=torch.uint8).expand(shape.num_frames, 3, 1, 1)
    audio = torch.zeros(()).expand(shape.num_samples)
    lengths = {"video": 0, "audio": 0}
    if window.frames is not None and len(window.frames):
        video, lengths["video"] = _crops(window.frames, shape), min(len(window.frames), shape.num_frames)
    if window.waveform is not None:
        audio = _sound(window.waveform, window.num_frames, shape)
        lengths["audio"] = min(len(window.waveform), shape.num_samples)
    present = {"video": window.frames is not None, "audio": window.waveform is not None}
    finish = Finish(shape.frame_size, shape.sample_rate)
    return WindowTensors({"video": video, "audio": audio}, present, lengths, finish)


def label_table(clips: pd.DataFrame) -> dict[str, np.ndarray]:
    """Labels ``class``, ``video``, ``audio`` of every row, -1 where unknown."""
    video = clips["video_fake"].fillna(UNKNOWN).to_numpy(np.int64)
    audio = clips["audio_fake"].fillna(UNKNOWN).to_numpy(np.int64)
    known = (video != UNKNOWN) & (audio != UNKNOWN)
    return {"class": np.where(known, class_index(video, audio), UNKNOWN), "video": video, "audio": audio}


def labelled(tensors: WindowTensors, labels: dict[str, np.ndarray], row: int) -> Sample:
    """A window with the labels of its clip, which is row ``row`` of the table that ``labels`` describe."""
    return Sample(tensors, {name: int(values[row]) for name, values in labels.items()}, row)


def _padded(frames: FrameLabels, num_frames: int) -> dict[str, Tensor]:
    """Labels of the frames of a window, -1 for those of its padding."""
    padded = {}
    for name, labels in frames.items():
        lacking = num_frames - len(labels)
        padded[name] = np.append(labels, np.full(lacking, UNKNOWN)) if lacking else labels
    return {name: torch.from_numpy(labels) for name, labels in padded.items()}


def _sound(waveform: np.ndarray, num_frames: int, shape: WindowShape) -> Float[Tensor, " samples"]:
    first, last = sample_span(0, min(num_frames, shape.num_frames), shape.frame_rate, shape.sample_rate)
    heard = torch.from_numpy(waveform[: shape.num_samples])
    own = torch.zeros(max(last - first, len(heard), 1))
    own[: len(heard)] = heard
    return _repeated(own, shape.num_samples)


def _crops(frames: np.ndarray, shape: WindowShape) -> UInt8[Tensor, "time 3 size size"]:
    return _repeated(torch.from_numpy(frames[: shape.num_frames]).permute(0, 3, 1, 2), shape.num_frames)


def _repeated(values: Tensor, length: int) -> Tensor:
    """The values repeated until they are as many as asked for."""
    return values if len(values) == length else values[torch.arange(length) % len(values)]


class _Pairs:
    """Which rows are genuine clips with a pseudo-fake, or such a fake, and their windows.

    ``number[i]`` is what the randomness of row i depends on: that of its genuine clip.
    """

    def __init__(self, clips: pd.DataFrame, forge: Forge | None) -> None:
        self.forge, self.forged = forge, forged_rows(clips)
        self.number = pair_rows(clips).tolist() if forge is not None else range(len(clips))
        self.is_paired = clips["clip_id"].duplicated(keep=False).to_numpy()

    def member(self, tensors: WindowTensors, row: int, generator: np.random.Generator) -> WindowTensors:
        """The window of a row as the model sees it: forged, or changed as its forgery is."""
        if self.forge is None or not self.is_paired[row] or not tensors.present[self.forge.modality]:
            return tensors
        name = self.forge.modality
        x = tensors.inputs[name]
        pair = self.forge(as_frames(x) if name == "video" else x, generator)
        shown = pair.forged if self.forged[row] else pair.genuine
        return tensors._replace(inputs={**tensors.inputs, name: as_crops(shown) if name == "video" else shown})


def as_frames(crops: UInt8[Tensor, "time 3 size size"]) -> Float[Tensor, "time 3 size size"]:
    """Crops of a window as frames in [0, 1]."""
    return crops.float().div_(255)


def as_crops(frames: Float[Tensor, "time 3 size size"]) -> UInt8[Tensor, "time 3 size size"]:
    """Frames in [0, 1] as crops of a window."""
    return frames.mul(255).round().to(torch.uint8)


def _index_rows(store: AnyStore, clip_ids: list[str]) -> pd.DataFrame:
    """Rows of the store's index, in the order of the clips."""
    rows = store.index.set_index("clip_id").reindex(clip_ids)
    missing = rows.index[rows["num_frames"].isna()]
    if len(missing):
        raise ValueError(f"{len(missing)} clips are not in the store, e.g. {missing[0]}; prepare them first")
    return rows.astype({"num_frames": int})
