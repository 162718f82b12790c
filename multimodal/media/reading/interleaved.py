"""Frames of sound whose channels PyAV can hand over: interleaved, and in FFmpeg's own order.

PyAV looks for the planes of a frame until a pointer is empty. Of eight and more none is: it reads what is not
there, and the process ends. It ends, too, over channels in an order of their own, which QuickTime and CAF may
name: each frame frees that order once, and FFmpeg once more.
"""

import av
import numpy as np
from av.audio.stream import AudioStream

from multimodal.media.errors import MediaError

_MOST_PLANES = 7
#: Channels that have a name, in FFmpeg's order; a layout in this order takes no memory of its own.
CHANNELS = (
    *("FL", "FR", "FC", "LFE", "BL", "BR", "FLC", "FRC", "BC", "SL", "SR", "TC", "TFL", "TFC", "TFR", "TBL"),
    *("TBC", "TBR", "DL", "DR", "WL", "WR", "SDL", "SDR", "LFE2", "TSL", "TSR", "BFC", "BFL", "BFR"),
)
#: What PyAV can make an array of, and what frames of anything else become (integers of 64 bits).
_FORMATS, _OTHERS = ("u8", "s16", "s32", "flt", "dbl"), "dbl"
_NO_NAME = "NONE"


class Interleaved:
    """Gives the frames of one stream as they can be read; made before the first is decoded."""

    def __init__(self, stream: AudioStream) -> None:
        context = stream.codec_context
        #: What the frames are called until they are in order, and then, and where each channel comes from.
        self._named: tuple[str, str, list[int]] | None = None
        self._resampler: av.AudioResampler | None = None
        self._form: tuple[str, str, int] | None = None
        layout = context.layout  # looked at once, since it goes with an order of its own
        names = [channel.name for channel in layout.channels]
        if layout.name.startswith("ambisonic") or set(names) <= {_NO_NAME}:
            return
        is_known = set(names) <= set(CHANNELS) and len(set(names)) == len(names)
        in_order = sorted(names, key=CHANNELS.index) if is_known else []
        left = av.AudioLayout("+".join(names) if names == in_order else f"{len(names)}C")
        context.layout = left
        if is_known and names != in_order:
            ordered = av.AudioLayout("+".join(in_order)).name
            self._named = left.name, ordered, [names.index(name) for name in in_order]

    def of(self, frame: av.AudioFrame) -> av.AudioFrame:
        """The frame itself where it can be read; ``MediaError`` (stage "decode") where nothing makes it so."""
        is_disordered = self._named is not None and frame.layout.name == self._named[0]
        channels, packed = frame.layout.nb_channels, frame.format.packed.name
        is_odd = packed not in _FORMATS or (frame.format.is_planar and channels > _MOST_PLANES)
        if not is_odd and not is_disordered:
            return frame
        if frame.format.is_planar or is_odd:
            frame = self._pack(frame, packed if packed in _FORMATS else _OTHERS)
        if not is_disordered:
            return frame
        assert self._named is not None
        _, layout, order = self._named
        samples: np.ndarray = frame.to_ndarray().reshape(-1, channels)[:, order].reshape(1, -1)
        return _timed(av.AudioFrame.from_ndarray(samples, format=frame.format.name, layout=layout), frame)

    def _pack(self, frame: av.AudioFrame, packed: str) -> av.AudioFrame:
        layout, rate = frame.layout.name, frame.sample_rate
        if self._resampler is None or self._form != (frame.format.name, layout, rate):
            self._form = frame.format.name, layout, rate
            self._resampler = av.AudioResampler(format=packed, layout=layout, rate=rate)
        try:
            (whole,) = self._resampler.resample(frame)  # at the same rate nothing waits
        except (av.FFmpegError, ValueError) as error:
            count = frame.layout.nb_channels
            raise MediaError("decode", f"the sound has {count} channels that cannot be read") from error
        return _timed(whole, frame)


def _timed(frame: av.AudioFrame, like: av.AudioFrame) -> av.AudioFrame:
    frame.sample_rate, frame.pts, frame.time_base = like.sample_rate, like.pts, like.time_base
    return frame
