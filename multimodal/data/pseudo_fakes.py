"""Fakes made of genuine clips while training, so that a lab with genuine clips only can pretrain.

A table of clips gets a second row for each genuine clip, labelled fake, whose windows are forged when they are
read. Order, class weights and validation then treat them as any fake. A genuine window and its forgery are a pair:
cut at the same place, changed alike by everything but the forgery, so that nothing else tells them apart.

Copy-synthesis forges sound by a vocoder, self-blending forges pictures (Shiohara & Yamasaki, CVPR 2022).
"""

from functools import lru_cache
from typing import NamedTuple, Protocol, get_args

import numpy as np
import pandas as pd
import torch
from jaxtyping import Bool, Float, Int
from PIL import Image, ImageDraw
from torch import Tensor
from torchvision.transforms.v2 import functional as transforms

from multimodal.catalog import unknown
from multimodal.data.options import Vocoder
from multimodal.data.vocoders import VOCODERS, require_world
from multimodal.labels import Modality
from multimodal.media.mtcnn import FaceCascade, MtcnnNetworks

_FORGED = "forged"


class Pair(NamedTuple):
    """A genuine window as a model sees it, and its forgery."""

    genuine: Tensor
    forged: Tensor


class Forge(Protocol):
    """Makes a genuine window fake in one modality."""

    modality: Modality
    name: str

    def __call__(self, x: Float[Tensor, "..."], generator: np.random.Generator) -> Pair:
        """Video ``(T, 3, H, W)`` in [0, 1] or audio ``(samples,)`` in [-1, 1]; both of the pair are as large.

        The genuine one may be changed too, by whatever must not tell a forgery from it.
        """


def with_pseudo_fakes(clips: pd.DataFrame, forge: Forge, *, keep_fakes: bool) -> pd.DataFrame:
    """The genuine clips of a modality, and each once more as a pseudo-fake.

    Args:
        clips: rows of a manifest.
        forge: what forges the windows; its name becomes the method.
        keep_fakes: whether the clips that are fake, or of unknown label, stay beside them.

    Raises:
        ValueError: there is no genuine clip.
    """
    label = f"{forge.modality}_fake"
    genuine = clips[clips[label] == 0]
    if genuine.empty:
        raise ValueError(f"pseudo-fakes are made of genuine clips, and no clip has {label} 0")
    forged = genuine.assign(**{label: 1, "any_fake": 1, "av_class": None, "method": forge.name, _FORGED: True})
    kept = (clips if keep_fakes else genuine).assign(**{_FORGED: False})
    return pd.concat([kept, forged.astype(kept.dtypes)], ignore_index=True)


def forged_rows(clips: pd.DataFrame) -> Bool[np.ndarray, " clips"]:
    """Which rows are pseudo-fakes."""
    if _FORGED not in clips:
        return np.zeros(len(clips), dtype=bool)
    return clips[_FORGED].to_numpy(dtype=bool)


def pair_rows(clips: pd.DataFrame) -> Int[np.ndarray, " clips"]:
    """For each row the first row of the same clip: a pseudo-fake and its genuine clip have one number."""
    return clips["clip_id"].map(dict(zip(clips["clip_id"][::-1], range(len(clips))[::-1], strict=True))).to_numpy()


# Copy-synthesis: genuine speech analysed and synthesised again, so that a detector learns a vocoder's traces.


Sound = Float[Tensor, " samples"]

_SEVERAL = ("griffin_lim", "phases", "linear_prediction")


class CopySynthesis:
    """Passes genuine sound through a vocoder; it stays as long and as loud as it was.

    Args:
        sample_rate: hertz.
        vocoder: of :mod:`multimodal.data.vocoders`, its settings drawn anew for each window; with ``several``
            each window goes through ``griffin_lim``, ``phases`` or ``linear_prediction``.

    Raises:
        ValueError: an unknown vocoder, or ``world`` without pyworld.
    """

    modality: Modality = "audio"

    def __init__(self, *, sample_rate: int, vocoder: Vocoder = "griffin_lim") -> None:
        if vocoder not in get_args(Vocoder):
            raise ValueError(unknown("vocoder", vocoder, get_args(Vocoder)))
        if vocoder == "world":
            require_world()
        self.sample_rate = sample_rate
        self.vocoders = _SEVERAL if vocoder == "several" else (vocoder,)
        self.name = f"copy_synthesis_{vocoder}"

    def __call__(self, x: Sound, generator: np.random.Generator) -> Pair:
        """Shape: ``(samples,)`` in [-1, 1]; both are as long and as loud. Silence comes back as it is."""
        if not x.any():
            return Pair(x, x)
        name = self.vocoders[generator.integers(len(self.vocoders))]
        copy = VOCODERS[name](x, self.sample_rate, generator)
        loudness = x.square().mean().sqrt() / copy.square().mean().sqrt().clamp(min=1e-8)
        return Pair(x.clamp(-1, 1), (loudness * copy).clamp(-1, 1))


# Self-blended images: a face blended into itself, so that a detector learns the traces of blending alone.


Frames = Float[Tensor, "time 3 height width"]
Mask = Float[Tensor, "1 height width"]

#: Blending ratios, drawn alike (section 3.3).
RATIOS = (0.25, 0.5, 0.75, 1.0, 1.0, 1.0)
#: Largest move of the source, in shares of width and height, and largest change of its size (section 3.1).
_MOVE_X, _MOVE_Y, _SIZE = 0.03, 0.015, 0.05
_CORNERS = 24
#: Shares of its size at which a face that has lost detail was drawn: swaps of 64 to 200 pixels in crops of 224.
_DETAIL = (0.25, 0.9)
#: Margin of a crop outside the box of its face, as a share of the crop's side.
_BOX = 0.12


class Pose(NamedTuple):
    """Where a face lies in a crop: an ellipse over brows, cheeks and chin, in shares of the crop's side.

    ``turn`` is the angle of the line through the eyes, in radians.
    """

    centre: tuple[float, float] = (0.5, 0.52)
    half_width: float = 0.30
    half_height: float = 0.38
    turn: float = 0.0

    @classmethod
    def of_points(cls, points: Float[np.ndarray, "5 2"]) -> "Pose":
        """From eyes, nose and corners of the mouth, in shares of the crop's side.

        A turned head shows less between its eyes and moves its nose towards the far cheek: the ellipse becomes
        narrower, and its centre goes the other way.
        """
        eyes, mouth = points[:2].mean(axis=0), points[3:].mean(axis=0)
        across = points[1] - points[0]
        apart, tall = float(np.hypot(*across)), float(np.hypot(*(mouth - eyes)))
        along = across / max(apart, 1e-6)
        aside = float((points[2] - (eyes + mouth) / 2) @ along)
        centre = (eyes + mouth) / 2 - 0.5 * aside * along
        half_width = 1.15 * max(apart, 0.6 * tall)
        return cls((float(centre[0]), float(centre[1])), half_width, 1.5 * tall, float(np.arctan2(*across[::-1])))


FRONTAL = Pose()


@lru_cache(maxsize=1)
def _cascade() -> FaceCascade:
    return FaceCascade(MtcnnNetworks())


def pose_of(frames: Frames) -> Pose:
    """The pose in the middle frame of a window, by MTCNN's five points; that of a frontal face if none is seen."""
    frame = (frames[len(frames) // 2] * 255).to(torch.uint8).permute(1, 2, 0).contiguous().numpy()
    side = frame.shape[0]
    points = _cascade().five_points(frame, side * torch.tensor([_BOX, _BOX, 1 - _BOX, 1 - _BOX]))
    return FRONTAL if points is None else Pose.of_points(points / side)


class SelfBlending:
    """Blends the frames of a genuine window into themselves, all alike.

    Source or target gets another colour and sharpness first. Where it is the target, the genuine picture is the
    changed one too, as in the authors' code: a change of the whole picture then tells nothing, and the two differ
    inside the mask alone, to the bit.

    Args:
        lost_detail: share of blends whose face has lost detail, as a swap has that was drawn at a low resolution.
    """

    modality: Modality = "video"
    name = "self_blended"

    def __init__(self, *, lost_detail: float = 0.0) -> None:
        self.lost_detail = lost_detail

    def __call__(self, x: Frames, generator: np.random.Generator) -> Pair:
        """Shape: ``(T, 3, H, W)`` in [0, 1]; both are as large."""
        changed = change_statistics(x, generator)
        source, target = (changed, x) if generator.random() < 0.5 else (x, changed)
        if self.lost_detail and generator.random() < self.lost_detail:
            source = lose_detail(source, generator.uniform(*_DETAIL))
        move = Move.draw(generator)
        mask = float(generator.choice(RATIOS)) * face_mask(x.shape[-1], generator, move, pose_of(x))
        return Pair(target, mask * move(source) + (1 - mask) * target)


def change_statistics(frames: Frames, generator: np.random.Generator) -> Frames:
    """Another colour, and more or less detail: as if it came from another picture (section 3.1)."""
    shift = torch.from_numpy(generator.uniform(-20, 20, size=(3, 1, 1)).astype(np.float32)) / 255
    frames = (frames + shift).clamp(0, 1)
    brightness, contrast, saturation = 1 + generator.uniform(-0.2, 0.2, size=3)
    frames = transforms.adjust_brightness(frames, brightness)
    frames = transforms.adjust_contrast(frames, contrast)
    frames = transforms.adjust_saturation(frames, saturation)
    frames = transforms.adjust_hue(frames, generator.uniform(-0.03, 0.03))
    if generator.random() < 0.5:
        return transforms.adjust_sharpness(frames, generator.uniform(1.5, 4.0))
    across, down = (int(generator.choice([2, 4])) for _ in range(2))
    return lose_detail(frames, 1 / across, 1 / down)


def lose_detail(frames: Frames, rows: float, columns: float | None = None) -> Frames:
    """The frames at shares of their rows and columns, and back at their size."""
    size = list(frames.shape[-2:])
    shares = rows, rows if columns is None else columns
    smaller = [max(int(side * share), 4) for side, share in zip(size, shares, strict=True)]
    return transforms.resize(transforms.resize(frames, smaller, antialias=True), size, antialias=True)


class Move(NamedTuple):
    """A small shift, in shares of width and height, and a change of size, so that outlines do not meet."""

    across: float
    down: float
    size: float

    @classmethod
    def draw(cls, generator: np.random.Generator) -> "Move":
        """Draw a change as large as the authors' (section 3.1)."""
        across, down = generator.uniform(-1, 1, size=2) * (_MOVE_X, _MOVE_Y)
        return cls(across, down, generator.uniform(1 - _SIZE, 1 / (1 - _SIZE)))

    def __call__(self, pictures: Float[Tensor, "... height width"]) -> Float[Tensor, "... height width"]:
        """Move pictures or a mask; what comes in from outside is black."""
        height, width = pictures.shape[-2:]
        return transforms.affine(
            pictures,
            angle=0.0,
            translate=[round(self.across * width), round(self.down * height)],
            scale=self.size,
            shear=[0.0, 0.0],
            interpolation=transforms.InterpolationMode.BILINEAR,
        )


def face_mask(side: int, generator: np.random.Generator, move: Move | None = None, pose: Pose = FRONTAL) -> Mask:
    """A soft mask of the face in a crop, deformed and grown or shrunk by chance (section 3.2).

    Two blurs: after the first, whatever is not wholly inside is cut off, so a wider first blur makes the mask
    smaller than it was and a wider second one larger.

    Args:
        side: of the crop, in pixels.
        generator: of the shape.
        move: that of the source, which the mask goes along with.
        pose: of the face.
    """
    hull = _hull(side, generator, pose)
    mask = _elastic(hull if move is None else move(hull), generator)
    first, second = (2 * int(width) + 1 for width in generator.integers(1, max(side // 16, 2) + 1, size=2))
    eroded = (transforms.gaussian_blur(mask, kernel_size=first) >= 1 - 1e-3).float()
    return transforms.gaussian_blur(eroded, kernel_size=second)


def _hull(side: int, generator: np.random.Generator, pose: Pose) -> Mask:
    """Points at random places round the ellipse of a face, joined and filled."""
    angles = np.sort(generator.uniform(0, 2 * np.pi, size=_CORNERS))
    radii = generator.uniform(0.85, 1.1, size=_CORNERS) * generator.uniform(0.7, 1.0)
    centre = np.array(pose.centre) + generator.uniform(-0.03, 0.03, size=2)
    upright = radii[:, None] * np.stack(
        [pose.half_width * np.cos(angles), pose.half_height * np.sin(angles)], axis=1
    )
    cosine, sine = np.cos(pose.turn), np.sin(pose.turn)
    points = centre + upright @ np.array([[cosine, sine], [-sine, cosine]])
    image = Image.new("L", (side, side))
    ImageDraw.Draw(image).polygon([tuple(point) for point in points * side], fill=1)
    return torch.from_numpy(np.array(image, dtype=np.float32))[None]


def _elastic(mask: Mask, generator: np.random.Generator) -> Mask:
    """Elastic deformation (Simard et al., ICDAR 2003): a smooth random move, made at a quarter of the size."""
    side = mask.shape[-1]
    coarse = max(side // 4, 8)
    noise = torch.from_numpy(generator.uniform(-1, 1, size=(2, coarse, coarse)).astype(np.float32))
    smooth = transforms.gaussian_blur(noise, kernel_size=2 * (coarse // 6) + 1, sigma=coarse / 16)
    smooth = smooth / smooth.abs().max().clamp(min=1e-6) * 0.1 * generator.random()
    moves = transforms.resize(smooth, [side, side], antialias=False)
    return transforms.elastic(mask, moves.permute(1, 2, 0)[None])
