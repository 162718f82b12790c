"""Sound that is missing in the middle of a file is silence of its length, and told."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from multimodal.media.prepare import prepare_clip
from multimodal.media.prepared import PrepareOptions
from multimodal.media.probe_corpus import probe_file
from multimodal.media.reading.sound import read_sound

RATE = 16_000
TICKS = (0.5, 1.1, 3.2, 3.9)


def ticking(media, seconds: float = 4.5) -> np.ndarray:
    return media.clicks(seconds, list(TICKS))


def without(
    source: Path, path: Path, is_lost: Callable[[float], bool], more: Callable[[float], float] = lambda _: 0.0
):
    """Copy a file without some packets of its sound, each by its second, or with later ones."""
    with av.open(str(source)) as old, av.open(str(path), "w") as new:
        copies = {stream.index: new.add_stream_from_template(stream) for stream in old.streams}
        for packet in old.demux():
            if packet.size == 0:
                continue
            stream = old.streams[packet.stream_index]
            seconds = float(packet.pts * packet.time_base)
            if stream.type == "audio":
                if is_lost(seconds):
                    continue
                ticks = round(more(seconds) / packet.time_base)
                packet.pts, packet.dts = packet.pts + ticks, packet.dts + ticks
            packet.stream = copies[packet.stream_index]
            new.mux(packet)
    return path


KINDS = {
    "a.mp4": "aac",
    "a.mov": "aac",
    "a.mkv": "aac",
    "a.webm": "libopus",
    "a.ts": "aac",
    "a.flv": "aac",
    "mp3.mkv": "libmp3lame",
    "ac3.ts": "ac3",
    "flac.mkv": "flac",
    "pcm.mkv": "pcm_s16le",
}


def ticks_in(samples: np.ndarray) -> np.ndarray:
    """Seconds of what is loud."""
    loud = np.flatnonzero(np.abs(samples.astype(int)) > 8_000)
    return loud[np.diff(loud, prepend=-RATE) > RATE // 20] / RATE


@pytest.mark.parametrize("name", KINDS)
def test_a_second_of_sound_that_is_gone_is_told_and_what_follows_stands_at_its_time(name, tmp_path, media):
    codec = {"video_codec": "libvpx-vp9"} if name.endswith("webm") else {}
    rate = 44_100 if name.endswith("flv") else 48_000
    source = media.write(
        tmp_path / f"whole.{name}",
        pictures=media.counting(112),
        sound=ticking(media),
        audio_codec=KINDS[name],
        sound_rate=rate,
        **codec,
    )
    whole = read_sound(source, RATE)
    assert whole.note is None
    offset = whole.start_seconds
    path = without(source, tmp_path / name, lambda second: 1.5 <= second - max(offset, 0) < 2.5)
    sound = read_sound(path, RATE, start_seconds=offset)
    said, _, rest = sound.note.partition(" seconds")
    assert rest == " of sound missing in 1 place"
    assert float(said) == pytest.approx(1.0, abs=0.1)
    np.testing.assert_allclose(np.diff(ticks_in(whole.samples)), np.diff(TICKS), atol=1e-3)
    np.testing.assert_allclose(ticks_in(sound.samples), ticks_in(whole.samples), atol=1e-3)
    assert len(sound.samples) == pytest.approx(len(whole.samples), abs=RATE // 20)


def test_a_clock_that_leaps_by_a_second_is_told_and_followed(tmp_path, media):
    source = media.write(tmp_path / "whole.mkv", sound=ticking(media))
    path = without(source, tmp_path / "a.mkv", lambda _: False, lambda second: float(second >= 2.0))
    sound = read_sound(path, RATE, start_seconds=0.0)
    assert sound.note == "1.00 seconds of sound missing in 1 place"
    np.testing.assert_allclose(np.diff(ticks_in(sound.samples)), np.diff([0.5, 1.1, 4.2, 4.9]), atol=1e-3)


def write_packets(path: Path, starts: list[float], seconds: float = 0.02) -> Path:
    """A track of short packets of one value, each at its second."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=RATE, layout="mono")
        for start in starts:
            piece = np.full((1, round(seconds * RATE)), 9_000, np.int16)
            frame = av.AudioFrame.from_ndarray(piece, format="s16", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = RATE, round(start * RATE), Fraction(1, RATE)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


EVERY = [0.02 * number for number in range(200)]


@pytest.mark.parametrize(
    ("starts", "note"),
    [
        (EVERY, None),
        ([start for number, start in enumerate(EVERY) if number != 20], None),
        (
            [start for number, start in enumerate(EVERY) if number % 10],
            "0.38 seconds of sound missing in 19 places",
        ),
        (
            [start for number, start in enumerate(EVERY) if number not in (*range(20, 30), *range(90, 105))],
            "0.50 seconds of sound missing in 2 places",
        ),
        ([start + 0.018 * (number // 20 % 2) for number, start in enumerate(EVERY)], None),
    ],
    ids=["whole", "one packet", "many packets", "two stretches", "a clock that trembles"],
)
def test_what_is_missing_is_counted_where_it_is_more_than_a_syllable(starts, note, tmp_path):
    assert read_sound(write_packets(tmp_path / "a.mkv", starts), RATE).note == note


def test_what_is_missing_outside_the_part_that_is_asked_for_is_not_told(tmp_path):
    path = write_packets(tmp_path / "a.mkv", [start for start in EVERY if not 1.0 <= start < 2.0])
    assert read_sound(path, RATE, max_seconds=0.9).note is None
    assert read_sound(path, RATE, start_seconds=2.5).note is None
    assert read_sound(path, RATE, start_seconds=0.5).note == "1.00 seconds of sound missing in 1 place"


def test_sound_that_begins_late_is_told(tmp_path):
    path = write_packets(tmp_path / "a.mkv", [start + 1.5 for start in EVERY])
    assert read_sound(path, RATE, start_seconds=0.0).note == "the sound begins 1.50 seconds after the picture"
    assert read_sound(path, RATE, start_seconds=1.3).note is None


def test_it_travels_with_the_clip_and_into_the_table_of_a_probe(tmp_path, media):
    source = media.write(tmp_path / "whole.mkv", pictures=media.talking(100), sound=ticking(media, 4.0))
    path = without(source, tmp_path / "a.mkv", lambda second: 1.5 <= second < 2.5)
    assert (
        "seconds of sound missing in 1 place" in prepare_clip(path, "a", PrepareOptions(crop_size=48)).sound_note
    )
    assert "seconds of sound missing in 1 place" in probe_file(path, "video").damage


def test_sound_beside_which_one_channel_is_chosen_tells_of_both(tmp_path):
    path = tmp_path / "a.mkv"
    voice = np.clip(np.random.default_rng(0).normal(0, 4_000, RATE), -20_000, 20_000).astype(np.int16)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=RATE, layout="stereo")
        for start in (0, 2):
            piece = np.stack([voice, -voice], axis=1).reshape(1, -1)
            frame = av.AudioFrame.from_ndarray(piece, format="s16", layout="stereo")
            frame.sample_rate, frame.pts, frame.time_base = RATE, start * RATE, Fraction(1, RATE)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    note = read_sound(path, RATE).note
    assert "only the left is taken; 1.00 seconds of sound missing in 1 place" in note
