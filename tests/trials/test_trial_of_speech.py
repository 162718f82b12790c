"""A trial from a list of two tiny repositories, made here, to its table."""

import csv
import json
import subprocess

import numpy as np
import pandas as pd
import pytest
from scipy.io import wavfile

from experiments.__main__ import main
from experiments.trials.chain import SAMPLE_RATE, treated_samples
from experiments.trials.clones import Clones
from experiments.trials.listing import Listed, read_list
from experiments.trials.speech import difference_of, lines_of_differences
from multimodal.media.reading.sound import read_sound

RATE = 22_050


def git(folder, *arguments) -> str:
    names = ["-c", "user.name=ann", "-c", "user.email=ann@example.org"]
    done = subprocess.run(
        ["git", *names, "-C", str(folder), *arguments], check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def voice(seed, *, buzzes) -> np.ndarray:
    """A second and a half of harmonics after half a second of silence; a buzz is the forgery."""
    generator, time = np.random.default_rng(seed), np.arange(round(1.5 * RATE)) / RATE
    pitch = generator.uniform(100, 200)
    sound = sum(np.sin(2 * np.pi * pitch * k * time + generator.uniform(0, 6)) / k for k in range(1, 12))
    sound = 0.1 * sound + 0.01 * generator.standard_normal(len(time))
    if buzzes:
        sound += 0.05 * np.sign(np.sin(2 * np.pi * 700 * time))
    silence = np.zeros(RATE // 2)
    return np.concatenate([silence, sound, silence])


@pytest.fixture(scope="module")
def clones(tmp_path_factory):
    """Two repositories with genuine and forged WAVs, and the list of them."""
    folder = tmp_path_factory.mktemp("trial")
    rows = []
    for number, repository in enumerate(("ann/demo", "bob/vocoder")):
        clone = folder / "clones" / repository.replace("/", "+")
        clone.mkdir(parents=True)
        git(clone, "init", "--quiet")
        for index in range(6):
            name, is_fake = f"clip {index}.wav", index % 2
            sound = voice(10 * number + index, buzzes=is_fake)
            wavfile.write(clone / name, RATE, (sound * 32767).astype(np.int16))
            split = ("train", "val", "test")[index // 2]
            rows.append([repository, "", name, ("real", "fake")[is_fake], "gan" * is_fake, "", "MIT", split])
        git(clone, "add", ".")
        git(clone, "commit", "--quiet", "-m", "demo")
        commit = git(clone, "rev-parse", "HEAD")
        for row in rows[6 * number :]:
            row[1] = commit
        for file in clone.glob("*.wav"):
            file.unlink()  # what is read comes out of git
    with (folder / "list.csv").open("w", newline="") as file:
        csv.writer(file).writerows([Listed._fields, *rows])
    return folder


@pytest.fixture(scope="module")
def corpus(clones):
    out = clones / "corpus"
    assert (
        main(["trial", "fetch", str(clones / "list.csv"), "--from", str(clones / "clones"), "--out", str(out)])
        == 0
    )
    return out


def test_a_listed_corpus_is_of_the_folder_kind_and_says_where_each_file_came_from(corpus):
    table = pd.read_csv(corpus / "clips.csv")
    assert table.groupby(["label", "split"]).size().tolist() == [2] * 6
    assert set(table["licence"]) == {"MIT"}
    assert set(table["identity"]) == {"ann+demo", "bob+vocoder"}
    assert all((corpus / path).is_file() for path in table["path"])


def test_every_recording_leaves_the_chain_with_one_length_loudness_and_band(corpus):
    for path in (corpus / "real").rglob("*.opus"):
        sound = read_sound(path, SAMPLE_RATE).samples / 32768
        assert 1.4 < len(sound) / SAMPLE_RATE < 1.6
        assert 20 * np.log10(np.sqrt(np.mean(sound**2))) == pytest.approx(-26, abs=1)
        power = np.abs(np.fft.rfft(sound)) ** 2
        beyond = np.fft.rfftfreq(len(sound), 1 / SAMPLE_RATE) > 7_200
        assert power[beyond].sum() < 1e-3 * power.sum()


def test_a_recording_of_less_than_a_second_is_refused_by_the_chain():
    sound = np.zeros(2 * SAMPLE_RATE)
    sound[8_000:16_000] = np.random.default_rng(0).standard_normal(8_000)
    with pytest.raises(ValueError, match=r"0\.5\d s are left"):
        treated_samples(sound)


def test_the_trial_of_speech_runs_from_the_corpus_to_its_table(corpus, tmp_path, capsys):
    tiny = ["--window-seconds", "1", "--batch-size", "4", "--num-workers", "0", "--fit.steps", "2"]
    tiny += ["--fit.validate-every", "2", "--workers", "1", "--replicates", "20"]
    assert main(["trial", "speech", str(corpus), "--out", str(tmp_path / "out"), "--seeds", "0", "1", *tiny]) == 0
    printed = capsys.readouterr().out
    assert "AUC within a source" in printed
    assert "source alone" in printed
    report = json.loads((tmp_path / "out" / "trial.json").read_text())
    assert report["counts"] == {"real": 2, "fake": 2, "sources": 2}
    trained = {"trained here, seed 0", "trained here, seed 1", "alike to known clips", "duration alone"}
    assert trained <= set(report["systems"])
    assert set(report["systems"]["trained here, seed 0"]["sources"]) == {"ann+demo", "bob+vocoder"}
    assert report["floors"]["source alone"]["auc"] == 0.5
    scores = pd.read_parquet(tmp_path / "out" / "scores.parquet")  # anybody's pandas opens it
    assert {"path", "audio_fake", "source", *trained} <= set(scores.columns)


def test_ours_is_compared_with_another_system_on_the_same_clips():
    clips = pd.DataFrame({"clip_id": list("abcdefgh"), "identity": list("aabbccdd"), "audio_fake": [0, 1] * 4})
    ours, theirs = np.arange(8) % 2 + 0.0, np.tile([1.0, 0.0, 0.0, 1.0], 2)
    found = difference_of(clips, ours, theirs, replicates=50)
    assert (found["auc"]["a"], found["auc"]["b"], found["auc"]["difference"]) == (1.0, 0.5, 0.5)
    assert found["eer"]["difference"] == -0.5
    (line,) = lines_of_differences({"differences": {"ours, less theirs": found}})
    assert line.startswith("ours, less theirs: AUC 0.500 [")


def test_a_repository_that_is_not_there_is_named_before_anything_is_read(clones, tmp_path, capsys):
    command = ["trial", "fetch", str(clones / "list.csv"), "--from", str(tmp_path), "--out", str(tmp_path / "out")]
    assert main(command) == 1
    assert "has no clone of ann/demo, bob/vocoder" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_file_that_its_commit_lacks_is_one_line(clones):
    one = read_list(clones / "list.csv")[0]._replace(path="none.wav")
    with pytest.raises(ValueError, match=r"has no none.wav at commit"):
        Clones(clones / "clones").read(one)


def a_clone_without_its_file(clones, folder):
    """A bare clone of ann/demo that lacks the bytes of a file, and that file."""
    one = read_list(clones / "list.csv")[0]
    clone = folder / one.source
    source = next(path for path in (clones / "clones").iterdir() if path.name.startswith(one.source))
    folder.mkdir(exist_ok=True)
    git(folder, "clone", "--quiet", "--bare", f"file://{source}", clone)
    for pack in (clone / "objects" / "pack").glob("*.pack"):
        content = pack.read_bytes()
        for part in pack.parent.iterdir():
            part.unlink()
        subprocess.run(["git", "-C", clone, "unpack-objects", "-q"], input=content, check=True)
    blob = git(clone, "rev-parse", f"{one.commit}:{one.path}")
    (clone / "objects" / blob[:2] / blob[2:]).unlink()
    return clone, one


@pytest.mark.parametrize("may_clone", [False, True])
def test_a_strangers_clone_names_no_program_that_is_run_and_no_place_that_is_asked(
    clones, tmp_path, monkeypatch, may_clone
):
    clone, one = a_clone_without_its_file(clones, tmp_path)
    run = tmp_path / "run"
    for name, value in {
        "core.repositoryformatversion": "1",
        "extensions.partialClone": "origin",
        "remote.origin.promisor": "true",
        "remote.origin.url": "ssh://nobody@localhost/x",
        "core.sshCommand": f"touch {run}; false",
        "credential.helper": f"!touch {run}",
        "protocol.ext.allow": "always",
    }.items():
        git(clone, "config", name, value)
    monkeypatch.setattr("experiments.trials.clones._HOST", f"file://{tmp_path}/nowhere")
    with pytest.raises(ValueError, match=f"has no {one.path} at commit"):
        Clones(tmp_path, may_clone=may_clone).read(one)
    assert not run.exists()


def test_what_a_clone_lacks_is_fetched_from_the_host_where_that_is_allowed(clones, tmp_path, monkeypatch):
    _, one = a_clone_without_its_file(clones, tmp_path / "clones")
    whole = next(path for path in (clones / "clones").iterdir() if path.name.startswith(one.source))
    host = tmp_path / "host" / f"{one.repository}.git"
    git(tmp_path, "clone", "--quiet", "--bare", f"file://{whole}", host)
    for name in ("uploadpack.allowFilter", "uploadpack.allowAnySHA1InWant"):
        git(host, "config", name, "true")
    monkeypatch.setattr("experiments.trials.clones._HOST", f"file://{tmp_path}/host")
    wanted = Clones(clones / "clones").read(one)
    assert Clones(tmp_path / "clones", may_clone=True).read(one) == wanted
    assert Clones(tmp_path / "clones").read(one) == wanted  # it is kept
    assert Clones(tmp_path / "none yet", may_clone=True).read(one) == wanted


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"repository": "demo"}, "row 2: the repository must be owner/name"),
        ({"path": "../x.wav"}, "row 2: the path must lie inside the repository"),
        ({"commit": "main"}, "row 2: the commit must be 7 to 64 hexadecimal digits"),
        ({"label": "1"}, "row 2: the label must be real or fake"),
        ({"generator": ""}, "row 2: a fake must name its generator"),
        ({"split": "dev"}, "row 2: the split must be train, val or test"),
    ],
)
def test_a_row_that_cannot_be_meant_is_refused_by_its_number(change, message, tmp_path):
    row = Listed("ann/demo", "0" * 40, "a.wav", "fake", "gan", "", "MIT", "test")._replace(**change)
    with (tmp_path / "list.csv").open("w", newline="") as file:
        csv.writer(file).writerows([Listed._fields, row])
    with pytest.raises(ValueError, match=message):
        read_list(tmp_path / "list.csv")
