"""From configurations to parts: encoders, fusion, detector, clips, windows."""

from dataclasses import dataclass
from typing import Any

import pandas as pd

from encoders import create_encoder, load_encoder
from encoders.base import AudioSpec, Encoder, VideoSpec
from experiments.runs.config import DataConfig, EncoderConfig, TrainConfig
from fusion import create_fusion
from multimodal.corpora.manifest import Manifest, is_generated
from multimodal.data.windows import WindowShape
from multimodal.detector import AudioVisualDetector
from multimodal.labels import Modality
from multimodal.media.store.reader import AnyStore, Store
from multimodal.splits import Split

#: Options by which encoders begin with published weights.
_PUBLISHED = ("pretrained", "checkpoint", "weights")


def build_encoder(config: EncoderConfig, modality: Modality) -> Encoder:
    """Make an encoder, or load a pretrained one from its folder."""
    encoder = load_encoder(config.weights) if config.weights else create_encoder(config.name, **config.options)
    if encoder.modality != modality:
        raise ValueError(f"the encoder {encoder.name!r} is for {encoder.modality}; choose one for {modality}")
    return encoder


def is_random(config: EncoderConfig) -> bool:
    """Whether an encoder begins with random weights: from no folder, and from no published ones."""
    return config.weights is None and not any(config.options.get(name) for name in _PUBLISHED)


def build_detector(config: TrainConfig) -> AudioVisualDetector:
    """Make the whole detector of a training."""
    encoders = {"video": build_encoder(config.video, "video"), "audio": build_encoder(config.audio, "audio")}
    return _assemble(encoders, config)


def architecture_of(detector: AudioVisualDetector) -> dict[str, Any]:
    """Names and arguments that build the detector's encoders again without any download."""
    return {
        name: {"name": encoder.name, "arguments": encoder.arguments()}
        for name, encoder in detector.encoders.items()
    }


def rebuild_detector(config: TrainConfig, architecture: dict[str, Any]) -> AudioVisualDetector:
    """Make the detector of a finished training from what :func:`architecture_of` told."""
    encoders = {name: create_encoder(part["name"], **part["arguments"]) for name, part in architecture.items()}
    return _assemble(encoders, config)


def _assemble(encoders: dict[str, Encoder], config: TrainConfig) -> AudioVisualDetector:
    dims = {name: encoder.embed_dim for name, encoder in encoders.items()}
    fusion = create_fusion(config.fusion.name, dims=dims, out_dim=config.fusion.out_dim, **config.fusion.options)
    return AudioVisualDetector(encoders=encoders, fusion=fusion, compares=config.loss.synchrony_weight > 0)


def window_shape(data: DataConfig, store: AnyStore, encoders: dict[str, Encoder]) -> WindowShape:
    """Windows as the encoders want them, cut from the store.

    An encoder that is absent leaves its side as the store has it.
    """
    frame_size, sample_rate = store.options.crop_size, store.options.sample_rate
    for encoder in encoders.values():
        spec = encoder.input_spec
        if isinstance(spec, VideoSpec):
            frame_size = spec.frame_size
        elif isinstance(spec, AudioSpec) and spec.sample_rate != sample_rate:
            raise ValueError(
                f"the audio encoder wants {spec.sample_rate} Hz; the store has {sample_rate} Hz. "
                f"Prepare it again with --sample-rate {spec.sample_rate}"
            )
    return WindowShape(
        num_frames=data.num_frames,
        frame_size=frame_size,
        frame_rate=store.options.frame_rate,
        sample_rate=sample_rate,
        silent_ends=data.silent_ends,
    )


@dataclass(frozen=True)
class Clips:
    """The clips of an experiment: manifest rows that are prepared, with their split.

    ``table`` has the columns of a manifest and ``split``; ``everything`` has all prepared clips, those that the
    split drops too; ``unprepared`` counts clips of each split that the store lacks.
    """

    table: pd.DataFrame
    everything: pd.DataFrame
    split: Split
    store: AnyStore
    unprepared: dict[str, int]

    @property
    def generated(self) -> bool:
        """Whether any clip was drawn by a program, so that results say nothing about real media."""
        return is_generated(self.table)

    def of(self, split: str) -> pd.DataFrame:
        """Rows of one split."""
        return self.table[self.table["split"] == split].reset_index(drop=True)


def require_same_data(clips: Clips, provenance: dict[str, Any]) -> None:
    """Refuse a split or a store that was changed since a run was trained on it.

    Raises:
        ValueError: says which, since scores on other clips than those held out would flatter or mean nothing.
    """
    if clips.split.hash != provenance["split_hash"]:
        raise ValueError(
            f"the split is not the one that the run was trained with: {clips.split.protocol} "
            f"{clips.split.hash[:16]}, then {provenance['protocol']} {provenance['split_hash'][:16]}. "
            "Put that split back, or train a new run"
        )
    clips.store.check_options(provenance["store"])


def load_clips(data: DataConfig) -> Clips:
    """Join manifest, split and store; ``ValueError`` where there is nothing to train or to validate on."""
    clips = read_clips(data)
    require_clips(clips, f"{data.split} and {data.store}")
    return clips


def require_clips(clips: Clips, source: str) -> None:
    """Raise ``ValueError`` unless there are clips to train and to validate on."""
    for name in ("train", "val"):
        if clips.of(name).empty:
            raise ValueError(f"no prepared clip in the split {name!r}; check {source}")


def read_clips(data: DataConfig) -> Clips:
    """Join manifest, split and store; a clip that is not prepared is counted, one that the split lacks refused."""
    manifest, split, store = Manifest.read(data.manifest), Split.read(data.split), Store.open(data.store)
    table = manifest.clips.assign(split=split.of(manifest.clips)).dropna(subset=["split"])
    prepared = table["clip_id"].isin(store.index["clip_id"])
    return Clips(
        table[prepared].reset_index(drop=True),
        manifest.clips[manifest.clips["clip_id"].isin(store.index["clip_id"])],
        split,
        store,
        table["split"][~prepared].value_counts().to_dict(),
    )
