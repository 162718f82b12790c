"""DFD's reader, on both trees built from the grammar of its names."""

import random
from pathlib import Path

import pytest
from planting import plant

from multimodal.corpora import ScanReport, recognise, scan
from multimodal.splits import make_split

SCENES = (
    "exit_phone_room",
    "kitchen_pan",
    "kitchen_still",
    "hugging_happy",
    "meeting_serious",
    "outside_talking_pan_laughing",
    "outside_talking_still_laughing",
    "podium_speech_happy",
    "secret_conversation",
    "talking_against_wall",
    "talking_angry_couch",
    "walk_down_hall_angry",
    "walking_and_outside_surprised",
    "walking_down_indoor_hall_disgust",
    "walking_down_street_outside_angry",
    "walking_outside_cafe_disgusted",
)
KAGGLE = ("DFD_original sequences", "DFD_manipulated_sequences/DFD_manipulated_sequences")
OFFICIAL = ("original_sequences/actors/c23/videos", "manipulated_sequences/DeepFakeDetection/c23/videos")


def read(root: Path, **options: str) -> tuple[dict[str, dict], ScanReport]:
    report = ScanReport()
    clips = scan("dfd", root, report=report, options=options).clips
    rows = clips.astype(object).where(clips.notna(), None).to_dict("records")
    return {row["path"]: row for row in rows}, report


def complete_names() -> tuple[list[str], list[str]]:
    """363 genuine names of 28 actors and 3,068 fakes, some of the same two actors in the same scene."""
    draw = random.Random(4)
    actors = [f"{number:02d}" for number in range(1, 29)]
    reals = draw.sample([f"{actor}__{scene}" for actor in actors for scene in SCENES], 363)
    fakes: set[str] = set()
    while len(fakes) < 3_068:
        target, scene = draw.choice(reals).split("__")
        source = draw.choice([actor for actor in actors if actor != target])
        code = "".join(draw.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", k=8))
        fakes.add(f"{target}_{source}__{scene}__{code}")
    return sorted(reals), sorted(fakes)


@pytest.fixture(scope="module", params=[KAGGLE, OFFICIAL], ids=["kaggle", "official"])
def complete(request, tmp_path_factory):
    root = tmp_path_factory.mktemp("drive") / "DFD"
    reals, fakes = complete_names()
    real_folder, fake_folder = request.param
    plant(root, *(f"{real_folder}/{name}.mp4" for name in reals), *(f"{fake_folder}/{name}.mp4" for name in fakes))
    report = ScanReport()
    return scan("dfd", root.parent, report=report), report, request.param


def test_a_complete_corpus_has_no_unparsed_name_and_no_warning(complete):
    manifest, report, _ = complete
    assert manifest.clips["method"].value_counts().to_dict() == {"real": 363, "DeepFakeDetection": 3_068}
    assert report.flagged == {}
    assert report.warnings == []


def test_labels_actors_and_genuine_clips_are_those_of_folder_and_name(complete):
    manifest, _, (real_folder, fake_folder) = complete
    clips = manifest.clips.set_index("path")
    fakes = clips[clips["any_fake"] == 1]
    assert fakes.index.str.startswith(fake_folder).all()
    path = fakes.index[100]
    people, scene, _ = Path(path).stem.split("__")
    target, source = people.split("_")
    assert clips.loc[path, "identity"] == f"dfd:{target}"
    assert list(clips.loc[path, "donors"]) == [f"dfd:{source}"]
    assert clips.loc[path, "source_clip"] == f"{real_folder}/{target}__{scene}.mp4"
    assert clips["audio_fake"].isna().all()
    assert clips["official_split"].isna().all()
    assert clips["identity"].nunique() == 28


def test_actors_can_be_divided_such_that_both_actors_of_every_fake_are_on_one_side(complete):
    clips = complete[0].clips
    split = make_split(complete[0], "donor_disjoint", options={"search_rounds": 20})
    part = dict(
        zip(
            clips["identity"],
            clips["identity"].map(split.of(clips).groupby(clips["identity"]).first()),
            strict=True,
        )
    )
    kept = clips[split.of(clips).notna()]
    assert kept["any_fake"].nunique() == 2
    assert all(part[row.identity] == part[donor] for row in kept.itertuples() for donor in row.donors)


def test_a_folder_of_originals_with_an_underscore_is_found_too(tmp_path):
    root = plant(
        tmp_path, "DFD_original_sequences/01__walk.mp4", "DFD_manipulated_sequences/01_02__walk__ABCD1234.mp4"
    )
    rows, _ = read(root)
    assert (
        rows["DFD_manipulated_sequences/01_02__walk__ABCD1234.mp4"]["source_clip"]
        == "DFD_original_sequences/01__walk.mp4"
    )


def test_scenes_with_underscores_are_split_at_the_double_one_only(tmp_path):
    real, fake = (
        f"{folder}/{name}.mp4"
        for folder, name in zip(KAGGLE, ("28__a_b_c", "28_01__a_b_c__ZZZZ0000"), strict=True)
    )
    assert read(plant(tmp_path, real, fake))[0][fake]["source_clip"] == real


def test_a_364th_genuine_clip_is_a_flagged_copy_or_a_listed_name(tmp_path):
    real_folder, fake_folder = KAGGLE
    root = plant(
        tmp_path,
        f"{real_folder}/01__walk.mp4",
        f"{real_folder}/01__walk (1).mp4",
        f"{real_folder}/sample.mp4",
        f"{fake_folder}/01_02__walk__ABCD1234.mp4",
        f"{fake_folder}/01_02__walk.mp4",
    )
    rows, report = read(root)
    assert list(rows[f"{real_folder}/01__walk (1).mp4"]["flags"]) == ["copy"]
    assert rows[f"{fake_folder}/01_02__walk__ABCD1234.mp4"]["source_clip"] == f"{real_folder}/01__walk.mp4"
    assert rows[f"{fake_folder}/01_02__walk.mp4"]["any_fake"] == 1
    assert any("2 names do not follow the grammar" in line and "sample.mp4" in line for line in report.warnings)
    assert any("real 3 of 363, DeepFakeDetection 2 of 3,068" in line for line in report.warnings)


def test_masks_are_not_clips(tmp_path):
    root = plant(
        tmp_path,
        f"{OFFICIAL[0]}/01__walk.mp4",
        f"{OFFICIAL[1]}/01_02__walk__ABCD1234.mp4",
        "manipulated_sequences/DeepFakeDetection/masks/videos/01_02__walk__ABCD1234.mp4",
        "manipulated_sequences/Deepfakes/c23/videos/000_003.mp4",
    )
    rows, report = read(root)
    assert len(rows) == 2
    assert report.skipped["mask of a forgery, not a clip"].count == 1


def test_a_fake_among_the_originals_has_no_certain_label_and_swapped_folders_are_an_error(tmp_path):
    real_folder, fake_folder = KAGGLE
    paths = [f"{real_folder}/01__walk.mp4", f"{fake_folder}/01_02__walk__ABCD1234.mp4"]
    rows, report = read(plant(tmp_path / "a", *paths, f"{real_folder}/01_02__walk__ABCD1234.mp4"))
    assert sorted(rows) == sorted(paths)
    assert any("contradict" in line for line in report.warnings)
    with pytest.raises(ValueError, match="folders seem to be swapped"):
        read(plant(tmp_path / "b", f"{real_folder}/01_02__walk__ABCD1234.mp4", f"{fake_folder}/01__walk.mp4"))


def test_half_a_download_and_two_copies_are_errors_that_name_the_folders(tmp_path):
    real_folder, fake_folder = KAGGLE
    with pytest.raises(ValueError, match="but not DFD_manipulated"):
        read(plant(tmp_path / "a", f"{real_folder}/01__walk.mp4"))
    for copy in ("b/one", "b/two"):
        plant(tmp_path / copy, f"{real_folder}/01__walk.mp4", f"{fake_folder}/01_02__walk__ABCD1234.mp4")
    with pytest.raises(ValueError, match=r"2 roots of DFD .*one and .*two"):
        read(tmp_path / "b")


def test_kaggles_faceforensics_is_not_taken_for_dfd(tmp_path):
    root = plant(
        tmp_path,
        "original/000.mp4",
        "Deepfakes/000_003.mp4",
        "Face2Face/000_003.mp4",
        "DeepFakeDetection/01_02__walk__ABCD1234.mp4",
    )
    assert dict(recognise(root)) == {"faceforensics": root}
    with pytest.raises(ValueError, match="recognised there: faceforensics"):
        read(root)
