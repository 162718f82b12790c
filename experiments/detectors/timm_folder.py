"""Any timm classifier in a folder (``config.json`` and weights, as timm saves it), on face crops."""

from collections.abc import Mapping
from typing import Any

import timm
import torch
from timm.data.config import resolve_data_config
from torch import nn
from torchvision.transforms.v2 import functional as transforms

from encoders.backbone import resolve_backbone
from encoders.weights import load_strictly, read_published
from experiments.runs.device import DeviceName, check_device
from multimodal.artefacts import building, is_number
from multimodal.media.prepared import PreparedClip

#: Pixels of a side and classes at most; of a config that asks for more nobody means it.
_MOST_PIXELS, _MOST_CLASSES = 2048, 100_000


class TimmFolder:
    """The mean probability of fake over so many crops of a clip, each alone.

    Args:
        folder: what ``timm.models.push_to_hf_hub`` or ``save_for_hf`` wrote.
        fake_class: of its outputs, the one that means fake; None for that named "fake" in the config, else 1.
        frames: crops that are looked at.
        device: where it computes; auto is the GPU where there is one.
    """

    def __init__(
        self, folder: str, fake_class: int | None = None, frames: int = 8, device: DeviceName = "auto"
    ) -> None:
        self.device = check_device(device)
        self.model, pixels, named = _read(folder)
        self.model.to(self.device)
        wanted = resolve_data_config(pretrained_cfg=pixels, model=self.model)
        self.size, self.mean, self.std = wanted["input_size"][1:], list(wanted["mean"]), list(wanted["std"])
        self.fake_class, self.frames = named if fake_class is None else fake_class, frames

    @torch.inference_mode()
    def __call__(self, clip: PreparedClip) -> float | None:
        """Score of a clip; None without a face."""
        if clip.frames is None or not len(clip.frames):
            return None
        crops = torch.from_numpy(clip.frames[:: -(-len(clip.frames) // self.frames)]).permute(0, 3, 1, 2)
        crops = transforms.resize(crops.to(self.device) / 255, list(self.size), antialias=True)
        return float(self._fake(self.model(transforms.normalize(crops, self.mean, self.std))).mean())

    def _fake(self, outputs: torch.Tensor) -> torch.Tensor:
        return outputs.sigmoid()[:, 0] if outputs.shape[1] == 1 else outputs.softmax(dim=1)[:, self.fake_class]


def _read(folder: str) -> tuple[nn.Module, dict[str, Any], int]:
    """The network in a folder, and what its config says of pixels and of the output that means fake.

    The folder may be a stranger's, so its config gives an architecture's name and plain values: timm's own reader
    would take any option from it, one that lets weights be missing among them.

    Raises:
        ValueError: an architecture that timm does not have, values of another kind, or weights that do not fit.
    """
    published = read_published(folder)
    said = published.description
    source = published.place.with_name("config.json")
    with building(source, "the config of a timm network"):
        options, pixels = said.get("model_args") or {}, said.get("pretrained_cfg") or {}
        classes = said.get("num_classes", pixels.get("num_classes"))
        if not isinstance(said.get("architecture"), str) or not 1 <= classes <= _MOST_CLASSES:
            raise ValueError(f"{source} says no architecture or no number of classes; take a folder of timm's")
        resolve_backbone(said["architecture"])
        model = timm.create_model(said["architecture"], num_classes=classes, **_plain(options))
        load_strictly(model.eval(), published.state, source=str(published.place))
    return model, _of_pixels(pixels, str(source)), _called_fake(said.get("label_names"))


def _called_fake(labels: Any) -> int:
    """The output of that name; the second where none has it."""
    names = [str(label).lower() for label in labels] if isinstance(labels, list) else []
    return names.index("fake") if "fake" in names else 1


def _plain(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options of a network that are numbers or switches, and how it pools; none about where weights come from."""
    return {
        name: value
        for name, value in options.items()
        if (isinstance(value, bool | int | float) or name == "global_pool")
        and not name.startswith(("pretrained", "num_classes"))
    }


def _of_pixels(said: Mapping[str, Any], source: str) -> dict[str, Any]:
    found = {name: said[name] for name in ("input_size", "mean", "std") if name in said}
    for name, values in found.items():
        if not isinstance(values, list) or len(values) != 3 or not all(map(is_number, values)):
            raise ValueError(f"{source} says {name} {values!r:.60}; want three numbers")
    if not all(1 <= side <= _MOST_PIXELS for side in found.get("input_size", [])):
        raise ValueError(f"{source} says input_size {found['input_size']!r:.60}; at most {_MOST_PIXELS} are taken")
    return found
