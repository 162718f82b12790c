"""What a model was trained on, for its report, its model card and every verdict it will give."""

from typing import Any

from encoders import Encoder
from experiments.build import Clips
from experiments.config import EncoderConfig, to_plain
from multimodal.labels import Modality


def provenance(clips: Clips) -> dict[str, Any]:
    """Corpora, split, store and counts."""
    train_rows = clips.of("train")
    return {
        "corpora": sorted(train_rows["corpus"].unique()),
        "generated": clips.generated,
        "protocol": clips.split.protocol,
        "split_hash": clips.split.hash,
        "store": clips.store.fingerprint,
        "store_options": to_plain(clips.store.options),
        "clips": {name: len(clips.of(name)) for name in ("train", "val", "test")},
        "classes": train_rows["av_class"].value_counts().to_dict(),
        "unprepared": clips.unprepared,
    }


def loaded_text(encoder: Encoder, config: EncoderConfig) -> str:
    """What an encoder's weights are, and which of them are frozen, in one line."""
    weights = sum(parameter.numel() for parameter in encoder.parameters())
    frozen = sum(parameter.numel() for parameter in encoder.parameters() if not parameter.requires_grad)
    source = "no weights loaded from a folder"
    if config.weights is not None:
        source = f"all {len(encoder.state_dict())} tensors loaded from {config.weights}, none left over"
    return (
        f"{encoder.modality} encoder {encoder.name}, {_millions(weights)} weights: {source}; trained on "
        f"{encoder.trained_on}; frozen: {_millions(frozen) if frozen else 'none'}"
    )


def _millions(count: int) -> str:
    return f"{count / 1e6:.1f} M" if count >= 100_000 else f"{count:,}"


def trained_on_text(encoder: Encoder, clips: Clips, modality: Modality) -> str:
    """The history of an encoder with this pretraining at its end, for the model card."""
    counts = clips.of("train")["corpus"].value_counts().sort_index()
    corpora = ", ".join(f"{corpus} ({count:,} clips)" for corpus, count in counts.items())
    now = f"real or fake {modality} of {corpora}" + (", generated media" if clips.generated else "")
    before = encoder.trained_on
    return now if before == type(encoder).trained_on else f"{before}; then {now}"
