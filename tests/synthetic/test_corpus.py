import csv
import hashlib
import json
import re
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import av
import pytest

from multimodal.corpora.fakeavceleb import read_clips
from multimodal.corpora.walk import ScanReport
from multimodal.synthetic import SyntheticOptions, generate_fakeavceleb
from multimodal.synthetic.clip import write_clip
from multimodal.synthetic.plan import GROUPS, PlannedClip, plan_clips

TINY = SyntheticOptions(
    groups=1,
    identities_per_group=2,
    real_clips=1,
    rtvc_clips=1,
    wav2lip_clips=1,
    rtvc_wav2lip_clips=1,
    clip_seconds=0.4,
    frame_size=64,
)
MANY = SyntheticOptions(groups=10, identities_per_group=6, odd_names=True, seed=3)

NAMES = {
    "RealVideo-RealAudio": r"\d{5}",
    "RealVideo-FakeAudio": r"\d{5}(_fake)?",
    "FakeVideo-RealAudio": r"\d{5}(_id\d{5}_wavtolip|_id\d{5}_[\w-]{11}|_id\d{5}_[\w-]{11}_faceswap|_\d+)?",
    "FakeVideo-FakeAudio": r"\d{5}(_\d+|_id\d{5}_[\w-]{11}|_id\d{5}_[\w-]{11}_faceswap)?_id\d{5}_wavtolip",
}


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("synthetic") / "tiny"
    generate_fakeavceleb(root, TINY)
    return root


def digests(root: Path) -> dict[str, str]:
    files = sorted(path for path in root.rglob("*") if path.is_file())
    return {str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def videos(root: Path) -> list[Path]:
    return sorted(root.rglob("*.mp4"))


def metadata_rows(root: Path) -> list[dict[str, str]]:
    with (root / "meta_data.csv").open(newline="") as lines:
        return list(csv.DictReader(lines))


def test_the_same_seed_gives_the_same_bytes_from_one_worker_and_from_two(tiny: Path, tmp_path: Path) -> None:
    generate_fakeavceleb(tmp_path / "again", TINY, workers=2)
    assert digests(tmp_path / "again") == digests(tiny)


def test_another_seed_gives_other_names_and_other_media(tiny: Path, tmp_path: Path) -> None:
    first, other = plan_clips(TINY), plan_clips(replace(TINY, seed=1))
    assert {clip.path for clip in first}.isdisjoint(clip.path for clip in other)
    write_clip(tmp_path, first[0], replace(TINY, seed=1))
    assert digests(tmp_path)[first[0].path] != digests(tiny)[first[0].path]


def test_a_killed_job_goes_on_with_what_is_missing_and_keeps_the_rest(tiny: Path, tmp_path: Path) -> None:
    root = shutil.copytree(tiny, tmp_path / "killed")
    lost, leftover = videos(root)[3], videos(root)[3].with_name(".part.multimodal-0123456789abcdef.mp4")
    lost.unlink()
    leftover.write_bytes(b"half a clip")
    kept = {path: path.stat().st_mtime_ns for path in videos(root) if path != leftover}
    seen: list[PlannedClip] = []

    def note(clips: Iterable[PlannedClip]) -> Iterator[PlannedClip]:
        for clip in clips:
            seen.append(clip)
            yield clip

    counts = generate_fakeavceleb(root, TINY, progress=note)
    assert (counts["made"], counts["kept"]) == (1, len(kept))
    assert [root / clip.path for clip in seen] == [lost]
    assert kept == {path: path.stat().st_mtime_ns for path in kept}
    assert digests(root) == digests(tiny)


def test_a_folder_with_anything_else_in_it_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(ValueError, match="exists and is no generated corpus"):
        generate_fakeavceleb(tmp_path, TINY)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_corpus_of_other_options_is_refused(tiny: Path) -> None:
    with pytest.raises(ValueError, match="generated with other options"):
        generate_fakeavceleb(tiny, replace(TINY, crf=30))


def test_counts_are_those_asked_for(tiny: Path) -> None:
    folders = Counter(path.relative_to(tiny).parts[0] for path in videos(tiny))
    assert folders == {
        "RealVideo-RealAudio": 2,
        "RealVideo-FakeAudio": 2,
        "FakeVideo-RealAudio": 6,
        "FakeVideo-FakeAudio": 6,
    }


def test_every_name_fits_the_grammar_of_its_type() -> None:
    clips = plan_clips(MANY)
    assert all(re.fullmatch(NAMES[clip.type_folder], clip.name) for clip in clips)
    assert any("_" in clip.take.address for clip in clips)


def test_paths_are_unique_and_lie_in_the_tree_of_the_real_corpus() -> None:
    paths = [clip.path for clip in plan_clips(MANY)]
    pattern = (
        r"(Real|Fake)Video-(Real|Fake)Audio/"
        r"(African|Asian \((East|South)\)|Caucasian \((American|European)\))/(men|women)/id9\d{4}/[^/]+\.mp4"
    )
    assert len(set(paths)) == len(paths)
    assert all(re.fullmatch(pattern, path) for path in paths)


def test_faces_and_voices_come_from_another_person_of_the_same_group() -> None:
    clips = plan_clips(MANY)
    group_of = {clip.take.person: (clip.race, clip.gender) for clip in clips}
    assert set(group_of.values()) == set(GROUPS)
    for clip in clips:
        donors = {take.person for take in (clip.face, clip.voice) if take is not None}
        assert {group_of[donor] for donor in donors} <= {(clip.race, clip.gender)}
        if clip.type_folder.startswith("Fake"):
            assert donors
            assert clip.take.person not in donors


def test_metadata_has_ten_columns_of_which_the_last_has_no_name(tiny: Path) -> None:
    header = (tiny / "meta_data.csv").read_text().splitlines()[0]
    assert header == "source,target1,target2,method,category,type,race,gender,path,"
    rows = metadata_rows(tiny)
    files = [tiny / row[""].removeprefix("FakeAVCeleb/") / row["path"] for row in rows]
    assert sorted(files) == videos(tiny)
    assert all(row[""].startswith("FakeAVCeleb/") and row[""].endswith(row["source"]) for row in rows)


def test_the_lip_method_is_spelt_one_way_in_names_and_another_in_metadata(tiny: Path) -> None:
    rows = metadata_rows(tiny)
    assert {row["method"] for row in rows} == {
        "real",
        "rtvc",
        "faceswap",
        "fsgan",
        "wav2lip",
        "faceswap-wav2lip",
        "fsgan-wav2lip",
    }
    assert all(("wav2lip" in row["method"]) == ("wavtolip" in row["path"]) for row in rows)


def test_odd_names_bring_the_traps_of_the_real_corpus() -> None:
    clips = plan_clips(replace(TINY, odd_names=True, identities_per_group=3))
    by_tail: dict[str, set[str]] = {}
    for clip in clips:
        by_tail.setdefault(clip.path.split("/", 1)[1], set()).add(clip.type_folder)
    assert {"RealVideo-RealAudio", "RealVideo-FakeAudio", "FakeVideo-RealAudio"} in by_tail.values()
    twice = [clip for clip in clips if clip.second_method is not None]
    assert {(clip.method, clip.second_method) for clip in twice} == {("wav2lip", "faceswap-wav2lip")}


def test_the_indexer_of_the_real_corpus_reads_the_labels_that_were_meant(tiny: Path) -> None:
    planned = {clip.path: clip for clip in plan_clips(TINY)}
    read = list(read_clips(tiny, ScanReport()))
    assert {clip.path for clip in read} == set(planned)
    for clip in read:
        meant = planned[clip.path]
        assert clip.video_fake == meant.type_folder.startswith("Fake")
        assert clip.audio_fake == meant.type_folder.endswith("FakeAudio")
        assert clip.method == meant.method
        others = {take.person for take in (meant.face, meant.voice) if take} - {meant.take.person}
        assert {donor.removeprefix("vox2:") for donor in clip.donors} == others


def test_files_hold_h264_and_stereo_aac_of_the_same_length(tiny: Path) -> None:
    for path in videos(tiny):
        with av.open(str(path)) as container:
            picture, sound = container.streams.video[0], container.streams.audio[0]
            assert (picture.codec_context.name, sound.codec_context.name) == ("h264", "aac")
            assert (picture.width, picture.height, picture.average_rate) == (64, 64, 25)
            assert (sound.sample_rate, sound.channels) == (44_100, 2)
            seconds = float(picture.duration * picture.time_base), float(sound.duration * sound.time_base)
            assert seconds[0] == pytest.approx(seconds[1], abs=0.03)


def test_the_folder_says_that_its_media_are_generated(tiny: Path) -> None:
    described = json.loads((tiny / "synthetic.json").read_text())
    assert "do not exist" in described["notice"]
    assert SyntheticOptions(**described["options"]) == TINY


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"identities_per_group": 1}, r"identities_per_group must lie in \[2, 999\]; got 1"),
        ({"groups": 11}, r"groups must lie in \[1, 10\]; got 11"),
        ({"real_clips": 1, "rtvc_clips": 2}, "rtvc_clips must be at most 1 here; got 2"),
        ({"frame_size": 97}, "frame sizes must be even; got 97"),
        ({"picture_strength": 1.5}, r"picture_strength must lie in \[0, 1\]; got 1.5"),
    ],
)
def test_options_that_cannot_be_are_refused(options: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SyntheticOptions(**options)


def test_a_corpus_of_which_a_file_is_lacking_is_not_called_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"\d+ files were not written to .*\.mp4 for one; call again to go on"):
        generate_fakeavceleb(tmp_path, TINY, progress=lambda steps: ())
