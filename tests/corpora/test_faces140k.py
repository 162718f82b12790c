"""140k Real and Fake Faces, on trees and tables written from the published layout."""

import pytest

from multimodal.corpora import recognise, scan

HEADER = ",original_path,id,label,label_str,path"
IMAGES = {
    "train": {"real": ("31355", "00007"), "fake": ("009ZTJ3621", "BU8RXS9FBD")},
    "valid": {"real": ("02999",), "fake": ("ABCDEFGHIJ",)},
    "test": {"real": ("69999",), "fake": ("0123456789",)},
}
WHERE = "real_vs_fake/real-vs-fake"


def paths(under=WHERE):
    for split, labels in IMAGES.items():
        for label, stems in labels.items():
            yield from (f"{under}/{split}/{label}/{stem}.jpg" for stem in stems)


def table(split, *, header=HEADER, separator=",", real="1", words=True):
    lines = [header.replace(",", separator)]
    for label, stems in IMAGES[split].items():
        for stem in stems:
            number = real if label == "real" else str(1 - int(real))
            path = f"{split}/{label}/{stem}.jpg"
            cells = [str(len(lines) - 1), f"/kaggle/input/flickr/Part3/{stem}.jpg", stem, number, label, path]
            lines.append(separator.join(cell for cell in cells if words or cell != label))
    return "\n".join(lines) + "\n"


@pytest.fixture
def corpus(plant):
    def write(under="drive", at="real_vs_fake", **changes):
        root = plant(*(f"{under}/{path}" for path in paths()))
        for split in IMAGES:
            plant(f"{under}/{at}/{split}.csv", content=table(split, **changes))
        return root

    return write


@pytest.fixture
def read(scan_rows):
    return lambda root: scan_rows("faces140k", root)


def warnings_beside_counts(report):
    return [line for line in report.warnings if "Is the download complete?" not in line]


def assert_right(scanned):
    assert len(scanned.rows) == 8
    for path, row in scanned.rows.items():
        is_fake = "/fake/" in path
        assert (row["video_fake"], row["audio_fake"], row["media"]) == (int(is_fake), None, "image")
        assert row["method"] == ("stylegan" if is_fake else "real")
        assert row["official_split"] in {"train", "val", "test"}
        assert (row["official_split"] == "val") == ("valid/" in path)
        assert row["identity"] == (None if is_fake else "ffhq:" + path.split("/")[-1][:5])


@pytest.mark.parametrize("at", ["real_vs_fake", "", WHERE])
def test_labels_and_splits_come_from_folders_and_the_tables_confirm_them(corpus, read, at):
    scanned = read(corpus(at=at))
    assert_right(scanned)
    assert scanned.manifest.roots["faces140k"].endswith("real_vs_fake")
    assert warnings_beside_counts(scanned.report) == []
    assert not any("no train.csv" in line for line in scanned.report.notes)


def test_expected_counts_name_what_is_missing(corpus, read):
    warnings = read(corpus()).report.warnings
    assert any("real 4 of 70,000, stylegan 4 of 70,000" in line for line in warnings)
    assert any("train 4 of 100,000, val 2 of 20,000, test 2 of 20,000" in line for line in warnings)


@pytest.mark.parametrize(
    "changes",
    [
        {"separator": ";"},
        {"separator": "\t"},
        {"header": "\ufeff" + HEADER},
        {"header": ",,,,,x"},
        {"header": "index,source,image,target,class,file"},
        {"header": HEADER + "\n" + HEADER},
        {"header": HEADER.replace("label_str,", ""), "words": False},
    ],
    ids=["semicolons", "tabs", "mark of encoding", "no names", "other names", "header twice", "no words"],
)
def test_tables_are_understood_by_what_their_columns_hold(corpus, read, changes):
    scanned = read(corpus(**changes))
    assert_right(scanned)
    assert warnings_beside_counts(scanned.report) == []
    assert scanned.report.flagged == {}


def test_a_table_with_labels_the_other_way_round_is_a_warning_and_changes_no_label(corpus, read):
    scanned = read(corpus(real="0"))
    assert_right(scanned)
    found = warnings_beside_counts(scanned.report)
    assert len(found) == 3
    assert all("is 1 for fake, as published it is 1 for real" in line for line in found)


def test_one_wrong_row_flags_one_image(corpus, read, plant):
    root = corpus()
    text = table("train").replace(",31355,1,real", ",31355,0,real")
    plant("drive/real_vs_fake/train.csv", content=text)
    scanned = read(root)
    assert_right(scanned)
    assert scanned.report.flagged == {"table_conflict": 1}
    assert scanned.rows["real-vs-fake/train/real/31355.jpg"]["flags"].tolist() == ["table_conflict"]
    assert any("1 rows of the tables contradict" in line for line in scanned.report.warnings)


def test_an_image_whose_name_says_nothing_and_whose_row_contradicts_is_left_out(corpus, read, plant):
    root = corpus()
    plant(f"drive/{WHERE}/train/real/holiday photo.jpg")
    more = "9,/x.jpg,holiday photo,0,fake,train/real/holiday photo.jpg\n"
    plant("drive/real_vs_fake/train.csv", content=table("train") + more)
    scanned = read(root)
    assert_right(scanned)
    assert scanned.report.skipped["its table contradicts its folder, so its label is not certain"].count == 1


def test_without_tables_folders_and_names_suffice(plant, read):
    scanned = read(plant(*(path.replace("real_vs_fake/", "140k/") for path in paths())))
    assert_right(scanned)
    assert any("no train.csv" in line for line in scanned.report.notes)


def test_a_foreign_table_above_the_corpus_is_not_taken_for_one(plant, read):
    root = plant(*paths())
    plant("train.csv", content="id,label\n1,0\n")
    assert warnings_beside_counts(read(root).report) == []


def test_a_table_that_cannot_be_read_is_named(corpus, read, plant):
    root = corpus()
    plant("drive/real_vs_fake/train.csv", content=b"\xff\xfe\x00\xd8")
    scanned = read(root)
    assert_right(scanned)
    assert any("train.csv, line 1 is no UTF-16 text" in line for line in scanned.report.warnings)


@pytest.mark.parametrize(("text", "why"), [("", "has no header"), ("<html>", "has no row below its first line")])
def test_a_table_without_rows_is_named(corpus, read, plant, text, why):
    root = corpus()
    plant("drive/real_vs_fake/train.csv", content=text)
    scanned = read(root)
    assert_right(scanned)
    assert any(f"train.csv {why}" in line for line in scanned.report.warnings)


def test_listed_images_that_are_missing_and_unlisted_ones_are_counted(corpus, read, plant):
    root = corpus()
    (root / "drive" / WHERE / "train/real/31355.jpg").unlink()
    plant(f"drive/{WHERE}/train/real/12345.jpg")
    warnings = read(root).report.warnings
    assert any("list 1 images that are not on disk, e.g. train/real/31355.jpg" in line for line in warnings)
    assert any("1 of 8 images are in none of the tables" in line for line in warnings)


def test_swapped_folders_are_an_error_whatever_the_tables_say(plant):
    swapped = {"real": "fake", "fake": "real"}
    root = plant(
        *(f"{WHERE}/{s}/{swapped[x]}/{n}.jpg" for s, xs in IMAGES.items() for x, ns in xs.items() for n in ns)
    )
    with pytest.raises(ValueError, match=r"8 of 8 names contradict .*five digits are real.*swapped"):
        scan("faces140k", root)


def test_a_stray_face_in_the_wrong_folder_is_left_out(plant, read):
    scanned = read(plant(*paths(), f"{WHERE}/train/fake/11111.jpg"))
    assert_right(scanned)
    assert any("1 of 9 names contradict" in line for line in scanned.report.warnings)


def test_an_unwrapped_copy_with_capital_folders_is_recognised_as_this_corpus_alone(plant, read):
    root = plant(*(path.replace("train", "Train").replace("/real/", "/Real/") for path in paths("copy")))
    assert recognise(root) == [("faces140k", root / "copy")]
    assert {row["video_fake"] for path, row in read(root).rows.items() if "/Real/" in path} == {0}


def test_a_folder_inside_the_corpus_says_where_the_root_is(corpus):
    root = corpus()
    with pytest.raises(ValueError, match=r"lies inside 140k Real and Fake Faces.*real_vs_fake"):
        scan("faces140k", root / "drive" / WHERE / "train")
