"""Any timm classifier in a folder (``config.json`` and ``model.safetensors``, as timm saves it), on face crops."""

import timm
import torch
from timm.data.config import resolve_data_config
from torchvision.transforms.v2 import functional as transforms

from multimodal.media.prepared import PreparedClip


class TimmFolder:
    """The mean probability of fake over so many crops of a clip, each alone.

    Args:
        folder: what ``timm.models.push_to_hf_hub`` or ``save_for_hf`` wrote.
        fake_class: of its outputs, the one that means fake.
        frames: crops that are looked at.
    """

    def __init__(self, folder: str, fake_class: int = 1, frames: int = 8) -> None:
        self.model = timm.create_model(f"local-dir:{folder}", pretrained=True).eval()
        wanted = resolve_data_config(model=self.model)
        self.size, self.mean, self.std = wanted["input_size"][1:], list(wanted["mean"]), list(wanted["std"])
        self.fake_class, self.frames = fake_class, frames

    @torch.inference_mode()
    def __call__(self, clip: PreparedClip) -> float | None:
        """Score of a clip; None without a face."""
        if clip.frames is None or not len(clip.frames):
            return None
        crops = torch.from_numpy(clip.frames[:: -(-len(clip.frames) // self.frames)]).permute(0, 3, 1, 2) / 255
        crops = transforms.resize(crops, list(self.size), antialias=True)
        return float(self._fake(self.model(transforms.normalize(crops, self.mean, self.std))).mean())

    def _fake(self, outputs: torch.Tensor) -> torch.Tensor:
        return outputs.sigmoid()[:, 0] if outputs.shape[1] == 1 else outputs.softmax(dim=1)[:, self.fake_class]
