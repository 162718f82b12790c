"""Which containers are opened, and what their files are called: what can be read is scanned, and the reverse."""

from typing import NamedTuple

from multimodal.labels import Media


class Suffixes(NamedTuple):
    """What files of a container are called, with the dot, in lower case."""

    video: tuple[str, ...] = ()
    audio: tuple[str, ...] = ()


_MP4 = Suffixes(
    (".mp4", ".m4v", ".mov", ".qt", ".f4v", ".3gp", ".3g2", ".mj2", ".ismv"), (".m4a", ".m4b", ".isma")
)
_MATROSKA = Suffixes((".mkv", ".mk3d", ".webm"), (".mka", ".weba"))

#: By the names of FFmpeg's demuxers. None of them opens another file or an address, as playlists (HLS, DASH),
#: scripts (concat), SDP and numbered images do; images are Pillow's.
CONTAINERS: dict[str, Suffixes] = {
    **dict.fromkeys(("mov", "mp4", "m4a", "3gp", "3g2", "mj2"), _MP4),
    **dict.fromkeys(("matroska", "webm"), _MATROSKA),
    "avi": Suffixes((".avi", ".divx")),
    "flv": Suffixes((".flv",)),
    "asf": Suffixes((".asf", ".wmv"), (".wma",)),
    "mpegts": Suffixes((".ts", ".mts", ".m2ts", ".m2t", ".tp", ".trp")),
    "mpeg": Suffixes((".mpg", ".mpeg", ".mpe", ".vob", ".m2p")),
    "mpegvideo": Suffixes((".m1v", ".m2v", ".mpv")),
    "ogg": Suffixes((".ogv", ".ogm", ".ogx"), (".ogg", ".oga", ".opus", ".spx")),
    "gif": Suffixes((".gif",)),
    "rm": Suffixes((".rm", ".rmvb"), (".ra",)),
    "mxf": Suffixes((".mxf",)),
    "gxf": Suffixes((".gxf",)),
    "nut": Suffixes((".nut",)),
    "dv": Suffixes((".dv", ".dif")),
    "ivf": Suffixes((".ivf",)),
    "h264": Suffixes((".h264", ".264", ".h26l", ".avc")),
    "hevc": Suffixes((".hevc", ".h265", ".265")),
    "m4v": Suffixes((".m4v",)),
    **dict.fromkeys(("av1", "obu"), Suffixes((".obu", ".av1"))),
    "vc1": Suffixes((".vc1",)),
    "mjpeg": Suffixes((".mjpeg", ".mjpg")),
    "yuv4mpegpipe": Suffixes((".y4m",)),
    "wav": Suffixes(audio=(".wav",)),
    "w64": Suffixes(audio=(".w64",)),
    "aiff": Suffixes(audio=(".aif", ".aiff", ".aifc")),
    "caf": Suffixes(audio=(".caf",)),
    "au": Suffixes(audio=(".au", ".snd")),
    "mp3": Suffixes(audio=(".mp3", ".mp2", ".m2a", ".mpa")),
    "flac": Suffixes(audio=(".flac",)),
    "aac": Suffixes(audio=(".aac", ".adts")),
    "ac3": Suffixes(audio=(".ac3",)),
    "eac3": Suffixes(audio=(".eac3", ".ec3")),
    **dict.fromkeys(("amr", "amrnb", "amrwb"), Suffixes(audio=(".amr", ".awb"))),
    "ape": Suffixes(audio=(".ape",)),
    "wv": Suffixes(audio=(".wv",)),
    "tta": Suffixes(audio=(".tta",)),
    "dts": Suffixes(audio=(".dts",)),
    "tak": Suffixes(audio=(".tak",)),
    "dsf": Suffixes(audio=(".dsf",)),
    "loas": Suffixes(audio=(".loas", ".latm")),
}

#: What is a video, and what sound alone, by the suffix of the file.
MEDIA: dict[str, Media] = {
    **{suffix: "audio" for suffixes in CONTAINERS.values() for suffix in suffixes.audio},
    **{suffix: "video" for suffixes in CONTAINERS.values() for suffix in suffixes.video},
}
