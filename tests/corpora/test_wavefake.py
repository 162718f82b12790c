"""WaveFake and its genuine recordings, on trees written from the published layout and names."""

from dataclasses import replace

import numpy as np
import pytest

from multimodal.corpora import recognise, scan
from multimodal.corpora.manifest import Manifest
from multimodal.media.prepare_corpus import prepare_corpus
from multimodal.media.prepared import PrepareOptions
from multimodal.media.store.reader import Store
from multimodal.splits import make_split
from multimodal.synthetic.clip import write_audio

ENGLISH = {
    "melgan": "_gen", "melgan_large": "_gen", "multi_band_melgan": "_gen", "full_band_melgan": "_gen",
    "parallel_wavegan": "_gen", "hifiGAN": "_generated", "waveglow": "",
}  # fmt: skip
JAPANESE = ("multi_band_melgan", "parallel_wavegan")
FROM_TEXT = "common_voices_prompts_from_conformer_fastspeech2_pwg_ljspeech"
SENTENCES = [f"LJ{n // 5 + 1:03d}-{n % 5 + 1:04d}" for n in range(10)]
BASIC = [f"BASIC5000_{n:04d}" for n in range(1, 6)]


def generated(under="WaveFake/generated_audio"):
    for vocoder, ending in ENGLISH.items():
        yield from (f"{under}/ljspeech_{vocoder}/{name}{ending}.wav" for name in SENTENCES)
    for vocoder in JAPANESE:
        yield from (f"{under}/jsut_{vocoder}/{name}_gen.wav" for name in BASIC)
    for n in range(5):
        yield f"{under}/{FROM_TEXT}/gen_{n}.wav"
        yield f"{under}/{FROM_TEXT}/generated/gen_{n}.wav"


def genuine(english="LJSpeech-1.1", japanese="jsut_ver1.1"):
    yield from (f"{english}/wavs/{name}.wav" for name in SENTENCES)
    yield from (f"{japanese}/basic5000/wav/{name}.wav" for name in BASIC)
    yield f"{japanese}/onomatopee300/wav/ONOMATOPEE300_001.wav"


@pytest.fixture
def read(scan_rows):
    return lambda root, **options: scan_rows("wavefake", root, **options)


@pytest.mark.parametrize(
    ("prefix", "below"),
    [("", "WaveFake/generated_audio/"), ("WaveFake/", "generated_audio/"), ("WaveFake/generated_audio/", "")],
    ids=["two levels above", "beside", "inside"],
)
def test_genuine_recordings_are_found_where_people_keep_them(plant, read, prefix, below):
    root = plant(*generated(), *(prefix + path for path in genuine()))
    rows, report, manifest = read(root)
    real = rows["LJSpeech-1.1/wavs/LJ001-0001.wav"]
    assert rows[f"{below}ljspeech_waveglow/LJ001-0001.wav"]["source_clip"] == real["path"]
    assert (real["audio_fake"], real["method"], real["identity"]) == (0, "real", "ljspeech:LJ")
    assert rows["jsut_ver1.1/basic5000/wav/BASIC5000_0001.wav"]["identity"] == "jsut:JSUT"
    assert manifest.file_of(real["clip_id"]).read_bytes() == b"bytes"
    assert sum(row["audio_fake"] for row in rows.values()) == 70 + 10 + 5
    assert sum(1 - row["audio_fake"] for row in rows.values()) == 15
    assert report.skipped["copy of a file in the folder above"].count == 5
    assert "name_unparsed" not in report.flagged


def test_each_vocoder_is_a_method_and_its_files_point_to_the_genuine_sentence(plant, read):
    rows, report, _ = read(plant(*generated(), *genuine()))
    for folder, name, method in [
        ("ljspeech_melgan_large", "LJ002-0003_gen", "melgan_large"),
        ("ljspeech_hifiGAN", "LJ002-0003_generated", "hifigan"),
        ("ljspeech_waveglow", "LJ002-0003", "waveglow"),
    ]:
        row = rows[f"WaveFake/generated_audio/{folder}/{name}.wav"]
        assert (row["audio_fake"], row["video_fake"], row["media"], row["method"]) == (1, None, "audio", method)
        assert row["source_clip"] == "LJSpeech-1.1/wavs/LJ002-0003.wav"
        assert row["group"] == "ljspeech"
    row = rows["WaveFake/generated_audio/jsut_parallel_wavegan/BASIC5000_0002_gen.wav"]
    assert row["source_clip"].endswith("basic5000/wav/BASIC5000_0002.wav")
    row = rows[f"WaveFake/generated_audio/{FROM_TEXT}/gen_3.wav"]
    assert (row["method"], row["source_clip"]) == ("conformer_fastspeech2_pwg", None)
    assert any("melgan 10 of 13,100" in line and "real 15 of 18,100" in line for line in report.warnings)


@pytest.mark.parametrize("with_reals", [True, False])
def test_a_sentence_and_all_that_was_made_of_it_go_to_one_side(plant, read, with_reals):
    manifest = read(plant(*generated(), *(genuine() if with_reals else ())))[2]
    sentence = manifest.clips["path"].str.extract(r"(LJ\d{3}-\d{4}|BASIC5000_\d{4})", expand=False)
    for protocol in ("content_disjoint", "official"):
        split = make_split(manifest, protocol, seed=1)
        assert split.counts["train"] > split.counts["test"] > 0
        assert split.counts["val"] > 0
        assert (split.of(manifest.clips).groupby(sentence).nunique() == 1).all()


def test_recordings_beside_their_corpus_are_prepared_and_found_again(plant, read, tmp_path):
    root = plant(*generated(), *genuine())
    for path in root.rglob("*.wav"):
        write_audio(path, np.random.default_rng(len(path.name)).normal(0, 0.1, 4000), sample_rate=16_000)
    manifest = read(root)[2]
    manifest.write(tmp_path / "manifest.parquet")
    clips = Manifest.read(tmp_path / "manifest.parquet")
    names = ["wavefake/LJSpeech-1.1/wavs/LJ001-0001.wav", clips.clips["clip_id"].iloc[-1]]
    few = replace(clips, clips=clips.clips[clips.clips["clip_id"].isin(names)])
    summary = prepare_corpus(few, tmp_path / "store", PrepareOptions())
    assert (summary.prepared, summary.failed) == (2, 0)
    assert all(name in Store.open(tmp_path / "store") for name in names)


def test_the_last_fifth_of_the_sentences_is_the_official_test(plant, read):
    rows = read(plant(*generated(), *genuine()))[0]
    tested = {path.split("/")[-1] for path, row in rows.items() if row["official_split"] == "test"}
    assert tested == {
        *(f"{name}{ending}.wav" for name in SENTENCES[8:] for ending in ("", "_gen", "_generated")),
        *(f"{name}{ending}.wav" for name in BASIC[4:] for ending in ("", "_gen")),
        "gen_4.wav",
    }
    assert {row["official_split"] for row in rows.values()} == {"train", "test"}


def test_without_genuine_recordings_there_is_a_warning_and_every_clip_is_fake(plant, read):
    rows, report, _ = read(plant(*generated()))
    assert {row["audio_fake"] for row in rows.values()} == {1}
    assert any("no genuine recordings: put LJSpeech-1.1" in line for line in report.warnings)
    assert report.flagged["pair_missing"] == 80


@pytest.mark.parametrize("inside", [False, True])
def test_genuine_recordings_elsewhere_are_named_by_an_option(plant, read, inside):
    root = plant(*(f"a/b/c/{path}" for path in generated()), *(f"speech/{path}" for path in genuine()))
    named = root / "speech" / ("LJSpeech-1.1" if inside else "")
    rows = read(root / "a", reals=str(named))[0]
    assert sum(row["audio_fake"] == 0 for row in rows.values()) == (10 if inside else 15)
    with pytest.raises(ValueError, match=r"no such folder: .*Give --options reals DIR"):
        scan("wavefake", root / "a", options={"reals": str(root / "nothing")})


def test_generated_files_among_the_genuine_ones_are_left_out(plant, read):
    root = plant(
        *generated(), *genuine(), "LJSpeech-1.1/wavs/LJ001-0001_gen.wav", "ljspeech_waveglow/wavs/LJ001-0001.wav"
    )
    rows, report, _ = read(root / "WaveFake")
    assert sum(row["audio_fake"] == 0 for row in rows.values()) == 15
    assert report.skipped["name is not that of a genuine recording"].examples[0].endswith("LJ001-0001_gen.wav")


def test_a_doubled_folder_counts_once_and_odd_names_are_kept_with_a_flag(plant, read):
    root = plant(
        *generated(),
        *genuine(),
        *(f"WaveFake/generated_audio/ljspeech_melgan/ljspeech_melgan/{name}_gen.wav" for name in SENTENCES),
    )
    plant("WaveFake/generated_audio/ljspeech_melgan/take two.wav")
    rows, report, _ = read(root)
    assert sum("/ljspeech_melgan/" in path for path in rows) == 11
    odd = rows["WaveFake/generated_audio/ljspeech_melgan/take two.wav"]
    assert (odd["audio_fake"], odd["source_clip"], odd["official_split"]) == (1, None, None)
    assert report.flagged["name_unparsed"] == 1


def test_jsut_and_ljspeech_alone_are_not_taken_for_wavefake(plant):
    assert recognise(plant(*genuine())) == []
    assert [name for name, _ in recognise(plant(*generated()))] == ["wavefake"]
