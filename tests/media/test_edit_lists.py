"""MP4 whose edit list puts stretches of a recording one after another, as programs cut that code nothing anew."""

import struct

import numpy as np
import pytest

from benchmarks.numbered_clips import Variant, number_in, write_variant
from multimodal.media.reading.pictures import VideoPictures
from multimodal.media.reading.probe import probe
from multimodal.media.reading.sound import read_sound
from multimodal.media.reading.with_decord import DecordRefusedError

FRAME = 1 / 25
#: Seconds that a stretch lasts, and from where in the recording; None for nothing at all.
EDITS = {
    "two stretches": [(1.0, 0.0), (1.0, 2.0)],
    "between key frames": [(1.2, 0.52), (1.0, 2.6)],
    "in another order": [(1.0, 2.0), (1.0, 0.0)],
    "one again": [(1.0, 0.0), (1.0, 0.4)],
    "three stretches": [(0.6, 0.2), (0.6, 1.6), (0.6, 3.2)],
    "later": [(0.5, None), (1.0, 0.4)],
    "later, and two stretches": [(0.5, None), (1.0, 0.0), (1.0, 2.0)],
}


def boxes(content):
    place = 0
    while place + 8 <= len(content):
        length, kind = struct.unpack(">I4s", content[place : place + 8])
        yield kind, content[place + 8 : place + length]
        place += length


def box(kind, content):
    return struct.pack(">I4s", 8 + len(content), kind) + content


def number_at(content, kind, place):
    """A number of 32 bits in the first box of a kind, so many bytes after its version and flags."""
    found = content.find(kind)
    return struct.unpack(">i", content[found + 8 + place : found + 12 + place])[0] if found >= 0 else 0


def edited(track, edits, movie_rate):
    """A track with other edits; what its coding delays is left out as before."""
    delay, rate = max(0, number_at(track, b"elst", 8)), number_at(track, b"mdhd", 8)
    entries = b"".join(
        struct.pack(
            ">IiI", round(length * movie_rate), -1 if start is None else delay + round(start * rate), 65_536
        )
        for length, start in edits
    )
    edts = box(b"edts", box(b"elst", struct.pack(">II", 0, len(edits)) + entries))
    parts = [(kind, part) for kind, part in boxes(track) if kind != b"edts"]
    return b"".join(box(kind, part) + edts * (kind == b"tkhd") for kind, part in parts)


def write_edited(path, edits, codec, b_frames, odd=frozenset()):
    source = path.with_name("whole.mp4")
    variant = Variant(seed=0, suffix="mp4", codecs=(codec, "aac"), num_frames=100, b_frames=b_frames, odd=odd)
    truth = write_variant(variant, source)
    content = b""
    for kind, part in boxes(source.read_bytes()):  # the header stands behind the data, which stay in place
        if kind == b"moov":
            rate = number_at(part, b"mvhd", 8)
            tracks = [(name, edited(own, edits, rate) if name == b"trak" else own) for name, own in boxes(part)]
            part = b"".join(box(name, own) for name, own in tracks)
        content += box(kind, part)
    path.write_bytes(content)
    return truth


def numbers_in(path):
    pictures = VideoPictures(path, probe(path), 25.0, None)
    try:
        return [number_in(point.shown) for point in pictures]
    except DecordRefusedError as error:
        pictures.give_up_decord(str(error))
        return [number_in(point.shown) for point in pictures]


@pytest.mark.parametrize("kind", EDITS)
@pytest.mark.parametrize(("codec", "b_frames"), [("libx264", 0), ("libx264", 2), ("libx265", 2), ("mpeg4", 0)])
def test_stretches_follow_on_and_no_damage_is_told(kind, codec, b_frames, tmp_path):
    path, edits = tmp_path / "a.mp4", EDITS[kind]
    truth = write_edited(path, edits, codec, b_frames)
    shown = [(length, start) for length, start in edits if start is not None]
    expected = [
        round(start / FRAME) + number for length, start in shown for number in range(round(length / FRAME))
    ]
    info = probe(path)
    assert numbers_in(path) == expected
    assert info.damage is None
    sound = read_sound(path, 16_000, start_seconds=info.frame_times[0], max_seconds=len(expected) * FRAME).samples
    ticking = {round(tick / FRAME) for tick in truth.ticks}
    for place, number in enumerate(expected):
        if number in ticking and 2 < place < len(expected) - 3:
            first = round((place - 1.5) * FRAME * 16_000)
            near = np.abs(sound[first : first + 1_920].astype(int))
            assert abs(first + near.argmax() - place * FRAME * 16_000) < 240  # AAC is cut at whole packets


def test_frames_that_lack_within_a_stretch_are_told(tmp_path):
    path = tmp_path / "a.mp4"
    truth = write_edited(path, [(0.6, 0.0), (3.0, 1.0)], "libx264", 0, frozenset({"dropped"}))
    lost = 75 - sum(25 <= number < 100 for number in truth.times)
    assert lost
    assert probe(path).damage.startswith(f"{lost} frame")
