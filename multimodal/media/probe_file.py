"""What one file says of itself without decoding its pictures: for a reject list, and to find shortcuts."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from multimodal.media.errors import MediaError
from multimodal.media.reading.images import open_image
from multimodal.media.reading.probe import MediaInfo, probe
from multimodal.media.reading.sound import measure_silence, read_sound

if TYPE_CHECKING:  # so that a worker starts without the readers of corpora
    from multimodal.corpora.manifest import Media

#: Silence at the start is measured in so much of the sound.
_LISTEN_SECONDS = 10.0
_LISTEN_RATE = 16_000


@dataclass(frozen=True, kw_only=True)
class FileFacts:
    """Streams, duration, size and rates of a file; None where there is no such stream or it does not say.

    For an image ``container`` is its format and ``video_codec`` how its colours are stored (``"RGB"``).
    ``start_silence_seconds`` is how long the sound is silent at its start, up to ten seconds. ``damage`` is what
    is wrong with a file that can still be read in part.
    """

    container: str
    duration_seconds: float | None = None
    num_frames: int | None = None
    frame_rate: float | None = None
    width: int | None = None
    height: int | None = None
    video_codec: str | None = None
    audio_codec: str | None = None
    audio_rate: int | None = None
    start_silence_seconds: float | None = None
    damage: str | None = None


def probe_file(path: str | Path, media: "Media") -> FileFacts:
    """Open a file once.

    Raises ``MediaError`` where it cannot be opened, or lacks the stream that its kind of media must have.
    """
    if media == "image":
        return _probe_image(Path(path))
    info = probe(path)
    if media == "video" and not info.has_video:
        raise MediaError("open", "there is no moving picture in it")
    if media == "audio" and not info.has_audio:
        raise MediaError("open", "there is no sound in it")
    if media == "video" and info.frame_times is None:
        raise MediaError("open", info.damage or "there is no frame in it")
    return _facts(info, *_listen(Path(path), info, must_sound=media == "audio"))


def _facts(info: MediaInfo, silence: float | None, sound_damage: str | None) -> FileFacts:
    damage = "; ".join(part for part in (info.damage, sound_damage) if part) or None
    return FileFacts(
        container=info.container,
        duration_seconds=info.duration_seconds,
        num_frames=None if info.frame_times is None else len(info.frame_times),
        frame_rate=info.frame_rate,
        width=info.width,
        height=info.height,
        video_codec=info.video_codec,
        audio_codec=info.audio_codec,
        audio_rate=info.audio_rate,
        start_silence_seconds=silence,
        damage=damage,
    )


def _listen(path: Path, info: MediaInfo, *, must_sound: bool) -> tuple[float | None, str | None]:
    """Silence at the start, and what is wrong with the sound of a video or was chosen of it."""
    if not info.has_audio:
        return None, None
    try:
        sound = read_sound(path, _LISTEN_RATE, max_seconds=_LISTEN_SECONDS)
    except MediaError as error:
        if must_sound:
            raise
        return None, error.reason
    return measure_silence(sound.samples / 2**15, _LISTEN_RATE).start_seconds, sound.note


def _probe_image(path: Path) -> FileFacts:
    image = open_image(path)
    try:
        with image:
            image.load()
    except (OSError, ValueError, SyntaxError) as error:
        raise MediaError("decode", f"the image is damaged ({error})") from error
    return FileFacts(
        container=(image.format or "unknown").lower(),
        num_frames=1,
        width=image.width,
        height=image.height,
        video_codec=image.mode,
    )
