"""FakeAVCeleb's table ``meta_data.csv``: understood however it was edited, and never believed against a folder."""

from collections.abc import Callable

import pytest

from multimodal.corpora import ScanReport

A, B, C, D = "RealVideo-RealAudio", "RealVideo-FakeAudio", "FakeVideo-RealAudio", "FakeVideo-FakeAudio"
HEADER = "source,target1,target2,method,category,type,race,gender,path,"
REAL = f"{A}/African/men/id00076/00109.mp4"
D_PLAIN = f"{D}/African/men/id00076/00109_id00476_wavtolip.mp4"
D_INDEXED = f"{D}/African/men/id00076/00109_10_id00476_wavtolip.mp4"
C_INDEXED = f"{C}/African/men/id00076/00109_3.mp4"


def csv_row(path: str, method: str, target1: str = "-", target2: str = "-") -> str:
    folder, name = path.rsplit("/", 1)
    type_folder, race, gender, identity = folder.split("/")
    category = "ABCD"[(A, B, C, D).index(type_folder)]
    first = f"{identity},{target1},{target2},{method},{category},{type_folder},{race},{gender}"
    return f"{first},{name},FakeAVCeleb/{folder}"


@pytest.fixture
def with_table(plant, scan_rows) -> Callable[[str | bytes], tuple[dict[str, dict], ScanReport]]:
    """Scans four clips that lie beside a ``meta_data.csv`` of the given text: rows by path, and the report."""

    def scanned(text: str | bytes) -> tuple[dict[str, dict], ScanReport]:
        root = plant(REAL, D_PLAIN, D_INDEXED, C_INDEXED)
        plant("meta_data.csv", content=text)
        found = scan_rows("fakeavceleb", root)
        return found.rows, found.report

    return scanned


TABLE = "\n".join(
    [
        HEADER,
        csv_row(REAL, "real"),
        csv_row(D_PLAIN, "faceswap-wav2lip", "id00476"),
        csv_row(D_INDEXED, "wav2lip", "id00476", "10"),
        csv_row(C_INDEXED, "faceswap", "id00123", "3"),
    ]
)
EDITED_TABLES = {
    "as published": TABLE,
    "byte order mark": b"\xef\xbb\xbf" + TABLE.encode(),
    "semicolons": TABLE.replace(",", ";"),
    "tabs": TABLE.replace(",", "\t"),
    "columns renamed": TABLE.replace(HEADER, "source,target1,target2,method,category,type,race,gender,vid,path"),
    "another folder above": TABLE.replace("FakeAVCeleb/", "data/FakeAVCeleb_v1.2/"),
    "header repeated": TABLE.replace("\n", f"\n{HEADER}\n", 1),
    "windows line ends and slashes": TABLE.replace("\n", "\r\n").replace("/", "\\"),
    "full path in one column": "\n".join(
        [
            "file,method,target1",
            *(
                f"FakeAVCeleb/{p},{m},{t}"
                for p, m, t in [
                    (REAL, "real", "-"),
                    (D_PLAIN, "faceswap-wav2lip", "id00476"),
                    (D_INDEXED, "wav2lip", "id00476"),
                    (C_INDEXED, "faceswap", "id00123"),
                ]
            ),
        ]
    ),
}


@pytest.mark.parametrize("table", EDITED_TABLES.values(), ids=EDITED_TABLES)
def test_the_table_is_understood_by_content_however_it_was_edited(with_table, table):
    rows, report = with_table(table)
    assert rows[D_PLAIN]["method"] == "faceswap-wav2lip"
    assert rows[D_INDEXED]["method"] == "wav2lip"
    assert rows[C_INDEXED]["method"] == "faceswap"
    assert not [line for line in report.warnings if "meta_data" in line]
    assert "FakeVideo-FakeAudio named CLIP_n_ID_wavtolip: 1 listed as wav2lip" in report.notes


def test_the_table_names_donors_that_file_names_hide(with_table):
    rows, _ = with_table(TABLE)
    assert list(rows[C_INDEXED]["donors"]) == ["vox2:id00123"]
    assert list(rows[C_INDEXED]["flags"]) == []
    assert list(rows[D_INDEXED]["flags"]) == ["donor_unknown"]
    assert list(rows[D_PLAIN]["flags"]) == ["donor_unknown"]


def test_a_file_listed_twice_with_two_methods_is_one_clip_with_a_flag(with_table):
    rows, _ = with_table(TABLE + "\n" + csv_row(D_PLAIN, "wav2lip", "id00476"))
    assert rows[D_PLAIN]["method"] == "wav2lip"
    assert "method_conflict" in rows[D_PLAIN]["flags"]


def test_a_method_that_the_name_cannot_mean_is_a_conflict_and_changes_no_label(with_table):
    table = TABLE.replace(csv_row(C_INDEXED, "faceswap", "id00123", "3"), csv_row(C_INDEXED, "real"))
    rows, _ = with_table(table)
    assert rows[C_INDEXED]["method"] == "faceswap"
    assert (rows[C_INDEXED]["video_fake"], rows[C_INDEXED]["audio_fake"]) == (1, 0)
    assert "method_conflict" in rows[C_INDEXED]["flags"]


@pytest.mark.parametrize("text", ["", "<html>please log in</html>"])
def test_a_table_that_says_nothing_is_a_warning_and_names_decide(with_table, text):
    rows, report = with_table(text)
    assert rows[C_INDEXED]["method"] == "faceswap"
    assert any("meta_data.csv lacks 4 of 4 files" in line for line in report.warnings)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le"])
def test_a_table_saved_by_a_spreadsheet_reads_as_the_published_one(with_table, encoding):
    rows, report = with_table(TABLE.replace(",", ";").encode(encoding))
    assert "vox2:id00123" in rows[C_INDEXED]["donors"]
    assert not any("meta_data.csv" in line for line in report.warnings)


def test_a_damaged_table_is_one_warning_with_its_line_and_names_decide(with_table):
    rows, report = with_table(TABLE + "\n\0")
    assert list(rows[C_INDEXED]["donors"]) == []
    line = TABLE.count("\n") + 2
    (warning,) = [one for one in report.warnings if "NUL byte" in one]
    assert f"meta_data.csv, line {line} holds a NUL byte" in warning
    assert "methods come from file names alone" in warning


def test_a_row_that_names_another_type_than_the_folder_leaves_its_clip_out(with_table):
    row = csv_row(C_INDEXED, "faceswap", "id00123", "3")
    assert f",C,{C}," in row
    rows, report = with_table(TABLE.replace(row, row.replace(f",C,{C},", f",A,{A},")))
    assert C_INDEXED not in rows
    assert len(rows) == 3
    (reason,) = [reason for reason in report.skipped if "contradicts its folder" in reason]
    assert report.skipped[reason].examples == [C_INDEXED]


def test_a_table_that_contradicts_most_folders_stops_the_scan(with_table):
    table = TABLE.replace(f",C,{C},", f",A,{A},").replace(f",D,{D},", f",B,{B},")
    with pytest.raises(ValueError, match="names another type than the folder for 3 of 4 files"):
        with_table(table)


def test_rows_without_a_file_and_files_without_a_row_are_reported(with_table):
    extra = csv_row(REAL.replace("00109", "00777"), "real")
    table = TABLE.replace(csv_row(C_INDEXED, "faceswap", "id00123", "3"), extra)
    _, report = with_table(table + "\nthis,row,is,broken")
    warnings = "\n".join(report.warnings)
    assert "lists 1 files that are not on disk" in warnings
    assert "lacks 1 of 4 files" in warnings
    assert "1 rows name no .mp4 file" in warnings
