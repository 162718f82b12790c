"""A folder of images as a clip: its times, its sound, what is told of it, and faces that are cropped already."""

import json
import os

import numpy as np
import pytest
from PIL import Image

from experiments.predict import find_files
from multimodal.corpora import ScanReport, scan
from multimodal.data.cutting import WindowShape
from multimodal.data.windows import window_tensors
from multimodal.media.errors import MediaError
from multimodal.media.prepare import prepare_clip
from multimodal.media.prepare_corpus import prepare_corpus
from multimodal.media.prepared import PrepareOptions
from multimodal.media.probe_corpus import probe_file
from multimodal.media.reading.frame_folder import probe_clip, sound_file
from multimodal.media.store.format import fingerprint_of, options_from
from multimodal.media.store.reader import Store

CROPPED = PrepareOptions(crop_size=96, crops="as-they-are")


def write_frames(folder, pictures, names=None):
    folder.mkdir(parents=True)
    for name, picture in zip(names or [f"{k:03d}.png" for k in range(len(pictures))], pictures, strict=True):
        Image.fromarray(picture).save(folder / name)
    return folder


def write_sound(path, samples):
    from scipy.io import wavfile

    wavfile.write(path, 16_000, (samples * 30_000).astype(np.int16))


def numbers(media, clip):
    return [media.number_in(frame) for frame in clip.frames]


def test_a_folder_of_frames_with_a_wav_beside_it_is_a_clip_with_sound(media, tmp_path):
    folder = write_frames(tmp_path / "000", media.talking(12))
    write_sound(tmp_path / "000.wav", media.speech(0.48))
    clip = prepare_clip(folder, "clip", PrepareOptions(crop_size=64))
    assert (clip.num_frames, len(clip.waveform), clip.absent) == (12, 7680, {})
    assert clip.picture_note == (
        "a folder of 12 images, read by their numbers, 0 to 11, at 25 frames a second, which is assumed"
    )
    assert clip.damage is None


def test_numbers_in_names_are_times_and_the_rate_can_be_told(media, tmp_path):
    names = [f"frame_{number}.png" for number in (20, 0, 10)]
    folder = write_frames(tmp_path / "video", [media.counting(21, (96, 96))[k] for k in (20, 0, 10)], names)
    told = prepare_clip(
        folder, "clip", PrepareOptions(crop_size=96, crops="as-they-are", image_rate=10.0, frame_rate=2.0)
    )
    assert (numbers(media, told), told.frame_rate) == ([0, 0, 10, 10, 20, 20], 2.0)
    assert told.picture_note.endswith("0 to 20, at 10 frames a second as told")
    at_25 = prepare_clip(folder, "clip", CROPPED)
    assert numbers(media, at_25) == [0] * 10 + [10] * 10 + [20] * 10


def test_frames_that_are_missing_stay_missing_and_sound_stays_at_its_place(media, tmp_path):
    pictures = media.counting(30, (96, 96))
    kept = [number for number in range(3, 30) if number not in (10, 11)]
    folder = write_frames(tmp_path / "000", [pictures[k] for k in kept], [f"{k:03d}.png" for k in kept])
    ticks = np.zeros(16_000)
    ticks[round(12 / 25 * 16_000)] = 1.0
    write_sound(folder / "000.wav", ticks)
    clip = prepare_clip(folder, "clip", CROPPED)
    assert numbers(media, clip) == [*range(3, 10), 9, 9, *range(12, 30)]
    assert clip.damage.startswith("2 frames missing in 1 place")
    assert np.abs(clip.waveform).argmax() == 9 * 640  # the tick lies under frame 12, the tenth crop
    assert sound_file(folder) == folder / "000.wav"


def test_faces_that_are_cropped_already_are_taken_whole(media, tmp_path):
    plain = [np.full((80, 80, 3), 10 * k, np.uint8) for k in range(5)]
    odd = [*plain, np.full((40, 40, 3), 90, np.uint8), np.full((50, 90, 3), 120, np.uint8)]
    folder = write_frames(tmp_path / "clip", odd)
    clip = prepare_clip(folder, "clip", PrepareOptions(crop_size=80, crops="as-they-are"))
    assert clip.frames[:, 40, 40, 0].tolist() == [0, 10, 20, 30, 40, 90, 120]
    assert clip.boxes[0].tolist() == [0, 0, 80, 80]
    assert clip.picture_note.endswith("; 2 of another size are scaled to the first")
    assert clip.absent == {"audio": "no audio stream"}


def test_an_image_that_cannot_be_read_is_passed_over_and_told(media, tmp_path):
    folder = write_frames(tmp_path / "clip", media.counting(6, (96, 96)))
    (folder / "003.png").write_bytes(b"no image")
    clip = prepare_clip(folder, "clip", CROPPED)
    assert (numbers(media, clip), clip.damage) == ([0, 1, 2, 2, 4, 5], "1 damaged packet")
    facts = probe_file(folder, "video")
    assert (facts.container, facts.num_frames, facts.width) == ("frames", 6, 96)


@pytest.mark.parametrize("names", [[], ["a.png", "b.png"]])
def test_a_folder_without_a_readable_image_fails_in_one_line(tmp_path, names):
    for name in names:
        (tmp_path / name).write_bytes(b"no image")
    with pytest.raises(MediaError, match=r"open: (a folder without images|of the folder's images \(2\) none)"):
        probe_clip(tmp_path)


def test_frames_go_from_scan_to_windows_and_the_store_remembers_how(media, tmp_path):
    root = tmp_path / "corpus"
    write_frames(root / "Deepfakes/000_003", media.talking(12, 64), [f"{k}.jpg" for k in range(12)])
    write_frames(root / "original/000", media.talking(12, 64), [f"{k}.jpg" for k in range(12)])
    manifest = scan("faceforensics", root, report=ScanReport())
    options = PrepareOptions(crop_size=64, crops="as-they-are")
    assert prepare_corpus(manifest, tmp_path / "store", options).prepared == 2
    store = Store.open(tmp_path / "store")
    assert store.options == options
    window = store.read("faceforensics/Deepfakes/000_003", 2, 8)
    shape = WindowShape(num_frames=8, frame_size=64, frame_rate=25.0, sample_rate=16_000)
    assert window_tensors(window, shape).inputs["video"].shape == (8, 3, 64, 64)
    assert store.index["damage"].str.contains("which is assumed").all()
    assert store.index["reader"].tolist() == ["pillow"] * 2


def test_options_that_came_later_are_named_only_where_they_are_chosen():
    assert not {"crops", "image_rate"} & json.loads(fingerprint_of(PrepareOptions())).keys()
    assert '"crops": "as-they-are"' in fingerprint_of(CROPPED)
    assert options_from({"crops": "as-they-are", "image_rate": 30.0}) == PrepareOptions(
        crops="as-they-are", image_rate=30.0
    )
    for strange in ({"crops": "all"}, {"image_rate": 0}, {"image_rate": "25"}):
        with pytest.raises(ValueError, match="no store was prepared with"):
            options_from(strange)


def test_predict_takes_a_folder_of_numbered_images_for_one_video(media, tmp_path):
    folder = write_frames(tmp_path / "inbox/clip", media.counting(2), ["frame1.png", "frame2.png"])
    photos = write_frames(tmp_path / "inbox/photos", media.counting(2), ["anna.png", "berta.png"])
    (folder / "clip.wav").write_bytes(b"")
    assert find_files([folder]) == [folder]
    assert find_files([tmp_path / "inbox"]) == [folder, photos / "anna.png", photos / "berta.png"]


def test_a_pipe_in_place_of_a_file_is_refused_since_reading_it_may_never_end(tmp_path):
    os.mkfifo(tmp_path / "a.mp4")
    with pytest.raises(ValueError, match="a pipe or a device"):
        find_files([tmp_path / "a.mp4"])


def test_of_several_files_one_that_is_odd_stays_among_the_others_however_they_are_named(media, tmp_path):
    inbox = tmp_path / "inbox"
    names = ["anna.png", "berta.png"]
    write_frames(inbox, media.counting(2), names)
    whole = [inbox / name for name in names]
    odd = [inbox / "fifo.mp4", inbox / "nowhere.mp4"]
    os.mkfifo(odd[0])
    odd[1].symlink_to("/nonexistent.mp4")
    (inbox / "empty").mkdir()
    everything = sorted([*whole, *odd])
    assert find_files([inbox]) == everything
    assert find_files([inbox / "*.[mp]*"]) == everything
    assert find_files(everything) == everything
    assert find_files([*everything, inbox / "empty"]) == [*everything, inbox / "empty"]
    assert find_files([inbox / "*"]) == sorted([*everything, inbox / "empty"])
    with pytest.raises(ValueError, match="a link to nothing"):
        find_files([odd[1]])
    for path, said in zip(odd, ("a pipe or a device", "a link to nothing"), strict=True):
        with pytest.raises(MediaError, match=said):
            probe_clip(path)
