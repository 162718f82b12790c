"""A tiny detector that judges files by thresholds that it was given, and a clip to judge."""

from pathlib import Path
from typing import Any

import torch

from encoders import create_encoder
from fusion import create_fusion
from multimodal.detector import AudioVisualDetector
from multimodal.judge import Judge
from multimodal.labels import MODALITIES, TARGETS
from multimodal.media.prepared import PrepareOptions
from multimodal.media.store.format import fingerprint_of
from multimodal.synthetic import SyntheticOptions
from multimodal.synthetic.clip import write_clip
from multimodal.synthetic.plan import plan_clips

CROPS = PrepareOptions(frame_rate=10.0, crop_size=32)
#: Whatever it scores, the picture is fake, the sound and the whole are real by their own thresholds.
THRESHOLDS = {
    name: {"youden": {"threshold": 0.0 if name.startswith("video") else 1.0, "draws": [0.0, 1.0]}}
    for name in (*TARGETS, *(f"{modality}_alone" for modality in MODALITIES))
}


def tiny_detector(
    *, fusion: str = "concat", audio: tuple[str, dict[str, Any]] | None = None, localises: bool = True
) -> AudioVisualDetector:
    """A detector with random weights of a seed, for crops of 32 pixels."""
    torch.manual_seed(0)
    name, options = audio or ("spectrogram", {"backbone": "test_resnet", "n_mels": 32})
    encoders = {
        "video": create_encoder("frames", backbone="test_resnet", frame_size=32),
        "audio": create_encoder(name, **options),
    }
    dims = {name: encoder.embed_dim for name, encoder in encoders.items()}
    options = {"width": 16} if fusion == "cross_attention" else {}
    mode = create_fusion(fusion, dims=dims, out_dim=8, **options)
    return AudioVisualDetector(encoders=encoders, fusion=mode, localises=localises)


def tiny_judge(detector: AudioVisualDetector | None = None, **options: Any) -> Judge:
    """A judge of files, without doubt."""
    provenance = {
        "store": fingerprint_of(CROPS),
        "store_options": {"frame_rate": 10.0, "crop_size": 32},
        "generated": True,
        "corpora": ["c"],
        "clips": {"train": 3},
        "classes": {},
        "protocol": "random",
        "split_hash": "0" * 32,
    }
    return Judge(
        detector or tiny_detector(),
        num_frames=8,
        silent_ends="keep",
        **{"thresholds": THRESHOLDS, "doubt": 0.0, "provenance": provenance, **options},
    )


def write_tiny_clip(root: Path) -> Path:
    """A generated clip of 1.5 seconds, with picture and sound."""
    options = SyntheticOptions(groups=3, identities_per_group=2, clip_seconds=1.5, frame_size=128)
    planned = plan_clips(options)[0]
    write_clip(root, planned, options)
    return root / planned.path
