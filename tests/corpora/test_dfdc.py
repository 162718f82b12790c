"""DFDC's reader and that of its preview, on trees built from their tables."""

import json
from pathlib import Path

import pytest
from planting import plant

from multimodal.corpora import ScanReport, recognise, scan
from multimodal.splits import make_split


def write(root: Path, path: str, content: object) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(content if isinstance(content, str) else json.dumps(content))


def read(root: Path, corpus: str = "dfdc") -> tuple[dict[str, dict], ScanReport]:
    report = ScanReport()
    clips = scan(corpus, root, report=report).clips
    rows = clips.astype(object).where(clips.notna(), None).to_dict("records")
    return {row["path"]: row for row in rows}, report


def part(*names: str, original: str = "aaaaaaaaaa.mp4") -> dict[str, dict[str, str]]:
    """Entries of one genuine video and the fakes made from it."""
    fakes = {name: {"label": "FAKE", "split": "train", "original": original} for name in names}
    return {original: {"label": "REAL", "split": "train"}, **fakes}


def plant_part(root: Path, folder: str, entries: dict[str, dict[str, str]]) -> None:
    plant(root, *(f"{folder}/{name}" for name in entries))
    write(root, f"{folder}/metadata.json", entries)


@pytest.mark.parametrize(
    "folder", ["dfdc_train_part_0", "dfdc_train_part_00/dfdc_train_part_0", "train/dfdc_train_part_0"]
)
def test_labels_and_originals_come_from_the_table_of_the_part(tmp_path, folder):
    plant_part(tmp_path / "DFDC", folder, part("bbbbbbbbbb.mp4"))
    rows, _ = read(tmp_path)
    real, fake = rows[f"{folder}/aaaaaaaaaa.mp4"], rows[f"{folder}/bbbbbbbbbb.mp4"]
    assert (real["video_fake"], real["audio_fake"], real["any_fake"], real["av_class"]) == (0, 0, 0, "RVRA")
    assert (fake["video_fake"], fake["audio_fake"], fake["any_fake"], fake["av_class"]) == (None, None, 1, None)
    assert (real["method"], fake["method"]) == ("real", "unknown")
    assert fake["source_clip"] == f"{folder}/aaaaaaaaaa.mp4"
    assert real["official_split"] == fake["official_split"] == "train"
    assert real["identity"] is fake["identity"] is None


def test_a_single_part_is_a_root_of_its_own(tmp_path):
    plant_part(tmp_path, "part", part("b.mp4", original="a.mp4"))
    rows, _ = read(tmp_path / "part")
    assert rows["b.mp4"]["source_clip"] == "a.mp4"
    assert rows["b.mp4"]["official_split"] == "train"


def test_a_genuine_video_and_its_fakes_stay_together_even_where_it_is_missing(tmp_path):
    for number in range(8):
        folder = f"dfdc_train_part_{number}"
        names = [f"{letter}{number}.mp4" for letter in "bcd"]
        plant_part(tmp_path, folder, part(*names, original=f"a{number}.mp4"))
    (tmp_path / "dfdc_train_part_3" / "a3.mp4").unlink()
    report = ScanReport()
    manifest = scan("dfdc", tmp_path, report=report)
    assert report.flagged == {"pair_missing": 3}
    assert any("1 videos that are not on disk, e.g. a3.mp4" in line for line in report.warnings)
    split = make_split(manifest, "source_disjoint", options={"test_share": 0.3, "val_share": 0.2})
    parts = split.of(manifest.clips).groupby(manifest.clips["path"].str.split("/").str[0]).nunique()
    assert (parts == 1).all()


def test_the_test_part_is_read_from_its_csv_and_unlabelled_videos_are_left_out(tmp_path):
    plant_part(tmp_path, "dfdc_train_part_0", part("b.mp4", original="a.mp4"))
    plant(tmp_path, "test/x.mp4", "test/videos/y.mp4", "test_videos/z.mp4")
    write(tmp_path, "test/labels.csv", "filename,label\nx.mp4,1\ny.mp4,0\n")
    rows, report = read(tmp_path)
    assert (rows["test/x.mp4"]["any_fake"], rows["test/x.mp4"]["official_split"]) == (1, "test")
    assert (rows["test/videos/y.mp4"]["any_fake"], rows["test/videos/y.mp4"]["official_split"]) == (0, "test")
    assert "test_videos/z.mp4" not in rows
    assert report.skipped["in no metadata.json or labels.csv, so its label is unknown"].examples == [
        "test_videos/z.mp4"
    ]


TABLES = {
    "as published": "filename,label\nx.mp4,1\ny.mp4,0\n",
    "byte order mark": "\ufefffilename,label\nx.mp4,1\ny.mp4,0\n",
    "semicolons": "filename;label\nx.mp4;1\ny.mp4;0\n",
    "renamed and unnamed": ",video,is_forged\n5,x.mp4,FAKE\n7,y.mp4,REAL\n",
    "index of zeros and ones": ",filename,label\n0,x.mp4,1\n1,y.mp4,0\n",
    "header twice": "filename,label\nfilename,label\nx.mp4,1\ny.mp4,0\n",
    "folders": "filename,label\ntest\\x.mp4,1\ntest/y.mp4,0\n",
}


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_the_csv_is_understood_however_it_was_edited(tmp_path, table):
    plant_part(tmp_path, "dfdc_train_part_0", part("b.mp4", original="a.mp4"))
    plant(tmp_path, "test/x.mp4", "test/y.mp4")
    write(tmp_path, "test/labels.csv", table)
    rows, _ = read(tmp_path)
    assert (rows["test/x.mp4"]["any_fake"], rows["test/y.mp4"]["any_fake"]) == (1, 0)


UNCLEAR = {
    "no header": ("x.mp4,1\ny.mp4,0\n", "no header"),
    "two columns of labels": ("filename,one,two\nx.mp4,1,0\ny.mp4,0,0\n", "no column called label"),
    "no labels": ("filename,text\nx.mp4,perhaps\ny.mp4,0\n", "no column called label"),
    "two labels": ("filename,label\nx.mp4,1\nx.mp4,0\ny.mp4,7\n", "1 files two labels"),
}


@pytest.mark.parametrize(("table", "warning"), UNCLEAR.values(), ids=UNCLEAR)
def test_an_unclear_csv_gives_a_warning_and_no_label(tmp_path, table, warning):
    plant_part(tmp_path, "dfdc_train_part_0", part("b.mp4", original="a.mp4"))
    plant(tmp_path, "test/x.mp4", "test/y.mp4")
    write(tmp_path, "test/labels.csv", table)
    rows, report = read(tmp_path)
    assert sorted(rows) == ["dfdc_train_part_0/a.mp4", "dfdc_train_part_0/b.mp4"]
    assert any(warning in line for line in report.warnings)
    assert sum(tally.count for reason, tally in report.skipped.items() if "label is unknown" in reason) == 2


@pytest.mark.parametrize(
    "text", ['{"c.mp4": {"label": "FAKE"', '[{"c.mp4": "FAKE"}]', '{"c.mp4": "FAKE"}', "\x00"]
)
def test_a_damaged_table_costs_only_its_own_part(tmp_path, text):
    plant_part(tmp_path, "dfdc_train_part_0", part("b.mp4", original="a.mp4"))
    plant(tmp_path, "dfdc_train_part_1/c.mp4")
    write(tmp_path, "dfdc_train_part_1/metadata.json", text)
    rows, report = read(tmp_path)
    assert sorted(rows) == ["dfdc_train_part_0/a.mp4", "dfdc_train_part_0/b.mp4"]
    assert any("dfdc_train_part_1/metadata.json" in line and "no label" in line for line in report.warnings)


def test_labels_the_other_way_round_are_an_error_and_single_ones_are_left_out(tmp_path):
    entries = part("b.mp4", "c.mp4", "d.mp4", original="a.mp4")
    turned = {
        name: {**entry, "label": {"REAL": "FAKE", "FAKE": "REAL"}[entry["label"]]}
        for name, entry in entries.items()
    }
    plant_part(tmp_path / "turned", "dfdc_train_part_0", turned)
    with pytest.raises(ValueError, match="the other way round"):
        read(tmp_path / "turned")
    plant_part(tmp_path / "one", "dfdc_train_part_0", {**entries, "b.mp4": turned["b.mp4"]})
    rows, report = read(tmp_path / "one")
    assert "dfdc_train_part_0/b.mp4" not in rows
    assert len(rows) == 3
    assert any("calls 1 videos REAL that name an original, e.g. b.mp4" in line for line in report.warnings)


def test_missing_parts_are_named(tmp_path):
    for number in (0, 1, 4, *range(6, 49)):
        plant_part(tmp_path, f"dfdc_train_part_{number:02d}", part(f"b{number}.mp4", original=f"a{number}.mp4"))
    _, report = read(tmp_path)
    assert report.warnings == ["4 of 50 training parts are missing: 2 to 3, 5, 49"]


def test_parts_without_any_table_are_not_a_corpus(tmp_path):
    with pytest.raises(ValueError, match="no DFDC"):
        read(plant(tmp_path, "dfdc_train_part_0/a.mp4"))


def plant_preview(root: Path, *, has_ids: bool = True) -> dict[str, dict]:
    """Two actors of each set; paths as in the release, with takes in folders of their own."""
    entries = {}
    for name, (one, two) in {"train": ("643049", "1260311"), "test": ("1224068", "1255229")}.items():
        for target, swapped in ((one, two), (two, one)):
            entries[f"original_videos/{target}/{target}_C_001.mp4"] = {
                "label": "real", "set": name, "augmentations": [], "target_id": target, "swapped_id": None,
            }  # fmt: skip
            for method in ("method_A", "method_B"):
                path = f"{method}/{target}/{target}_C/{swapped}_{target}_C_001.mp4"
                entries[path] = {"label": "fake", "set": name, "target_id": target, "swapped_id": swapped}
    if not has_ids:
        entries = {path: {"label": one["label"], "set": one["set"]} for path, one in entries.items()}
    plant(root, *entries)
    write(root, "dataset.json", entries)
    return entries


@pytest.mark.parametrize("has_ids", [True, False], ids=["ids in the table", "ids in the names"])
def test_the_preview_names_the_face_first_and_the_person_on_screen_second(tmp_path, has_ids):
    plant_preview(tmp_path / "dfdc_preview_set", has_ids=has_ids)
    rows, report = read(tmp_path, "dfdc_preview")
    fake = rows["method_A/643049/643049_C/1260311_643049_C_001.mp4"]
    assert (fake["identity"], list(fake["donors"])) == ("dfdcp:643049", ["dfdcp:1260311"])
    assert (fake["any_fake"], fake["video_fake"], fake["method"]) == (1, None, "method_A")
    assert fake["source_clip"] == "original_videos/643049/643049_C_001.mp4"
    assert fake["group"] == rows["original_videos/1260311/1260311_C_001.mp4"]["group"]
    assert {row["official_split"] for row in rows.values()} == {"train", "test"}
    assert report.flagged == {}
    assert any("real 4 of 1,131" in line for line in report.warnings)


def test_the_preview_reports_files_without_entry_and_entries_without_file(tmp_path):
    entries = plant_preview(tmp_path)
    plant(tmp_path, "method_A/643049/extra.mp4")
    (tmp_path / next(iter(entries))).unlink()
    rows, report = read(tmp_path, "dfdc_preview")
    assert len(rows) == len(entries) - 1
    assert report.skipped["no label in dataset.json"].count == 1
    assert any("1 videos that are not on disk" in line for line in report.warnings)


def test_a_preview_with_labels_the_other_way_round_is_an_error(tmp_path):
    entries = plant_preview(tmp_path)
    turned = {
        path: {**one, "label": "real" if one["label"] == "fake" else "fake"} for path, one in entries.items()
    }
    write(tmp_path, "dataset.json", turned)
    with pytest.raises(ValueError, match="contradict"):
        read(tmp_path, "dfdc_preview")
    write(tmp_path, "dataset.json", "{")
    with pytest.raises(ValueError, match=r"not JSON: .*dataset\.json is perhaps cut off"):
        read(tmp_path, "dfdc_preview")


def test_full_set_and_preview_are_told_apart(tmp_path):
    plant_preview(tmp_path / "preview")
    plant_part(tmp_path / "full", "dfdc_train_part_0", part("b.mp4", original="a.mp4"))
    assert dict(recognise(tmp_path)) == {"dfdc": tmp_path / "full", "dfdc_preview": tmp_path / "preview"}


@pytest.mark.parametrize("root", ["", "test"])
@pytest.mark.parametrize(
    ("table", "content"),
    [
        ("labels.csv", "filename,label\naalscayrfi.mp4,0\naalyqplqns.mp4,1\n"),
        ("labels.csv", "\ufefffilename; label \r\naalscayrfi.mp4;0\r\naalyqplqns.mp4;1\r\n"),
        ("metadata.json", {"aalscayrfi.mp4": {"is_fake": 0}, "aalyqplqns.mp4": {"is_fake": 1}}),
    ],
)
def test_the_test_part_alone_is_read_with_a_warning(tmp_path, table, content, root):
    plant(tmp_path, "test/aalscayrfi.mp4", "test/aalyqplqns.mp4")
    write(tmp_path, f"test/{table}", content)
    rows, report = read(tmp_path / root)
    assert [row["any_fake"] for row in rows.values()] == [0, 1]
    assert {row["official_split"] for row in rows.values()} == {"test"}
    assert any("the test part alone" in line for line in report.warnings)
    assert recognise(tmp_path) == [("dfdc", tmp_path)]


def test_a_table_of_labels_beside_other_names_is_not_taken_for_dfdc(tmp_path):
    plant(tmp_path, "mine_0001.mp4")
    write(tmp_path, "labels.csv", "filename,label\nmine_0001.mp4,0\n")
    assert recognise(tmp_path) == []
