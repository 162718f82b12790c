"""A folder of frames in the place of a video: one clip, with what its name says of it."""

import pytest

from multimodal.corpora import ScanReport, scan

PEOPLE = "RealVideo-RealAudio/African/men/id00076"
FORGED = "FakeVideo-RealAudio/African/men/id00076"


def said_of(row):
    return [row[name] for name in ("media", "video_fake", "method", "identity", "donors", "source_clip")]


def test_frames_as_deepfakebench_extracts_them_are_one_clip_a_folder(plant, scan_rows):
    originals, fakes = "original_sequences/youtube/c23/frames", "manipulated_sequences/Deepfakes/c23/frames"
    root = plant(*(f"{originals}/{name}/{k:03d}.png" for name in ("000", "003") for k in (0, 9)))
    plant(
        f"{fakes}/000_003/000.png", f"{fakes}/000_003/017.png", f"{fakes}/000_003.wav", f"{originals}/other/1.png"
    )
    found = scan_rows("faceforensics", root)
    assert found.rows.keys() == {f"{originals}/000", f"{originals}/003", f"{fakes}/000_003"}
    row = found.rows[f"{fakes}/000_003"]
    assert said_of(row)[:4] == ["video", 1, "Deepfakes", "ffpp:000"]
    assert (list(row["donors"]), row["source_clip"]) == (["ffpp:003"], f"{originals}/000")
    assert row["size_bytes"] == 15  # two images and the sound
    assert list(found.report.skipped) == ["images in a folder that is not called like a clip"]


def test_frames_of_kaggles_tree_are_clips_where_the_video_is_not_there_too(plant, scan_rows):
    root = plant(
        "Deepfakes/000_003/0.jpg", "Deepfakes/003_000/0.jpg", "Deepfakes/003_000.mp4", "original/000/0.jpg"
    )
    found = scan_rows("faceforensics", root)
    assert found.rows.keys() == {"Deepfakes/000_003", "Deepfakes/003_000.mp4", "original/000"}
    assert found.report.skipped["frames of a video that is there too"].examples == ["Deepfakes/003_000"]


def test_frames_of_fakeavceleb_have_the_method_of_their_row_in_the_table(plant, scan_rows):
    name = "00109_id00476_wavtolip"
    root = plant(f"{PEOPLE}/00109/0.jpg", f"{PEOPLE}/00109.wav", f"{FORGED}/{name}/0.jpg")
    header = "source,target1,target2,method,category,type,race,gender,path,\n"
    row = f"id00076,id00476,-,wav2lip,C,FakeVideo-RealAudio,African,men,{name}.mp4,FakeAVCeleb/{FORGED}\n"
    plant("meta_data.csv", content=header + row)
    found = scan_rows("fakeavceleb", root)
    assert found.rows[f"{FORGED}/{name}"]["method"] == "wav2lip"
    assert said_of(found.rows[f"{FORGED}/{name}"])[3:] == ["vox2:id00076", ["vox2:id00476"], f"{PEOPLE}/00109"]
    assert found.rows[f"{PEOPLE}/00109"]["size_bytes"] == 10
    assert any("lacks 1 of 2 files" in warning for warning in found.report.warnings)


@pytest.mark.parametrize(
    ("folder", "stem", "labels"),
    [
        ("RealVideo-RealAudio", "00109", (0, None, 0, "real")),
        ("RealVideo-FakeAudio", "00109_fake", (0, None, 0, "real")),
        ("FakeVideo-RealAudio", "00109_id00476_wavtolip", (1, None, 1, "wav2lip")),
        ("FakeVideo-FakeAudio", "00109_id00476_wavtolip", (1, None, 1, "wav2lip")),
    ],
)
def test_frames_of_fakeavceleb_without_a_wav_have_no_label_of_a_sound(folder, stem, labels, plant, scan_rows):
    person = f"{folder}/African/men/id00076"
    root = plant(f"{person}/{stem}/0.jpg", f"{person}/{stem}/1.jpg")
    plant("FakeVideo-FakeAudio/African/men/id00078/00108_id00476_wavtolip.mp4")
    plant("RealVideo-RealAudio/African/men/id00078/00108.mp4")
    found = scan_rows("fakeavceleb", root)
    row = found.rows[f"{person}/{stem}"]
    assert (row["video_fake"], row["audio_fake"], row["any_fake"], row["method"]) == labels
    assert "no_sound" in row["flags"]
    assert row["av_class"] is None
    assert any("no WAV belongs to the frames of 1, " in warning for warning in found.report.warnings)
    assert found.rows["RealVideo-RealAudio/African/men/id00078/00108.mp4"]["audio_fake"] == 0


def test_frames_of_celeb_df_have_the_part_that_the_list_gives_their_video(plant, scan_rows):
    root = plant("Celeb-real/frames/id0_0000/0.png", "Celeb-synthesis/frames/id0_id1_0000/0.png")
    plant("List_of_testing_videos.txt", content="0 Celeb-synthesis/id0_id1_0000.mp4\n")
    found = scan_rows("celebdf", root)
    row = found.rows["Celeb-synthesis/frames/id0_id1_0000"]
    assert (row["official_split"], row["method"]) == ("test", "celeb-synthesis")
    assert row["source_clip"] == "Celeb-real/frames/id0_0000"
    assert not any("not on disk" in warning for warning in found.report.warnings)


def test_folders_of_your_own_are_clips_where_you_say_that_they_hold_frames(plant, scan_rows):
    root = plant("real/anna/1.png", "real/anna/2.png", "real/anna/anna.wav", "fake/swap/7/1.png", "real/song.wav")
    plant("labels.csv", content="path,label\nreal/anna,real\n")
    found = scan_rows("folder", root, frames="true")
    assert found.column("media") == {"real/anna": "video", "real/song.wav": "audio", "fake/swap/7": "video"}
    assert found.rows["fake/swap/7"]["method"] == "swap"
    assert found.column("audio_fake") == {"real/anna": 0, "real/song.wav": 0, "fake/swap/7": None}
    assert scan_rows("folder", root, frames="true", csv="labels.csv").rows["real/anna"]["any_fake"] == 0
    with pytest.raises(ValueError, match="frames must be true or false"):
        scan_rows("folder", root, frames="yes")


def test_an_unknown_layout_of_frames_is_told_the_option_that_reads_it(plant):
    root = plant("dataset/set1/genuine/videos/17/1.png", "dataset/set1/genuine/videos/17/2.png")
    with pytest.raises(ValueError, match=r"videos/17 with 2 images may be one clip each: then add frames true"):
        scan("celebdf", root, report=ScanReport())


def test_frames_beside_the_list_of_a_corpus_of_videos_are_named_with_what_reads_them(plant):
    root = plant("test/frames/aabbccddee/000.png", "test/frames/aabbccddee/001.png", "test/labels.csv")
    with pytest.raises(ValueError, match=r"holds test/labels\.csv but not .*dee with 2 images .* frames true"):
        scan("dfdc", root, report=ScanReport())


def test_frames_that_nobody_spoke_of_are_told_and_the_folder_that_holds_them_names_no_method(plant, scan_rows):
    root = plant("real/frames/0000/000.png", "real/frames/0000/001.png", "fake/frames/0000_fake/000.png")
    (warning,) = scan_rows("folder", root).report.warnings
    assert "frames/0000 with 2 images may be one clip each: then give --options frames true" in warning
    assert scan_rows("folder", root, frames="false").report.warnings == []
    found = scan_rows("folder", root, frames="true")
    assert found.report.warnings == []
    assert found.column("method") == {"real/frames/0000": "real", "fake/frames/0000_fake": "unknown"}
    assert found.column("audio_fake") == dict.fromkeys(found.rows)
    assert found.column("any_fake") == {"real/frames/0000": 0, "fake/frames/0000_fake": 1}


def test_pictures_that_are_clips_of_their_own_are_not_taken_for_frames(plant, scan_rows):
    root = plant("train/real/0001.png", "train/real/0002.png", "train/fake/easy_1.jpg", "train/fake/mid_2.jpg")
    assert scan_rows("folder", root).report.warnings == []
