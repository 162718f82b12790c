"""What generated lists, keys and metadata say agrees with the files and with how they are made."""

import csv
import io
import json
import re
from collections import Counter

import pytest

from multimodal.synthetic import GENERATORS, Layout, LayoutOptions
from multimodal.synthetic.layouts.planned import AudioFile, ImageFile, Sound, TextFile, Tree, VideoFile

OPTIONS = LayoutOptions(identities=6, clips=3, seed=4)
ID = r"id\d{5}"


def planned(name: str, variant: str) -> Tree:
    layout = GENERATORS[name]
    assert isinstance(layout, Layout)
    return layout.variants[variant](OPTIONS)


def texts(name: str, variant: str) -> dict[str, str]:
    return {file.path: file.text for file in planned(name, variant).files if isinstance(file, TextFile)}


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_faceforensics_pairs_are_in_one_split_and_fakes_go_both_ways() -> None:
    lists = texts("faceforensics", "official")
    pairs = {split: json.loads(lists[f"dataset/splits/{split}.json"]) for split in ("train", "val", "test")}
    listed = [tuple(pair) for split in pairs.values() for pair in split]
    assert all(pairs.values())
    paths = [file.path for file in planned("faceforensics", "official").files]
    fakes = {tuple(path[-11:-4].split("_")) for path in paths if "/Deepfakes/c23" in path}
    assert fakes == {*listed, *((second, first) for first, second in listed)}
    addresses = [value.split() for value in json.loads(lists["dataset/conversion_dict.json"]).values()]
    assert Counter(Counter(video for video, _ in addresses).values()) == {1: 16, 2: 1}


def test_celebdf_lists_one_for_real_and_the_label_first() -> None:
    lines = [line.split(" ") for line in texts("celebdf", "v2")["List_of_testing_videos.txt"].splitlines()]
    assert {(label, path.split("/")[0]) for label, path in lines} == {
        ("1", "Celeb-real"),
        ("1", "YouTube-real"),
        ("0", "Celeb-synthesis"),
    }
    paths = {file.path for file in planned("celebdf", "v2").files}
    assert {path for _, path in lines} < paths
    listed = {path for _, path in lines}
    targets = [re.sub(r"_id\d+", "", path).replace("synthesis", "real") for path in listed if "synthesis" in path]
    assert set(targets) <= paths
    assert {target in listed for target in targets} == {True, False}


def test_dfd_has_two_experiments_on_one_pair_and_scene() -> None:
    paths = [file.path for file in planned("dfd", "kaggle").files if "manipulated" in file.path]
    pairs = Counter(re.sub(r"__[A-Z0-9]{8}\.mp4$", "", path) for path in paths)
    assert sorted(pairs.values())[-2:] == [1, 2]


def test_faces140k_tables_say_one_for_real_and_name_every_picture() -> None:
    rows = [row for path, text in texts("faces140k", "kaggle").items() for row in table(text)]
    assert list(rows[0]) == ["", "original_path", "id", "label", "label_str", "path"]
    assert {(row["label"], row["label_str"], row["path"].split("/")[1]) for row in rows} == {
        ("1", "real", "real"),
        ("0", "fake", "fake"),
    }
    pictures = {file.path for file in planned("faces140k", "kaggle").files if file.path.endswith(".jpg")}
    assert {f"real_vs_fake/real-vs-fake/{row['path']}" for row in rows} == pictures


def test_asvspoof2019_has_more_flacs_than_trials_and_disjoint_speakers() -> None:
    lists = {path: text for path, text in texts("asvspoof2019", "la").items() if "_cm_" in path}
    rows = {path.split(".")[3]: [line.split(" ") for line in text.splitlines()] for path, text in lists.items()}
    assert {len(row) for split in rows.values() for row in split} == {5}
    assert {(row[4], row[3] == "-", row[2]) for split in rows.values() for row in split} == {
        ("bonafide", True, "-"),
        ("spoof", False, "-"),
    }
    speakers = [{row[0] for row in split} for split in rows.values()]
    assert len(set.union(*speakers)) == sum(map(len, speakers))
    systems = {name: {row[3] for row in split} - {"-"} for name, split in rows.items()}
    assert max(systems["train"] | systems["dev"]) <= "A06" < min(systems["eval"])
    flacs = [file.path for file in planned("asvspoof2019", "la").files if file.path.endswith(".flac")]
    trials = {row[1] for split in rows.values() for row in split}
    assert trials < {path.split("/")[-1].removesuffix(".flac") for path in flacs}


@pytest.mark.parametrize(("variant", "columns"), [("la", 8), ("df", 13)])
def test_asvspoof2021_keys_have_their_columns(variant: str, columns: int) -> None:
    lists = texts(f"asvspoof2021_{variant}", variant)
    rows = [line.split(" ") for line in lists[f"keys/{variant.upper()}/CM/trial_metadata.txt"].splitlines()]
    assert {len(row) for row in rows} == {columns}
    assert {(row[5], row[4] == "bonafide") for row in rows} == {("bonafide", True), ("spoof", False)}
    assert {(row[6], row[7]) for row in rows} == {("notrim", "eval"), ("notrim", "progress"), ("trim", "hidden")}


def test_asvspoof5_lists_have_ten_columns_parted_by_spaces_and_codecs_in_eval_only() -> None:
    for path, text in texts("asvspoof5", "track_1").items():
        rows = [line.split(" ") for line in text.splitlines()]
        assert {len(row) for row in rows} == {10}
        assert {(row[8], row[7] == "bonafide") for row in rows} == {("bonafide", True), ("spoof", False)}
        assert {row[3] == "-" for row in rows} == ({True, False} if "eval" in path else {True})


def test_lavdf_says_what_was_modified_and_never_a_label() -> None:
    entries = json.loads(texts("lavdf", "full")["metadata.json"])
    kinds = Counter((entry["modify_video"], entry["modify_audio"]) for entry in entries)
    assert kinds == {(False, False): 18, (True, True): 18, (True, False): 18, (False, True): 18}
    assert all((entry["original"] is None) == (entry["n_fakes"] == 0) for entry in entries)
    assert all(0 < start < end < entry["duration"] for entry in entries for start, end in entry["fake_periods"])
    assert not any("label" in key or key == "fake" for key in entries[0])
    minimal = json.loads(texts("lavdf", "full")["metadata.min.json"])
    assert [entry["file"] for entry in minimal] == [entry["file"] for entry in entries]
    assert set(minimal[0]) < set(entries[0])


def test_avdeepfake1m_paths_are_relative_to_the_folder_of_the_split() -> None:
    lists, paths = texts("avdeepfake1m", "full"), {file.path for file in planned("avdeepfake1m", "full").files}
    for split in ("train", "val"):
        entries = json.loads(lists[f"{split}_metadata.json"])
        assert {f"{split}/{entry['file']}" for entry in entries} <= paths
        own = {
            json.dumps(json.loads(text)) for path, text in lists.items() if path.startswith(f"{split}_metadata/")
        }
        assert own == {json.dumps(entry) for entry in entries}
        assert {(entry["modify_type"], entry["file"].split("/")[-1]) for entry in entries} == {
            ("real", "real.mp4"),
            ("visual_modified", "fake_video_real_audio.mp4"),
            ("audio_modified", "real_video_fake_audio.mp4"),
            ("both_modified", "fake_video_fake_audio.mp4"),
        }


def test_dfdc_parts_list_all_of_their_videos_and_the_originals_of_fakes() -> None:
    paths = {file.path for file in planned("dfdc", "full").files}
    for part in (0, 1):
        folder = f"dfdc_train_part_{part}"
        listed = json.loads(texts("dfdc", "full")[f"{folder}/metadata.json"])
        assert {f"{folder}/{name}" for name in listed} == {
            path for path in paths if path.startswith(f"{folder}/") and path.endswith(".mp4")
        }
        fakes = {name: entry for name, entry in listed.items() if entry["label"] == "FAKE"}
        assert all(listed[entry["original"]]["label"] == "REAL" for entry in fakes.values())
        assert {entry["label"] for entry in listed.values()} == {"REAL", "FAKE"}


def test_dfdc_preview_has_actors_of_its_own_in_test() -> None:
    listed = json.loads(texts("dfdc_preview", "preview")["dataset.json"])
    actors = {
        name: {
            number
            for path, entry in listed.items()
            if entry["set"] == name
            for number in re.findall(r"\d{5,}", path)
        }
        for name in ("train", "test")
    }
    assert {entry["label"] for entry in listed.values()} == {"real", "fake"}
    assert all(actors.values())
    assert not actors["train"] & actors["test"]


def test_voxceleb2_table_ends_headers_and_values_with_blanks() -> None:
    lines = texts("voxceleb2", "full")["vox2_meta.csv"].splitlines()
    assert lines[0] == "VoxCeleb2 ID ,VGGFace2 ID ,Gender ,Set "
    assert all(re.fullmatch(rf"{ID} ,n\d{{6}} ,[mf] ,(dev|test) ", line) for line in lines[1:])


def test_in_the_wild_writes_bona_fide_with_a_hyphen() -> None:
    rows = table(texts("in_the_wild", "release")["meta.csv"])
    assert list(rows[0]) == ["file", "speaker", "label"]
    assert Counter(row["label"] for row in rows) == {"bona-fide": 18, "spoof": 18}


def test_deeperforensics_splits_by_actor_and_targets_the_originals_of_faceforensics() -> None:
    lists = texts("deeperforensics", "release")
    splits = {split: lists[f"lists/splits/{split}.txt"].split() for split in ("train", "val", "test")}
    actors = [{name[4:8] for name in names} for names in splits.values()]
    assert len(set.union(*actors)) == sum(map(len, actors)) == 6
    originals = {
        file.path.split("/")[-1][:3]
        for file in planned("faceforensics", "official").files
        if file.path.startswith("original_sequences")
    }
    assert {name[:3] for names in splits.values() for name in names} == originals


@pytest.mark.parametrize(
    ("name", "variant", "silent", "sounding"),
    [
        ("faceforensics", "official", r".*", r"(?!)"),
        ("celebdf", "v2", r".*", r"(?!)"),
        ("dfd", "kaggle", r".*", r"(?!)"),
        ("deeperforensics", "release", r".*", r"(?!)"),
        ("kodf", "release", r".*/fsgan/.*", r"(?!.*/fsgan/).*"),
        ("lavdf", "full", r"(?!)", r".*"),
        ("avdeepfake1m", "full", r"(?!)", r".*"),
        ("voxceleb2", "full", r"(?!)", r".*"),
        ("dfdc", "full", r"(?!)", r".*"),
    ],
)
def test_videos_have_sound_where_the_real_corpus_has(name: str, variant: str, silent: str, sounding: str) -> None:
    videos = [file for file in planned(name, variant).files if isinstance(file, VideoFile)]
    assert videos
    for video in videos:
        assert re.fullmatch(silent if video.sound is None else sounding, video.path)


#: Where the path tells: what the paths of genuine media look like.
GENUINE = {
    ("faceforensics", "official"): r"original_sequences/.*",
    ("faceforensics", "kaggle"): r"original/.*",
    ("celebdf", "v2"): r"(Celeb|YouTube)-real/.*",
    ("dfd", "official"): r"original_sequences/.*",
    ("dfd", "beside_faceforensics"): r"original_sequences/.*",
    ("dfd", "kaggle"): r"DFD_original sequences/.*",
    ("deepfake_image", "drive_export"): r".*/real/.*",
    ("deepfake_image", "folders"): r".*/Real/.*",
    ("deepfake_audio", "deep_voice"): r".*/REAL/.*",
    ("deepfake_audio", "for_norm"): r".*/real/.*",
    ("deepfake_audio", "for_2sec"): r".*/real/.*",
    ("faces140k", "kaggle"): r".*/real/.*",
    ("wavefake", "with_reals"): r"(LJSpeech|jsut_ver).*",
    ("avdeepfake1m", "full"): r".*/real\.mp4|test/00000[02]\.mp4",
    ("dfdc_preview", "preview"): r"original_videos/.*",
    ("voxceleb2", "full"): r".*",
    ("kodf", "release"): r"original_videos/.*",
    ("deeperforensics", "release"): r"source_videos/.*",
    ("folder", "folders"): r"real/.*",
}


@pytest.mark.parametrize(("name", "variant"), GENUINE)
def test_media_are_forged_exactly_where_the_path_says_so(name: str, variant: str) -> None:
    media = [file for file in planned(name, variant).files if isinstance(file, VideoFile | AudioFile | ImageFile)]
    assert {file.path for file in media if not is_forged(file)} == {
        file.path for file in media if re.fullmatch(GENUINE[name, variant], file.path)
    }


def test_media_are_forged_exactly_where_a_list_says_so() -> None:
    said: dict[str, bool] = {}
    for path, text in texts("asvspoof2019", "la").items():
        if "_cm_" in path:
            said |= {row[1]: row[4] == "spoof" for row in map(str.split, text.splitlines())}
    said |= {
        row[1]: row[5] == "spoof"
        for variant in ("la", "df")
        for path, text in texts(f"asvspoof2021_{variant}", variant).items()
        if "trial_metadata" in path
        for row in map(str.split, text.splitlines())
    }
    for text in texts("asvspoof5", "track_1").values():
        said |= {row[1]: row[8] == "spoof" for row in map(str.split, text.splitlines())}
    for row in table(texts("in_the_wild", "release")["meta.csv"]):
        said[row["file"].removesuffix(".wav")] = row["label"] == "spoof"
    for path, text in texts("dfdc", "full").items():
        if path.endswith("/metadata.json"):
            said |= {
                name.removesuffix(".mp4"): entry["label"] == "FAKE" for name, entry in json.loads(text).items()
            }
        if path == "test/labels.csv":
            said |= {row["filename"].removesuffix(".mp4"): row["label"] == "1" for row in table(text)}
    cases = [
        ("asvspoof2019", "la"),
        ("asvspoof2021_la", "la"),
        ("asvspoof2021_df", "df"),
        ("asvspoof5", "track_1"),
    ]
    forged = {
        file.path.split("/")[-1].split(".")[0]: is_forged(file)
        for case in (*cases, ("in_the_wild", "release"), ("dfdc", "full"))
        for file in planned(*case).files
        if isinstance(file, VideoFile | AudioFile)
    }
    assert said.items() <= forged.items()
    # What no list names are the six enrolment recordings of ASVspoof 2019.
    assert {name for name in forged if name not in said} == {
        f"LA_{split}_000000{n}" for split in "DE" for n in (0, 1, 2)
    }


def test_lavdf_forges_the_modality_that_it_says() -> None:
    entries = {entry["file"]: entry for entry in json.loads(texts("lavdf", "full")["metadata.json"])}
    for file in planned("lavdf", "full").files:
        if isinstance(file, VideoFile):
            assert file.is_picture_forged == entries[file.path]["modify_video"]
            assert (file.sound != Sound(file.take)) == entries[file.path]["modify_audio"]


def is_forged(file: VideoFile | AudioFile | ImageFile) -> bool:
    if isinstance(file, ImageFile):
        return file.face is not None
    is_heard_forged = file.sound is not None and file.sound.system is not None
    return is_heard_forged or (isinstance(file, VideoFile) and file.is_picture_forged)
