"""Which of a file's streams are its picture and its sound: by what they are marked as."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

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


class Track(NamedTuple):
    """A stream of a kind, its number among those that can be decoded, and what it is marked as, if it lies beside.

    ``is_played`` by players: it is the first that is marked as default, or the first where none is.
    """

    stream: Any
    number: int
    marks: str
    is_played: bool


def video_tracks(container: InputContainer) -> list[Track]:
    """All moving pictures that can be decoded, the best first, as of sound; the cover of a song is none."""
    streams = [one for one in container.streams.video if not one.disposition & Disposition.attached_pic]
    moving = [stream for stream in streams if stream.frames != 1]  # else a cover that is not marked as one
    return _best_first(moving or streams)


def audio_tracks(container: InputContainer) -> list[Track]:
    """All tracks of sound that can be decoded, the best first.

    What lies beside others comes after them all, and what the file marks as default before others.
    """
    return _best_first(container.streams.audio)


def video_stream(container: InputContainer) -> VideoStream | None:
    """The best moving picture."""
    return next((track.stream for track in video_tracks(container)), None)


def packets_of(container: InputContainer, *streams: AudioStream | VideoStream) -> Iterator[Any]:
    """The packets of streams, and the mark of each one's end.

    Damage, or a broadcast that goes over to another programme, may bring streams that the file did not begin with.
    PyAV takes their marks for those of streams that were asked for, and finds none: all else is through by then.
    """
    with suppress(IndexError):
        yield from container.demux(*streams)


def passed_over(kind: str, tracks: Sequence[Track]) -> str | None:
    """What is told of a track that players play, or of the file's first, where another is taken for its marks."""
    left = [track for track in tracks[1:] if track.is_played or track.number == 1]
    if not left:
        return None
    why = f"is marked as {left[0].marks}" if left[0].marks else "is not marked as default"
    return taken_instead(kind, left[0], why, tracks[0], len(tracks))


def taken_instead(kind: str, left: Track, why: str, taken: Track, num_tracks: int) -> str:
    """What is told where one track is taken in the place of another."""
    marks = f", marked as {taken.marks}," if taken.marks else ""
    return f"{kind} track {left.number} of {num_tracks} {why}: track {taken.number}{marks} is taken"


def _best_first(streams: Iterable[AudioStream | VideoStream]) -> list[Track]:
    known = [stream for stream in streams if stream.codec_context is not None]
    default = [stream for stream in known if stream.disposition & Disposition.default]
    played = (default or known)[:1]
    tracks = [
        Track(stream, number, _marks(stream), stream in played) for number, stream in enumerate(known, start=1)
    ]
    return sorted(tracks, key=lambda track: (bool(track.marks), track.stream not in default))


def _marks(stream: AudioStream | VideoStream) -> str:
    return ", ".join(str(mark.name).replace("_", " ") for mark in _BESIDE if stream.disposition & mark)
