"""AASIST and AASIST-L with the weights that their authors published (clovaai/aasist), as a detector of speech."""

import torch

from encoders.audio.aasist import AasistEncoder
from experiments.runs.device import DeviceName, check_device
from multimodal.media.prepared import PreparedClip

#: Samples that the published models hear; a shorter clip is repeated, as in the authors' own evaluation.
NUM_SAMPLES = 64_600


class Aasist:
    """Log odds of spoofed against bona fide speech.

    Args:
        weights: ``AASIST.pth`` or ``AASIST-L.pth``.
        variant: which of the two it is.
        device: where it computes; auto is the GPU where there is one.
    """

    def __init__(self, weights: str, variant: str = "AASIST", device: DeviceName = "auto") -> None:
        self.device = check_device(device)
        model = AasistEncoder(variant=variant, weights=weights)  # type: ignore[arg-type]
        self.model = model.eval().to(self.device)

    @torch.inference_mode()
    def __call__(self, clip: PreparedClip) -> float | None:
        """Score of the first four seconds; None without sound."""
        if clip.waveform is None or not len(clip.waveform):
            return None
        sound = torch.from_numpy(clip.waveform).to(self.device)
        repeated = sound.repeat(-(-NUM_SAMPLES // len(sound)))[:NUM_SAMPLES]
        spoofed, bona_fide = self.model.logits(repeated[None])[0]  # class 1 is bona fide there
        return float(spoofed - bona_fide)
