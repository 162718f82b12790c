"""What a stranger's file may open, how large it may be, and what its header says of pixels."""

from fractions import Fraction

import av
import numpy as np
import pytest
from av.format import ContainerFormat
from PIL import Image

from multimodal.containers import CONTAINERS
from multimodal.corpora.base import ScanReport
from multimodal.corpora.folder.labelled import SUFFIXES, media_of, walk_media
from multimodal.media.errors import MediaError
from multimodal.media.prepare import prepare_clip
from multimodal.media.prepared import PrepareOptions
from multimodal.media.probe_corpus import probe_file
from multimodal.media.reading import probe as probe_module
from multimodal.media.reading import with_decord, with_pyav
from multimodal.media.reading.images import read_image
from multimodal.media.reading.packets import find_gaps
from multimodal.media.reading.pictures import VideoPictures
from multimodal.media.reading.probe import probe
from multimodal.media.reading.upright import Shapes

SCRIPTS = {
    "concat": "ffconcat version 1.0\nfile victim.mp4\n",
    "HLS": "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nvictim.mp4\n#EXT-X-ENDLIST\n",
    "DASH": '<?xml version="1.0"?>\n<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static">'
    "<Period><AdaptationSet><Representation id='1'><BaseURL>victim.mp4</BaseURL></Representation>"
    "</AdaptationSet></Period></MPD>",
    "SDP": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=a\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n",
}


@pytest.mark.parametrize("kind", SCRIPTS)
@pytest.mark.parametrize("name", ["a.mp4", "a.m3u8", "a.mpd", "a.sdp", "a.ffconcat"])
def test_a_script_that_names_another_file_opens_nothing(kind, name, tmp_path, media):
    media.write(tmp_path / "victim.mp4", pictures=media.counting(3))
    (tmp_path / name).write_text(SCRIPTS[kind])
    with pytest.raises(MediaError, match="no media file that FFmpeg can open") as caught:
        probe(tmp_path / name)
    assert caught.value.stage == "open"
    assert "\n" not in str(caught.value)


def test_numbered_images_in_place_of_a_video_are_not_opened(tmp_path):
    Image.new("RGB", (64, 64)).save(tmp_path / "a.png")
    (tmp_path / "a.png").rename(tmp_path / "a.mp4")
    with pytest.raises(MediaError, match="images in its place are not opened"):
        probe(tmp_path / "a.mp4")


def test_a_postscript_program_with_the_name_of_an_image_is_never_run(tmp_path, monkeypatch):
    Image.init()
    monkeypatch.setattr("PIL.EpsImagePlugin.Ghostscript", lambda *_, **__: pytest.fail("Ghostscript was started"))
    (tmp_path / "a.png").write_text(
        "%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 64 64\n%%EndComments\n0 0 64 64 rectfill\nshowpage\n"
    )
    for read in (read_image, lambda path: probe_file(path, "image")):
        with pytest.raises(MediaError, match="no image that Pillow can open"):
            read(tmp_path / "a.png")


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "bmp", "tiff", "gif"])
def test_ordinary_images_are_read(suffix, tmp_path):
    Image.new("RGB", (40, 30), (200, 0, 0)).save(tmp_path / f"a.{suffix}")
    assert read_image(tmp_path / f"a.{suffix}").shape == (30, 40, 3)


def test_an_image_too_large_is_refused_before_its_pixels_are_read(tmp_path, monkeypatch):
    monkeypatch.setattr("multimodal.media.reading.images.MOST_PIXELS", 1_000)
    Image.new("RGB", (40, 30)).save(tmp_path / "a.png")
    with pytest.raises(MediaError, match="40x30 pixels, more than 1,000"):
        read_image(tmp_path / "a.png")


def write_sized(path, width, height):
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for number in range(3):
            frame = av.VideoFrame.from_ndarray(np.full((height, width, 3), 90, np.uint8), format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def test_a_picture_of_a_few_pixels_is_a_file_that_cannot_be_judged(tmp_path):
    path = write_sized(tmp_path / "a.mp4", 2, 400)
    with pytest.raises(MediaError, match="the picture is 2x400, at least 16 are read"):
        prepare_clip(path, "a", PrepareOptions())


def test_a_picture_too_large_is_refused(tmp_path, monkeypatch):
    path = write_sized(tmp_path / "a.mp4", 64, 48)
    monkeypatch.setattr(probe_module, "MOST_PIXELS", 3_000)
    with pytest.raises(MediaError, match="64x48, more than 3,000 pixels"):
        VideoPictures(path, probe(path), 25.0, None)
    with pytest.raises(MediaError, match="decode"):  # the header may say less than there is
        list(with_pyav.pictures(path, probe(path), 25.0))


def test_a_file_of_very_many_streams_is_refused(tmp_path):
    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as container:
        streams = [container.add_stream("pcm_s16le", rate=16_000, layout="mono") for _ in range(65)]
        for stream in streams:
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 160), np.int16), format="s16", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = 16_000, 0, Fraction(1, 16_000)
            container.mux(stream.encode(frame))
    with pytest.raises(MediaError, match="65 streams, at most 64 are read"):
        probe(path)


def write_oblong(path, pictures, aspect):
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"preset": "ultrafast", "crf": "16"})
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt, stream.codec_context.sample_aspect_ratio = "yuv420p", aspect
        for number, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize(
    ("aspect", "shape"),
    [
        ((2, 1), (96, 256)),
        ((1, 2), (192, 128)),
        ((16, 15), (96, 137)),
        ((640, 639), (96, 128)),  # scaling to even sides
        ((99, 1), (96, 128)),  # a mistake of the header
    ],
)
@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_pixels_are_shown_as_wide_as_the_file_says(suffix, aspect, shape, tmp_path, media):
    path = write_oblong(tmp_path / f"a.{suffix}", media.counting(4), Fraction(*aspect))
    points = list(VideoPictures(path, probe(path), 25.0, None))
    assert all(point.shown.shape == (*shape, 3) for point in points)
    assert len(points) == 4


def test_a_reader_whose_key_frame_is_another_than_ffmpegs_is_given_up(tmp_path, media, monkeypatch):
    pytest.importorskip("decord")
    path = media.write(tmp_path / "a.mkv", pictures=media.counting(40), video_codec="ffv1", pixel_format="bgr0")
    info, key_pictures = probe(path), with_pyav.key_pictures
    assert info.key_frames == (0, 12, 24, 36)

    def with_another_at_the_end(path, info, numbers, shapes):
        return {
            number: picture[::-1] if number == 36 else picture
            for number, picture in key_pictures(path, info, numbers, shapes).items()
        }

    monkeypatch.setattr(with_pyav, "key_pictures", with_another_at_the_end)
    with pytest.raises(with_decord.DecordRefusedError, match="decord's frame 36 is not PyAV's"):
        _ = [point.shown for point in with_decord.pictures(path, info, 25.0)]
    with pytest.raises(with_decord.DecordRefusedError):  # also where nobody looks
        list(with_decord.pictures(path, info, 25.0))
    # what is not read is not compared
    assert len(list(with_decord.pictures(path, info, 25.0, max_seconds=1.0))) == 25


def test_key_frames_are_found_again_by_their_number(tmp_path, media):
    path = media.write(tmp_path / "a.mkv", pictures=media.counting(40), video_codec="ffv1", pixel_format="bgr0")
    found = with_pyav.key_pictures(path, info := probe(path), (0, 24, 36), Shapes(info))
    assert {number: media.number_in(picture) for number, picture in found.items()} == {0: 0, 24: 24, 36: 36}


@pytest.mark.parametrize(
    ("steps", "lost"),
    [
        ([40] * 9, 0),
        ([40, 40, 80, 40, 40, 160, 40, 40, 40], 4),
        ([33, 34, 33, 33, 34, 50, 33], 0),
        ([40, 95, 61], 0),
    ],
)
def test_only_a_regular_video_can_lack_frames(steps, lost):
    assert find_gaps(np.cumsum([0, *steps]) / 1000).lost_frames == lost


def test_a_clock_that_is_set_back_is_told_and_what_comes_then_is_left_out(tmp_path, media):
    half = media.write(tmp_path / "half.ts", pictures=media.counting(50), sound=media.clicks(2.0, [1.0]))
    path = tmp_path / "a.ts"
    path.write_bytes(half.read_bytes() * 2)
    assert "the clock jumps" in probe(path).damage
    clip = [media.number_in(point.shown) for point in VideoPictures(path, probe(path), 25.0, None)]
    assert clip == list(range(50))


def test_what_can_be_read_can_be_scanned():
    for name, suffixes in CONTAINERS.items():
        assert suffixes.video or suffixes.audio
        for suffix in ContainerFormat(name, "r").extensions - NO_CLIPS:
            assert f".{suffix}" in SUFFIXES, f"{name}: .{suffix}"
    assert {media_of(f"a{suffix}") for suffix in (".MP4", ".h264", ".qt")} == {"video"}
    assert {media_of(f"a{suffix}") for suffix in (".WAV", ".mka")} == {"audio"}


#: Images in the container of MP4, or in a row; subtitles; music with its own list of what is in it.
NO_CLIPS = {"avif", "heic", "heif", "mpo", "mks", "apl", "mac", "psp", "ism"}
WRITTEN = {
    ".264": ("h264", "libx264", "yuv420p"),
    ".avc": ("h264", "libx264", "yuv420p"),
    ".265": ("hevc", "libx265", "yuv420p"),
    ".hevc": ("hevc", "libx265", "yuv420p"),
    ".m1v": ("mpeg1video", "mpeg1video", "yuv420p"),
    ".m2v": ("mpeg2video", "mpeg2video", "yuv420p"),
    ".m4v": ("m4v", "mpeg4", "yuv420p"),
    ".mjpg": ("mjpeg", "mjpeg", "yuvj420p"),
    ".ivf": ("ivf", "libvpx", "yuv420p"),
    ".obu": ("obu", "libsvtav1", "yuv420p"),
    ".y4m": ("yuv4mpegpipe", "wrapped_avframe", "yuv420p"),
    ".qt": ("mov", "mjpeg", "yuvj420p"),
    ".m2t": ("mpegts", "mpeg2video", "yuv420p"),
    ".ogm": ("ogg", "libvpx", "yuv420p"),
    ".nut": ("nut", "mpeg4", "yuv420p"),
    ".mxf": ("mxf", "mpeg2video", "yuv420p"),
    ".rm": ("rm", "rv20", "yuv420p"),
    ".mk3d": ("matroska", "libx264", "yuv420p"),
}


@pytest.mark.parametrize("suffix", WRITTEN)
def test_videos_of_many_suffixes_are_scanned_and_read(suffix, tmp_path, media):
    (tmp_path / "real").mkdir()
    path, (muxer, codec, pixels) = tmp_path / "real" / f"a{suffix}", WRITTEN[suffix]
    with av.open(str(path), "w", format=muxer) as container:
        stream = container.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = 352, 288, pixels
        stream.bit_rate = 4_000_000
        for number in range(12):
            picture = media.numbered(np.full((288, 352, 3), 90, np.uint8), number)
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format=pixels)
            frame.pts, frame.time_base = number, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    assert [clip for clip, _ in walk_media(tmp_path, ScanReport(), has_frames=False)] == [f"real/a{suffix}"]
    assert media_of(path.name) == "video"
    assert [media.number_in(point.shown) for point in VideoPictures(path, probe(path), 25.0, None)] == list(
        range(12)
    )


def test_a_moving_gif_is_a_video(tmp_path):
    frames = [Image.new("RGB", (64, 48), (60 * number, 0, 0)) for number in range(4)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:], duration=40)
    points = list(VideoPictures(tmp_path / "a.gif", probe(tmp_path / "a.gif"), 25.0, None))
    assert [round(int(point.shown[0, 0, 0]) / 60) for point in points] == [0, 1, 2, 3]
