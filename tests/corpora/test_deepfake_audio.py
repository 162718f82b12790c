"""DEEP-VOICE and Fake-or-Real, on trees written from their published layouts and names."""

from collections import Counter
from itertools import permutations

import pytest

from multimodal.corpora import recognise, scan
from multimodal.splits import make_split

PEOPLE = ("biden", "linus", "margot", "musk", "Obama", "ryan", "taylor", "trump")
AUDIO = "DeepFake_AudioDataset/KAGGLE/AUDIO"


def deep_voice(under=AUDIO, ending=""):
    reals = [f"{under}/REAL/{name}-original{ending}.wav" for name in PEOPLE]
    return reals + [f"{under}/FAKE/{a}-to-{b.title()}{ending}.wav" for a, b in permutations(PEOPLE, 2)]


@pytest.fixture
def read(scan_rows):
    return lambda root: scan_rows("deepfake_audio", root)


def test_deep_voice_names_recording_voice_and_label(plant, read):
    root = plant(*deep_voice(), "DeepFake_AudioDataset/KAGGLE/DATASET-balanced.csv")
    rows, report, manifest = read(root)
    assert manifest.roots["deepfake_audio"].endswith("KAGGLE")
    fake = rows["AUDIO/FAKE/Obama-to-Biden.wav"]
    assert (fake["audio_fake"], fake["video_fake"], fake["method"], fake["media"]) == (1, None, "rvc", "audio")
    assert (fake["identity"], list(fake["donors"])) == ("deepvoice:obama", ["deepvoice:biden"])
    assert fake["source_clip"] == "AUDIO/REAL/Obama-original.wav"
    real = rows["AUDIO/REAL/Obama-original.wav"]
    assert (real["audio_fake"], real["method"], real["identity"]) == (0, "real", "deepvoice:obama")
    assert (list(real["donors"]), real["source_clip"]) == ([], None)
    assert Counter(row["audio_fake"] for row in rows.values()) == {0: 8, 1: 56}
    assert report.warnings == []
    assert report.skipped["not a clip: .csv"].count == 1


def test_a_missing_recording_is_named_by_its_count(plant, read):
    _, report, _ = read(plant(*deep_voice()[:-1]))
    assert [line for line in report.warnings if "fake 55 of 56" in line]


def test_all_fragments_of_a_recording_share_its_source(plant, read):
    root = plant(*deep_voice("copy", "_frag0"), *deep_voice("copy", "_frag12"))
    rows, report, manifest = read(root)
    sources = {row["source_clip"] for path, row in rows.items() if "bama" in path.split("/")[1].split("-")[0]}
    assert sources == {"obama-original.wav"}
    assert report.flagged == {"fragment": 128}
    split = make_split(manifest, "content_disjoint").of(manifest.clips)
    recordings = manifest.clips["path"].str.extract(r"/(\w+?)-", expand=False).str.lower()
    assert (split.groupby(recordings).nunique() == 1).all()


def test_leaving_two_speakers_out_keeps_both_recording_and_voice_apart(plant, read):
    manifest = read(plant(*deep_voice()))[2]
    tested = []
    for fold in range(4):
        split = make_split(manifest, "leave_two_speakers_out", seed=3, options={"fold": fold})
        assert split.counts == {"train": 16, "val": 4, "test": 4, "dropped": 40}
        people = {}
        for row, part in zip(manifest.clips.to_dict("records"), split.of(manifest.clips), strict=True):
            people.setdefault(part, set()).update({row["identity"], *row["donors"]})
        assert not people["train"] & people["test"]
        assert not people["train"] & people["val"]
        assert not people["val"] & people["test"]
        tested += people["test"]
    assert len(set(tested)) == 8


def test_the_two_speakers_of_test_can_be_named(plant, read):
    manifest = read(plant(*deep_voice()))[2]
    split = make_split(manifest, "leave_two_speakers_out", options={"speakers": "Obama, linus"})
    assert split.clip_ids("test") == [
        f"deepfake_audio/AUDIO/{name}.wav"
        for name in ("FAKE/Obama-to-Linus", "FAKE/linus-to-Obama", "REAL/Obama-original", "REAL/linus-original")
    ]
    with pytest.raises(ValueError, match="must name two of biden, linus"):
        make_split(manifest, "leave_two_speakers_out", options={"speakers": "obama"})
    with pytest.raises(ValueError, match="fold must be 0 to 3"):
        make_split(manifest, "leave_two_speakers_out", options={"fold": 4})


def test_recordings_of_nobody_known_are_kept_with_a_flag_and_left_out_of_the_split(plant, read):
    _, report, manifest = read(plant(*deep_voice(), f"{AUDIO}/FAKE/speech 7.wav"))
    assert report.flagged["name_unparsed"] == 1
    split = make_split(manifest, "leave_two_speakers_out")
    assert split.dropped["nobody knows who speaks"] == 1


def test_few_speakers_are_refused(plant, read):
    paths = [f"{AUDIO}/REAL/{n}-original.wav" for n in "ab"] + [f"{AUDIO}/FAKE/a-to-b.wav"]
    with pytest.raises(ValueError, match="needs 6 speakers or more; this manifest names 2"):
        make_split(read(plant(*paths))[2], "leave_two_speakers_out")


def test_swapped_real_and_fake_folders_are_an_error(plant):
    paths = deep_voice("AUDIO")
    root = plant(*(path.replace("REAL", "x").replace("FAKE", "REAL").replace("x", "FAKE") for path in paths))
    with pytest.raises(ValueError, match=r"64 of 64 names contradict .*X-original is real.* swapped"):
        scan("deepfake_audio", root)


FAKE_NAME = "file1002.mp3.wav_16k.wav_norm.wav_mono.wav_silence.wav"


def fake_or_real(under, upper=False):
    folders = [f"{a}/{b}" for a in ("training", "validation", "testing") for b in ("real", "fake")]
    return [f"{under}/{f.title() if upper else f}/{n}" for f in folders for n in ("file1.wav_16k.wav", FAKE_NAME)]


@pytest.mark.parametrize("upper", [False, True])
def test_fake_or_real_takes_label_and_split_from_folders_in_any_case(plant, read, upper):
    rows, report, manifest = read(plant(*fake_or_real("kaggle/for-2sec/for-2seconds", upper)))
    lower = {path.lower(): (row["audio_fake"], row["official_split"], row["method"]) for path, row in rows.items()}
    assert lower[f"validation/fake/{FAKE_NAME}"] == (1, "val", "tts")
    assert lower[f"testing/real/{FAKE_NAME}"] == (0, "test", "real")
    assert len(rows) == 12
    assert report.flagged == {"was_mp3": 6}
    assert any("version: for-2sec;" in line for line in report.notes)
    assert manifest.clips["identity"].isna().all()
    assert report.warnings == []


def test_two_versions_of_fake_or_real_are_never_mixed(plant):
    root = plant(*fake_or_real("for-norm/for-norm"), *fake_or_real("for-2sec/for-2seconds"))
    with pytest.raises(ValueError, match=r"2 roots .*for-2seconds and .*for-norm. Give one"):
        scan("deepfake_audio", root)


def test_a_half_downloaded_fake_or_real_names_what_is_missing(plant, read):
    paths = [path for path in fake_or_real("for-norm") if "validation" not in path]
    _, report, _ = read(plant(*paths))
    assert any("nothing in validation/real, validation/fake" in line for line in report.warnings)


def test_real_and_fake_folders_with_other_names_are_left_to_the_folder_corpus(plant):
    root = plant("mine/Real/talk one.wav", "mine/Fake/talk two.wav")
    assert [name for name, _ in recognise(root)] == ["folder"]
    with pytest.raises(ValueError, match="recognised there: folder in"):
        scan("deepfake_audio", root)
