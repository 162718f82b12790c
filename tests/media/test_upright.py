"""Pictures that are mirrored, or change their size or the shape of their pixels on the way."""

from fractions import Fraction

import av
import numpy as np
import pytest

from multimodal.media.prepare import prepare_file
from multimodal.media.prepared import PrepareOptions
from multimodal.media.reading.pictures import VideoPictures
from multimodal.media.reading.probe import probe

#: What the header of MP4 says of rows and columns, and how a picture is shown then.
MATRICES = {
    "mirrored": ((-1, 0, 0, 1), lambda picture: picture[:, ::-1]),
    "upside down": ((1, 0, 0, -1), lambda picture: picture[::-1]),
    "half a turn": ((-1, 0, 0, -1), lambda picture: np.rot90(picture, 2)),
    "a quarter": ((0, 1, -1, 0), lambda picture: np.rot90(picture, 3)),
    "a quarter back": ((0, -1, 1, 0), lambda picture: np.rot90(picture)),
    "transposed": ((0, 1, 1, 0), lambda picture: picture.transpose(1, 0, 2)),
    "transposed and turned": ((0, -1, -1, 0), lambda picture: np.rot90(picture, 2).transpose(1, 0, 2)),
}


def with_matrix(content, matrix):
    """Write a matrix into the header of the only track."""
    a, b, c, d = (65_536 * number for number in matrix)
    place = content.index(b"tkhd") + 44
    return content[:place] + np.array([a, b, 0, c, d, 0, 0, 0, 2**30], ">i4").tobytes() + content[place + 36 :]


def shown(path):
    pictures = VideoPictures(path, probe(path), 25.0, None)
    return [point.shown for point in pictures], pictures


@pytest.mark.parametrize("kind", MATRICES)
@pytest.mark.parametrize("first", ["counting", "black"])
def test_pictures_are_mirrored_and_turned_as_the_header_says(kind, first, tmp_path, media):
    written = media.counting(5)
    if first == "black":  # the only key frame, which tells no mirror
        written[0] = np.zeros_like(written[0])
    plain = media.write(tmp_path / "plain.mp4", pictures=written)
    matrix, expected = MATRICES[kind]
    turned = tmp_path / "turned.mp4"
    turned.write_bytes(with_matrix(plain.read_bytes(), matrix))
    pictures, _ = shown(turned)
    assert len(pictures) == 5
    for picture, before in zip(pictures, shown(plain)[0], strict=True):
        np.testing.assert_array_equal(picture, expected(before))


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "ts"])
def test_pictures_are_mirrored_as_the_codec_says(suffix, tmp_path, media):
    plain, path = media.write(tmp_path / "plain.mkv", pictures=media.counting(30)), tmp_path / f"a.{suffix}"
    with av.open(str(plain)) as source, av.open(str(path), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        says = av.BitStreamFilterContext(
            "h264_metadata=display_orientation=insert:flip=horizontal", source.streams.video[0], stream
        )
        for packet in source.demux(video=0):
            for own in says.filter(packet if packet.size else None):
                own.stream = stream
                target.mux(own)
    pictures, before = shown(path)[0], shown(plain)[0]
    assert len(pictures) == len(before) == 30
    np.testing.assert_array_equal(pictures, [picture[:, ::-1] for picture in before])


def encoded(codec, width, height, aspect, first, count=12):
    """Packets of a disc on a dark ground, round where pixels are ``aspect`` times as wide as high."""
    context = av.CodecContext.create(codec, "w")
    context.width, context.height, context.pix_fmt = width, height, "yuv420p"
    context.time_base, context.sample_aspect_ratio = Fraction(1, 25), Fraction(aspect)
    context.thread_count = 1
    context.framerate = Fraction(25)
    rows, columns = np.mgrid[:height, :width]
    across = (columns - width / 2) * float(Fraction(aspect))
    disc = across**2 + (rows - height / 2) ** 2 < (0.3 * height) ** 2
    packets = []
    for number in range(count):
        picture = np.where(disc[..., None], 235, 40).astype(np.uint8).repeat(3, 2)
        frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
        frame.pts, frame.time_base = first + number, Fraction(1, 25)
        packets += context.encode(frame)
    return [*packets, *context.encode(None)]


def write_parts(path, codec, parts):
    """Stretches of 12 pictures, each (width, height, pixel aspect), one after another in one stream."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = *parts[0][:2], "yuv420p"
        stream.codec_context.sample_aspect_ratio = Fraction(parts[0][2])
        for number, part in enumerate(parts):
            for packet in encoded(codec, *part, 12 * number):
                own = av.Packet(bytes(packet))
                own.pts, own.dts, own.time_base = packet.pts, packet.dts, Fraction(1, 25)
                own.is_keyframe, own.stream = packet.is_keyframe, stream
                container.mux(own)
    return path


def disc_of(picture):
    """Width and height of the disc."""
    rows, columns = np.nonzero(picture[..., 1] > 140)
    return np.ptp(columns) + 1, np.ptp(rows) + 1


WIDE, OBLONG, LARGE = (160, 90, "1"), (160, 120, "4/3"), (320, 240, "1")
FIRST = (160, 120, "1")


@pytest.mark.parametrize(
    ("suffix", "codec", "parts", "changes"),
    [
        ("ts", "libx264", [FIRST, OBLONG], 1),
        ("ts", "mpeg2video", [FIRST, OBLONG, FIRST], 2),
        ("ts", "libx264", [OBLONG, FIRST], 1),
        ("ts", "libx264", [FIRST, WIDE], 1),
        ("ts", "libx264", [FIRST, LARGE], 0),
        ("mkv", "libx264", [FIRST, WIDE, FIRST], 2),
        ("webm", "libvpx", [FIRST, WIDE, FIRST], 2),
        ("webm", "libvpx-vp9", [FIRST, WIDE, FIRST], 2),
        ("webm", "libvpx", [FIRST, LARGE], 0),
        ("ts", "libx264", [FIRST], 0),
    ],
)
def test_what_is_round_stays_round_where_size_or_pixels_change(suffix, codec, parts, changes, tmp_path):
    path = write_parts(tmp_path / f"a.{suffix}", codec, parts)
    pictures, read = shown(path)
    assert len({picture.shape for picture in pictures}) == 1
    assert len(pictures) >= 12 * len(parts) - 1  # MPEG-2 loses the last before a change of size
    for picture in pictures:
        width, height = disc_of(picture)
        assert abs(width - height) <= 3
    if changes:
        times = f"{changes} time{'s' * (changes > 1)}"
        assert (
            read.picture_note == f"the picture changes its shape {times}: it is shown in the first, between bars"
        )
    else:
        assert read.picture_note is None


def test_a_change_of_shape_is_told_with_the_clip(tmp_path):
    path = write_parts(tmp_path / "a.ts", "libx264", [FIRST, OBLONG])
    options = PrepareOptions(crops="as-they-are")
    assert "the picture changes its shape 1 time" in prepare_file(path, "a", options)[0].damage


@pytest.mark.parametrize(("suffix", "codec"), [("mkv", "libx264"), ("webm", "libvpx"), ("webm", "libvpx-vp9")])
def test_a_stream_of_one_size_may_not_change_it(suffix, codec, tmp_path):
    assert not probe(write_parts(tmp_path / f"a.{suffix}", codec, [FIRST, FIRST])).may_change_size
