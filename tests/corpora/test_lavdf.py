"""LAV-DF's reader, on trees and records written by its published grammar."""

import json
from pathlib import Path

import pandas as pd
import pytest

from multimodal.corpora import ScanReport, recognise, scan


def record(file: str, video: object, audio: object, original: str | None = None, **more: object) -> dict:
    count = int(bool(video) or bool(audio))
    return {
        "file": file,
        "n_fakes": count,
        "fake_periods": [[1.0, 1.4]] * count,
        "duration": 6.2,
        "original": original,
        "modify_video": video,
        "modify_audio": audio,
        "split": file.partition("/")[0],
        "video_frames": 155,
        "audio_channels": 1,
        "audio_frames": 99_328,
        **more,
    }


RECORDS = [
    record("train/000000.mp4", False, False),
    record("train/000001.mp4", True, False, "train/000000.mp4"),
    record("train/000002.mp4", False, True, "train/000000.mp4"),
    record("dev/000003.mp4", True, True, "dev/000004.mp4"),
    record("dev/000004.mp4", False, False),
    record("test/000005.mp4", False, False),
]


@pytest.fixture
def root(tmp_path) -> Path:
    for one in RECORDS:
        file = tmp_path / "LAV-DF" / one["file"]
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"x")
    return tmp_path / "LAV-DF"


def scanned(root: Path, records: list[dict], name: str = "metadata.json") -> tuple[dict[str, dict], ScanReport]:
    (root / name).write_text(json.dumps(records, indent=1))
    report = ScanReport()
    manifest = scan("lavdf", root.parent, report=report)
    return {row["path"]: row for row in manifest.clips.to_dict("records")}, report


@pytest.mark.parametrize("name", ["metadata.json", "metadata.min.json"])
def test_labels_methods_pairs_and_splits_come_from_the_records(root, name):
    rows, _ = scanned(root, RECORDS, name)
    assert {path: row["av_class"] for path, row in rows.items()} == {
        "train/000000.mp4": "RVRA",
        "train/000001.mp4": "FVRA",
        "train/000002.mp4": "RVFA",
        "dev/000003.mp4": "FVFA",
        "dev/000004.mp4": "RVRA",
        "test/000005.mp4": "RVRA",
    }
    fake = rows["dev/000003.mp4"]
    assert (fake["method"], fake["source_clip"], fake["official_split"]) == (
        "both_modified",
        "dev/000004.mp4",
        "val",
    )
    assert list(fake["flags"]) == ["partly_fake"]
    assert pd.isna(rows["train/000000.mp4"]["source_clip"])
    assert list(rows["train/000000.mp4"]["flags"]) == []


def test_a_file_without_a_record_is_left_out_with_a_word_and_a_record_without_a_file_is_a_warning(root):
    gone = record("test/999999.mp4", True, True, "test/000005.mp4")
    rows, report = scanned(root, [*RECORDS[1:], gone])
    assert "train/000000.mp4" not in rows
    assert report.skipped["in no record of the metadata, so its label is unknown"].examples == ["train/000000.mp4"]
    assert any("1 files that are not on disk, e.g. test/999999.mp4" in line for line in report.warnings)


def test_records_that_contradict_each_other_give_no_label(root):
    rows, report = scanned(root, [*RECORDS, record("test/000005.mp4", True, False, "x")])
    assert "test/000005.mp4" not in rows
    assert any("two labels for 1 files; left out, e.g. test/000005.mp4" in line for line in report.warnings)


def test_a_label_that_is_no_truth_value_is_not_guessed(root):
    rows, report = scanned(root, [*RECORDS[:-1], record("test/000005.mp4", "perhaps", False)])
    assert "test/000005.mp4" not in rows
    assert any("1 records lack" in line for line in report.warnings)


@pytest.mark.parametrize("odd", [{"n_fakes": 2}, {"original": "test/000009.mp4"}])
def test_a_record_at_odds_with_itself_gives_no_label(root, odd):
    rows, report = scanned(root, [*RECORDS[:-1], record("test/000005.mp4", False, False) | odd])
    assert "test/000005.mp4" not in rows
    assert any("1 of 6 records contradict themselves, e.g. test/000005.mp4" in line for line in report.warnings)


def test_a_record_of_another_split_than_its_folder_is_flagged(root):
    rows, _ = scanned(root, [*RECORDS[:-1], record("test/000005.mp4", False, False, split="train")])
    assert rows["test/000005.mp4"]["flags"] == ["split_conflict"]
    assert rows["test/000005.mp4"]["official_split"] == "train"


def test_labels_the_other_way_round_are_an_error(root):
    turned = [
        {**one, "modify_video": not one["modify_video"], "modify_audio": not one["modify_audio"]}
        for one in RECORDS
    ]
    with pytest.raises(ValueError, match=r"4 of 6 records contradict themselves.*labels seem to be the other"):
        scanned(root, turned)


def test_a_shortfall_is_a_warning_but_not_for_a_generated_corpus(root):
    _, report = scanned(root, RECORDS)
    assert any("val 2 of 31,501" in line for line in report.warnings)
    (root / "synthetic.json").write_text("{}")
    _, report = scanned(root, RECORDS)
    assert report.warnings == []


def test_metadata_cut_off_in_the_middle_are_an_error_that_names_the_file(root):
    (root / "metadata.json").write_text(json.dumps(RECORDS)[:-30])
    with pytest.raises(ValueError, match=r"not a whole JSON list.*metadata\.json"):
        scan("lavdf", root, report=ScanReport())


def test_it_is_recognised_below_its_wrapper(root):
    (root / "metadata.min.json").write_text(json.dumps(RECORDS))
    assert recognise(root.parent) == [("lavdf", root)]


@pytest.mark.parametrize("kept", ["train", "dev", "test"])
def test_one_part_alone_is_read_with_a_warning_of_the_others(root, kept):
    for part in {"train", "dev", "test"} - {kept}:
        for file in (root / part).iterdir():
            file.unlink()
        (root / part).rmdir()
    rows, report = scanned(root, RECORDS)
    assert set(rows) == {one["file"] for one in RECORDS if one["file"].startswith(kept)}
    assert sum(line.startswith("folder ") and "is missing" in line for line in report.warnings) == 2
    assert not any("not on disk" in line for line in report.warnings)


def test_letter_case_of_folders_does_not_matter(root):
    (root / "train").rename(root / "Train")
    rows, _ = scanned(root, RECORDS, "Metadata.JSON")
    fake = rows["Train/000001.mp4"]
    assert (fake["av_class"], fake["official_split"], fake["source_clip"]) == ("FVRA", "train", "Train/000000.mp4")


def test_forged_stretches_are_kept_of_what_was_forged(root):
    rows, _ = scanned(root, [*RECORDS[:5], record("test/000005.mp4", True, False, None, fake_periods="gone")])
    stretches = {path: (row["video_segments"], row["audio_segments"]) for path, row in rows.items()}
    period = [[1.0, 1.4]]
    assert stretches["train/000001.mp4"] == (period, [])
    assert stretches["train/000002.mp4"] == ([], period)
    assert stretches["dev/000003.mp4"] == (period, period)
    assert stretches["train/000000.mp4"] == ([], [])
    assert stretches["test/000005.mp4"] == (None, [])
