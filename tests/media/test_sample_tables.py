"""Headers of a few bytes that name millions of samples are refused before FFmpeg makes a table of them."""

import struct

import pytest

from multimodal.media.errors import MediaError
from multimodal.media.probe_corpus import ProbeJob, probe_files
from multimodal.media.reading.probe import open_container
from multimodal.media.reading.sample_tables import untold_samples


def box(kind: bytes, *content: bytes) -> bytes:
    whole = b"".join(content)
    return struct.pack(">I4s", 8 + len(whole), kind) + whole


def sizes(count: int, size: int) -> bytes:
    return box(b"stsz", struct.pack(">III", 0, size, count))


def movie(*tables: bytes) -> bytes:
    tracks = (box(b"trak", box(b"mdia", box(b"minf", box(b"stbl", table)))) for table in tables)
    return box(b"ftyp", b"isom\0\0\2\0") + box(b"moov", *tracks)


def fragment(count: int, flags: int) -> bytes:
    run = box(b"trun", struct.pack(">II", flags, count))
    return box(b"ftyp", b"isom\0\0\2\0") + box(b"moof", box(b"traf", run), box(b"traf", run))


@pytest.mark.parametrize(
    ("whole", "named"),
    [
        (movie(sizes(4_000_000_000, 1)), 4_000_000_000),
        (movie(sizes(4_000_000, 1), sizes(4_000_000, 9)), 8_000_000),  # together, though not each
        (fragment(30_000_000, 0x1), 60_000_000),
        (movie(sizes(5_000_000, 1)), 0),  # a day
        (movie(sizes(4_000_000_000, 0)), 0),  # each has its own size, which FFmpeg reads from the file
        (fragment(30_000_000, 0x201), 0),
        (b"RIFF" + movie(sizes(4_000_000_000, 1)), 0),
        (box(b"moov") * 3 + b"\0\0\0\1moov", 0),
    ],
)
def test_samples_that_no_file_of_that_size_can_hold_are_counted(tmp_path, whole, named):
    path = tmp_path / "a.mp4"
    path.write_bytes(whole)
    assert untold_samples(path) == named


def test_boxes_in_boxes_without_end_are_no_error(tmp_path):
    whole = b""
    for _ in range(3000):
        whole = box(b"moov", whole)
    path = tmp_path / "a.mp4"
    path.write_bytes(whole)
    assert untold_samples(path) == 0


def test_long_sound_without_compression_is_read_though_half_of_it_is_cut_off(tmp_path):
    path = tmp_path / "a.mov"
    path.write_bytes(movie(sizes(40_000_000, 2)) + box(b"mdat", bytes(8_000_000)))
    assert untold_samples(path) == 0


def test_a_small_file_of_many_samples_is_a_row_that_says_so(tmp_path):
    path = tmp_path / "a.mp4"
    path.write_bytes(movie(sizes(75_000_000, 1)))
    with pytest.raises(MediaError, match="names 75,000,000 samples in a few bytes"):
        open_container(path)
    (outcome,) = probe_files([ProbeJob("made/a", str(path), "video")], workers=1, seconds_per_file=60)
    assert outcome.failure is not None
    assert "75,000,000 samples" in outcome.failure.reason
