"""Frames that show their numbers and sound that ticks with them, in the containers that people have."""

from fractions import Fraction

import av
import pytest

from benchmarks.numbered_clips import KINDS, Variant, draw_variant, number_in, write_variant
from benchmarks.reading import read_variant
from multimodal.media.reading.pictures import VideoPictures
from multimodal.media.reading.probe import probe

VARIANTS = {
    "a transport stream with B-frames": Variant(seed=1, suffix="ts", codecs=("libx264", "aac"), b_frames=3),
    "a clock that wraps": Variant(seed=2, suffix="ts", codecs=("mpeg2video", "mp2"), odd=frozenset({"wrapped"})),
    "a program stream": Variant(seed=3, suffix="mpg", codecs=("mpeg2video", "mp2"), b_frames=2),
    "an edit list": Variant(
        seed=4, suffix="mp4", codecs=("libx264", "aac"), odd=frozenset({"edited"}), b_frames=2
    ),
    "a late picture": Variant(seed=5, suffix="mkv", codecs=("libx264", "flac"), odd=frozenset({"late picture"})),
    "a late sound": Variant(seed=6, suffix="webm", codecs=("libvpx", "libopus"), odd=frozenset({"late sound"})),
    "a variable rate": Variant(seed=7, suffix="mov", codecs=("libx264", "aac"), odd=frozenset({"variable"})),
    "ASF read at half its rate": Variant(
        seed=8, suffix="wmv", codecs=("wmv2", "wmav2"), frame_rate=Fraction(30), grid_rate=12.5
    ),
    "key frames alone": Variant(seed=9, suffix="avi", codecs=("mjpeg", "pcm_s16le"), key_distance=1),
    "H.264 with B-frames in a container that counts frames alone": Variant(
        seed=12, suffix="avi", codecs=("libx264", "pcm_s16le"), b_frames=3
    ),
    "MPEG-4 with B-frames in AVI": Variant(seed=13, suffix="avi", codecs=("mpeg4", "pcm_s16le"), b_frames=2),
    "a start far from 0": Variant(seed=10, suffix="mkv", codecs=("libvpx", "libopus"), odd=frozenset({"offset"})),
}
LOSSY = {
    "mp4": ("libx264", "aac"),
    "ts": ("libx264", "aac"),
    "webm": ("libvpx", "libopus"),
    "flv": ("libx264", "aac"),
}


@pytest.mark.parametrize("name", VARIANTS)
def test_every_point_shows_the_frame_of_its_time_and_every_tick_stands_at_its_frame(name, tmp_path):
    variant = VARIANTS[name]
    read = read_variant(variant, tmp_path / f"a.{variant.suffix}")
    assert (read.wrong_points, read.wrong_ticks) == (0, 0)
    assert read.points > 20
    assert read.ticks >= 5
    assert read.damage is None


def test_frames_that_are_numbered_as_they_are_coded_are_shown_in_the_order_of_the_decoder(tmp_path):
    right, coded = tmp_path / "a.mp4", tmp_path / "b.mkv"
    write_variant(Variant(seed=14, suffix="mp4", codecs=("libx264", "aac"), b_frames=3), right)
    with av.open(str(right)) as source, av.open(str(coded), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        packets = [packet for packet in source.demux(source.streams.video[0]) if packet.size]
        first = packets[0].dts
        for packet in packets:
            packet.stream, packet.pts, packet.dts = stream, packet.dts - first, packet.dts - first
            target.mux(packet)
    points = list(VideoPictures(coded, probe(coded), 25.0, None))
    assert [number_in(point.shown) for point in points] == list(range(60))


@pytest.mark.parametrize("suffix", LOSSY)
@pytest.mark.parametrize("key_distance", [1, 12])
def test_frames_that_are_lost_are_told_and_the_others_stay_in_their_place(suffix, key_distance, tmp_path):
    variant = Variant(
        seed=11, suffix=suffix, codecs=LOSSY[suffix], odd=frozenset({"dropped"}), key_distance=key_distance
    )
    read = read_variant(variant, tmp_path / f"a.{suffix}")
    assert (read.wrong_points, read.wrong_ticks) == (0, 0)
    assert "missing in" in read.damage
    assert read.reader == "pyav"


@pytest.mark.parametrize("codec", ["libx264", "mpeg4", "mjpeg"])
@pytest.mark.parametrize("key_distance", [1, 12])
def test_beside_a_frame_that_avi_lost_the_others_stay_in_their_place(codec, key_distance, tmp_path):
    codecs = (codec, "pcm_s16le")
    for seed in (1, 2):
        odd = frozenset({"dropped"})  # of the sound too, which AVI cannot say
        variant = Variant(seed=seed, suffix="avi", codecs=codecs, odd=odd, key_distance=key_distance)
        read = read_variant(variant, tmp_path / "a.avi")
        assert read.wrong_points == 0
        assert "missing in" in read.damage


def test_what_a_seed_draws_stays_the_same_and_containers_come_in_turn():
    assert draw_variant(17) == draw_variant(17)
    assert {draw_variant(seed).suffix for seed in range(len(KINDS))} == set(KINDS)
