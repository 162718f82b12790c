"""Every generated layout, with real media in it: the files open, and its reader finds what the grammar says.

The expectations were worked out by hand from the grammar of the real corpora for three people with two clips
each, and not from what the readers say.
"""

import hashlib
import os
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import av
import pytest
from PIL import Image

from multimodal.corpora import CORPORA, ScanReport, recognise, scan
from multimodal.corpora.manifest import GENERATED, GENERATED_MARK
from multimodal.files import LOCK, WRITER
from multimodal.synthetic import GENERATORS, Layout, LayoutOptions, SyntheticOptions
from multimodal.synthetic.layouts.planned import VideoFile

SMALL = LayoutOptions(identities=3, clips=2, clip_seconds=0.3, frame_size=64)
SMALL_FAKEAVCELEB = SyntheticOptions(
    groups=1, identities_per_group=2, real_clips=1, rtvc_clips=1, wav2lip_clips=1, rtvc_wav2lip_clips=1,
    clip_seconds=0.3, frame_size=64,
)  # fmt: skip


class Expected(NamedTuple):
    """Of one layout: clips by their three labels, by split (None: in no official one) and by method."""

    #: (video_fake, audio_fake, any_fake) → clips; None: absent or unknown.
    labels: dict[tuple[int | None, int | None, int | None], int]
    #: How many people (pictures of FFHQ) are known to be seen or heard.
    identities: int
    splits: dict[str | None, int]
    #: How many clips each method of forging made, largest first; what it is called is the reader's affair.
    fakes_by_method: list[int]


LABELS = ("video_fake", "audio_fake", "any_fake")
#: Labels of a video or picture without sound, of sound alone, and of both.
SEEN_REAL, SEEN_FAKE = (0, None, 0), (1, None, 1)
HEARD_REAL, HEARD_FAKE = (None, 0, 0), (None, 1, 1)
BOTH_REAL, BOTH_FAKE, ONLY_SEEN_FAKE, ONLY_HEARD_FAKE = (0, 0, 0), (1, 1, 1), (1, 0, 1), (0, 1, 1)
#: DFDC says that a clip is fake and not which modality.
ONE_OF_BOTH_FAKE = (None, None, 1)

EXPECTED = {
    ("fakeavceleb", "default"): Expected(
        {BOTH_REAL: 2, ONLY_HEARD_FAKE: 2, ONLY_SEEN_FAKE: 6, BOTH_FAKE: 6}, 2, {None: 16}, [4, 2, 2, 2, 2, 2]
    ),
    # Three pairs of originals, both directions of each, five methods.
    ("faceforensics", "official"): Expected(
        {SEEN_REAL: 6, SEEN_FAKE: 30}, 6, {"train": 12, "val": 12, "test": 12}, [6, 6, 6, 6, 6]
    ),
    # The lists of the split are not part of the Kaggle copy, and its DFD fakes are no FaceForensics++.
    ("faceforensics", "kaggle"): Expected({SEEN_REAL: 6, SEEN_FAKE: 30}, 6, {None: 36}, [6, 6, 6, 6, 6]),
    # Listed: 2 of 3 from YouTube, 1 real, 3 fakes; nobody knows who the people from YouTube are.
    ("celebdf", "v2"): Expected({SEEN_REAL: 9, SEEN_FAKE: 6}, 3, {"train": 9, "test": 6}, [6]),
    ("dfd", "official"): Expected({SEEN_REAL: 6, SEEN_FAKE: 7}, 3, {None: 13}, [7]),
    ("dfd", "beside_faceforensics"): Expected({SEEN_REAL: 6, SEEN_FAKE: 7}, 3, {None: 13}, [7]),
    ("dfd", "kaggle"): Expected({SEEN_REAL: 6, SEEN_FAKE: 7}, 3, {None: 13}, [7]),
    # Two sample fakes are in no split; one of the reals is a copy.
    ("deepfake_image", "drive_export"): Expected(
        {SEEN_REAL: 10, SEEN_FAKE: 11}, 0, {"train": 9, "test": 10, None: 2}, [11]
    ),
    ("deepfake_image", "folders"): Expected(
        {SEEN_REAL: 4, SEEN_FAKE: 4}, 0, {"train": 4, "val": 2, "test": 2}, [4]
    ),
    ("deepfake_audio", "deep_voice"): Expected({HEARD_REAL: 3, HEARD_FAKE: 6}, 3, {None: 9}, [6]),
    ("deepfake_audio", "for_norm"): Expected(
        {HEARD_REAL: 4, HEARD_FAKE: 4}, 0, {"train": 4, "val": 2, "test": 2}, [4]
    ),
    ("deepfake_audio", "for_2sec"): Expected(
        {HEARD_REAL: 4, HEARD_FAKE: 4}, 0, {"train": 4, "val": 2, "test": 2}, [4]
    ),
    # Nobody is named, but the number of a real picture is that in FFHQ, whoever else may use it.
    ("faces140k", "kaggle"): Expected({SEEN_REAL: 4, SEEN_FAKE: 4}, 4, {"train": 4, "val": 2, "test": 2}, [4]),
    # One speaker a split; A03 to A06 in train and in dev, A09 to A12 in eval; enrolment recordings do not count.
    ("asvspoof2019", "la"): Expected(
        {HEARD_REAL: 6, HEARD_FAKE: 12}, 3, {"train": 6, "val": 6, "test": 6}, [2, 2, 2, 2, 1, 1, 1, 1]
    ),
    # Of six trials the third is of subset progress and the fourth of hidden: only eval is the test.
    ("asvspoof2021_la", "la"): Expected(
        {HEARD_REAL: 2, HEARD_FAKE: 4}, 1, {"test": 4, "progress": 1, "hidden": 1}, [1, 1, 1, 1]
    ),
    ("asvspoof2021_df", "df"): Expected(
        {HEARD_REAL: 2, HEARD_FAKE: 4}, 1, {"test": 4, "progress": 1, "hidden": 1}, [1, 1, 1, 1]
    ),
    ("asvspoof5", "track_1"): Expected(
        {HEARD_REAL: 6, HEARD_FAKE: 12}, 3, {"train": 6, "val": 6, "test": 6}, [1] * 12
    ),
    # Six utterances: nine folders of vocoders and one of text-to-speech; copies in generated/ do not count.
    # The last fifth of every folder is the test.
    ("wavefake", "with_reals"): Expected(
        {HEARD_REAL: 12, HEARD_FAKE: 60}, 2, {"train": 48, "test": 24}, [12, 12, 6, 6, 6, 6, 6, 6]
    ),
    ("lavdf", "full"): Expected(
        {BOTH_REAL: 6, BOTH_FAKE: 6, ONLY_SEEN_FAKE: 6, ONLY_HEARD_FAKE: 6},
        0,
        {"train": 8, "val": 8, "test": 8},
        [6, 6, 6],
    ),
    # The three clips of the test folder have no labels. Two speakers' voices were forged by one model and the
    # third's by another.
    ("avdeepfake1m", "full"): Expected(
        {BOTH_REAL: 6, BOTH_FAKE: 6, ONLY_SEEN_FAKE: 6, ONLY_HEARD_FAKE: 6},
        3,
        {"train": 16, "val": 8},
        [6, 4, 4, 2, 2],
    ),
    # Two parts with three reals and six fakes each, and four clips of test.
    ("dfdc", "full"): Expected({BOTH_REAL: 8, ONE_OF_BOTH_FAKE: 14}, 0, {"train": 18, "test": 4}, [14]),
    ("dfdc", "kaggle"): Expected({BOTH_REAL: 6, ONE_OF_BOTH_FAKE: 12}, 0, {"train": 18}, [12]),
    ("dfdc_preview", "preview"): Expected(
        {BOTH_REAL: 8, ONE_OF_BOTH_FAKE: 16}, 4, {"train": 12, "test": 12}, [8, 8]
    ),
    ("voxceleb2", "full"): Expected({BOTH_REAL: 6}, 3, {"train": 4, "test": 2}, []),
    ("in_the_wild", "release"): Expected({HEARD_REAL: 6, HEARD_FAKE: 6}, 3, {"test": 12}, [6]),
    # Nothing is published about the sound of the fakes; fsgan's have none.
    ("kodf", "release"): Expected({BOTH_REAL: 6, SEEN_FAKE: 15}, 3, {None: 21}, [3, 3, 3, 3, 3]),
    # Six originals of FaceForensics++ in four variants; the actors' own recordings are no reals for detection.
    ("deeperforensics", "release"): Expected({SEEN_FAKE: 24}, 6, {"train": 8, "val": 8, "test": 8}, [6, 6, 6, 6]),
    # A folder's name does not say which modality of a video was forged.
    ("folder", "folders"): Expected(
        {(0, 0, 0): 12, SEEN_REAL: 6, HEARD_REAL: 6, ONE_OF_BOTH_FAKE: 12, SEEN_FAKE: 6, HEARD_FAKE: 6},
        0,
        {None: 48},
        [12, 6, 6],
    ),
}


class Generated(NamedTuple):
    """One corpus in one variant, on disk in a folder inside a folder."""

    name: str
    variant: str
    drive: Path
    root: Path


@pytest.fixture(scope="module", params=EXPECTED, ids="-".join)
def generated(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Generated:
    name, variant = request.param
    drive = tmp_path_factory.mktemp(f"{name}_{variant}")
    root = drive / "My corpora (2)" / name
    GENERATORS[name](root, options_of(name, variant))
    return Generated(name, variant, drive, root)


def options_of(name: str, variant: str) -> SyntheticOptions | LayoutOptions:
    return SMALL_FAKEAVCELEB if name == "fakeavceleb" else replace(SMALL, variant=variant)


def test_every_generated_layout_is_expected_and_nothing_else() -> None:
    variants = {name: [*layout.variants] if isinstance(layout, Layout) else ["default"]
                for name, layout in GENERATORS.items()}  # fmt: skip
    assert set(EXPECTED) == {(name, variant) for name in variants for variant in variants[name]}


def test_every_corpus_has_a_generator_and_every_generator_a_reader() -> None:
    assert set(GENERATORS) == set(CORPORA)


def test_every_media_file_opens_with_the_streams_that_it_should_have(generated: Generated) -> None:
    files = [path for path in generated.root.rglob("*.*") if path.is_file() and path.name not in (LOCK, WRITER)]
    assert sum(path.stat().st_size for path in files) < 5_000_000
    opened = Counter(
        path.suffix for path in files if path.suffix in OPENERS and OPENERS[path.suffix](path) is None
    )
    assert opened
    assert set(Counter(path.suffix for path in files)) - set(opened) <= {".json", ".csv", ".txt", ".tsv"}
    layout = GENERATORS[generated.name]
    if isinstance(layout, Layout):
        plan = layout.variants[generated.variant](replace(SMALL, variant=generated.variant))
        videos = {file.path: file.sound is not None for file in plan.files if isinstance(file, VideoFile)}
        assert videos == {path: has_sound(generated.root / path) for path in videos}


def test_its_reader_finds_what_the_grammar_says(generated: Generated) -> None:
    expected, report = EXPECTED[generated.name, generated.variant], ScanReport()
    # The root is found below the folder given, but where any folder will do it is the one given.
    folder = generated.root if CORPORA[generated.name].takes_any_root else generated.drive
    clips = scan(generated.name, folder, report=report).clips
    clips = clips.astype(object).where(clips.notna(), None)
    labels = Counter(zip(clips["video_fake"], clips["audio_fake"], clips["any_fake"], strict=True))
    assert dict(labels) == expected.labels
    assert dict(Counter(clips["official_split"])) == expected.splits
    methods = Counter(clips["method"][clips["any_fake"] == 1])
    assert sorted(methods.values(), reverse=True) == expected.fakes_by_method
    assert set(clips["method"][clips["any_fake"] == 0]) <= {"real"}
    assert clips["identity"].nunique() == expected.identities
    assert all(GENERATED in flags for flags in clips["flags"])
    assert not clips["path"].str.contains(GENERATED_MARK).any()


def test_its_tree_is_recognised_as_that_corpus_alone(generated: Generated) -> None:
    beside = {"faceforensics"} if generated.variant == "beside_faceforensics" else set()
    assert {name for name, _ in recognise(generated.drive)} == {generated.name} | beside


def test_as_a_folder_of_ones_own_it_is_flagged_from_above_and_from_below(generated: Generated) -> None:
    some = next(path for path in sorted(generated.root.rglob("*.*")) if path.suffix in OPENERS)
    names = f"real,fake,{some.parent.name}"
    for folder in (generated.drive, some.parent.parent):
        report = ScanReport()
        clips = scan("folder", folder, report=report, options={"real": names, "fake": "no such"}).clips
        assert all(GENERATED in flags for flags in clips["flags"])
        assert not any(GENERATED_MARK in path for tally in report.skipped.values() for path in tally.examples)


def facts_of(name: str, folder: Path) -> Counter[tuple[str, ...]]:
    """Clips by everything that is known of them but their paths, in lower case."""
    clips = scan(name, folder, report=ScanReport()).clips
    known = clips[[*LABELS, "official_split", "method", "identity", "group", "donors"]]
    return Counter(tuple(str(cell).lower() for cell in row) for row in known.itertuples(index=False))


def test_letter_case_changes_nothing(generated: Generated, tmp_path: Path) -> None:
    root = tmp_path / "copy"
    for file in generated.root.rglob("*"):
        path = file.relative_to(generated.root)
        turned = root / path.parent.as_posix().swapcase() / path.name.swapcase()
        if file.name in (LOCK, WRITER, GENERATED_MARK):  # these are ours
            turned = turned.with_name(file.name)
        if file.is_file():
            turned.parent.mkdir(parents=True, exist_ok=True)
            os.link(file, turned)
    assert facts_of(generated.name, root) == facts_of(generated.name, generated.root)


def labels_by_path(name: str, root: Path, report: ScanReport) -> dict[str, tuple]:
    clips = scan(name, root, report=report).clips
    clips = clips.astype(object).where(clips.notna(), None)
    return dict(zip(clips["path"], zip(*(clips[one] for one in LABELS), strict=True), strict=True))


def plant_junk(folder: Path, suffix: str) -> int:
    """What is found on drives; how many things that are never clips."""
    for name in ("notes.docx", "readme", f"clip{suffix}.part", f"._hidden{suffix}"):
        (folder / name).write_bytes(b"x")
    (folder / os.fsdecode(b"caf\xe9" + suffix.encode())).write_bytes(b"x")
    (folder / "loop").symlink_to(folder.parent)
    (folder / f"broken{suffix}").symlink_to(folder / "nowhere")
    return 7


def test_damage_changes_no_label_and_hides_no_file(generated: Generated, tmp_path: Path) -> None:
    root = tmp_path / "copy"
    shutil.copytree(generated.root, root)
    root = Path(scan(generated.name, root, report=ScanReport()).roots[generated.name])
    sound, damaged = ScanReport(), ScanReport()
    before = labels_by_path(generated.name, root, sound)
    lost, emptied, *_ = sorted(before)
    (root / emptied).write_bytes(b"")
    (root / lost).unlink()
    folder = (root / lost).parent
    num_junk = plant_junk(folder, Path(lost).suffix)
    strays = {f"{folder.relative_to(root)}/{name}{Path(lost).suffix}".removeprefix("./")
              for name in ("a 'stray' (1) \"take\"", "n" * 240)}  # fmt: skip
    for stray in strays:
        (root / stray).write_bytes(b"x")
    after = labels_by_path(generated.name, root, damaged)
    assert set(before) - set(after) == {lost}
    assert set(after) - set(before) <= strays
    assert all(after[path] == before[path] for path in before if path != lost)
    assert {after[stray] for stray in strays & set(after)} <= {before[lost]}
    num_skipped = sum(tally.count for tally in damaged.skipped.values())
    num_skipped -= sum(tally.count for tally in sound.skipped.values())
    assert num_skipped == num_junk + len(strays - set(after))
    assert any("1 of" in line and "0 bytes" in line for line in damaged.warnings)


def test_clips_beside_the_folders_of_a_corpus_are_told(generated: Generated, tmp_path: Path) -> None:
    root = tmp_path / "copy"
    shutil.copytree(generated.root, root)
    root = Path(scan(generated.name, root, report=ScanReport()).roots[generated.name])
    before, after = ScanReport(), ScanReport()
    clips = labels_by_path(generated.name, root, before)
    for place in ("", "unpacked elsewhere"):
        (root / place).mkdir(exist_ok=True)
        (root / place / f"stray{Path(min(clips)).suffix}").write_bytes(b"x")
    assert labels_by_path(generated.name, root, after) == clips
    counts = [sum(tally.count for tally in report.skipped.values()) for report in (before, after)]
    assert counts[1] == counts[0] + 2


def test_the_same_options_give_the_same_bytes_from_two_processes(tmp_path: Path) -> None:
    smallest = replace(SMALL, clips=1)
    GENERATORS["folder"](tmp_path / "one", smallest)
    GENERATORS["folder"](tmp_path / "two", smallest, workers=2)
    assert digests(tmp_path / "one") == digests(tmp_path / "two")


def test_another_seed_gives_other_media(tmp_path: Path) -> None:
    for seed in (0, 1):
        GENERATORS["deepfake_image"](tmp_path / str(seed), replace(SMALL, variant="folders", seed=seed))
    first, second = digests(tmp_path / "0"), digests(tmp_path / "1")
    assert set(first) == set(second)
    assert not set(first.values()) & set(second.values())


def test_a_stopped_generation_goes_on_and_clears_what_a_killed_job_left(tmp_path: Path) -> None:
    whole = GENERATORS["in_the_wild"](tmp_path / "whole", SMALL)
    GENERATORS["in_the_wild"](tmp_path / "again", SMALL)
    (tmp_path / "again" / "3.wav").unlink()
    (tmp_path / "again" / f".4.multimodal-{'0' * 16}.wav").write_bytes(b"half a file")
    (tmp_path / "again" / "meta.csv").unlink()
    counts = GENERATORS["in_the_wild"](tmp_path / "again", SMALL)
    assert (whole["made"], whole["kept"], counts["made"], counts["kept"]) == (12, 0, 1, 11)
    assert digests(tmp_path / "again") == digests(tmp_path / "whole")


def test_a_folder_that_holds_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("do not touch")
    with pytest.raises(ValueError, match="exists and is no generated corpus"):
        GENERATORS["folder"](tmp_path, SMALL)
    GENERATORS["in_the_wild"](tmp_path / "made", SMALL)
    with pytest.raises(ValueError, match="generated with other options"):
        GENERATORS["in_the_wild"](tmp_path / "made", replace(SMALL, seed=1))
    assert (tmp_path / "thesis.txt").read_text() == "do not touch"


def test_an_unknown_variant_names_the_choices(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"did you mean 'kaggle'\? Choose from beside_faceforensics, kaggle, "):
        GENERATORS["dfd"](tmp_path / "dfd", replace(SMALL, variant="kagle"))
    assert not (tmp_path / "dfd").exists()


def digests(root: Path) -> dict[str, str]:
    files = sorted(path for path in root.rglob("*") if path.is_file() and path.name not in (LOCK, WRITER))
    return {str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def frames(path: Path) -> Iterator:
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            yield frame.to_ndarray(format="gray")


def has_sound(path: Path) -> bool:
    with av.open(str(path)) as container:
        return bool(container.streams.audio)


def open_video(path: Path) -> None:
    assert sum(1 for _ in frames(path)) >= 2


def open_sound(path: Path) -> None:
    with av.open(str(path)) as container:
        assert sum(frame.samples for frame in container.decode(audio=0)) > 0.2 * container.streams.audio[0].rate


def open_image(path: Path) -> None:
    with Image.open(path) as image:
        image.load()


OPENERS = {
    ".mp4": open_video,
    **dict.fromkeys((".wav", ".flac", ".m4a", ".mp3"), open_sound),
    **dict.fromkeys((".jpg", ".png"), open_image),
}
