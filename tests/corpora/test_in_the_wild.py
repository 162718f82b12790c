"""In-the-Wild, on trees and tables written from the published layout."""

import pytest

from multimodal.corpora import scan

ROWS = [
    ("0.wav", "Alec Guinness", "spoof"),
    ("1.wav", "Alec Guinness", "bona-fide"),
    ("2.wav", "Barack Obama", "spoof"),
    ("3.wav", "Ronald Reagan", "bona-fide"),
]
HEADER = ("file", "speaker", "label")


def table(rows, header=HEADER, separator=","):
    return "".join(separator.join(row) + "\n" for row in ([header] if header else []) + list(rows))


@pytest.fixture
def corpus(plant):
    def write(text):
        plant(*(f"drive/release_in_the_wild/{n}.wav" for n in range(4)))
        return plant("drive/release_in_the_wild/meta.csv", content=text)

    return write


@pytest.fixture
def read(scan_rows):
    return lambda root: scan_rows("in_the_wild", root)


def assert_right(scanned):
    assert scanned.column("audio_fake") == {"0.wav": 1, "1.wav": 0, "2.wav": 1, "3.wav": 0}
    assert set(scanned.column("video_fake").values()) == {None}
    assert scanned.column("identity")["2.wav"] == "in_the_wild:Barack Obama"
    assert scanned.column("method")["0.wav"] == "unknown"
    assert scanned.column("method")["1.wav"] == "real"
    assert set(scanned.column("official_split").values()) == {"test"}


@pytest.mark.parametrize(
    "text",
    [
        table(ROWS),
        "\ufeff" + table(ROWS),
        table(ROWS, separator=";"),
        table(ROWS, separator="\t"),
        table(ROWS, header=("", "", "")).replace(",,", "path,who,what", 1),
        table(ROWS, header=("x", "", "")),
        table(ROWS, header=None),
        table([HEADER, *ROWS]),
        table([(f"release_in_the_wild/{row[0]}", *row[1:]) for row in ROWS]),
        table([row[::-1] for row in ROWS], header=HEADER[::-1]),
        table(ROWS).replace("bona-fide", "Bonafide"),
        table([(str(n), *row) for n, row in enumerate(ROWS)], header=("", *HEADER)),
    ],
    ids=[
        "as published", "mark of encoding", "semicolons", "tabs", "other names", "no names", "no header",
        "header twice", "paths", "other order", "another spelling", "index",
    ],
)  # fmt: skip
def test_labels_and_speakers_come_from_the_table_however_it_was_saved(corpus, read, text):
    scanned = read(corpus(text))
    assert_right(scanned)
    (counts,) = scanned.report.warnings
    assert "real 2 of 19,963, unknown 2 of 11,816" in counts


def test_a_file_without_a_row_and_a_row_without_a_file_are_counted(corpus, read, plant):
    root = corpus(table([*ROWS, ("9.wav", "Alec Guinness", "spoof")]))
    plant("drive/release_in_the_wild/7.wav", "drive/release_in_the_wild/copy/1.wav")
    scanned = read(root)
    assert_right(scanned)
    assert scanned.report.skipped["not in meta.csv with one certain label"].examples == ["7.wav"]
    assert scanned.report.skipped["second copy of a recording"].examples == ["copy/1.wav"]
    assert any("lists 1 recordings that are not on disk, e.g. 9.wav" in line for line in scanned.report.warnings)


def test_a_file_with_two_labels_or_none_is_left_out(corpus, read):
    scanned = read(corpus(table([*ROWS, ("0.wav", "Alec Guinness", "bona-fide"), ("x.wav", "A B", "maybe")])))
    assert scanned.column("audio_fake") == {"1.wav": 0, "2.wav": 1, "3.wav": 0}
    assert any("two labels, e.g. 0.wav" in line for line in scanned.report.warnings)
    assert any("1 rows name no file and label" in line for line in scanned.report.warnings)


@pytest.mark.parametrize("text", [table([(*row[:2], "1") for row in ROWS]), "file,speaker,label\n"])
def test_numbers_for_labels_and_an_empty_table_are_errors(corpus, text):
    with pytest.raises(ValueError, match=r"must have a column of .wav files and one of bona-fide or spoof"):
        scan("in_the_wild", corpus(text))
