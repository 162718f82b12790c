"""KoDF's reader, on trees built from the grammar of its names."""

import random
from pathlib import Path

import pytest
from planting import plant

from multimodal.corpora import ScanReport, scan

CODES = {"dfl": 1, "dffs": 2, "fsgan": 3, "fo": 4, "audio-driven": 5}
ONE, TWO = "0123456789abcdef0123", "123456"


def read(root: Path) -> tuple[dict[str, dict], ScanReport]:
    report = ScanReport()
    clips = scan("kodf", root, report=report).clips
    rows = clips.astype(object).where(clips.notna(), None).to_dict("records")
    return {row["path"]: row for row in rows}, report


def fake(target: str, source: str, method: str = "dfl", *, code: int | None = None) -> str:
    folder = f"synthesized_videos/{method}/20200713/{target}"
    return f"{folder}/{target}_{source}_{CODES[method] if code is None else code}_0001.mp4"


REAL = f"original_videos/{ONE}/{ONE}_001.mp4"


def test_a_list_that_follows_the_grammar_has_no_unparsed_name(tmp_path):
    draw = random.Random(2)
    actors = ["".join(draw.choices("0123456789abcdef", k=20)) for _ in range(12)]
    actors += [f"{number:06d}" for number in draw.sample(range(10**6), 4)]
    actors += [f"{number:05d}" for number in draw.sample(range(10**5), 4)]
    reals = [f"original_videos/{actor}/{actor}_{take:03d}.mp4" for actor in actors for take in range(5)]
    fakes = [fake(target, draw.choice(actors), method) for target in actors for method in CODES]
    rows, report = read(plant(tmp_path / "kodf_release", *reals, *fakes))
    assert len(rows) == len(reals) + len(fakes)
    assert report.flagged == {}
    assert {row["method"] for row in rows.values()} == {"real", *CODES}
    assert len({row["identity"] for row in rows.values()}) == 20


@pytest.mark.parametrize(
    ("target", "source"), [("79482", "125017"), ("125017", "79482"), ("79482", "79483"), ("125017", ONE)]
)
def test_everybody_is_known_whatever_the_number_of_digits(tmp_path, target, source):
    path, real = fake(target, source, "fo"), f"original_videos/{target}/{target}_011.mp4"
    rows, report = read(plant(tmp_path, path, real))
    assert rows[real]["identity"] == rows[path]["identity"] == f"kodf:{target}"
    assert list(rows[path]["donors"]) == [f"kodf:{source}"]
    assert report.flagged == {}


@pytest.mark.parametrize("method", CODES)
def test_fakes_have_a_known_picture_and_an_unknown_sound(tmp_path, method):
    path = fake(ONE, TWO, method)
    rows, _ = read(plant(tmp_path, REAL, path))
    row = rows[path]
    assert (row["video_fake"], row["audio_fake"], row["any_fake"], row["method"]) == (1, None, 1, method)
    assert (row["identity"], list(row["donors"])) == (f"kodf:{ONE}", [f"kodf:{TWO}"])
    assert (rows[REAL]["video_fake"], rows[REAL]["audio_fake"], rows[REAL]["av_class"]) == (0, 0, "RVRA")
    assert row["official_split"] is row["source_clip"] is None


def test_somebody_driven_by_the_own_voice_has_no_donor(tmp_path):
    path = fake(ONE, ONE, "audio-driven")
    rows, _ = read(plant(tmp_path, REAL, path))
    assert list(rows[path]["donors"]) == []


def test_methods_may_lie_beside_the_originals_and_the_folder_decides_over_the_code(tmp_path):
    path = fake(ONE, TWO, "dffs", code=1).removeprefix("synthesized_videos/")
    rows, _ = read(plant(tmp_path, REAL, path))
    assert rows[path]["method"] == "dffs"
    assert list(rows[path]["flags"]) == ["method_conflict"]


def test_odd_names_and_foreign_folders_are_said(tmp_path):
    odd = f"synthesized_videos/fo/20200713/{ONE}/{ONE} (final).mp4"
    inside = f"original_videos/{ONE}/{ONE}_{TWO}_1_0001.mp4"
    root = plant(tmp_path, REAL, f"original_videos/{TWO}/{TWO}_002.mp4", odd, inside, "adversarial/a.mp4")
    rows, report = read(root)
    assert list(rows[odd]["flags"]) == ["name_unparsed"]
    assert rows[odd]["any_fake"] == 1
    assert inside not in rows
    assert report.skipped["neither in original_videos nor below one of the five methods"].count == 1
    assert any("original_videos 2 of 62,166, synthesized_videos 1 of 175,776" in line for line in report.warnings)
    assert any("contradict" in line for line in report.warnings)
