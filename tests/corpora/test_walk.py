import os

import pytest

from experiments.__main__ import main
from multimodal.corpora.base import ScanReport
from multimodal.corpora.manifest import Manifest
from multimodal.corpora.walk import walk_files


def walk(root, report=None, **more):
    return list(walk_files(root, report or ScanReport(), suffixes={".mp4"}, **more))


def put(root, *paths):
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(b"x" * len(path))


def test_files_come_sorted_in_each_folder_with_their_sizes(tmp_path):
    put(tmp_path, "b/2.mp4", "b/10.mp4", "a.mp4", "c.MP4")
    assert walk(tmp_path) == [("a.mp4", 5), ("b/10.mp4", 8), ("b/2.mp4", 7), ("c.MP4", 5)]


def test_a_walk_under_a_folder_still_gives_paths_from_the_root(tmp_path):
    put(tmp_path, "a/b/1.mp4", "c/2.mp4")
    assert walk(tmp_path, under="a/b") == [("a/b/1.mp4", 9)]


def test_foreign_and_hidden_files_are_counted_by_kind(tmp_path):
    put(tmp_path, "a.mp4", "a.txt", "b.txt", "README", "._a.mp4", "__MACOSX/a.mp4", "c.mp4.part")
    report = ScanReport()
    assert [path for path, _ in walk(tmp_path, report)] == ["a.mp4"]
    assert {reason: tally.count for reason, tally in report.skipped.items()} == {
        "not a clip: .txt": 2,
        "not a clip: no suffix": 1,
        "not a clip: .part": 1,
        "hidden file": 1,
        "hidden folder": 1,
    }


def test_names_with_spaces_brackets_quotes_and_other_scripts_are_read(tmp_path):
    names = ['Asian (East)/it\'s "one".mp4', "한국/영상.mp4", "a;b,c.mp4", f"{'n' * 250}.mp4"]
    put(tmp_path, *names)
    assert sorted(path for path, _ in walk(tmp_path)) == sorted(names)


def test_a_name_that_is_not_utf_8_is_reported_and_not_a_crash(tmp_path):
    put(tmp_path, "a.mp4")
    (tmp_path / os.fsdecode(b"caf\xe9.mp4")).write_bytes(b"x")
    report = ScanReport()
    assert [path for path, _ in walk(tmp_path, report)] == ["a.mp4"]
    (tally,) = report.skipped.values()
    assert tally.examples == ["caf\\xe9.mp4"]
    "\n".join(report.lines()).encode()


@pytest.mark.parametrize("target", [".", "..", "../b", "../../../tree"])
def test_a_link_that_leads_back_is_not_followed(tmp_path, target):
    root = tmp_path / "tree"
    put(root, "a/b/1.mp4")
    (root / "a" / "b" / "loop").symlink_to(target)
    report = ScanReport()
    assert [path for path, _ in walk(root, report)] == ["a/b/1.mp4"]
    assert any("leads back" in reason for reason in report.skipped)


def test_two_links_into_each_other_end(tmp_path):
    put(tmp_path, "a/1.mp4", "b/2.mp4")
    (tmp_path / "a" / "to_b").symlink_to(tmp_path / "b")
    (tmp_path / "b" / "to_a").symlink_to(tmp_path / "a")
    assert {path for path, _ in walk(tmp_path / "a", ScanReport(follows_links=True))} == {"1.mp4", "to_b/2.mp4"}


def test_a_linked_folder_elsewhere_and_a_linked_file_are_read_where_that_is_asked_for(tmp_path):
    put(tmp_path, "elsewhere/1.mp4", "root/2.mp4")
    (tmp_path / "root" / "link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "root" / "3.mp4").symlink_to(tmp_path / "elsewhere" / "1.mp4")
    asked = ScanReport(follows_links=True)
    assert [path for path, _ in walk(tmp_path / "root", asked)] == ["2.mp4", "3.mp4", "link/1.mp4"]
    report = ScanReport()
    assert [path for path, _ in walk(tmp_path / "root", report)] == ["2.mp4"]
    (told,) = report.lines()
    assert told == "skipped 2: a link out of the corpus; if it is yours, give --follow-links (3.mp4, link)"


def test_links_within_a_corpus_and_a_corpus_behind_a_link_are_read_as_they_are(tmp_path):
    put(tmp_path, "disk/a/1.mp4")
    (tmp_path / "disk" / "b").symlink_to("a")
    (tmp_path / "disk" / "2.mp4").symlink_to(tmp_path / "disk" / "a" / "1.mp4")
    (tmp_path / "root").symlink_to("disk")
    assert [path for path, _ in walk(tmp_path / "root")] == ["2.mp4", "a/1.mp4", "b/1.mp4"]


def test_a_corpus_whose_parts_lie_on_another_disk_is_scanned_where_that_is_asked_for(tmp_path, capsys):
    put(tmp_path, "disk/real/1.mp4", "mine/fake/2.mp4", "mine/real/3.mp4")
    (tmp_path / "mine" / "real" / "out").symlink_to(tmp_path / "disk" / "real")
    for options, expected in (([], ["fake/2.mp4", "real/3.mp4"]), (["--follow-links"], ["real/out/1.mp4"])):
        out = tmp_path / "manifest.parquet"
        assert main(["scan", "folder", "--root", str(tmp_path / "mine"), "--out", str(out), *options]) == 0
        assert ("link out of the corpus" in capsys.readouterr().err) != bool(options)
        assert set(Manifest.read(out).clips["path"]) == {"fake/2.mp4", "real/3.mp4", *expected}


def test_a_link_to_itself_is_reported_and_the_rest_is_read(tmp_path):
    put(tmp_path, "a.mp4")
    (tmp_path / "b.mp4").symlink_to("b.mp4")
    report = ScanReport()
    assert [path for path, _ in walk(tmp_path, report)] == ["a.mp4"]
    assert report.skipped["unreadable file (Too many levels of symbolic links)"].examples == ["b.mp4"]


def test_a_broken_link_is_reported(tmp_path):
    (tmp_path / "gone.mp4").symlink_to(tmp_path / "nowhere")
    report = ScanReport()
    assert walk(tmp_path, report) == []
    assert list(report.skipped) == ["unreadable file (No such file or directory)"]


def test_an_unreadable_folder_is_a_warning_and_the_rest_is_read(tmp_path, monkeypatch):
    put(tmp_path, "a/1.mp4", "b/2.mp4")
    scandir = os.scandir

    def refuse(path):
        if str(path).endswith("/a"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    report = ScanReport()
    assert [path for path, _ in walk(tmp_path, report)] == ["b/2.mp4"]
    assert "Permission denied" in report.warnings[0]


def test_the_report_shows_a_few_examples_and_the_whole_count(tmp_path):
    report = ScanReport()
    for number in range(5_000):
        report.skip("not a clip: .txt", f"{number}.txt")
    report.warn("look here")
    assert report.lines() == ["warning: look here", "skipped 5,000: not a clip: .txt (0.txt, 1.txt, 2.txt, ...)"]
