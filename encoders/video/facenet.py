"""Inception-ResNet trained to tell faces apart (FaceNet), applied to each frame."""

from pathlib import Path
from typing import Any, Literal

from einops import rearrange
from facenet_pytorch import InceptionResnetV1
from jaxtyping import Float
from torch import Tensor

from encoders.backbone import PixelNormalisation, prefer_memory_format
from encoders.base import Encoder, VideoSpec
from encoders.checks import check_video
from encoders.weights import check_one_source, load_strictly, read_published

#: In smaller frames nothing is left for the last convolutions, which do not pad.
SMALLEST_FRAME = 80


class FacenetEncoder(Encoder):
    """One face embedding a frame, 512 numbers of length one (Schroff et al. 2015; facenet-pytorch).

    Args:
        pretrained: "vggface2" or "casia-webface" for facenet-pytorch's weights, which need network once.
        weights: a folder or file of facenet-pytorch's weights in place of them.
        frame_size: side of the square face crops in pixels.

    >>> import torch
    >>> encoder = FacenetEncoder(frame_size=80).eval()
    >>> encoder(torch.rand(1, 2, 3, 80, 80)).shape
    torch.Size([1, 2, 512])
    """

    name = "facenet"
    modality = "video"
    input_spec: VideoSpec

    def __init__(
        self,
        *,
        pretrained: Literal["vggface2", "casia-webface"] | None = None,
        weights: str | Path | None = None,
        frame_size: int = 160,
    ) -> None:
        super().__init__()
        check_one_source(weights, pretrained)
        if pretrained not in (None, "vggface2", "casia-webface"):
            raise ValueError(f"pretrained must be vggface2, casia-webface or None; got {pretrained!r}")
        if frame_size < SMALLEST_FRAME:
            raise ValueError(f"frame_size must be at least {SMALLEST_FRAME} for facenet; got {frame_size}")
        self.backbone = _network(pretrained)
        self.memory_format = prefer_memory_format(self.backbone)
        self.embed_dim = 512
        # facenet-pytorch wants (pixel - 127.5) / 128 for pixels in 0 to 255
        self.input_spec = VideoSpec(frame_size=frame_size, mean=(0.5,) * 3, std=(128 / 255,) * 3)
        self.normalisation = PixelNormalisation(self.input_spec.mean, self.input_spec.std)
        if weights is not None:
            published = read_published(weights).without(["logits"])
            load_strictly(self.backbone, published.state, source=str(published.place))
            self.trained_on = published.learnt("facenet-pytorch's network")
        elif pretrained:
            self.trained_on = f"facenet-pytorch's weights {pretrained}"

    def forward(self, x: Float[Tensor, "batch time channels height width"]) -> Float[Tensor, "batch time dim"]:
        """Encode face crops.

        Shape: ``x`` (B, T, 3, H, W) float in [0, 1], H = W = ``input_spec.frame_size``; result (B, T, 512).
        """
        check_video(x, self.input_spec.frame_size)
        frames = rearrange(x, "b t c h w -> (b t) c h w").contiguous(memory_format=self.memory_format)
        return rearrange(self.backbone(self.normalisation(frames)), "(b t) d -> b t d", b=x.shape[0])

    def arguments(self) -> dict[str, Any]:
        """Constructor arguments without the download."""
        return {**super().arguments(), "pretrained": None}


def _network(pretrained: str | None) -> InceptionResnetV1:
    try:
        network = InceptionResnetV1(pretrained=pretrained)
    except OSError as error:
        raise ValueError(
            f"cannot get facenet-pytorch's weights {pretrained!r} ({error}). "
            "Fetch them once with network, or take pretrained=None."
        ) from error
    if pretrained:
        del network.logits  # the identities that it was trained to name; the embedding does not pass it
    return network
