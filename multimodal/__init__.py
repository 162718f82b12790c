"""Audio-visual deepfake detection whose numbers can be trusted."""

__version__ = "0.1.0"
