"""AASIST and AASIST-L with the weights that their authors published (clovaai/aasist), as a detector of speech."""

import torch

from encoders.audio.aasist import AasistEncoder
from multimodal.media.prepared import PreparedClip

#: Samples that the published models hear; a shorter clip is repeated, as in the authors' own evaluation.
NUM_SAMPLES = 64_600


class Aasist:
    """Log odds of spoofed against bona fide speech.

    Args:
        weights: ``AASIST.pth`` or ``AASIST-L.pth``.
        variant: which of the two it is.
    """

    def __init__(self, weights: str, variant: str = "AASIST") -> None:
        self.model = AasistEncoder(variant=variant, weights=weights).eval()  # type: ignore[arg-type]

    @torch.inference_mode()
    def __call__(self, clip: PreparedClip) -> float | None:
        """Score of the first four seconds; None without sound."""
        if clip.waveform is None or not len(clip.waveform):
            return None
        sound = torch.from_numpy(clip.waveform)
        repeated = sound.repeat(-(-NUM_SAMPLES // len(sound)))[:NUM_SAMPLES]
        spoofed, bona_fide = self.model.logits(repeated[None])[0]  # class 1 is bona fide there
        return float(spoofed - bona_fide)
