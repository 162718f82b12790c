"""Kaggle's image sets, on trees written from their published layouts."""

import pytest

from multimodal.corpora import recognise, scan

TRAIN, TEST = "train-20250112T065955Z-001/train", "test-20250112T065939Z-001/test"


@pytest.fixture
def read(scan_rows):
    return lambda root: scan_rows("deepfake_image", root)


def labels_and_splits(rows):
    return {path: (row["video_fake"], row["official_split"]) for path, row in rows.items()}


def test_the_export_with_time_stamps_is_read_with_the_split_of_its_folders(plant, read):
    root = plant(
        f"drive/Deepfake image detection dataset/{TRAIN}/real/a b (1).jpg",
        f"drive/Deepfake image detection dataset/{TRAIN}/fake/c.PNG",
        f"drive/Deepfake image detection dataset/{TEST}/real/a b (1).jpg",
        f"drive/Deepfake image detection dataset/{TEST}/fake/d'e.jpeg",
        "drive/Deepfake image detection dataset/Sample_fake_images/Sample_fake_images/fake/s.jpg",
    )
    rows, report, manifest = read(root)
    assert labels_and_splits(rows) == {
        f"{TRAIN}/real/a b (1).jpg": (0, "train"),
        f"{TRAIN}/fake/c.PNG": (1, "train"),
        f"{TEST}/real/a b (1).jpg": (0, "test"),
        f"{TEST}/fake/d'e.jpeg": (1, "test"),
        "Sample_fake_images/Sample_fake_images/fake/s.jpg": (1, None),
    }
    assert manifest.clips["audio_fake"].isna().all()
    assert set(manifest.clips["media"]) == {"image"}
    assert report.flagged == {"sample": 1}
    assert any("train/real 1 of 326" in line and "sample/fake 1 of 5" in line for line in report.warnings)


def test_a_complete_export_is_silent(plant, read):
    numbers = {f"{TRAIN}/real": 326, f"{TRAIN}/fake": 153, f"{TEST}/real": 110, f"{TEST}/fake": 389}
    numbers["Sample_fake_images/Sample_fake_images/fake"] = 5
    root = plant(*(f"{folder}/{n}.jpg" for folder, number in numbers.items() for n in range(number)))
    rows, report, _ = read(root)
    assert len(rows) == 983
    assert report.warnings == []


def test_train_validation_test_with_capital_letters_is_read_and_validation_is_val(plant, read):
    root = plant(
        *(f"Dataset/{split}/{label}/{label.lower()}_{n}.jpg" for split in ("Train", "Validation", "Test")
          for label in ("Real", "Fake") for n in (0, 1))
    )  # fmt: skip
    rows, report, _ = read(root)
    assert {row["official_split"] for row in rows.values()} == {"train", "val", "test"}
    assert rows["Validation/Fake/fake_0.jpg"]["video_fake"] == 1
    assert rows["Validation/Real/real_0.jpg"]["video_fake"] == 0
    assert any(
        "190,335 images): differs from the complete download: train 4 of 140,002" in x for x in report.warnings
    )


def test_faces_edited_by_hand_carry_how_hard_they_are_to_tell(plant, read):
    root = plant(
        "real_and_fake_face/training_real/real_00001.jpg", "real_and_fake_face/training_fake/mid_1_1111.jpg"
    )
    rows, _, _ = read(root)
    assert rows["training_fake/mid_1_1111.jpg"]["method"] == "edited_mid"
    assert labels_and_splits(rows) == {
        "training_real/real_00001.jpg": (0, None),
        "training_fake/mid_1_1111.jpg": (1, None),
    }


def unwrapped(*more):
    return [f"{s}/{x}/{n}.jpg" for s in ("train", "test") for x in ("real", "fake") for n in "ab"] + list(more)


def test_an_unwrapped_copy_is_read_and_140k_faces_is_not_taken_for_one(plant, read):
    assert len(read(plant(*unwrapped()))[0]) == 8
    root = plant("valid/real/a.jpg", "valid/fake/a.jpg")
    with pytest.raises(ValueError, match="no Deepfake Image Detection"):
        scan("deepfake_image", root)
    assert "deepfake_image" not in dict(recognise(root))


def test_a_file_below_a_real_and_a_fake_folder_has_no_label_and_is_counted(plant, read):
    rows, report, _ = read(plant(*unwrapped("train/fake/real/x.jpg", "train/stray.jpg", "train/real/real/y.jpg")))
    assert "train/fake/real/x.jpg" not in rows
    assert rows["train/real/real/y.jpg"]["video_fake"] == 0
    assert report.skipped["below a real and a fake folder, so its label is not certain"].count == 1
    assert report.skipped["below no folder that says real or fake"].examples == ["train/stray.jpg"]


def test_a_name_that_contradicts_its_folder_is_left_out_and_most_of_them_are_an_error(plant, read):
    names = [f"train/{label}/{label}_{n}.jpg" for label in ("real", "fake") for n in range(3)]
    root = plant(*names, "test/real/real_1.jpg", "test/fake/fake_1.jpg", "test/fake/real_9.jpg")
    rows, report, _ = read(root)
    assert "test/fake/real_9.jpg" not in rows
    assert any("1 of 9 names contradict" in line and "real_9.jpg" in line for line in report.warnings)
    (root / "train" / "real").rename(root / "train" / "x")
    (root / "train" / "fake").rename(root / "train" / "real")
    (root / "train" / "x").rename(root / "train" / "fake")
    with pytest.raises(ValueError, match=r"7 of 9 names contradict .* seem to be swapped"):
        scan("deepfake_image", root)


def test_empty_files_and_foreign_files_are_counted(plant, read):
    root = plant(*unwrapped("train/real/notes.txt", "train/fake/.hidden.jpg"))
    plant("train/real/zero.jpg", content=b"")
    rows, report, _ = read(root)
    assert len(rows) == 9
    assert any("1 of 9 files are empty" in line for line in report.warnings)
    assert {"not a clip: .txt", "hidden file"} <= set(report.skipped)
