"""AV-Deepfake1M's reader, on trees and records written by its published grammar."""

import json
from pathlib import Path

import pytest

from multimodal.corpora import ScanReport, recognise, scan

FOLDER = "id00012/21Uxsk56VDQ/00001"
LABELS = {  # file name → modify_type, class
    "real": ("real", "RVRA"),
    "fake_video_real_audio": ("visual_modified", "FVRA"),
    "real_video_fake_audio": ("audio_modified", "RVFA"),
    "fake_video_fake_audio": ("both_modified", "FVFA"),
}


def put(root: Path, *paths: str) -> None:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(b"x")


def record(name: str, kind: str, folder: str = FOLDER, **more: object) -> dict:
    return {
        "file": f"{folder}/{name}.mp4",
        "original": None if kind == "real" else f"{folder}/real.mp4",
        "split": "train",
        "modify_type": kind,
        "audio_model": "vits" if kind in ("audio_modified", "both_modified") else "",
        "fake_segments": [],
        **more,
    }


@pytest.fixture
def root(tmp_path) -> Path:
    put(tmp_path, *(f"train/{FOLDER}/{name}.mp4" for name in LABELS))
    return tmp_path


def scanned(root: Path, records: list[dict] | None) -> tuple[dict[str, dict], ScanReport]:
    if records is not None:
        (root / "train_metadata.json").write_text(json.dumps(records))
    report = ScanReport()
    manifest = scan("avdeepfake1m", root, report=report)
    return {row["path"]: row for row in manifest.clips.to_dict("records")}, report


@pytest.mark.parametrize("prefix", ["", "train/", "./train/", "AV-Deepfake1M/train/"])
def test_records_are_found_whatever_their_path_begins_with(root, prefix):
    records = [record(name, kind) for name, (kind, _) in LABELS.items()]
    for one in records:
        one["file"] = prefix + one["file"]
    rows, report = scanned(root, records)
    assert {path: row["av_class"] for path, row in rows.items()} == {
        f"train/{FOLDER}/{name}.mp4": kind for name, (_, kind) in LABELS.items()
    }
    assert not any("not on disk" in line for line in report.warnings)


def test_people_pairs_methods_and_splits(root):
    rows, _ = scanned(root, [record(name, kind) for name, (kind, _) in LABELS.items()])
    fake = rows[f"train/{FOLDER}/fake_video_fake_audio.mp4"]
    assert fake["identity"] == "vox2:id00012"
    assert fake["source_clip"] == f"train/{FOLDER}/real.mp4"
    assert fake["method"] == "both_modified-vits"
    assert fake["official_split"] == "train"
    assert list(fake["flags"]) == ["partly_fake"]
    assert rows[f"train/{FOLDER}/real.mp4"]["method"] == "real"


def test_forged_stretches_are_kept_by_modality_and_shared_where_a_record_tells_none_apart(root):
    apart = {"visual_fake_segments": [[1.0, 1.5]], "audio_fake_segments": [[0.9, 1.4]]}
    records = [record(name, kind) for name, (kind, _) in LABELS.items()]
    by_type = {one["modify_type"]: one for one in records}
    by_type["both_modified"].update(apart)
    by_type["visual_modified"]["fake_segments"] = [[2.0, 2.5], [0.5, 0.8]]
    rows, _ = scanned(root, records)
    stretches = {row["method"]: (row["video_segments"], row["audio_segments"]) for row in rows.values()}
    assert stretches["both_modified-vits"] == ([[1.0, 1.5]], [[0.9, 1.4]])
    assert stretches["visual_modified"] == ([[0.5, 0.8], [2.0, 2.5]], [])
    assert stretches["real"] == ([], [])


def test_a_hyphen_in_the_type_means_the_same_as_an_underscore(root):
    odd = "extra"
    put(root, f"train/{FOLDER}/{odd}.mp4")
    rows, _ = scanned(root, [record(odd, "both-modified"), record("real", "real")])
    row = rows[f"train/{FOLDER}/{odd}.mp4"]
    assert (row["av_class"], list(row["flags"])) == ("FVFA", ["name_unparsed", "partly_fake"])
    assert rows[f"train/{FOLDER}/real_video_fake_audio.mp4"]["av_class"] == "RVFA"
    assert "not_in_metadata" in rows[f"train/{FOLDER}/real_video_fake_audio.mp4"]["flags"]


def test_where_name_and_record_disagree_there_is_no_label(root):
    records = [record(name, kind) for name, (kind, _) in LABELS.items()]
    records[1]["modify_type"] = "audio_modified"
    rows, report = scanned(root, records)
    assert f"train/{FOLDER}/fake_video_real_audio.mp4" not in rows
    assert report.skipped["its name contradicts its record, so its label is not certain"].count == 1


def test_records_the_other_way_round_are_an_error(root):
    turned = dict(zip(LABELS, reversed(LABELS), strict=True))
    records = [record(name, LABELS[turned[name]][0]) for name in LABELS]
    with pytest.raises(ValueError, match=r"4 of 4 names contradict their record.*labels seem to be the other way"):
        scanned(root, records)


def test_the_unlabelled_test_part_is_counted_and_left_out(root):
    put(root, "test/000001.mp4", "test/000002.mp4")
    rows, report = scanned(root, [record(name, kind) for name, (kind, _) in LABELS.items()])
    assert len(rows) == 4
    assert report.skipped["published without a label"].count == 2


def test_fakes_without_their_real_file_keep_its_name_and_a_flag(root):
    (root / f"train/{FOLDER}/real.mp4").unlink()
    rows, report = scanned(root, [record(name, kind) for name, (kind, _) in LABELS.items()])
    fake = rows[f"train/{FOLDER}/fake_video_real_audio.mp4"]
    assert fake["source_clip"] == f"train/{FOLDER}/real.mp4"
    assert "pair_missing" in fake["flags"]
    assert any("1 of its files are not on disk" in line for line in report.warnings)


def test_val_alone_is_recognised_and_keeps_its_name(tmp_path):
    put(tmp_path, f"av1m/val/{FOLDER}/real.mp4")
    (tmp_path / "av1m" / "val_metadata.json").write_text(json.dumps([record("real", "real", split="val")]))
    assert recognise(tmp_path) == [("avdeepfake1m", tmp_path / "av1m")]
    manifest = scan("avdeepfake1m", tmp_path, report=ScanReport())
    assert list(manifest.clips["official_split"]) == ["val"]


def test_without_the_tables_names_give_the_labels_with_a_warning(root):
    rows, report = scanned(root, None)
    assert {path.rpartition("/")[2]: row["av_class"] for path, row in rows.items()} == {
        f"{name}.mp4": kind for name, (_, kind) in LABELS.items()
    }
    assert any("no train_metadata.json" in line and "file names alone" in line for line in report.warnings)
    assert recognise(root) == [("avdeepfake1m", root)]


@pytest.mark.parametrize(
    ("folder", "person"),
    [
        ("vox_celeb_2/id00012/21Uxsk56VDQ/00001", "vox2:id00012"),
        ("lrs3/0Fi83BHQsMA/00002", "lrs3:0fi83bhqsma"),
        ("silent_videos/subject_007/00001", "avdeepfake1m_silent:subject_007"),
    ],
)
def test_the_layout_of_the_second_edition_is_read_and_told(tmp_path, folder, person):
    put(tmp_path, *(f"train/{folder}/{name}.mp4" for name in LABELS), "testA/000001.mp4")
    rows, report = scanned(tmp_path, [record(name, kind, folder) for name, (kind, _) in LABELS.items()])
    fake = rows[f"train/{folder}/fake_video_fake_audio.mp4"]
    assert (fake["identity"], fake["av_class"], fake["source_clip"]) == (
        person,
        "FVFA",
        f"train/{folder}/real.mp4",
    )
    assert list(fake["flags"]) == ["partly_fake"]
    assert any("laid out as AV-Deepfake1M++" in line for line in report.warnings)
    assert report.skipped["published without a label"].count == 1


def test_letter_case_does_not_matter(root):
    (root / "train").rename(root / "Train")
    real = root / f"Train/{FOLDER}/real.mp4"
    real.rename(real.with_name("Real.MP4"))
    rows, _ = scanned(root, [record(name, kind) for name, (kind, _) in LABELS.items()])
    fake = rows[f"Train/{FOLDER}/fake_video_real_audio.mp4"]
    assert (fake["identity"], fake["source_clip"]) == ("vox2:id00012", f"Train/{FOLDER}/Real.MP4")
    assert list(fake["flags"]) == ["partly_fake"]
