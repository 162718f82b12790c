"""FakeAVCeleb's reader, on trees built from the grammar of its names and not from the reader."""

import random
from collections import Counter
from itertools import combinations
from pathlib import Path

import pandas as pd
import pytest

from multimodal.corpora import Manifest, ScanReport, scan

RACES = ("African", "Asian (East)", "Asian (South)", "Caucasian (American)", "Caucasian (European)")
A, B, C, D = "RealVideo-RealAudio", "RealVideo-FakeAudio", "FakeVideo-RealAudio", "FakeVideo-FakeAudio"
REAL = f"{A}/African/men/id00076/00109.mp4"


def plant(root: Path, *paths: str) -> Path:
    for folder in {path.rpartition("/")[0] for path in paths}:
        (root / folder).mkdir(parents=True, exist_ok=True)
    for path in paths:
        (root / path).touch()
    (root / A).mkdir(exist_ok=True)
    (root / D).mkdir(exist_ok=True)
    return root


def rows_of(manifest: Manifest) -> dict[str, dict]:
    return {row["path"]: row for row in manifest.clips.to_dict("records")}


def scan_quietly(root: Path, **more) -> Manifest:
    return scan("fakeavceleb", root, report=ScanReport(), **more)


GRAMMAR = [
    # type, stem, method, donors, flags
    (A, "00109", "real", [], []),
    (A, "1", "real", [], []),
    (A, "002121", "real", [], []),
    (B, "00109_fake", "rtvc", [], []),
    (B, "00109", "rtvc", [], ["name_without_suffix"]),
    (C, "00109_id00476_wavtolip", "wav2lip", ["id00476"], []),
    (C, "00109_id00476_SdP_Monh-_4", "fsgan", ["id00476"], []),
    (C, "00109_id00476_SdP_Monh-_4_faceswap", "faceswap", ["id00476"], []),
    (C, "00109_0", "faceswap", [], ["donor_unknown"]),
    (C, "00109_11", "faceswap", [], ["donor_unknown"]),
    (C, "00109_00", "faceswap", [], ["donor_unknown"]),
    (C, "00109_0_1", "faceswap", [], ["donor_unknown"]),
    (C, "00109", "faceswap", [], ["donor_unknown", "name_without_suffix"]),
    (D, "00109_id00476_wavtolip", "wav2lip", ["id00476"], ["method_from_name"]),
    (D, "00109_10_id00476_wavtolip", "faceswap-wav2lip", ["id00476"], ["donor_unknown", "method_from_name"]),
    (D, "00109_0_1_id00476_wavtolip", "faceswap-wav2lip", ["id00476"], ["donor_unknown", "method_from_name"]),
    (D, "00109_id00476_SdP_Monh-_4_id04547_wavtolip", "fsgan-wav2lip", ["id00476", "id04547"], []),
    (D, "00109_id00476_SdP_Monh-_4_faceswap_id04547_wavtolip", "faceswap-wav2lip", ["id00476", "id04547"], []),
    (D, "00109_id00076_wavtolip", "wav2lip", ["id00076"], ["method_from_name"]),
    # outside the grammar: kept, with the label of the folder
    (B, "00109_real", "unknown", [], ["name_unparsed"]),
    (C, "clip_id00476_wavtolip", "unknown", [], ["name_unparsed", "pair_other_clip"]),
    (D, "00109_id476_wavtolip", "unknown", [], ["name_unparsed", "pair_other_clip"]),
]
LABELS = {A: (0, 0, "RVRA"), B: (0, 1, "RVFA"), C: (1, 0, "FVRA"), D: (1, 1, "FVFA")}


@pytest.mark.parametrize(("type_folder", "stem", "method", "donors", "flags"), GRAMMAR)
def test_each_row_of_the_grammar_gives_its_method_donors_and_flags(
    tmp_path, type_folder, stem, method, donors, flags
):
    path = f"{type_folder}/African/men/id00076/{stem}.mp4"
    clip = rows_of(scan_quietly(plant(tmp_path, REAL, path)))[path]
    assert clip["method"] == method
    assert list(clip["donors"]) == [f"vox2:{donor}" for donor in donors]
    assert set(clip["flags"]) - {"pair_other_clip"} == set(flags) - {"pair_other_clip"}
    assert (clip["video_fake"], clip["audio_fake"], clip["av_class"]) == LABELS[type_folder]
    assert clip["identity"] == "vox2:id00076"
    assert clip["group"] == "African/men"
    if type_folder != A and "name_unparsed" not in flags:
        assert clip["source_clip"] == REAL


def one_cell_each() -> list[tuple[str, str, list[str]]]:
    """(race/gender, id, ids of the cell): 500 people, the three whose real clips have odd names among them."""
    numbers = iter(range(1, 10_000))
    odd = {0: "id04691", 3: "id04789", 4: "id06152"}
    people = []
    for cell, (race, gender) in enumerate((race, gender) for race in RACES for gender in ("men", "women")):
        ids = [f"id{next(numbers):05d}" for _ in range(50)]
        ids[7] = odd.get(cell, ids[7])
        people += [(f"{race}/{gender}", one, ids) for one in ids]
    return people


REAL_NAMES = {"id04691": "1", "id04789": "002121", "id06152": "06152"}
OTHER_CLIPS = {C: 26, D: 15}
NUMBERS = {
    C: {"ID_w": 5_015, "ID_YT": 3_964, "ID_YT_f": 379, "n": 325, "n_n": 1, "": 25},
    D: {"ID_w": 4_689, "n_ID_w": 830, "ID_YT_ID_w": 3_553, "ID_YT_f_ID_w": 1_763},
}


def complete_list() -> list[str]:
    """21,544 paths with exactly the published number of every kind of name."""
    draw = random.Random(3)
    people = one_cell_each()
    clip_of = {one: REAL_NAMES.get(one, f"{draw.randrange(90_000):05d}") for _, one, _ in people}
    paths = {f"{A}/{cell}/{one}/{clip_of[one]}.mp4" for cell, one, _ in people}
    stem_of_b = {one: f"{clip_of[one]}_fake" for _, one, _ in people}
    stem_of_b |= {"id06152": "00302_fake", people[60][1]: clip_of[people[60][1]]}
    paths |= {f"{B}/{cell}/{one}/{stem_of_b[one]}.mp4" for cell, one, _ in people}
    for folder, kinds in NUMBERS.items():
        others = OTHER_CLIPS[folder]
        plain = iter(draw.sample([person for person in people if person[1] not in REAL_NAMES], 25))
        for kind, number in kinds.items():
            wanted = len(paths) + number
            while len(paths) < wanted:
                cell, one, ids = next(plain) if kind == "" else draw.choice(people)
                if folder == D and one == "id04789":
                    continue
                clip = "99999" if kind == "ID_w" and others else clip_of[one]
                path = f"{folder}/{cell}/{one}/{stem(draw, clip, kind, ids)}.mp4"
                if path not in paths:
                    others -= clip == "99999"
                    paths.add(path)
    return sorted(paths)


def stem(draw: random.Random, clip: str, kind: str, ids: list[str]) -> str:
    def part(token: str) -> str:
        if token == "ID":
            return draw.choice(ids)
        if token == "YT":
            return "".join(draw.choices("abcXYZ0189_-", k=11))
        return {"w": "wavtolip", "f": "faceswap"}.get(token) or str(draw.randrange(300))

    return "_".join([clip, *(part(token) for token in kind.split("_") if token)])


@pytest.fixture(scope="module")
def complete(tmp_path_factory):
    root = tmp_path_factory.mktemp("drive") / "FakeAVCeleb_v1.2"
    plant(root, *complete_list())
    report = ScanReport()
    return scan("fakeavceleb", root.parent, report=report), report


def test_a_complete_corpus_has_no_unparsed_name_and_no_missing_clip(complete):
    manifest, report = complete
    assert len(manifest.clips) == 21_544
    assert "name_unparsed" not in report.flagged
    assert not [line for line in report.warnings if "differ" in line]
    assert report.skipped == {}


def test_methods_of_face_fakes_with_real_sound_add_up_to_the_published_table(complete):
    clips = complete[0].clips
    counts = clips[clips["av_class"] == "FVRA"]["method"].value_counts().to_dict()
    assert counts == {"wav2lip": 5_015, "fsgan": 3_964, "faceswap": 730}


def test_methods_of_the_other_types_follow_the_names(complete):
    clips = complete[0].clips
    counts = clips[clips["av_class"] != "FVRA"].groupby(["av_class", "method"]).size().to_dict()
    assert counts == {
        ("RVRA", "real"): 500,
        ("RVFA", "rtvc"): 500,
        ("FVFA", "wav2lip"): 4_689,
        ("FVFA", "faceswap-wav2lip"): 830 + 1_763,
        ("FVFA", "fsgan-wav2lip"): 3_553,
    }


def test_the_corpus_has_ten_closed_groups_of_fifty_people(complete):
    clips = complete[0].clips
    assert clips.groupby("group")["identity"].nunique().to_dict() == dict.fromkeys(clips["group"].unique(), 50)
    assert clips["group"].nunique() == 10
    group_of = dict(zip(clips["identity"], clips["group"], strict=True))
    donors = clips[["group", "donors"]].explode("donors").dropna()
    assert len(donors) > 20_000
    assert (donors["donors"].map(group_of) == donors["group"]).all()


def test_clips_that_do_not_carry_the_number_of_the_real_clip_fall_back_to_the_only_one(complete):
    clips = complete[0].clips
    other = clips[clips["flags"].map(lambda flags: "pair_other_clip" in flags)]
    assert other["av_class"].value_counts().to_dict() == {"FVRA": 26, "FVFA": 15, "RVFA": 1}
    fakes = clips[clips["any_fake"] == 1]
    reals = set(clips["path"][clips["any_fake"] == 0])
    assert set(fakes["source_clip"]) <= reals
    assert clips["source_clip"][clips["any_fake"] == 0].isna().all()


def test_a_fake_with_the_very_name_of_the_real_clip_is_told_by_its_folder_alone(tmp_path):
    tail = "Caucasian (American)/women/id00220/00027.mp4"
    rows = rows_of(scan_quietly(plant(tmp_path, *(f"{folder}/{tail}" for folder in (A, B, C, D)))))
    assert len(rows) == 4
    for folder, labels in LABELS.items():
        row = rows[f"{folder}/{tail}"]
        assert (row["video_fake"], row["audio_fake"], row["av_class"]) == labels


@pytest.mark.parametrize(("first", "second"), list(combinations([A, B, C, D], 2)))
def test_two_type_folders_under_each_others_names_are_an_error(tmp_path, first, second):
    names = {A: ["00109"], B: ["00109_fake"], C: ["00109_id00476_SdP_Monh-_4", "00109"]}
    names[D] = ["00109_id00476_wavtolip", "00109_id00476_SdP_Monh-_4_id04547_wavtolip"]
    swapped = {first: second, second: first}
    paths = (f"{swapped.get(one, one)}/African/men/id00076/{name}.mp4" for one in names for name in names[one])
    with pytest.raises(ValueError, match=r"names contradict the real or fake folder.*folders seem to be swapped"):
        scan_quietly(plant(tmp_path, *paths))


def test_a_name_of_another_type_leaves_the_clip_without_a_certain_label(tmp_path):
    stray = f"{A}/African/men/id00076/00109_id00476_wavtolip.mp4"
    other = f"{A}/African/men/id00076/00110.mp4"
    report = ScanReport()
    rows = rows_of(scan("fakeavceleb", plant(tmp_path, REAL, other, stray), report=report))
    assert list(rows) == [REAL, other]
    assert report.skipped["its name contradicts its folder, so its label is not certain"].examples == [stray]


def test_both_spellings_of_the_races_give_the_same_group_and_pairs(tmp_path):
    for name, race in (("brackets", "Asian (South)"), ("underscores", "Asian_South")):
        root = plant(tmp_path / name, f"{A}/{race}/men/id00005/00001.mp4", f"{C}/{race}/men/id00005/00001_0.mp4")
        row = rows_of(scan_quietly(root))[f"{C}/{race}/men/id00005/00001_0.mp4"]
        assert row["group"] == "Asian_South/men"
        assert row["source_clip"] == f"{A}/{race}/men/id00005/00001.mp4"


def test_clips_known_to_break_pipelines_are_kept_with_a_flag(tmp_path):
    path = f"{D}/African/men/id01170/00021_id01933_I5XXxgK7QpE_id00781_wavtolip.mp4"
    rows = rows_of(scan_quietly(plant(tmp_path, path, f"{A}/Asian (East)/men/id04789/002121.mp4")))
    assert all("known_problem" in row["flags"] for row in rows.values())


def test_side_files_and_foreign_folders_are_counted_and_left_out(tmp_path):
    root = plant(tmp_path, REAL, REAL.replace("mp4", "txt"), "wav/id00076/00109.wav", f"{A}/._junk.mp4")
    report = ScanReport()
    assert len(scan("fakeavceleb", root, report=report).clips) == 1
    counts = {reason: tally.count for reason, tally in report.skipped.items()}
    assert counts == {"not a clip: .txt": 1, "outside the folders of this corpus, not read": 1, "hidden file": 1}


def test_a_missing_type_folder_and_a_shortfall_are_warnings_that_name_it(tmp_path):
    report = ScanReport()
    scan("fakeavceleb", plant(tmp_path, REAL), report=report)
    assert any("RealVideo-FakeAudio is missing" in line for line in report.warnings)
    assert any("RealVideo-RealAudio 1 of 500" in line and "10,835" in line for line in report.warnings)


def test_a_person_without_a_real_clip_gives_fakes_without_source(tmp_path):
    path = f"{C}/African/men/id00001/00001_0.mp4"
    row = rows_of(scan_quietly(plant(tmp_path, path)))[path]
    assert pd.isna(row["source_clip"])
    assert "pair_missing" in row["flags"]


def test_a_clip_in_an_unexpected_folder_keeps_its_label_and_says_so(tmp_path):
    path = f"{C}/id00076/00109_0.mp4"
    row = rows_of(scan_quietly(plant(tmp_path, REAL, path)))[path]
    assert (row["video_fake"], row["audio_fake"]) == (1, 0)
    assert "unexpected_folder" in row["flags"]


def test_types_differ_in_class_counts_as_published(complete):
    assert Counter(complete[0].clips["av_class"]) == {"RVRA": 500, "RVFA": 500, "FVRA": 9_709, "FVFA": 10_835}


def test_letter_case_of_folders_names_and_tables_does_not_matter(tmp_path):
    paths = [REAL, f"{C}/Asian (East)/women/id00018/00181_id00476_SdP_Monh-_4.mp4"]
    lower = [path.lower().replace("sdp_monh", "SdP_Monh") for path in paths]
    for path in lower:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    rows = rows_of(scan_quietly(tmp_path))
    assert [rows[path]["av_class"] for path in lower] == ["RVRA", "FVRA"]
    assert [rows[path]["group"] for path in lower] == ["African/men", "Asian_East/women"]
    assert (rows[lower[1]]["method"], list(rows[lower[1]]["donors"])) == ("fsgan", ["vox2:id00476"])


@pytest.mark.parametrize("folders", list(combinations((A, B, C, D), 2)))
def test_two_of_the_four_folders_are_read_with_a_warning_of_the_others(tmp_path, folders):
    for folder in folders:
        path = tmp_path / f"{folder}/African/men/id00076/00109{'_fake' if folder == B else ''}.mp4"
        path.parent.mkdir(parents=True)
        path.touch()
    report = ScanReport()
    clips = scan("fakeavceleb", tmp_path, report=report).clips
    assert set(clips["av_class"]) == {LABELS[folder][2] for folder in folders}
    missing = [line for line in report.warnings if line.startswith("folder ")]
    assert len(missing) == 2
    assert all("is missing" in line for line in missing)


def test_names_of_a_flattened_copy_are_read_and_told(tmp_path):
    real, fake = f"{A}/id00018_00181.mp4", f"{C}/id00018_00181_0.mp4"
    root = plant(tmp_path, real, fake)
    report = ScanReport()
    rows = rows_of(scan("fakeavceleb", root, report=report))
    assert (rows[fake]["identity"], rows[fake]["method"], rows[fake]["source_clip"]) == (
        "vox2:id00018",
        "faceswap",
        real,
    )
    assert "flattened_name" in rows[real]["flags"]
    assert any("2 names are those of a flattened copy" in line for line in report.warnings)
