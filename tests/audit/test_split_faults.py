"""What `check --split` finds, on splits small enough to see by eye."""

from collections.abc import Callable

import pandas as pd
import pytest

from multimodal.audit import CHECKS, examine, gather
from multimodal.audit.findings import Finding
from multimodal.audit.split_faults import video_of_frame
from multimodal.corpora.manifest import Clip, Manifest, collect
from multimodal.splits import SPLITS, Split


def clip(path: str, fake: int = 0, **more: object) -> Clip:
    media = "image" if path.endswith(".png") else "video"
    return Clip(path, media, fake, None, "m" if fake else "real", 1, **more)


def people(*, shared: bool, donors: bool = False, source: bool = False) -> tuple[Manifest, Split]:
    """Two real and two fake clips in each part; ``shared``: the same two people everywhere."""
    clips, parts = [], {}
    for part in SPLITS:
        for number in range(4):
            name = f"{part}/{number}.mp4"
            fake = number % 2
            person = f"x:{number}" if shared else f"x:{part}{number}"
            more: dict[str, object] = {"identity": person}
            if fake:
                more["donors"] = ("x:lender",) if donors else ()
                more["source_clip"] = "train/0.mp4" if source else f"{part}/{number - 1}.mp4"
            clips.append(clip(name, fake, **more))
            parts[f"c/{name}"] = part
    return with_split(clips, parts)


def with_split(clips: list[Clip], parts: dict[str, str | None]) -> tuple[Manifest, Split]:
    manifest = collect(clips, corpus="c", root="/nowhere")
    frame = pd.DataFrame({"clip_id": list(parts), "split": list(parts.values()), "reason": None})
    return manifest, Split(frame.sort_values("clip_id", ignore_index=True), "by hand")


def find(check: str, manifest: Manifest, split: Split | None) -> list[Finding]:
    return list(CHECKS[check](gather([manifest], split=split)))


def test_a_split_with_every_test_person_in_training_is_no_clean_bill():
    manifest, split = people(shared=True)
    found = find("split leakage", manifest, split)
    assert found[0].severity == "error"
    assert found[0].message == "4 of 4 test clips (100.0%) share the person on screen with train"
    assert examine(gather([manifest], split=split, looks_at="nothing")).counts["error"] > 0


def test_a_split_that_shares_nothing_and_is_even_has_no_finding():
    manifest, split = people(shared=False)
    assert find("split leakage", manifest, split) == []
    assert find("split fit", manifest, split) == []


@pytest.mark.parametrize(
    ("what", "severity", "message"),
    [
        ("donors", "warning", "2 of 4 test clips (50.0%) share a donor of face or voice with train"),
        (
            "source",
            "error",
            "2 of 4 test clips (50.0%) share a genuine clip beneath, itself or in a fake, with train",
        ),
    ],
)
def test_donors_and_genuine_clips_on_two_sides_are_found(what, severity, message):
    found = {one.message: one for one in find("split leakage", *people(shared=False, **{what: True}))}
    assert found[message].severity == severity
    assert any(one.startswith("2 of 4 val clips") for one in found)


def test_what_authors_published_is_a_warning():
    clips = [clip(f"{part}.mp4", identity="x:anna", official_split=part) for part in ("train", "test")]
    (found,) = find("split leakage", collect(clips, corpus="c", root="/nowhere"), None)
    assert (found.severity, found.count) == ("warning", 1)


def test_clips_of_nobody_known_make_the_shares_bounds_and_are_counted():
    clips = [clip("a.mp4", identity="x:a"), clip("b.mp4", identity="x:a"), clip("c.mp4")]
    shared, unknown = find(
        "split leakage", *with_split(clips, {"c/a.mp4": "train", "c/b.mp4": "test", "c/c.mp4": "test"})
    )
    assert shared.message.startswith("at least 1 of 2 test clips (50.0%)")
    assert (unknown.severity, unknown.message) == ("note", "in 1 of 2 test clips (50.0%) somebody is not named")


def frames(paths: list[str], part_of: Callable[[int, str], str]) -> list[Finding]:
    parts = {f"c/{path}": part_of(position, path) for position, path in enumerate(paths)}
    found = find("split leakage", *with_split([clip(path, 1) for path in paths], parts))
    return [one for one in found if "frames" in one.message]


def alternate(position: int, path: str) -> str:
    return ("train", "test")[position % 2]


@pytest.mark.parametrize("pattern", ["Deepfakes/{:03d}_{:03d}/{}.png", "faces/id{}_{:04d}_frame{}.png"])
def test_frames_of_one_video_on_two_sides_are_found(pattern):
    paths = [pattern.format(video, video + 1, frame) for video in range(5) for frame in range(4)]
    (found,) = frames(paths, alternate)
    assert found.severity == "error"
    assert found.message == "10 pictures of test seem to be frames of 5 videos that are in train too"
    first = video_of_frame(paths[0])
    assert frames(paths, lambda _, path: "test" if video_of_frame(path) == first else "train") == []


@pytest.mark.parametrize("pattern", ["real/{:05d}.png", "c/fake/fake_{}.png", "train/real/real_{}.png", "{}.png"])
def test_photographs_with_numbers_are_no_frames_of_a_video(pattern):
    assert frames([pattern.format(number) for number in range(20)], alternate) == []


def test_a_split_of_another_manifest_is_an_error():
    manifest, _ = people(shared=False)
    _, other = with_split([clip("z.mp4")], {"c/z.mp4": "train"})
    found = find("split fit", manifest, other)
    assert found[0].severity == "error"
    assert "the split is of another manifest" in found[0].message


def test_clips_without_a_place_and_places_without_a_clip_are_told():
    manifest, split = people(shared=False)
    table = split.assignment
    fewer = Split(table[table["clip_id"] != "c/test/0.mp4"], "by hand")
    assert "1 of 12 clips are not in the split" in [one.message for one in find("split fit", manifest, fewer)]
    part = Manifest(manifest.clips[manifest.clips["path"] != "val/1.mp4"].reset_index(drop=True), manifest.roots)
    messages = [one.message for one in find("split fit", part, split)]
    assert "1 clips of the split are in none of these manifests" in messages


def test_parts_that_are_empty_or_of_one_class_are_told():
    clips = [clip("a.mp4", 0), clip("b.mp4", 1), clip("c.mp4", 1)]
    found = find("split fit", *with_split(clips, {"c/a.mp4": "train", "c/b.mp4": "train", "c/c.mp4": "test"}))
    assert [(one.severity, one.message) for one in found] == [
        ("warning", "val is empty"),
        ("error", "test has fake clips only"),
    ]


def test_shares_of_classes_that_differ_by_more_than_chance_are_told():
    def split_with(num_fakes: int) -> list[Finding]:
        clips = [
            clip(f"{part}/{n}.mp4", int(n < (50 if part != "test" else num_fakes)))
            for part in SPLITS
            for n in range(100)
        ]
        return find(
            "split fit", *with_split(clips, {f"c/{one.path}": one.path.partition("/")[0] for one in clips})
        )

    assert split_with(55) == []
    (found,) = split_with(90)
    assert found.message.startswith(
        "shares of classes in test differ much from those in train: fake 90.0% against"
    )


def corpus_of(name: str, num_real: int, num_fake: int) -> Manifest:
    return collect(
        [clip(f"{n}.mp4", int(n >= num_real)) for n in range(num_real + num_fake)], corpus=name, root="/x"
    )


def test_genuine_clips_of_one_corpus_and_fakes_of_another_are_told_with_one_ratio():
    evidence = gather([corpus_of("voxceleb2", 90, 0), corpus_of("fakeavceleb", 10, 100)])
    (found,) = CHECKS["corpus tells label"](evidence)
    assert "in all clips of all corpora together (real : fake = 1 : 1.0)" in found.message
    assert "AUC of 0.950" in found.message
    assert found.examples == ("fakeavceleb: 10 real, 100 fake", "voxceleb2: 90 real, 0 fake")


def test_corpora_with_like_shares_or_a_single_one_tell_nothing():
    assert not list(CHECKS["corpus tells label"](gather([corpus_of("a", 30, 60), corpus_of("b", 10, 22)])))
    assert not list(CHECKS["corpus tells label"](gather([corpus_of("a", 30, 60)])))
