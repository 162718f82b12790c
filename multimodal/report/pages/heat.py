"""Maps of where a window speaks for fake as a page shows them: laid over its crops, and over its spectrogram."""

from typing import Any

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image

from multimodal.labels import MODALITIES
from multimodal.report.figures.style import MAP_COLOURS
from multimodal.report.pages.timeline import HIGHEST_HERTZ, picture_uri, spectral_decibels
from multimodal.report.verdict import Heat, Judgement

_MOST_FRAMES, _CROP_PIXELS, _PLANE, _LOOKED_PIXELS = 6, 132, (640, 150), 12
_FAKE, _REAL = np.array(MAP_COLOURS)
#: So much of the picture is covered by the strongest cell of a map.
_MOST_COVER = 0.75
_TITLES = {"grad_cam": "Grad-CAM"}
_PARTS = {"video": "picture", "audio": "sound"}


def heats_of(judgement: Judgement) -> list[dict[str, Any]]:
    """What a template shows of each map: a sentence, and pictures with the seconds that they belong to."""
    heats = judgement.evidence.heats if judgement.evidence else ()
    return [_shown(heat) for heat in heats]


def _shown(heat: Heat) -> dict[str, Any]:
    pictures = _frames(heat) if heat.modality == "video" else [_plane(heat)]
    method = _TITLES.get(heat.method, heat.method.replace("_", " "))
    return {
        "what": f"Where the {_PARTS[heat.modality]} speaks for fake",
        "text": (
            f"The window from {heat.start_seconds:.2f} to {heat.end_seconds:.2f} s, whose {_PARTS[heat.modality]} "
            f"looks most fake, by {method}: red speaks for fake, blue for genuine. It shows what this detector "
            "goes by, which need not be what was forged."
        ),
        "is_wide": heat.modality == "audio",
        "pictures": pictures,
    }


def _frames(heat: Heat) -> list[dict[str, Any]]:
    assert heat.seen is not None
    count = len(heat.seen)
    strongest = _strongest(heat.cells)
    shown = []
    for place in np.linspace(0, count - 1, min(count, _MOST_FRAMES)).round().astype(int):
        crop = np.asarray(Image.fromarray(heat.seen[place]).resize((_CROP_PIXELS, _CROP_PIXELS)))
        seconds = heat.start_seconds + place * (heat.end_seconds - heat.start_seconds) / count
        cells = heat.cells[min(place, len(heat.cells) - 1)]
        shown.append({"seconds": seconds, "uri": picture_uri(_over(crop, cells / strongest))})
    return shown


def _plane(heat: Heat) -> dict[str, Any]:
    """The spectrogram with low tones below, each row covered by its band's cells."""
    assert heat.heard is not None
    decibels = spectral_decibels(heat.heard, heat.sample_rate)
    grey = np.round(255 * (1 + decibels / 80)).clip(0, 255).astype(np.uint8)
    picture = np.asarray(Image.fromarray(grey[::-1]).resize(_PLANE).convert("RGB"))
    top = min(HIGHEST_HERTZ, heat.sample_rate / 2)
    hertz = np.linspace(top, 0, _PLANE[1])
    mel, whole = (np.log10(1 + np.array(one) / 700) for one in (hertz, heat.sample_rate / 2))
    bands = np.minimum((len(heat.cells) * mel / whole).astype(int), len(heat.cells) - 1)
    cells = heat.cells[bands] / _strongest(heat.cells)
    return {"seconds": heat.start_seconds, "uri": picture_uri(_over(picture, cells))}


def _strongest(cells: np.ndarray) -> float:
    return max(float(np.abs(cells).max(initial=0.0)), 1e-12)


def _over(picture: UInt8[np.ndarray, "height width 3"], cells: Float[np.ndarray, "rows columns"]) -> Image.Image:
    """Cells of -1 to 1 over a picture in grey, so that colour is theirs alone."""
    height, width = picture.shape[:2]
    values = Image.fromarray(cells.astype(np.float32)).resize((width, height), Image.Resampling.BILINEAR)
    value = np.asarray(values)[:, :, None]
    cover = _MOST_COVER * np.abs(value)
    grey = np.asarray(Image.fromarray(picture).convert("L"))[:, :, None]
    mixed = (1 - cover) * grey + cover * np.where(value > 0, _FAKE, _REAL)
    return Image.fromarray(mixed.clip(0, 255).astype(np.uint8))


def attention_of(judgement: Judgement) -> list[dict[str, Any]]:
    """Where the moments of each modality look in the other: a picture, time downwards and to the right."""
    attention = (judgement.evidence.attention if judgement.evidence else None) or {}
    shown = []
    for name in MODALITIES:
        if name not in attention:
            continue
        shares = attention[name] / max(float(attention[name].max()), 1e-12)
        size = (shares.shape[1] * _LOOKED_PIXELS, shares.shape[0] * _LOOKED_PIXELS)
        image = Image.fromarray((255 * shares).round().astype(np.uint8)).resize(size, Image.Resampling.NEAREST)
        other = next(_PARTS[one] for one in MODALITIES if one != name)
        shown.append({"what": f"{_PARTS[name]} (down) at {other} (right)", "uri": picture_uri(image)})
    return shown
