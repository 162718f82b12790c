"""FaceForensics++'s reader, on trees built from the grammar of its names and its official pairs."""

import json
import random
from pathlib import Path

import pandas as pd
import pytest
from planting import plant

from multimodal.corpora import ScanReport, recognise, scan
from multimodal.splits import make_split

METHODS = ("Deepfakes", "Face2Face", "FaceSwap", "NeuralTextures", "FaceShifter")
SIZES = {"train": 360, "val": 70, "test": 70}
# numbers of sequences cut from one YouTube video, and the parts that the two stand in
SHARED = {
    "605": "train", "606": "val", "639": "train", "640": "val", "755": "test", "756": "train",
    "837": "val", "838": "train", "875": "val", "876": "train", "954": "train", "955": "test",
    "982": "val", "983": "train",
}  # fmt: skip


def kaggle(root: Path, *paths: str) -> Path:
    for folder in ("original", *METHODS):
        (root / folder).mkdir(parents=True, exist_ok=True)
    return plant(root, *paths)


def official_folder(method: str, level: str = "c23") -> str:
    above = "original_sequences/youtube" if method == "original" else f"manipulated_sequences/{method}"
    return f"{above}/{level}/videos"


def read(root: Path, **options: str) -> tuple[dict[str, dict], ScanReport]:
    report = ScanReport()
    clips = scan("faceforensics", root, report=report, options=options).clips
    return rows_of(clips), report


def rows_of(clips: pd.DataFrame) -> dict[str, dict]:
    rows = clips.astype(object).where(clips.notna(), None).to_dict("records")
    return {row["path"]: row for row in rows}


def official_pairs() -> dict[str, list[list[str]]]:
    """500 pairs with the seven shared videos where they are; the rest drawn."""
    draw = random.Random(7)
    rest = [f"{number:03d}" for number in range(1_000) if f"{number:03d}" not in SHARED]
    draw.shuffle(rest)
    pairs = {}
    for part, size in SIZES.items():
        first = [number for number, its_part in SHARED.items() if its_part == part]
        first += [rest.pop() for _ in range(size - len(first))]
        pairs[part] = [[one, rest.pop()] for one in first]
    return pairs


def write_pairs(folder: Path, pairs: dict[str, list[list[str]]]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for part, its_pairs in pairs.items():
        (folder / f"{part}.json").write_text(json.dumps(its_pairs))
    return folder


@pytest.fixture(scope="module")
def complete(tmp_path_factory):
    """The Kaggle copy in full, with 1,000 fakes of DFD, its tables, and the official lists beside it."""
    root = tmp_path_factory.mktemp("drive") / "FaceForensics++" / "FaceForensics++_C23"
    pairs = official_pairs()
    both = [
        f"{name}.mp4" for its in pairs.values() for one, two in its for name in (f"{one}_{two}", f"{two}_{one}")
    ]
    paths = [f"original/{number:03d}.mp4" for number in range(1_000)] + [f"Deepfakes/{name}" for name in both]
    paths += [f"DeepFakeDetection/01_{number % 26 + 2:02d}__walk__{number:08d}.mp4" for number in range(1_000)]
    plant(root, *paths, "csv/original.csv")
    for method in METHODS[1:]:
        (root / method).symlink_to("Deepfakes")
    write_pairs(root / "splits", pairs)
    report = ScanReport()
    return scan("faceforensics", root.parent.parent, report=report), report, pairs


def test_a_complete_copy_has_a_thousand_clips_a_method_and_no_unparsed_name(complete):
    manifest, report, _ = complete
    assert manifest.clips["method"].value_counts().to_dict() == dict.fromkeys(("real", *METHODS), 1_000)
    assert "name_unparsed" not in report.flagged
    assert report.warnings == []


def test_the_official_split_has_720_140_and_140_clips_a_method(complete):
    counts = complete[0].clips.groupby(["method", "official_split"]).size().unstack()
    assert (counts[["train", "val", "test"]] == [720, 140, 140]).all(axis=None)


def test_labels_are_those_of_the_folder_and_sound_has_none(complete):
    clips = complete[0].clips
    assert ((clips["method"] != "real") == (clips["video_fake"] == 1)).all()
    assert (clips["any_fake"] == clips["video_fake"]).all()
    assert clips["audio_fake"].isna().all()
    assert clips["av_class"].isna().all()


def test_target_source_and_pair_come_from_the_name(complete):
    manifest, _, pairs = complete
    one, two = pairs["test"][-1]
    rows = rows_of(manifest.clips)
    fake, other, real = (
        rows[f"{path}.mp4"] for path in (f"FaceSwap/{one}_{two}", f"Face2Face/{two}_{one}", f"original/{one}")
    )
    assert (fake["identity"], list(fake["donors"])) == (f"ffpp:{one}", [f"ffpp:{two}"])
    assert fake["source_clip"] == f"original/{one}.mp4"
    assert (real["identity"], list(real["donors"]), real["source_clip"]) == (f"ffpp:{one}", [], None)
    assert fake["group"] == other["group"] == real["group"]


def test_pairs_and_sequences_of_one_video_make_493_closed_groups(complete):
    clips = complete[0].clips
    assert clips["group"].nunique() == 500 - 7


def test_strict_takes_the_second_sequence_of_each_shared_video_out_of_the_split(complete):
    manifest, report, _ = complete
    root = manifest.roots["faceforensics"]
    rows, strict_report = read(Path(root), strict="true")
    lost = [path for path, row in rows.items() if row["official_split"] is None]
    second = {"606", "640", "756", "838", "876", "955", "983"}
    assert len(lost) == 7 + 5 * 2 * 7
    assert all(second & set(Path(path).stem.split("_")) for path in lost)
    assert report.flagged == strict_report.flagged == {"video_in_two_splits": len(lost)}


def test_fakes_of_dfd_are_left_out_and_counted(complete):
    report = complete[1]
    tally = next(tally for reason, tally in report.skipped.items() if "DFD" in reason)
    assert tally.count == 1_000


def test_fakes_of_dfd_can_be_read_with_a_flag_their_own_identities_and_no_split(complete):
    rows, _ = read(Path(complete[0].roots["faceforensics"]), include_dfd="true")
    added = [row for row in rows.values() if row["method"] == "DeepFakeDetection"]
    assert len(added) == 1_000
    assert {tuple(row["flags"]) for row in added} == {("dfd_subset",)}
    assert {row["official_split"] for row in added} == {None}
    assert added[0]["identity"] == "dfd:01"
    assert added[0]["any_fake"] == 1
    assert not {row["group"] for row in added} & {row["group"] for row in rows.values() if row not in added}


def test_closed_groups_are_split_without_losing_a_clip_or_sharing_a_sequence(complete):
    manifest = complete[0]
    split = make_split(manifest, "group_disjoint", seed=1)
    assert split.counts["dropped"] == 0
    assert 120 * 6 <= split.counts["test"] <= 160 * 6
    clips = manifest.clips.assign(split=split.of(manifest.clips))
    people = pd.concat(
        [
            clips[["split", "identity"]],
            clips[["split", "donors"]].explode("donors").rename(columns={"donors": "identity"}),
        ]
    )
    assert people.dropna().groupby("identity")["split"].nunique().max() == 1


def official_tree(root: Path, level: str = "c23") -> Path:
    names = {"original": ["000", "003"], **{method: ["000_003", "003_000"] for method in METHODS}}
    paths = [f"{official_folder(method, level)}/{name}.mp4" for method, its in names.items() for name in its]
    return plant(root, *paths)


@pytest.mark.parametrize("level", ["raw", "c0", "c23", "c40"])
def test_the_official_tree_is_read_at_whatever_compression_it_has(tmp_path, level):
    rows, _ = read(official_tree(tmp_path / "a", level))
    assert len(rows) == 12
    fake = rows[f"{official_folder('Deepfakes', level)}/000_003.mp4"]
    assert (fake["method"], fake["source_clip"]) == ("Deepfakes", f"{official_folder('original', level)}/000.mp4")


def test_masks_models_frames_and_the_videos_of_dfd_are_not_clips_of_the_official_tree(tmp_path):
    root = plant(
        official_tree(tmp_path),
        "manipulated_sequences/Deepfakes/masks/videos/000_003.mp4",
        "manipulated_sequences/Deepfakes/models/000_003/decoder_A.h5",
        "manipulated_sequences/Face2Face/c23/images/000_003/0000.png",
        "original_sequences/actors/c23/videos/01__walk.mp4",
        "manipulated_sequences/DeepFakeDetection/c23/videos/01_02__walk__ABCD1234.mp4",
        "downloaded_videos.zip",
    )
    rows, report = read(root)
    assert len(rows) == 12
    assert report.skipped["mask of a forgery, not a clip"].count == 1
    assert report.skipped["not a clip: .h5"].count == 1
    assert report.skipped["frames of a video that is there too"].count == 1
    assert any("scan dfd" in note for note in report.notes)
    assert dict(recognise(root)) == {"faceforensics": root, "dfd": root}


def test_one_of_several_compressions_is_read_and_the_choice_is_said(tmp_path):
    root = official_tree(official_tree(tmp_path, "c40"), "c23")
    rows, report = read(root)
    assert len(rows) == 12
    assert all("/c23/" in path for path in rows)
    assert any("several compressions: c23 (12 videos), c40 (12 videos)" in line for line in report.warnings)
    assert sum(tally.count for reason, tally in report.skipped.items() if "c40" in reason) == 12
    assert all("/c40/" in path for path in read(root, compression="c40")[0])
    with pytest.raises(ValueError, match="no video of compression raw"):
        read(root, compression="raw")
    with pytest.raises(ValueError, match="unknown compression 'c24'"):
        read(root, compression="c24")


def test_both_spellings_of_the_folder_of_originals_are_found(tmp_path):
    rows, _ = read(kaggle(tmp_path, "Original/000.mp4", "Deepfakes/000_003.mp4"))
    assert rows["Deepfakes/000_003.mp4"]["source_clip"] == "Original/000.mp4"


def test_a_name_outside_the_grammar_keeps_its_label_without_people(tmp_path):
    rows, report = read(
        kaggle(tmp_path, "original/interview.mp4", 'Deepfakes/it\'s a "fake" (new).mp4', "Deepfakes/000_003.mp4")
    )
    assert rows["original/interview.mp4"]["any_fake"] == 0
    fake = rows['Deepfakes/it\'s a "fake" (new).mp4']
    assert (fake["any_fake"], fake["method"], fake["identity"]) == (1, "Deepfakes", None)
    assert list(fake["flags"]) == ["name_unparsed"]
    assert any("2 names do not follow the grammar" in line for line in report.warnings)


def test_a_copy_made_by_windows_is_flagged_and_stays_with_its_original(tmp_path):
    pairs = {**official_pairs()}
    one, two = pairs["val"][-1]
    root = kaggle(tmp_path, f"original/{one}.mp4", f"original/{one} (1).mp4", f"FaceSwap/{one}_{two} - Copy.mp4")
    write_pairs(root, pairs)
    rows, _ = read(root)
    assert list(rows[f"original/{one} (1).mp4"]["flags"]) == ["copy"]
    assert {row["official_split"] for row in rows.values()} == {"val"}
    assert rows[f"FaceSwap/{one}_{two} - Copy.mp4"]["source_clip"] == f"original/{one}.mp4"


def test_a_fake_that_lies_among_the_originals_has_no_certain_label(tmp_path):
    root = kaggle(
        tmp_path, "original/000.mp4", "original/003.mp4", "original/000_003.mp4", "Deepfakes/000_003.mp4"
    )
    rows, report = read(root)
    assert "original/000_003.mp4" not in rows
    assert any("contradict" in line for line in report.warnings)


def test_swapped_folders_are_an_error(tmp_path):
    with pytest.raises(ValueError, match="folders seem to be swapped"):
        read(kaggle(tmp_path, "original/000_003.mp4", "Deepfakes/000.mp4"))


def test_half_a_download_says_what_is_missing(tmp_path):
    rows, report = read(kaggle(tmp_path / "a", "original/000.mp4", "Deepfakes/003_000.mp4"))
    assert list(rows["Deepfakes/003_000.mp4"]["flags"]) == ["pair_missing"]
    assert any("real 1 of 1,000, Deepfakes 1 of 1,000, Face2Face 0 of 1,000" in line for line in report.warnings)
    with pytest.raises(ValueError, match=r"holds original/ but not Deepfakes/, Face2Face/.*scan folder --root"):
        read(plant(tmp_path / "b", "original/000.mp4"))


@pytest.mark.parametrize("folder", ["{}", "manipulated_sequences/{}/c23/videos"])
@pytest.mark.parametrize("method", METHODS)
def test_one_method_without_the_originals_is_read_with_a_warning(tmp_path, folder, method):
    path = f"{folder.format(method)}/000_003.mp4"
    rows, report = read(plant(tmp_path, path))
    assert (rows[path]["video_fake"], rows[path]["method"], rows[path]["identity"]) == (1, method, "ffpp:000")
    assert any("no originals" in line for line in report.warnings)


def test_without_the_published_lists_there_is_no_split_and_the_remedy_is_named(tmp_path):
    rows, report = read(kaggle(tmp_path, "original/000.mp4"))
    assert rows["original/000.mp4"]["official_split"] is None
    assert any("--options splits DIR" in line and "group_disjoint" in line for line in report.warnings)


def test_a_fake_of_two_sequences_that_are_no_pair_is_in_no_part(tmp_path):
    pairs = official_pairs()
    (one, _), (three, _) = pairs["test"][-2:]
    root = kaggle(tmp_path, f"original/{one}.mp4", f"Deepfakes/{one}_{three}.mp4")
    rows, _ = read(root, splits=str(write_pairs(tmp_path / "lists", pairs)))
    assert rows[f"original/{one}.mp4"]["official_split"] == "test"
    assert rows[f"Deepfakes/{one}_{three}.mp4"]["official_split"] is None


def test_lists_with_lost_zeros_or_a_byte_order_mark_are_understood(tmp_path):
    lists = write_pairs(tmp_path / "lists", {"train": [[71, 54]], "val": [[1, 2]], "test": [[3, 4]]})
    (lists / "val.json").write_bytes(b"\xef\xbb\xbf" + (lists / "val.json").read_bytes())
    rows, report = read(kaggle(tmp_path, "Deepfakes/071_054.mp4", "original/002.mp4"), splits=str(lists))
    assert rows["Deepfakes/071_054.mp4"]["official_split"] == "train"
    assert rows["original/002.mp4"]["official_split"] == "val"
    assert any("holds 1 pairs; the official one holds 360" in line for line in report.warnings)


BROKEN = {
    "a table": '{"000": "003"}',
    "single numbers": '["000", "003"]',
    "pairs of names": '[["000.mp4", "003.mp4"]]',
    "three in a pair": '[["000", "003", "005"]]',
    "itself": '[["000", "000"]]',
    "cut off": '[["000", "003"',
    "true": "[[true, false]]",
}


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN)
def test_a_damaged_list_is_an_error_when_given_and_a_warning_when_found(tmp_path, text):
    root = kaggle(tmp_path / "root", "original/000.mp4")
    write_pairs(root, official_pairs())
    (root / "val.json").write_text(text)
    with pytest.raises(ValueError, match=r"val\.json is not a JSON list of pairs"):
        read(root, splits=str(root))
    rows, report = read(root)
    assert rows["original/000.mp4"]["official_split"] is None
    assert any("not used" in line for line in report.warnings)


def test_a_sequence_in_two_lists_and_a_missing_list_are_errors(tmp_path):
    root = kaggle(tmp_path / "root", "original/000.mp4")
    pairs = official_pairs()
    lists = write_pairs(tmp_path / "twice", {**pairs, "val": pairs["train"][:1]})
    with pytest.raises(ValueError, match="for the second time"):
        read(root, splits=str(lists))
    with pytest.raises(ValueError, match=r"no train\.json, val\.json and test\.json together"):
        read(root, splits=str(tmp_path))
    with pytest.raises(ValueError, match="strict must be true or false; got 'yes'"):
        read(root, strict="yes")
