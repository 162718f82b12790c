import os
from pathlib import Path

import pytest

from multimodal.corpora import CORPORA, ScanReport, recognise, roots, scan
from multimodal.corpora.base import Corpus
from multimodal.corpora.manifest import Clip
from multimodal.corpora.roots import find_root, recognise_in
from multimodal.corpora.walk import walk_files

MARKER = ("RealVideo-RealAudio", "FakeVideo-FakeAudio")
CLIP = "RealVideo-RealAudio/African/men/id00076/00109.mp4"


def make_root(path: Path) -> Path:
    for name in MARKER:
        (path / name).mkdir(parents=True)
    (path / CLIP).parent.mkdir(parents=True)
    (path / CLIP).write_bytes(b"clip")
    return path


def read_pictures(root, report):
    for path, size in walk_files(root, report, suffixes={".jpg"}):
        yield Clip(path, "image", int(path.lower().startswith("fake/")), None, "?", size)


def corpus(name: str, *markers: tuple[str, ...], is_generic: bool = False) -> Corpus:
    return Corpus(
        name=name,
        title=name.title(),
        summary="",
        licence="",
        request_url="",
        markers=markers,
        clips=read_pictures,
        is_generic=is_generic,
    )


def test_a_root_is_found_up_to_four_levels_down_whatever_the_folders_are_called(tmp_path):
    root = make_root(tmp_path / "my drive" / "FakeAVCeleb" / "FakeAVCeleb_v1.2" / "FakeAVCeleb_v1.2")
    assert scan("fakeavceleb", tmp_path, report=ScanReport()).roots == {"fakeavceleb": str(root)}


def test_a_root_five_levels_down_is_not_searched_for(tmp_path):
    make_root(tmp_path / "1" / "2" / "3" / "4" / "5")
    with pytest.raises(ValueError, match="there is no file down to 4 levels"):
        scan("fakeavceleb", tmp_path)


def test_a_relative_path_is_read_from_the_working_directory(tmp_path, monkeypatch):
    root = make_root(tmp_path / "data" / "FakeAVCeleb")
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    assert scan("fakeavceleb", "../data", report=ScanReport()).roots["fakeavceleb"] == str(root)


def test_two_candidate_roots_are_both_named(tmp_path):
    first, second = make_root(tmp_path / "a"), make_root(tmp_path / "b" / "c")
    with pytest.raises(ValueError, match=f"2 roots.*{first} and {second}"):
        scan("fakeavceleb", tmp_path)


def test_a_root_reached_by_a_link_too_is_one_root(tmp_path):
    make_root(tmp_path / "a")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    (tmp_path / "loop").symlink_to(tmp_path)
    assert len(scan("fakeavceleb", tmp_path, report=ScanReport()).clips) == 1


def test_a_link_to_itself_beside_the_marker_hides_no_root(tmp_path):
    root = make_root(tmp_path / "a")
    (root / "loop").symlink_to("loop")
    assert scan("fakeavceleb", tmp_path, report=ScanReport()).roots == {"fakeavceleb": str(root)}


def test_an_unknown_corpus_names_the_nearest_and_the_choices():
    with pytest.raises(ValueError, match=r"'FakeAVCelebs'; did you mean 'fakeavceleb'\? Choose from"):
        scan("FakeAVCelebs", ".")


def test_a_missing_folder_says_which_one_above_it_exists(tmp_path):
    (tmp_path / "FakeAVCeleb").mkdir()
    with pytest.raises(ValueError, match=f"no such folder: .*/Fake. .* above it is {tmp_path}; .*Celeb/"):
        scan("fakeavceleb", tmp_path / "Fake")


def test_an_empty_folder_says_that_there_is_no_file(tmp_path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    with pytest.raises(ValueError, match="there is no file down to 4 levels"):
        scan("fakeavceleb", tmp_path)


def test_an_archive_in_place_of_the_corpus_says_unpack(tmp_path):
    (tmp_path / "FakeAVCeleb_v1.2.zip").write_bytes(b"PK")
    with pytest.raises(ValueError, match=r"not unpacked, e.g. .*FakeAVCeleb_v1.2.zip. Unpack"):
        scan("fakeavceleb", tmp_path)
    with pytest.raises(ValueError, match="is an archive"):
        scan("fakeavceleb", tmp_path / "FakeAVCeleb_v1.2.zip")


def test_a_folder_inside_the_root_says_where_the_root_is(tmp_path):
    root = make_root(tmp_path / "corpus")
    with pytest.raises(ValueError, match=f"lies inside FakeAVCeleb.*: {root}$"):
        scan("fakeavceleb", root / "RealVideo-RealAudio" / "African")


def test_half_of_a_marker_names_what_is_there_and_what_is_missing(tmp_path):
    make_root(tmp_path)
    (tmp_path / "FakeVideo-FakeAudio").rmdir()
    with pytest.raises(ValueError, match="holds RealVideo-RealAudio/ but not FakeVideo-FakeAudio/"):
        scan("fakeavceleb", tmp_path)


def test_a_layout_that_is_not_known_is_named_with_the_command_that_reads_it(tmp_path):
    (tmp_path / "mine" / "genuine").mkdir(parents=True)
    (tmp_path / "mine" / "genuine" / "a.mp4").touch()
    with pytest.raises(ValueError, match=r"There is mine/\..*scan folder --root .* --options real NAME fake NAME"):
        scan("fakeavceleb", tmp_path)


def test_a_root_without_clips_asks_whether_it_was_unpacked(tmp_path):
    (make_root(tmp_path) / CLIP).unlink()
    with pytest.raises(ValueError, match="no clip of fakeavceleb found"):
        scan("fakeavceleb", tmp_path)


def test_the_root_of_another_corpus_is_recognised_and_named(tmp_path):
    root = make_root(tmp_path / "corpus")
    wanted = corpus("celeb_df", ("Celeb-real/", "Celeb-synthesis/"))
    with pytest.raises(ValueError, match=f"recognised there: fakeavceleb in {root}"):
        find_root(wanted, tmp_path, catalog=[wanted, *CORPORA.values()], report=ScanReport())


def test_an_unknown_option_of_a_corpus_is_refused(tmp_path):
    with pytest.raises(ValueError, match="unknown option of fakeavceleb 'quality'"):
        scan("fakeavceleb", make_root(tmp_path), options={"quality": "c23"})


def test_empty_files_are_a_warning(tmp_path):
    (make_root(tmp_path) / CLIP).write_bytes(b"")
    report = ScanReport()
    scan("fakeavceleb", tmp_path, report=report)
    assert any("1 of 1 files are empty" in line for line in report.warnings)


def test_without_a_report_what_was_noticed_is_logged(tmp_path, caplog):
    scan("fakeavceleb", make_root(tmp_path))
    assert "RealVideo-FakeAudio is missing" in caplog.text


def test_everything_on_a_drive_is_recognised_with_its_own_root(tmp_path):
    one, two = make_root(tmp_path / "a" / "x"), make_root(tmp_path / "b")
    assert recognise(tmp_path) == [("fakeavceleb", two), ("fakeavceleb", one)]
    (tmp_path / "nothing").mkdir()
    assert recognise(tmp_path / "nothing") == []


@pytest.mark.parametrize(
    ("markers", "paths", "is_found"),
    [
        (
            (("DFD_original[ _]sequences/", "DFD_manipulated[ _]sequences/"),),
            ["DFD_original sequences/a.mp4", "DFD_manipulated_sequences/b.mp4"],
            True,
        ),
        (
            (("original_sequences/youtube/", "manipulated_sequences/"),),
            ["original_sequences/youtube/c23/1.mp4", "manipulated_sequences/x/1.mp4"],
            True,
        ),
        (
            (("original_sequences/youtube/", "manipulated_sequences/"),),
            ["original_sequences/actors/c23/1.mp4", "manipulated_sequences/x/1.mp4"],
            False,
        ),
        ((("metadata.json", "*.mp4"),), ["metadata.json", "a.mp4"], True),
        ((("metadata.json", "*.mp4"),), ["metadata.json", "train/a.mp4"], False),
        ((("real-vs-fake/",), ("train.csv", "valid.csv")), ["train.csv", "valid.csv"], True),
        ((("Original/", "Deepfakes/"),), ["original/1.mp4", "Deepfakes/1.mp4"], True),
        ((("train.csv/",),), ["train.csv"], False),
    ],
)
def test_markers_are_globs_of_files_and_folders_that_lie_beside_each_other(tmp_path, markers, paths, is_found):
    for path in paths:
        (tmp_path / "w" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "w" / path).write_bytes(b"")
    found = recognise_in([corpus("one", *markers)], tmp_path, ScanReport())
    assert found == ([("one", tmp_path / "w")] if is_found else [])


def test_a_corpus_inside_another_is_recognised_and_one_inside_itself_is_not(tmp_path):
    root = make_root(tmp_path / "known")
    inside = root / "RealVideo-RealAudio" / "inside"
    for place in (root / "DFD_original sequences", root / "DFD_manipulated_sequences", inside / "Celeb-real"):
        place.mkdir(parents=True)
    (inside / "Celeb-synthesis").mkdir()
    make_root(root / "FakeVideo-FakeAudio" / "again")
    assert recognise(tmp_path) == [("fakeavceleb", root), ("dfd", root), ("celebdf", inside)]


def test_a_folder_of_ones_own_above_another_corpus_is_said_and_those_beside_it_are_found(tmp_path):
    known = make_root(tmp_path / "known")
    for place in (tmp_path, tmp_path / "mine"):
        for name in ("real", "fake"):
            (place / name).mkdir(parents=True)
    report = ScanReport()
    assert recognise(tmp_path, report=report) == [("fakeavceleb", known), ("folder", tmp_path / "mine")]
    (warning,) = report.warnings
    assert f"{tmp_path} is sorted into folders like a folder of your own too, but {known} lies in it" in warning


def test_archives_and_half_a_corpus_on_a_drive_are_said_beside_what_is_found(tmp_path):
    make_root(tmp_path / "whole")
    (tmp_path / "whole" / "spare.zip").touch()
    (tmp_path / "half" / "RealVideo-RealAudio").mkdir(parents=True)
    (tmp_path / "packed").mkdir()
    (tmp_path / "packed" / "Celeb-DF-v2.zip").touch()
    report = ScanReport()
    assert recognise(tmp_path, report=report) == [("fakeavceleb", tmp_path / "whole")]
    half, packed = report.warnings
    assert "half holds RealVideo-RealAudio/ of FakeAVCeleb v1.2 but not FakeVideo-FakeAudio/" in half
    assert "not unpacked (1), e.g. " in packed
    assert "Celeb-DF-v2.zip" in packed


def test_folders_that_many_corpora_have_are_no_half_of_one(tmp_path):
    for name in ("train/real", "train/fake", "test/real", "dev", "original"):
        (tmp_path / "mine" / name).mkdir(parents=True)
    report = ScanReport()
    recognise(tmp_path, report=report)
    assert report.warnings == []


def test_what_lies_below_a_root_is_not_searched_for_the_same_corpus(tmp_path, monkeypatch):
    root = make_root(tmp_path / "known")
    listed = []
    list_folder = roots.list_folder
    monkeypatch.setattr(roots, "list_folder", lambda path: listed.append(str(path)) or list_folder(path))
    find_root(CORPORA["fakeavceleb"], tmp_path, catalog=CORPORA.values(), report=ScanReport())
    assert listed == [str(tmp_path), str(root)]


def test_a_weak_marker_counts_only_where_nothing_else_was_recognised(tmp_path):
    make_root(tmp_path / "known")
    for place in ("known/RealVideo-RealAudio/extra", "other"):
        for name in ("real", "fake"):
            (tmp_path / place / name).mkdir(parents=True)
    catalog = [corpus("folder", ("real/", "fake/"), is_generic=True), CORPORA["fakeavceleb"]]
    found = recognise_in(catalog, tmp_path, ScanReport())
    assert found == [("fakeavceleb", tmp_path / "known"), ("folder", tmp_path / "other")]


def test_an_unreadable_folder_on_a_drive_is_reported_and_the_search_goes_on(tmp_path, monkeypatch):
    root = make_root(tmp_path / "b" / "corpus")
    (tmp_path / "a").mkdir()
    scandir = os.scandir

    def refuse(path):
        if str(path) == str(tmp_path / "a"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    report = ScanReport()
    assert recognise(tmp_path, report=report) == [("fakeavceleb", root)]
    assert "Permission denied" in report.warnings[0]


@pytest.mark.parametrize("name", CORPORA)
def test_every_corpus_of_the_catalog_describes_itself(name):
    one = CORPORA[name]
    assert one.name == name
    assert one.title
    assert one.summary
    assert one.licence
    assert one.takes_any_root or one.request_url.startswith("https://")
    assert one.markers
    assert all(marker for marker in one.markers)


def refuse_to_read(monkeypatch, path: Path) -> None:
    """Whoever runs the tests may read everything, so that a permission cannot be taken away."""
    scandir, read_bytes = os.scandir, Path.read_bytes

    def checked(reader):
        def read(place="."):
            if str(place) == str(path):
                raise PermissionError(13, "Permission denied", str(path))
            return reader(place)

        return read

    monkeypatch.setattr(os, "scandir", checked(scandir))
    monkeypatch.setattr(Path, "read_bytes", checked(read_bytes))


def test_a_root_that_may_not_be_read_is_said(tmp_path, monkeypatch):
    refuse_to_read(monkeypatch, tmp_path)
    with pytest.raises(ValueError, match=f"cannot read the folder {tmp_path}: Permission denied"):
        scan("fakeavceleb", tmp_path)


def test_a_list_that_may_not_be_read_is_one_line_that_names_it(tmp_path, monkeypatch):
    for name in ("Celeb-real/id0_0000.mp4", "Celeb-synthesis/id0_id1_0000.mp4", "List_of_testing_videos.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    refuse_to_read(monkeypatch, tmp_path / "List_of_testing_videos.txt")
    with pytest.raises(ValueError, match=r"cannot read .*List_of_testing_videos.txt: Permission denied"):
        scan("celebdf", tmp_path, report=ScanReport())
