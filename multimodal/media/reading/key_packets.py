"""What packets that can be decoded alone say of the size of their pictures: bytes that are compared, not read."""

from typing import Any

import av

#: Beside a packet where a container names other parameters than in its header.
_NEW_PARAMETERS: Any = "new_extradata"
#: Of the units of H.264 (ITU-T H.264, 7.3.1.2) and HEVC (H.265, 7.3.1.2) those that say the size.
_SPS_TYPE = {"h264": 7, "hevc": 33}
_CODECS = ("vp8", "vp9", *_SPS_TYPE)


class Sizes:
    """Whether pictures of a stream may change their size, by its key packets; of H.264, HEVC, VP8 and VP9."""

    def __init__(self, codec: str) -> None:
        self._codec = codec
        self._said: set[bytes] = set()
        self._is_told = False

    def see(self, packet: "av.Packet[Any]") -> None:
        """A packet of the stream."""
        self._is_told |= bool(self._said) and _has_new_parameters(packet)
        if self._codec in _CODECS and packet.is_keyframe and not self.may_change:
            self._said.add(_says(self._codec, bytes(packet)))

    @property
    def may_change(self) -> bool:
        """Whether two key packets do not say the same."""
        return self._is_told or len(self._said) > 1


def _has_new_parameters(packet: "av.Packet[Any]") -> bool:
    has = getattr(packet, "has_sidedata", None)  # not before PyAV 15
    return bool(has and has(_NEW_PARAMETERS))


def _says(codec: str, data: bytes) -> bytes:
    if codec == "vp8":  # after the tag of the frame (RFC 6386, 9.1)
        return data[3:10]
    if codec == "vp9":  # the sync code, the kind of colour, and 32 bits of width and height
        return (int.from_bytes(data[1:9], "big") >> 4).to_bytes(8, "big")
    return b"".join(unit for unit in _units(data) if _type_of(codec, unit) == _SPS_TYPE[codec])


def _type_of(codec: str, unit: bytes) -> int:
    return unit[0] & 31 if codec == "h264" else unit[0] >> 1 & 63


def _units(data: bytes) -> list[bytes]:
    """Units that begin with their length in four bytes, as MP4, Matroska and FLV hold them; of others none."""
    units: list[bytes] = []
    place = 0
    while place + 4 < len(data):
        length = int.from_bytes(data[place : place + 4], "big")
        if not 0 < length <= len(data) - place - 4:
            return units
        units.append(data[place + 4 : place + 4 + length])
        place += 4 + length
    return units
