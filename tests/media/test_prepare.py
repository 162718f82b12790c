from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from multimodal.media.errors import MediaError
from multimodal.media.prepare import prepare_clip, prepare_tracks
from multimodal.media.prepared import PrepareOptions
from multimodal.media.reading.pictures import VideoPictures

SMALL = PrepareOptions(crop_size=64)


def clicks_in(waveform: np.ndarray) -> list[float]:
    """Seconds at which a click begins."""
    loud = np.flatnonzero(np.abs(waveform) > 0.5)
    return [] if not len(loud) else (loud[np.diff(loud, prepend=-9_999) > 1_000] / 16_000).tolist()


def flash_video(face: np.ndarray, count: int, flashes: set[int]) -> list[np.ndarray]:
    """A face in a room that is bright in some frames and dark in the others."""
    lit = np.clip(face.astype(int) + 70, 0, 255).astype(np.uint8)
    return [lit if number in flashes else face for number in range(count)]


def flashes_in(frames: np.ndarray) -> list[int]:
    level = frames.mean(axis=(1, 2, 3))
    return np.flatnonzero(level > (level.min() + level.max()) / 2).tolist()


@pytest.mark.parametrize("frame_rate", [Fraction(25), Fraction(24_000, 1001), Fraction(30)])
def test_a_flash_and_a_click_at_one_time_fall_into_one_frame(frame_rate, tmp_path, media):
    flashes = {12, 30, 47}
    path = media.write(
        tmp_path / "a.mp4",
        pictures=flash_video(media.face(112), 60, {number + more for number in flashes for more in (0, 1)}),
        frame_rate=frame_rate,
        sound=media.clicks(2.4, [float(number / frame_rate) for number in sorted(flashes)]),
    )
    clip = prepare_clip(path, "a", SMALL)
    for click, number in zip(clicks_in(clip.waveform), sorted(flashes), strict=True):
        assert click == pytest.approx(float(number / frame_rate), abs=1e-3)
        assert int(np.ceil(click * 25 - 0.1)) in flashes_in(clip.frames)
    assert len(clip.waveform) == round(len(clip.frames) / 25 * 16_000)


def test_pairs_hold_in_a_video_of_variable_frame_rate(tmp_path, media):
    gaps = np.random.default_rng(3).choice([0.02, 0.04, 0.1], 50)
    times = [0.0, *np.cumsum(gaps).round(4).tolist()]
    flashes = {10, 25, 40}
    path = media.write(
        tmp_path / "a.mp4",
        pictures=flash_video(media.face(112), 51, flashes),
        times=times,
        sound=media.clicks(times[-1], [times[number] for number in sorted(flashes)]),
    )
    clip = prepare_clip(path, "a", SMALL)
    bright = flashes_in(clip.frames)
    shown = [k for k in range(len(clip.frames)) if np.searchsorted(times, k / 25 + 1e-3, "right") - 1 in flashes]
    assert bright == shown
    assert clicks_in(clip.waveform) == pytest.approx([times[number] for number in sorted(flashes)], abs=1e-3)


@pytest.mark.parametrize("late", [0.3, -0.2])
def test_sound_starts_with_the_picture_even_when_the_streams_do_not(late, tmp_path, media):
    # A positive delay: the picture starts after the sound; a negative one: the sound after the picture.
    picture_start, sound_start = max(late, 0.0), max(-late, 0.0)
    path = media.write(
        tmp_path / "a.mkv",
        pictures=media.talking(40),
        times=[picture_start + number / 25 for number in range(40)],
        sound=media.clicks(2.0, [0.8]),
        sound_start=sound_start,
        audio_codec="flac",
        sound_rate=16_000,
    )
    clip = prepare_clip(path, "a", SMALL)
    assert clicks_in(clip.waveform) == pytest.approx([0.8 + sound_start - picture_start], abs=2e-3)
    assert len(clip.waveform) == 40 * 640


@pytest.mark.parametrize("sound_seconds", [0.5, 3.0])
def test_sound_is_cut_or_padded_to_the_length_of_the_picture(sound_seconds, tmp_path, media):
    path = media.write(tmp_path / "a.mp4", pictures=media.talking(30), sound=media.speech(sound_seconds))
    clip = prepare_clip(path, "a", SMALL)
    assert len(clip.frames) == len(clip.boxes) == 30
    assert len(clip.waveform) == 30 * 640
    assert np.abs(clip.waveform[: round(0.45 * 16_000)]).max() > 0.1
    assert (np.abs(clip.waveform[round(0.6 * 16_000) :]).max() > 0.1) == (sound_seconds > 1)


def test_crops_show_the_face_and_boxes_are_where_it_is(tmp_path, media):
    room = np.full((240, 320, 3), (70, 110, 140), np.uint8)
    room[60:180, 150:270] = media.face(120)
    path = media.write(tmp_path / "a.mp4", pictures=[room] * 20)
    clip = prepare_clip(path, "a", PrepareOptions(crop_size=64, margin=0.3))
    assert np.ptp(clip.boxes, axis=0).max() < 4
    left, top, right, bottom = clip.boxes[0]
    assert 170 < left < right < 250
    assert 75 < top < bottom < 175
    skin = clip.frames[:, 30:36, 22:26].reshape(-1, 3).mean(axis=0)
    assert skin == pytest.approx([224, 172, 140], abs=25)
    assert clip.absent == {"audio": "no audio stream"}
    assert clip.waveform is None


def test_a_clip_is_cut_to_where_its_face_is_seen_and_its_sound_with_it(tmp_path, media):
    pictures = [*media.counting(50, (112, 112)), *media.talking(50), *media.counting(50, (112, 112))]
    path = media.write(tmp_path / "a.mp4", pictures=pictures, sound=media.clicks(6.0, [0.5, 3.0]))
    clip = prepare_clip(path, "a", SMALL)
    assert (clip.start_seconds, clip.num_frames) == (2.0, 50)
    assert len(clip.waveform) == clip.num_frames * 640
    assert clicks_in(clip.waveform) == pytest.approx([3.0 - clip.start_seconds], abs=1e-3)


def test_every_face_is_a_clip_of_its_own_and_the_larger_comes_first(tmp_path, media):
    room = np.full((200, 400, 3), (70, 110, 140), np.uint8)
    room[60:156, 20:116] = media.face(96)
    room[20:180, 200:360] = media.face(160)
    path = media.write(tmp_path / "two.mp4", pictures=[room] * 25, sound=media.speech(1.0))
    clips = prepare_tracks(path, SMALL)
    assert [clip.clip_id for clip in clips] == ["two.mp4", "two.mp4"]
    assert clips[0].boxes[0, 0] > 200 > clips[1].boxes[0, 2]
    np.testing.assert_array_equal(clips[0].waveform, clips[1].waveform)


def test_faces_that_swap_places_stay_who_they_are(tmp_path, media):
    def room(place: int) -> np.ndarray:
        picture = np.full((200, 500, 3), (70, 110, 140), np.uint8)
        picture[10:90, place : place + 80] = media.face(80) // 2
        picture[100:180, 400 - place : 480 - place] = media.face(80)
        return picture

    path = media.write(tmp_path / "a.mp4", pictures=[room(20 + 7 * number) for number in range(50)])
    for clip in prepare_tracks(path, SMALL):
        assert clip.num_frames == 50
        assert abs(clip.boxes[-1, 0] - clip.boxes[0, 0]) > 250
        brightness = clip.frames[:, 16:32, 16:32].mean(axis=(1, 2, 3))
        assert np.ptp(brightness) < 25


@pytest.mark.parametrize(("quarters", "way"), [(1, "90 degrees to the right"), (2, "180 degrees")])
def test_a_video_that_lies_on_its_side_is_turned_and_says_so(tmp_path, media, quarters, way):
    pictures = [np.pad(picture, ((40, 40), (0, 0), (0, 0)), mode="edge") for picture in media.talking(12)]
    upright = media.write(tmp_path / "upright.mp4", pictures=pictures)
    lying = media.write(tmp_path / "lying.mp4", pictures=[np.rot90(picture, quarters) for picture in pictures])
    expected, (clip,) = prepare_clip(upright, "a", SMALL), prepare_tracks(lying, SMALL)
    assert expected.picture_note is None
    assert clip.picture_note == f"faces stand upright only when the picture is turned by {way}: it is turned"
    assert clip.frames.shape == expected.frames.shape
    assert np.abs(clip.frames.astype(int) - expected.frames).mean() < 6


def test_a_small_face_is_found_in_a_second_look(tmp_path, media):
    room = np.full((600, 800, 3), (70, 110, 140), np.uint8)
    room[200:256, 300:356] = media.face(56)
    path = media.write(tmp_path / "a.mp4", pictures=[room] * 12)
    clip = prepare_clip(path, "a", SMALL)
    assert clip.boxes is not None
    assert 300 < clip.boxes[0, 0] < 350


def test_a_face_in_4k_is_found(tmp_path, media):
    room = np.full((2160, 3840, 3), (70, 110, 140), np.uint8)
    room[700:1100, 2000:2400] = media.face(400)
    path = media.write(tmp_path / "a.mp4", pictures=[room] * 3)
    clip = prepare_clip(path, "a", SMALL)
    assert clip.frames.shape == (3, 64, 64, 3)
    left, top, right, bottom = clip.boxes[0]
    assert 2000 < left < right < 2400
    assert 700 < top < bottom < 1100


def test_a_video_without_a_face_keeps_its_sound_and_says_why(tmp_path, media):
    path = media.write(tmp_path / "a.mp4", pictures=media.counting(30), sound=media.speech(1.2))
    clip = prepare_clip(path, "a", SMALL)
    assert clip.frames is None
    assert clip.absent == {"video": "no face found"}
    assert clip.num_frames == 30


def test_a_sound_file_is_prepared_whole(tmp_path, media):
    path = media.write(tmp_path / "a.flac", sound=media.speech(0.5), audio_codec="flac", sound_rate=16_000)
    for kind in ("audio", "video"):
        clip = prepare_clip(path, "a", SMALL, media=kind)
        assert clip.absent == {"video": "no video stream"}
        np.testing.assert_allclose(clip.waveform, media.speech(0.5), atol=1e-4)


def test_only_the_sound_of_a_video_is_read_when_asked(tmp_path, media):
    path = media.write(tmp_path / "a.mp4", pictures=media.talking(10), sound=media.speech(1.0))
    clip = prepare_clip(path, "a", SMALL, media="audio")
    assert clip.absent == {"video": "only the sound was asked for"}
    assert len(clip.waveform) >= 16_000


def test_digital_silence_cannot_be_judged(tmp_path, media):
    path = media.write(tmp_path / "a.mp4", pictures=media.talking(10), sound=np.zeros(8_000))
    assert prepare_clip(path, "a", SMALL).absent == {"audio": "the sound is silent throughout"}


def test_an_image_gives_one_frame_upright(tmp_path, media):
    sideways = Image.fromarray(np.rot90(media.face(200)))
    exif = sideways.getexif()
    exif[0x0112] = 6  # turn it clockwise
    sideways.save(tmp_path / "a.jpg", exif=exif, quality=95)
    clip = prepare_clip(tmp_path / "a.jpg", "a", SMALL, media="image")
    assert clip.frames.shape == (1, 64, 64, 3)
    assert clip.absent == {"audio": "an image has no sound"}


def test_only_the_asked_seconds_are_prepared(tmp_path, media):
    path = media.write(tmp_path / "a.mp4", pictures=media.talking(50), sound=media.speech(2.0))
    clip = prepare_clip(path, "a", PrepareOptions(crop_size=64, max_seconds=0.8))
    assert (clip.num_frames, len(clip.waveform)) == (20, 12_800)


def test_the_same_file_gives_the_same_bytes(tmp_path, media):
    path = media.write(tmp_path / "a.mp4", pictures=media.talking(20), sound=media.speech(0.8))
    one, other = (prepare_clip(path, "a", SMALL) for _ in range(2))
    np.testing.assert_array_equal(one.frames, other.frames)
    np.testing.assert_array_equal(one.boxes, other.boxes)
    np.testing.assert_array_equal(one.waveform, other.waveform)


def walking(media, width: int) -> list[np.ndarray]:
    """Two faces, of which one walks."""
    pictures = []
    for number in range(30):
        room = np.full((160, width, 3), (70, 110, 140), np.uint8)
        left = 10 + round(100 * np.sin(number / 20) ** 2)
        room[20:132, left : left + 112] = media.face(112)
        room[30:110, 255:335] = media.face(80)
        pictures.append(media.numbered(room, number))
    return pictures


@pytest.mark.parametrize(
    ("reader", "width", "pixel_format"),
    [("decord", 340, "yuv420p"), ("pyav", 340, "yuv420p"), ("pyav", 341, "yuv444p"), ("pyav", 340, "yuv420p10le")],
)
def test_a_clip_is_decoded_once_and_its_crops_are_those_of_a_second_decoding(
    reader, width, pixel_format, tmp_path, media, monkeypatch
):
    monkeypatch.setattr("multimodal.media.search._STANDS", 0.0)  # drawn faces are looked at lying too
    begun, densely = [], VideoPictures.densely
    monkeypatch.setattr(VideoPictures, "densely", lambda *args: begun.append(1) or densely(*args))
    if reader == "pyav":
        monkeypatch.setattr("multimodal.media.reading.with_decord._AHEAD_BYTES", 1)
    path = media.write(
        tmp_path / "a.mp4", pictures=walking(media, width), sound=media.speech(1.2), pixel_format=pixel_format
    )
    kept = prepare_tracks(path, SMALL)
    assert len(begun) == 1
    monkeypatch.setattr("multimodal.media.reading.parts.KEEP_BYTES", 100_000)
    again = prepare_tracks(path, SMALL)
    assert len(begun) == 5  # to find the faces, to see who speaks, and to cut out each
    assert len(kept) == len(again) == 2
    for one, other in zip(kept, again, strict=True):
        np.testing.assert_array_equal(one.frames, other.frames)


def test_a_face_that_is_hidden_for_a_moment_costs_no_second_decoding(tmp_path, media, monkeypatch):
    monkeypatch.setattr("multimodal.media.search._STANDS", 0.0)  # drawn faces are looked at lying too
    begun, densely = [], VideoPictures.densely
    monkeypatch.setattr(VideoPictures, "densely", lambda *args: begun.append(1) or densely(*args))
    pictures = [*walking(media, 340), *walking(media, 340)[::-1]]
    for picture in pictures[20:38]:
        picture[30:110, 255:335] = (70, 110, 140)
    path = media.write(tmp_path / "a.mp4", pictures=pictures, sound=media.speech(2.4))
    tracks = prepare_tracks(path, SMALL)
    assert [track.num_frames for track in tracks] == [60, 60]
    assert len(begun) == 1


@pytest.mark.parametrize("keep_bytes", [1, 2**30])
@pytest.mark.parametrize("frame_rate", [2.0, 25.0])
def test_a_face_that_comes_late_is_followed_back_through_pictures_that_are_not_kept(
    keep_bytes, frame_rate, tmp_path, media, monkeypatch
):
    monkeypatch.setattr("multimodal.media.reading.parts.KEEP_BYTES", keep_bytes)
    path = media.write(tmp_path / "a.mp4", pictures=[*media.counting(35, (112, 112)), *media.talking(65)])
    clip = prepare_clip(path, "a", PrepareOptions(crop_size=64, frame_rate=frame_rate))
    assert 0.9 <= clip.start_seconds <= 1.5
    assert clip.num_frames >= 2.5 * frame_rate - 1


@pytest.mark.parametrize(
    "name", ["with blanks (1).mp4", 'it\'s "quoted".mp4', "größe 顔.mp4", "%d.mp4", "a:b.mp4"]
)
def test_names_with_any_characters_are_read(name, tmp_path, media):
    path = media.write(tmp_path / "plain.mp4", pictures=media.talking(4)).rename(tmp_path / name)
    assert prepare_clip(path, name, SMALL).num_frames == 4


def test_a_relative_path_that_looks_like_an_address_is_a_file(tmp_path, media, monkeypatch):
    media.write(tmp_path / "plain.mp4", pictures=media.talking(4)).rename(tmp_path / "http:a.mp4")
    monkeypatch.chdir(tmp_path)
    assert prepare_clip(Path("http:a.mp4"), "a", SMALL).num_frames == 4


@pytest.mark.parametrize("share", [0.5, 0.99])
def test_a_video_cut_off_gives_what_is_there(share, tmp_path, media):
    pictures, sound = media.talking(50), media.speech(2.0)
    whole = media.write(tmp_path / "a.mp4", pictures=pictures, sound=sound, options={"movflags": "faststart"})
    path = tmp_path / "cut.mp4"
    path.write_bytes(whole.read_bytes()[: int(whole.stat().st_size * share)])
    clip = prepare_clip(path, "a", SMALL)
    assert 50 * share * 0.6 < clip.num_frames <= 50
    assert len(clip.waveform) == clip.num_frames * 640


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_a_file_cut_off_before_its_table_of_contents_cannot_be_opened(share, tmp_path, media):
    whole = media.write(tmp_path / "a.mp4", pictures=media.talking(30), sound=media.speech(1.2))
    path = tmp_path / "cut.mp4"
    path.write_bytes(whole.read_bytes()[: int(whole.stat().st_size * share)])
    with pytest.raises(MediaError, match="open: "):
        prepare_clip(path, "a", SMALL)


def test_a_damaged_image_is_named(tmp_path, media):
    path = tmp_path / "a.png"
    Image.fromarray(media.face(96)).save(path)
    path.write_bytes(path.read_bytes()[:2_000])
    with pytest.raises(MediaError, match="decode: the image is damaged"):
        prepare_clip(path, "a", SMALL, media="image")
    path.write_text("text")
    with pytest.raises(MediaError, match="open: no image"):
        prepare_clip(path, "a", SMALL, media="image")
