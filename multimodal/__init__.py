"""Audio-visual deepfake detection whose numbers can be trusted.

What a loop of one's own needs stands here by name; each is imported when it is asked for.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from multimodal.data.dataset import Windows, open_store
    from multimodal.detector import AudioVisualDetector
    from multimodal.judge import load_detector

__version__ = "0.1.0"

__all__ = ["AudioVisualDetector", "Windows", "load_detector", "open_store"]

_PLACES = {
    "AudioVisualDetector": "multimodal.detector",
    "Windows": "multimodal.data.dataset",
    "load_detector": "multimodal.judge",
    "open_store": "multimodal.data.dataset",
}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_PLACES[name]), name)
