"""VoxCeleb2's reader, on trees in its published layout."""

from pathlib import Path

import pytest

from multimodal.corpora import ScanReport, recognise, scan
from multimodal.corpora.manifest import Clip, collect

FILES = [
    "dev/mp4/id00012/21Uxsk56VDQ/00001.mp4",
    "dev/mp4/id00017/_-abc56VDQ1/00002.mp4",
    "test/mp4/id00076/21Uxsk56VD_/00003.mp4",
    "dev/aac/id00012/21Uxsk56VDQ/00001.m4a",
]


@pytest.fixture
def root(tmp_path) -> Path:
    for path in FILES:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(b"x")
    return tmp_path


def rows(root: Path, **options: str) -> dict[str, dict]:
    manifest = scan("voxceleb2", root, report=ScanReport(), options=options)
    return {row["path"]: row for row in manifest.clips.to_dict("records")}


def test_all_is_real_with_people_of_voxceleb2_and_dev_is_for_training(root):
    found = rows(root)
    assert list(found) == FILES[:3]
    assert {row["av_class"] for row in found.values()} == {"RVRA"}
    assert [row["official_split"] for row in found.values()] == ["train", "train", "test"]
    assert found[FILES[0]]["identity"] == "vox2:id00012"


def test_the_sex_of_each_person_comes_from_the_table_whose_cells_end_with_blanks(root):
    table = "VoxCeleb2 ID ,VGGFace2 ID ,Gender ,Set \nid00012 ,n1 ,m ,dev \nID00017 ,n2 ,F ,dev \n"
    (root / "Vox2_meta.csv").write_text(table)
    assert [row["group"] for row in rows(root).values() if row["group"] in ("men", "women")] == ["men", "women"]
    (root / "Vox2_meta.csv").write_text("id,sex\nid00012,m\n")
    report = ScanReport()
    scan("voxceleb2", root, report=report)
    assert any("no column Gender" in line for line in report.warnings)


def test_the_sound_files_are_read_instead_when_asked_for(root):
    (row,) = rows(root, media="audio").values()
    assert (row["path"], row["media"], row["audio_fake"]) == (FILES[3], "audio", 0)
    assert row["any_fake"] == 0


def test_people_of_a_manifest_are_left_out_in_any_role(root, tmp_path):
    other = collect(
        [Clip("a.mp4", "video", 1, 0, "faceswap", 1, identity="vox2:id00012", donors=("vox2:id00076",))],
        corpus="fakeavceleb",
        root=tmp_path,
    )
    other.write(tmp_path / "other.parquet")
    assert list(rows(root, exclude=str(tmp_path / "other.parquet"))) == [FILES[1]]


def test_people_of_a_text_are_left_out_and_counted(root, tmp_path):
    (tmp_path / "ids.txt").write_text("id00017/a.mp4\nid99999\n")
    report = ScanReport()
    manifest = scan("voxceleb2", root, report=report, options={"exclude": str(tmp_path / "ids.txt")})
    assert len(manifest.clips) == 2
    assert any("left out 1 clips of 1 people" in line and "names 2" in line for line in report.notes)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"media": "pictures"}, "media must be video or audio; got 'pictures'"),
        ({"exclude": "/nowhere/ids.txt"}, "no such file: /nowhere/ids.txt"),
        ({"exlude": "x"}, "did you mean 'exclude'"),
    ],
)
def test_a_wrong_option_is_one_line(root, options, message):
    with pytest.raises(ValueError, match=message):
        rows(root, **options)


def test_a_text_that_names_nobody_is_an_error(root, tmp_path):
    (tmp_path / "ids.txt").write_text("nobody")
    with pytest.raises(ValueError, match="names nobody of VoxCeleb2"):
        rows(root, exclude=str(tmp_path / "ids.txt"))


def test_one_part_alone_is_recognised(tmp_path):
    (tmp_path / "vox/test/mp4/id00017/abc").mkdir(parents=True)
    assert recognise(tmp_path) == [("voxceleb2", tmp_path / "vox")]


def test_a_half_downloaded_part_and_files_that_are_not_read_are_said(root, tmp_path):
    report = ScanReport()
    (tmp_path / "people.txt").write_text("id00012\n")
    scan("voxceleb2", root, report=report, options={"exclude": str(tmp_path / "people.txt")})
    assert report.warnings == [
        "VoxCeleb2: differs from the complete download: dev 2 of 1,092,009, test 1 of 36,237. Is the download "
        "complete?"
    ]
    assert "dev/aac holds the same utterances and is not read; see --options media" in report.notes


def test_letter_case_of_folders_does_not_matter(plant, scan_rows):
    scanned = scan_rows("voxceleb2", plant("Dev/MP4/ID00017/abc/00001.mp4"))
    (row,) = scanned.rows.values()
    assert (row["identity"], row["official_split"]) == ("vox2:id00017", "train")
