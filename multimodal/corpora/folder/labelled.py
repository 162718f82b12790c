"""What a label means for a clip of each kind of media, and who is in it."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from multimodal.containers import MEDIA
from multimodal.corpora.base import ScanReport
from multimodal.corpora.walk import walk_clips, walk_files
from multimodal.files import IMAGE_SUFFIXES
from multimodal.labels import Media

SUFFIXES: dict[str, Media] = {**MEDIA, **dict.fromkeys(IMAGE_SUFFIXES, "image")}

SPLITS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "dev"), "val"),
    **dict.fromkeys(("test", "testing"), "test"),
}


def walk_media(root: Path, report: ScanReport, *, has_frames: bool) -> Iterator[tuple[str, int]]:
    """Every media file with its size; where ``has_frames``, folders of images in the place of their images."""
    if not has_frames:
        return walk_files(root, report, suffixes=SUFFIXES)
    others = SUFFIXES.keys() - set(IMAGE_SUFFIXES)
    return walk_clips(root, report, is_clip=bool, suffixes=others)


def is_silent(clip: Path) -> bool:
    """Whether a clip is a folder of frames that has no WAV of its name, beside it or in it."""
    sounds = [place / f"{clip.name}{suffix}" for place in (clip.parent, clip) for suffix in (".wav", ".WAV")]
    return clip.is_dir() and not any(sound.is_file() for sound in sounds)


class Labels(NamedTuple):
    """Labels of a clip, 1 for fake, 0 for real, None for absent or unknown."""

    video_fake: int | None
    audio_fake: int | None
    any_fake: int | None


def media_of(path: str) -> Media:
    """Kind of media by the suffix; a folder of frames, which has none of :data:`SUFFIXES`, is a video."""
    return SUFFIXES.get(os.path.splitext(path)[1].lower(), "video")


def labels_of(media: Media, fake: int, modality: str) -> Labels:
    """What one label for a whole clip says of its modalities.

    >>> labels_of("image", 1, ""), labels_of("video", 1, "audio")
    (Labels(video_fake=1, audio_fake=None, any_fake=1), Labels(video_fake=None, audio_fake=1, any_fake=1))
    >>> labels_of("video", 1, ""), labels_of("video", 0, "")
    (Labels(video_fake=None, audio_fake=None, any_fake=1), Labels(video_fake=0, audio_fake=0, any_fake=0))
    """
    if media == "audio":
        return Labels(None, fake, fake)
    if media == "image" or modality == "video":
        return Labels(fake, None, fake)
    if modality == "audio":
        return Labels(None, fake, fake)
    return Labels(fake, fake, fake) if modality == "both" or not fake else Labels(None, None, fake)


class PersonPattern:
    """Finds who is in a clip by its path; nobody, if the expression is empty."""

    def __init__(self, expression: str) -> None:
        try:
            self._pattern = re.compile(expression) if expression else None
        except re.error as error:
            raise ValueError(f"identity must be a regular expression; got {expression!r} ({error})") from error

    def find(self, path: str) -> str | None:
        """The first group of the first match, or the match where there is no group."""
        found = self._pattern.search(path) if self._pattern else None
        return f"folder:{found[1 if found.re.groups else 0]}" if found else None
