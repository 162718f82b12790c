"""Each check of the audit of data, on files that really are duplicated, missing, misnamed."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from multimodal.audit import CHECKS, examine, findings_text, gather, to_json
from multimodal.audit.duplicates import identical_files
from multimodal.audit.findings import Evidence, Finding
from multimodal.audit.polarity import claim_of
from multimodal.corpora.manifest import Clip, Manifest, collect
from multimodal.splits import Split


def clip(path: str, fake: int | None = 0, size: int = 1, **more) -> Clip:
    media = "image" if path.endswith(".jpg") else "video"
    return Clip(path, media, fake, None, "m" if fake else "real", size, **more)


def put(root: Path, contents: dict[str, bytes], corpus: str = "c", **more) -> Manifest:
    """Files on disk and their manifest; a path that begins with "fake" is a fake."""
    for path, content in contents.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)
    clips = [clip(path, int(path.startswith("fake")), len(content), **more) for path, content in contents.items()]
    return collect(clips, corpus=corpus, root=root)


def table(*clips: Clip, corpus: str = "c") -> Manifest:
    return collect(clips, corpus=corpus, root="/nowhere")


def split_of(manifest: Manifest, **parts: list[str]) -> Split:
    part = {f"c/{path}": name for name, paths in parts.items() for path in paths}
    frame = pd.DataFrame({"clip_id": sorted(manifest.clips["clip_id"])})
    frame["split"] = frame["clip_id"].map(part)
    return Split(frame.assign(reason=None), "by hand")


def find(check: str, *manifests: Manifest, **more) -> list[Finding]:
    return list(CHECKS[check](gather(manifests, **more)))


def test_a_clip_in_two_manifests_is_a_duplicate_and_an_error_where_labels_differ():
    one = table(clip("a.mp4", 0), clip("b.mp4", 1), clip("d.mp4", None))
    other = table(clip("a.mp4", 1), clip("b.mp4", 1), clip("c.mp4", 1), clip("d.mp4", None))
    conflict, twice = find("duplicate rows", one, other)
    assert (conflict.severity, conflict.count, conflict.examples) == ("error", 1, ("c/a.mp4",))
    assert (twice.severity, twice.count) == ("warning", 2)


def test_one_file_scanned_as_two_corpora_is_found_by_where_it_lies(tmp_path):
    one = put(tmp_path / "top" / "low", {"fake1.jpg": b"x"})
    other = collect([clip("low/fake1.jpg", 0)], corpus="d", root=tmp_path / "top")
    (found,) = find("duplicate rows", one, other)
    assert (found.severity, found.count) == ("error", 1)
    assert "listed under two corpora, with different labels" in found.message


def test_different_clips_are_no_duplicates():
    assert find("duplicate rows", table(clip("a.mp4"), clip("b/a.mp4"))) == []


def test_files_that_are_gone_empty_or_changed_are_told_apart(tmp_path):
    manifest = put(tmp_path, {"a.jpg": b"xx", "b.jpg": b"", "c.jpg": b"xx", "d.jpg": b"xx"})
    (tmp_path / "a.jpg").unlink()
    (tmp_path / "c.jpg").write_bytes(b"xxx")
    found = {one.message: one for one in find("missing files", manifest)}
    assert {message: (one.severity, one.examples) for message, one in found.items()} == {
        "1 of 4 files are not on disk": ("error", ("c/a.jpg",)),
        "1 of 4 files are empty (0 bytes)": ("warning", ("c/b.jpg",)),
        "1 of 4 files have another size than when they were scanned": ("warning", ("c/c.jpg",)),
    }


def test_a_root_that_is_gone_is_one_finding_and_another_place_can_be_given(tmp_path):
    manifest = put(tmp_path / "before", {"a.jpg": b"x"})
    (tmp_path / "before").rename(tmp_path / "after")
    (found,) = find("missing files", manifest)
    assert "there is no folder" in found.message
    assert find("missing files", manifest, roots={"c": str(tmp_path / "after")}) == []


BIG = np.random.default_rng(0).bytes(100_000)


def test_files_are_grouped_by_all_of_their_bytes(tmp_path):
    changed = bytearray(BIG)
    changed[50_000] ^= 1
    contents = [BIG, b"small", bytes(changed), BIG, b"", b"", b"smell", b"small", BIG[:-1]]
    for number, content in enumerate(contents):
        (tmp_path / str(number)).write_bytes(content)
    paths = [str(tmp_path / str(number)) for number in range(len(contents))]
    sizes = np.array([len(content) for content in contents])
    assert [group.tolist() for group in identical_files(paths, sizes)] == [[0, 3], [1, 7]]


@pytest.mark.parametrize("num_bytes", [1, 16_383, 16_384, 16_385, 32_767, 32_768, 32_769, 49_153])
def test_one_changed_byte_anywhere_tells_two_files_apart(tmp_path, num_bytes):
    for position in {0, num_bytes // 2, num_bytes - 1}:
        content = bytearray(BIG[:num_bytes])
        (tmp_path / "a").write_bytes(content)
        content[position] ^= 1
        (tmp_path / "b").write_bytes(content)
        paths = [str(tmp_path / "a"), str(tmp_path / "b")]
        assert identical_files(paths, np.array([num_bytes, num_bytes])) == []


def test_a_file_that_vanishes_while_files_are_compared_is_no_crash(tmp_path):
    (tmp_path / "a").write_bytes(b"x")
    assert identical_files([str(tmp_path / "a"), str(tmp_path / "gone")], np.array([1, 1])) == []


def test_the_same_content_is_judged_by_label_then_split_then_corpus(tmp_path):
    contents = {
        "fake1.jpg": b"1",
        "real1.jpg": b"1",
        "real2.jpg": b"22",
        "b/real2.jpg": b"22",
        "real3.jpg": b"333",
        "b/real3.jpg": b"333",
        "real4.jpg": b"4444",
    }
    manifest = put(tmp_path / "c", contents)
    other = put(tmp_path / "d", {"x.jpg": b"4444"}, corpus="d")
    split = split_of(manifest, train=["fake1.jpg", "real2.jpg", "real3.jpg"], test=["real1.jpg", "b/real2.jpg"])
    found = find("same content", manifest, other, split=split)
    assert [(one.severity, one.count, one.examples[0]) for one in found] == [
        ("error", 2, "c/fake1.jpg (fake, train) = c/real1.jpg (real, test)"),
        ("error", 2, "c/b/real2.jpg (real, test) = c/real2.jpg (real, train)"),
        ("warning", 2, "c/real4.jpg (real) = d/x.jpg (real)"),
        ("warning", 2, "c/b/real3.jpg (real) = c/real3.jpg (real, train)"),
    ]


def test_without_a_split_the_official_one_counts(tmp_path):
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / name).write_bytes(b"x")
    clips = [clip("a.jpg", official_split="train"), clip("b.jpg", official_split="test")]
    (found,) = find("same content", collect(clips, corpus="c", root=tmp_path))
    assert "different splits" in found.message


def test_parts_that_nobody_trains_on_do_not_leak_into_each_other(tmp_path):
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / name).write_bytes(b"x")
    clips = [clip("a.jpg", official_split="test"), clip("b.jpg", official_split="hidden")]
    (found,) = find("same content", collect(clips, corpus="c", root=tmp_path))
    assert found.severity == "warning"


def test_a_clip_listed_twice_is_not_its_own_copy(tmp_path):
    manifest = put(tmp_path, {"a.jpg": b"x"})
    assert find("same content", manifest, manifest) == []


@pytest.mark.parametrize(
    ("name", "claim"),
    [
        ("real", (0, None, None)),
        ("Celeb-synthesis", (1, None, None)),
        ("YouTube-real", (0, None, None)),
        ("manipulated_sequences", (1, None, None)),
        ("DFD_original sequences", (0, None, None)),
        ("Deepfakes", (1, None, None)),
        ("training_fake", (1, None, None)),
        ("REAL", (0, None, None)),
        ("FakeVideo-RealAudio", (None, 1, 0)),
        ("real_video_fake_audio", (None, 0, 1)),
        ("real_vs_fake", (None, None, None)),
        ("really", (None, None, None)),
        ("surreal", (None, None, None)),
        ("00109_id00476_wavtolip", (None, None, None)),
        ("biden-original", (0, None, None)),
    ],
)
def test_what_a_name_says(name, claim):
    assert tuple(claim_of(name)) == claim


def test_labels_the_other_way_round_are_an_error():
    clips = [clip(f"real/{number}.jpg", 1) for number in range(9)] + [clip("fake/1.jpg", 0), clip("fake/2.jpg", 1)]
    (found,) = find("label polarity", table(*clips))
    assert (found.severity, found.count) == ("error", 10)
    assert "the other way round" in found.advice
    assert found.examples[0] == "c/fake/1.jpg (any real, video real)"


def test_the_name_nearest_to_the_file_counts_and_the_name_of_a_file_alone_is_a_warning():
    clips = [clip(f"fake_and_real/real/{number}.jpg") for number in range(5)]
    clips += [clip("real/fake/1.jpg", 1), clip("x/fake_9.jpg", 0)]
    (found,) = find("label polarity", table(*clips))
    assert (found.severity, found.count, found.examples) == (
        "warning",
        1,
        ("c/x/fake_9.jpg (any real, video real)",),
    )


def test_names_that_speak_of_one_modality_are_held_against_its_label():
    right = Clip("FakeVideo-RealAudio/1.mp4", "video", 1, 0, "m", 1)
    wrong = Clip("RealVideo-FakeAudio/2.mp4", "video", 1, 0, "m", 1)
    (found,) = find("label polarity", table(right, wrong))
    assert found.examples == ("c/RealVideo-FakeAudio/2.mp4 (any fake, video fake, audio real)",)


def test_a_fake_modality_makes_the_clip_fake_where_modalities_are_unknown():
    claimed = Clip("fake_video/1.mp4", "video", None, None, "m", 1, any_fake=0)
    unclear = Clip("real_video/2.mp4", "video", None, None, "m", 1, any_fake=1)
    (found,) = find("label polarity", table(claimed, unclear))
    assert found.examples == ("c/fake_video/1.mp4 (any real)",)


def test_people_in_two_corpora_are_found_in_any_role_and_torn_ones_are_an_error():
    one = collect(
        [clip("a.mp4", 1, identity="vox2:id1", donors=("vox2:id2",), official_split="train")], corpus="a", root="/"
    )
    other = collect(
        [
            clip("1.mp4", identity="vox2:id2", official_split="train"),
            clip("2.mp4", identity="vox2:id9", official_split="train"),
        ],
        corpus="b",
        root="/",
    )
    (found,) = find("shared people", one, other)
    assert (found.severity, found.count, found.examples) == ("warning", 1, ("vox2:id2",))
    torn = Split(
        pd.DataFrame({"clip_id": ["a/a.mp4", "b/1.mp4", "b/2.mp4"], "split": ["test", "train", None]}), "x"
    )
    (found,) = find("shared people", one, other, split=torn)
    assert found.severity == "error"
    assert "in train of one and in test of the other: 1" in found.message


def test_people_of_other_namespaces_or_of_none_are_not_confused():
    one = collect([clip("a.mp4", identity="vox2:id1"), clip("b.mp4", identity="x")], corpus="a", root="/")
    other = collect([clip("a.mp4", identity="celebdf:id1"), clip("c.mp4", identity="x")], corpus="b", root="/")
    assert find("shared people", one, other) == []


def test_the_same_name_and_person_in_two_corpora_is_probably_the_same_clip():
    name = "01_02__exit_phone_room__YVGY8LOK.mp4"
    one = collect([clip(f"DeepFakeDetection/{name}", 1, identity="dfd:01")], corpus="faceforensics", root="/")
    other = collect([clip(f"videos/{name}", 1, identity="dfd:01")], corpus="dfd", root="/")
    people, same = find("shared people", one, other)
    assert people.examples == ("dfd:01",)
    assert "probably the same clips" in same.message
    assert len(same.examples) == 2


def test_a_corpus_that_does_not_say_who_is_who_is_told_beside_others_of_its_namespace():
    one = collect([clip("a.mp4", identity="vox2:id1")], corpus="fakeavceleb", root="/")
    other = collect([clip("train/000001.mp4", 1)], corpus="lavdf", root="/")
    (found,) = find("shared people", one, other)
    assert "the people of lavdf are of vox2" in found.message
    assert find("shared people", other) == []


def test_names_that_stand_for_a_real_and_a_fake_clip_are_told_by_how_far_they_agree():
    clips = [clip("real/id1/27.mp4", 0), clip("swap/id1/27.mp4", 1), clip("swap/id2/28.mp4", 1)]
    clips += [clip("swap/id3/28.mp4", 1), clip("swap/id3/29.mp4", 1)]
    note, tails = find("colliding names", table(*clips))
    assert (note.severity, note.count, note.examples) == ("note", 4, ("27.mp4",))
    assert "2 file names stand for 4 clips, 1 of them for a real and a fake one" in note.message
    assert (tails.severity, tails.examples) == ("warning", ("id1/27.mp4",))


def test_paths_that_differ_in_case_or_in_the_coding_of_accents_are_told():
    clips = [clip("a/X.mp4"), clip("a/x.mp4"), clip("b/caf\u00e9.mp4"), clip("b/cafe\u0301.mp4"), clip("b/y.mp4")]
    found = find("colliding names", table(*clips))[-1]
    assert "4 paths differ from another only in upper and lower case" in found.message


def test_a_size_or_suffix_that_tells_fakes_from_reals_is_a_shortcut():
    clips = [clip(f"{number}.png", int(number % 2), 1_000 + 500 * (number % 2) + number) for number in range(100)]
    clips += [clip(f"{number}.jpg", 0, 1_600 + number) for number in range(100)]
    found = find("shortcuts", collect([one._replace(media="image") for one in clips], corpus="c", root="/"))
    assert [one.message for one in found] == [
        "c, image: the suffix alone tells fakes from reals with an AUC of 0.833"
    ]
    assert found[0].examples == ("real: jpg 67%, png 33%", "fake: png 100%")


def test_a_probe_table_shows_shortcuts_and_rejected_files():
    draw = np.random.default_rng(0)
    clips = [clip(f"{number}.mp4", number % 2, int(draw.integers(1_000, 9_000))) for number in range(80)]
    manifest = table(*clips)
    ids = manifest.clips["clip_id"].astype(object)
    fake = (manifest.clips["any_fake"] == 1).to_numpy()
    probe = pd.DataFrame(
        {
            "clip_id": ids,
            "duration_seconds": 5.0,
            "frame_rate": 25.0,
            "width": 224,
            "height": 224,
            "audio_rate": float("nan"),
            "start_silence_seconds": np.where(fake, 0.03, 0.0),
            "container": "mp4",
            "video_codec": "h264",
            "audio_codec": None,
            "damage": None,
            "reason": None,
        }
    )
    probe.loc[3, "reason"], probe.loc[5, "damage"] = "the file is empty", "2 damaged packets"
    probe = probe.iloc[:-1]
    (found,) = find("shortcuts", manifest, probe=probe)
    assert "silence at the start alone tells fakes from reals with an AUC of 1.000" in found.message
    rejected, damaged, missing = find("rejected files", manifest, probe=probe)
    assert rejected.examples == (f"{ids[3]}: the file is empty",)
    assert damaged.examples == (f"{ids[5]}: 2 damaged packets",)
    assert missing.count == 1


def test_few_clips_prove_no_shortcut():
    assert (
        find("shortcuts", table(*(clip(f"{number}.mp4", number % 2, 1 + number % 2) for number in range(30))))
        == []
    )


@pytest.fixture
def evidence(tmp_path) -> Evidence:
    return gather([put(tmp_path, {"fake1.jpg": b"1", "real1.jpg": b"1", "real2.jpg": b"22"})])


def test_an_examination_puts_errors_first_and_says_what_was_not_looked_at(evidence):
    examination = examine(evidence)
    assert examination.findings[0].severity == "error"
    assert examination.counts == {"error": 1, "warning": 0, "note": 0}
    assert examination.skipped == {
        "split fit": "no split was given; give --split FILE",
        "rejected files": "not probed; scan with --probe",
    }
    text = findings_text(examination)
    assert text.splitlines()[0] == "looked at 3 clips (c 3)"
    assert "error: same content: 2 files in 1 group of identical ones stand under different labels" in text
    assert "nothing found: missing files" in text
    assert text.endswith("1 error, 0 warnings, 0 notes")
    assert json.loads(json.dumps(to_json(examination)))["findings"][0]["check"] == "same content"


def test_a_line_break_in_a_name_begins_no_line_of_the_findings(tmp_path):
    named = gather([put(tmp_path, {"fake1\n0 errors.jpg": b"1", "real1.jpg": b"1"})])
    text = findings_text(examine(named))
    assert "fake1\\u000a0 errors.jpg" in text
    assert not any(line.startswith("0 errors") for line in text.splitlines())


def test_without_looking_at_files_nothing_is_opened(evidence):
    quiet = Evidence(evidence.clips, evidence.split, None, "nothing")
    assert set(examine(quiet).skipped) == {"missing files", "same content", "split fit", "rejected files"}
    assert "files" not in quiet.__dict__


def test_every_check_says_what_it_asks(evidence):
    assert all(asks.startswith("Whether ") for asks in examine(evidence).checks.values())
