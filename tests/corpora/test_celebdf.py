"""Celeb-DF's reader, on trees built from the grammar of its names and its list, in which 1 is real."""

import random
from collections import Counter
from pathlib import Path

import pytest

from multimodal.corpora import ScanReport, scan
from multimodal.corpora.celebdf import find_test_list

NUM_LISTED = {"Celeb-real": 108, "YouTube-real": 70, "Celeb-synthesis": 340}


def plant(root: Path, *paths: str) -> Path:
    for folder in {path.rpartition("/")[0] for path in paths} | {"Celeb-real", "Celeb-synthesis"}:
        (root / folder).mkdir(parents=True, exist_ok=True)
    for path in paths:
        (root / path).write_bytes(b"video")
    return root


def read(root: Path, **options: str) -> tuple[dict[str, dict], ScanReport]:
    report = ScanReport()
    clips = scan("celebdf", root, report=report, options=options).clips
    rows = clips.astype(object).where(clips.notna(), None).to_dict("records")
    return {row["path"]: row for row in rows}, report


def complete_names() -> dict[str, list[str]]:
    """590, 300 and 5,639 names of 59 people between 0 and 61, with the gaps that there are."""
    draw = random.Random(5)
    people = [number for number in range(62) if number not in (14, 15, 18)]
    takes = {f"id{one}_{take:04d}": one for one in people for take in range(10)}
    fakes: set[str] = set()
    clips = list(takes.items())
    while len(fakes) < 5_639:
        take, one = draw.choice(clips)
        other = draw.choice([person for person in people if person != one])
        fakes.add(take.replace("_", f"_id{other}_"))
    youtube = draw.sample(range(1_000), 300)
    return {
        "Celeb-real": list(takes),
        "YouTube-real": [f"{number:05d}" for number in youtube],
        "Celeb-synthesis": sorted(fakes),
    }


def official_lines(names: dict[str, list[str]]) -> list[str]:
    """518 lines as published: the label first, 1 for real."""
    draw = random.Random(6)
    return [
        f"{0 if folder == 'Celeb-synthesis' else 1} {folder}/{name}.mp4"
        for folder, count in NUM_LISTED.items()
        for name in draw.sample(names[folder], count)
    ]


def write_list(root: Path, lines: list[str]) -> Path:
    path = root / "List_of_testing_videos.txt"
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture(scope="module")
def lines() -> list[str]:
    return official_lines(complete_names())


@pytest.fixture(scope="module")
def complete(lines, tmp_path_factory):
    root = tmp_path_factory.mktemp("drive") / "Celeb V2"
    names = complete_names()
    plant(root, *(f"{folder}/{name}.mp4" for folder, its in names.items() for name in its))
    write_list(root, lines)
    report = ScanReport()
    return scan("celebdf", root.parent, report=report).clips, report


def test_a_complete_corpus_has_no_unparsed_name_and_no_warning(complete):
    clips, report = complete
    counts = Counter(clips["path"].str.partition("/")[0])
    assert counts == {"Celeb-real": 590, "YouTube-real": 300, "Celeb-synthesis": 5_639}
    assert report.warnings == []
    assert report.flagged == {}


def test_labels_come_from_the_folder_and_not_from_the_list(complete):
    clips = complete[0]
    is_fake = clips["path"].str.startswith("Celeb-synthesis/")
    assert (clips["any_fake"] == is_fake.astype(int)).all()
    assert clips["audio_fake"].isna().all()
    assert clips["method"].value_counts().to_dict() == {"celeb-synthesis": 5_639, "real": 890}


def test_the_list_makes_a_test_of_518_and_the_rest_is_train(complete, lines):
    clips = complete[0]
    counts = clips.groupby(["official_split", "any_fake"]).size().to_dict()
    assert counts == {("test", 0): 178, ("test", 1): 340, ("train", 0): 890 - 178, ("train", 1): 5_639 - 340}
    assert set(clips["path"][clips["official_split"] == "test"]) == {line.split(" ", 1)[1] for line in lines}


def test_body_face_and_genuine_clip_come_from_the_name(complete):
    clips = complete[0].set_index("path")
    fakes = clips[clips["any_fake"] == 1]
    path = fakes.index[0]
    target, source, take = Path(path).stem.split("_")
    assert clips.loc[path, "identity"] == f"celebdf:{target}"
    assert list(clips.loc[path, "donors"]) == [f"celebdf:{source}"]
    assert clips.loc[path, "source_clip"] == f"Celeb-real/{target}_{take}.mp4"
    assert fakes["source_clip"].isin(clips.index).all()
    assert clips["identity"].dropna().nunique() == 59


def test_nobody_is_known_in_the_videos_of_others(complete):
    clips = complete[0]
    others = clips[clips["path"].str.startswith("YouTube-real/")]
    assert others["identity"].isna().all()
    assert others["group"].isna().all()


def test_people_who_swap_with_each_other_make_closed_groups(tmp_path):
    paths = ("Celeb-real/id0_0000.mp4", "Celeb-synthesis/id0_id1_0000.mp4", "Celeb-synthesis/id1_id2_0000.mp4")
    rows, _ = read(plant(tmp_path, *paths, "Celeb-synthesis/id60_id61_0009.mp4"))
    assert {rows[path]["group"] for path in paths} == {"celebdf:id0"}
    assert rows["Celeb-synthesis/id60_id61_0009.mp4"]["group"] == "celebdf:id60"


REWRITTEN = {
    "as published": lambda lines: "\n".join(lines).encode(),
    "byte order mark": lambda lines: b"\xef\xbb\xbf" + "\n".join(lines).encode(),
    "windows": lambda lines: "\r\n".join(lines).replace("/", "\\").encode(),
    "label last": lambda lines: "\n".join(" ".join(line.split(" ")[::-1]) for line in lines).encode(),
    "csv with an index": lambda lines: "\n".join(
        f"{row % 2},{','.join(line.split(' '))}" for row, line in enumerate(lines)
    ).encode(),
    "repacked": lambda lines: "\n".join(
        line.replace(" YouTube-real/", " Celeb V2/Youtube-real/videos/") for line in lines
    ).encode(),
}


def read_list(path: Path) -> tuple[set[str], list[str]]:
    report = ScanReport()
    return find_test_list(path.parent, str(path), report), report.warnings


@pytest.mark.parametrize("write", REWRITTEN.values(), ids=REWRITTEN)
def test_the_list_is_understood_however_it_was_rewritten(lines, tmp_path, write):
    path = tmp_path / "list.txt"
    path.write_bytes(write(lines))
    assert read_list(path) == ({line.split(" ", 1)[1].lower() for line in lines}, [])


def test_single_wrong_labels_are_counted(lines, tmp_path):
    listed, warnings = read_list(write_list(tmp_path, ["0" + lines[0][1:], *lines[1:]]))
    assert len(listed) == 518
    assert len(warnings) == 1
    assert "1 labels contradict the folder" in warnings[0]


def test_a_list_with_labels_the_other_way_round_is_named(lines, tmp_path):
    _, warnings = read_list(write_list(tmp_path, [f"{1 - int(line[0])}{line[1:]}" for line in lines]))
    assert len(warnings) == 1
    assert "other way round" in warnings[0]


PATHS = ("Celeb-real/id0_0000.mp4", "YouTube-real/00001.mp4", "Celeb-synthesis/id0_id1_0000.mp4")


def test_labels_the_other_way_round_in_the_list_change_no_label_and_no_split(tmp_path):
    root = plant(tmp_path, *PATHS)
    write_list(root, [f"{label} {path}" for label, path in zip((0, 0, 1), PATHS, strict=True)])
    rows, report = read(root)
    assert [rows[path]["any_fake"] for path in PATHS] == [0, 0, 1]
    assert {row["official_split"] for row in rows.values()} == {"test"}
    assert any("other way round" in line for line in report.warnings)


def test_the_copy_of_the_list_without_youtube_gives_these_no_split(tmp_path):
    root = plant(tmp_path, *PATHS)
    write_list(root, [f"1 {PATHS[0]}", f"0 {PATHS[2]}"])
    rows, report = read(root)
    assert [rows[path]["official_split"] for path in PATHS] == ["test", None, "test"]
    assert any("youtube-real 0 of 70" in line for line in report.warnings)


def test_without_a_list_there_is_no_split(tmp_path):
    rows, report = read(plant(tmp_path, "Celeb-real/id0_0000.mp4"))
    assert rows["Celeb-real/id0_0000.mp4"]["official_split"] is None
    assert any("List_of_testing_videos.txt is not beside the data" in line for line in report.warnings)
    with pytest.raises(ValueError, match="list of test videos not found"):
        read(tmp_path, test_list=str(tmp_path / "nothing.txt"))


def test_listed_files_that_are_missing_and_lines_without_a_file_are_counted(tmp_path):
    root = plant(tmp_path, "Celeb-real/id0_0000.mp4")
    write_list(root, ["label path", "1 Celeb-real/id0_0000.mp4", "0 Celeb-synthesis/id0_id1_0000.mp4"])
    _, report = read(root)
    warnings = "\n".join(report.warnings)
    assert "1 lines name no .mp4 file" in warnings
    assert "names 1 files that are not on disk, e.g. celeb-synthesis/id0_id1_0000.mp4" in warnings
    assert "Celeb-real 1 of 590" in warnings
    assert "folder youtube-real is missing" in warnings


def test_a_repacked_tree_with_another_level_and_spelling_is_the_same(tmp_path):
    paths = (
        "Celeb-real/videos/id0_0000.mp4",
        "Youtube-real/videos/00001.mp4",
        "Celeb-synthesis/videos/id0_id1_0000.mp4",
    )
    root = plant(tmp_path, *paths)
    write_list(root, ["1 YouTube-real/00001.mp4", "0 Celeb-synthesis/id0_id1_0000.mp4"])
    rows, report = read(root)
    assert [rows[path]["any_fake"] for path in paths] == [0, 0, 1]
    assert [rows[path]["official_split"] for path in paths] == [None, "test", "test"]
    assert rows[paths[2]]["source_clip"] == paths[0]
    assert rows[paths[2]]["method"] == "celeb-synthesis"
    assert any("YouTube-real 1 of 300" in line for line in report.warnings)


def test_names_outside_the_grammar_keep_their_label_and_contradicting_ones_are_left_out(tmp_path):
    root = plant(
        tmp_path,
        "Celeb-real/id0_0000.mp4",
        "Celeb-real/id0_0001 (1).mp4",
        "Celeb-real/interview.mp4",
        "Celeb-real/id0_id1_0000.mp4",
        "Celeb-synthesis/id0_id1_0002.mp4",
        "Celeb-real/.hidden.mp4",
        "Celeb-real/readme.txt",
    )
    rows, report = read(root)
    assert list(rows["Celeb-real/interview.mp4"]["flags"]) == ["name_unparsed"]
    assert list(rows["Celeb-real/id0_0001 (1).mp4"]["flags"]) == ["copy"]
    assert list(rows["Celeb-synthesis/id0_id1_0002.mp4"]["flags"]) == ["pair_missing"]
    assert "Celeb-real/id0_id1_0000.mp4" not in rows
    assert {reason: tally.count for reason, tally in report.skipped.items()} == {
        "its name contradicts its folder, so its label is not certain": 1,
        "hidden file": 1,
        "not a clip: .txt": 1,
    }


def test_swapped_folders_are_an_error(tmp_path):
    with pytest.raises(ValueError, match="folders seem to be swapped"):
        read(plant(tmp_path, "Celeb-real/id0_id1_0000.mp4", "Celeb-synthesis/id0_0000.mp4"))


def test_the_first_version_is_told_by_its_counts(tmp_path):
    names = [f"Celeb-real/id{n % 10}_{n // 10:04d}.mp4" for n in range(158)]
    names += [f"YouTube-real/{n:05d}.mp4" for n in range(250)]
    names += [f"Celeb-synthesis/id{n % 10}_id{n % 10 + 1}_{n // 10:04d}.mp4" for n in range(795)]
    _, report = read(plant(tmp_path, *names))
    assert any("as many videos as Celeb-DF v1" in line for line in report.warnings)


def test_methods_of_the_third_version_are_read_and_in_no_official_split(tmp_path):
    swap = "Celeb-synthesis/FaceSwap/SimSwap/id0_id1_0000.mp4"
    talk = "Celeb-synthesis/TalkingFace/SadTalker/id0_0000_test_id00817_SdP_Monh-_4.mp4"
    root = plant(tmp_path, "Celeb-real/id0_0000.mp4", swap, talk)
    write_list(root, ["1 Celeb-real/id0_0000.mp4", "0 Celeb-synthesis/id0_id1_0000.mp4"])
    rows, _ = read(root)
    assert (rows[swap]["method"], rows[talk]["method"]) == ("SimSwap", "SadTalker")
    assert list(rows[talk]["donors"]) == ["vox2:id00817"]
    assert rows[talk]["source_clip"] == "Celeb-real/id0_0000.mp4"
    assert rows[swap]["official_split"] is rows[talk]["official_split"] is None
    assert list(rows[swap]["flags"]) == list(rows[talk]["flags"]) == ["celebdf_v3"]
