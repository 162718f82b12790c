"""Which of a file's streams are its picture and its sound: by what they are marked as."""

from typing import NamedTuple

from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

#: Marks of streams that lie beside the picture and the sound that were taken together.
_BESIDE = (
    *(Disposition.comment, Disposition.dub, Disposition.lyrics, Disposition.karaoke),
    *(Disposition.hearing_impaired, Disposition.visual_impaired, Disposition.clean_effects),
    *(Disposition.non_diegetic, Disposition.descriptions, Disposition.dependent),
    *(Disposition.timed_thumbnails, Disposition.still_image),
)


class SoundTrack(NamedTuple):
    """A track of sound, its number among those that can be decoded, and what it is marked as, if it lies beside.

    ``is_played`` by players: it is the first that is marked as default, or the first where none is.
    """

    stream: AudioStream
    number: int
    marks: str
    is_played: bool


def video_stream(container: InputContainer) -> VideoStream | None:
    """The best moving picture that can be decoded, as of tracks of sound; the cover of a song is none."""
    moving = [
        stream
        for stream in container.streams.video
        if stream.codec_context is not None and not stream.disposition & Disposition.attached_pic
    ]
    return min(moving, key=_preference, default=None)


def audio_tracks(container: InputContainer) -> list[SoundTrack]:
    """All tracks of sound that can be decoded, the best first.

    What lies beside others comes after them all, and what the file marks as default before others.
    """
    streams = [stream for stream in container.streams.audio if stream.codec_context is not None]
    default = [stream for stream in streams if stream.disposition & Disposition.default]
    played = (default or streams)[:1]
    tracks = [
        SoundTrack(stream, streams.index(stream) + 1, _marks(stream), stream in played) for stream in streams
    ]
    return sorted(tracks, key=lambda track: _preference(track.stream))


def _preference(stream: AudioStream | VideoStream) -> tuple[bool, bool, bool]:
    is_still = isinstance(stream, VideoStream) and stream.frames == 1  # a cover that is not marked as one
    return is_still, bool(_marks(stream)), not stream.disposition & Disposition.default


def _marks(stream: AudioStream | VideoStream) -> str:
    return ", ".join(str(mark.name).replace("_", " ") for mark in _BESIDE if stream.disposition & mark)
