"""DeeperForensics-1.0's reader, on trees built from the grammar of its names and its lists."""

from pathlib import Path

import pytest
from planting import plant

from multimodal.corpora import ScanReport, scan
from multimodal.splits import make_split

VARIANTS = (
    "end_to_end",
    "end_to_end_level_1",
    "end_to_end_level_2",
    "end_to_end_level_3",
    "end_to_end_level_4",
    "end_to_end_level_5",
    "end_to_end_mix_2_distortions",
    "end_to_end_mix_3_distortions",
    "end_to_end_mix_4_distortions",
    "end_to_end_random_level",
    "reenact_postprocess",
)
ACTORS = [f"{'MW'[number % 2]}{number % 2}{number:02d}" for number in range(100)]
# how many actors' fakes, and how many fakes, each part has
PARTS = {"train": (71, 703), "val": (9, 96), "test": (20, 201)}


def names_by_part() -> dict[str, list[str]]:
    """1,000 targets, each with one actor, dealt out by actor."""
    targets, actors = iter(range(1_000)), iter(ACTORS)
    names = {}
    for part, (num_actors, num_fakes) in PARTS.items():
        its_actors = [next(actors) for _ in range(num_actors)]
        names[part] = [f"{next(targets):03d}_{its_actors[row % num_actors]}" for row in range(num_fakes)]
    return names


def write_lists(root: Path, names: dict[str, list[str]], line: str = "{}.mp4") -> None:
    folder = root / "lists" / "splits"
    folder.mkdir(parents=True, exist_ok=True)
    for part, its in names.items():
        (folder / f"{part}.txt").write_text("".join(line.format(name) + "\n" for name in its))


def read(root: Path) -> tuple[dict[str, dict], ScanReport]:
    report = ScanReport()
    clips = scan("deeperforensics", root, report=report).clips
    rows = clips.astype(object).where(clips.notna(), None).to_dict("records")
    return {row["path"]: row for row in rows}, report


@pytest.fixture(scope="module")
def complete(tmp_path_factory):
    root = tmp_path_factory.mktemp("drive") / "DeeperForensics-1.0"
    names = names_by_part()
    everything = [name for its in names.values() for name in its]
    plant(root, *(f"manipulated_videos/{VARIANTS[0]}/{name}.mp4" for name in everything))
    for variant in VARIANTS[1:]:
        (root / "manipulated_videos" / variant).symlink_to(VARIANTS[0])
    write_lists(root, names)
    report = ScanReport()
    return scan("deeperforensics", root.parent, report=report), report


def test_a_complete_corpus_has_eleven_thousand_fakes_and_no_unparsed_name(complete):
    manifest, report = complete
    assert manifest.clips["method"].value_counts().to_dict() == dict.fromkeys(VARIANTS, 1_000)
    assert (manifest.clips["video_fake"] == 1).all()
    assert manifest.clips["audio_fake"].isna().all()
    assert report.flagged == {}
    assert report.warnings == []
    assert any("scan faceforensics" in note for note in report.notes)


def test_the_lists_give_703_96_and_201_of_each_variant(complete):
    counts = complete[0].clips.groupby(["method", "official_split"]).size().unstack()
    assert (counts[["train", "val", "test"]] == [703, 96, 201]).all(axis=None)


def test_targets_are_sequences_of_faceforensics_and_groups_are_actors_with_their_targets(complete):
    clips = complete[0].clips.set_index("path")
    row = clips.loc["manipulated_videos/end_to_end/000_M000.mp4"]
    assert (row["identity"], list(row["donors"])) == ("ffpp:000", ["deeperforensics:M000"])
    assert clips["group"].nunique() == 100
    assert row["group"] == "deeperforensics:M000"
    assert clips.groupby("group")["official_split"].nunique().max() == 1


def test_groups_can_be_divided_without_losing_a_clip(complete):
    split = make_split(complete[0], "group_disjoint")
    assert split.counts["dropped"] == 0
    assert set(split.assignment["split"]) == {"train", "val", "test"}


@pytest.mark.parametrize("line", ["{}", "{}.mp4", "manipulated_videos/end_to_end/{}.mp4", "{}.mp4\r", " {}.mp4 "])
def test_lists_name_videos_with_or_without_folder_and_suffix(tmp_path, line):
    root = plant(
        tmp_path,
        "manipulated_videos/end_to_end/000_M000.mp4",
        "manipulated_videos/reenact_postprocess/000_M000.mp4",
    )
    write_lists(root, {"train": ["001_M000"], "val": ["000_M000"], "test": ["002_M000"]}, line)
    rows, report = read(root)
    assert {row["official_split"] for row in rows.values()} == {"val"}
    assert any("names 1 videos; the official list names 703" in text for text in report.warnings)


def test_recordings_of_actors_are_not_taken_for_genuine_clips(tmp_path):
    source = "source_videos/M000/light_uniform/neutral/camera_front/M000_light_uniform_neutral_camera_front.mp4"
    rows, report = read(plant(tmp_path, "manipulated_videos/end_to_end/000_M000.mp4", source))
    assert len(rows) == 1
    assert report.skipped["recording of an actor, not a genuine clip of the corpus"].count == 1


def test_missing_lists_odd_names_and_unknown_variants_are_said(tmp_path):
    odd = "manipulated_videos/my_noise/sample (1).mp4"
    rows, report = read(plant(tmp_path, "manipulated_videos/end_to_end/000_M000.mp4", odd))
    assert sorted(rows[odd]["flags"]) == ["copy", "name_unparsed"]
    assert (rows[odd]["any_fake"], rows[odd]["method"]) == (1, "my_noise")
    warnings = "\n".join(report.warnings)
    assert "no official test" in warnings
    assert "none of the eleven variants: my_noise" in warnings
    assert "end_to_end 1 of 1,000" in warnings
    assert {row["official_split"] for row in rows.values()} == {None}


def test_a_video_in_two_lists_is_in_no_part(tmp_path):
    root = plant(tmp_path, "manipulated_videos/end_to_end/000_M000.mp4")
    write_lists(root, {"train": ["000_M000"], "val": ["001_M000"], "test": ["000_M000"]})
    rows, report = read(root)
    assert {row["official_split"] for row in rows.values()} == {None}
    assert any("1 videos in two parts" in line for line in report.warnings)
