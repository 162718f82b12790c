"""Small versions of ``benchmarks/planted_truth.py``: the same truths, planted in tokens and in two dozen clips."""

from collections import Counter
from dataclasses import replace
from functools import cache

import av
import numpy as np
import pandas as pd
import pytest
import torch
from torch.nn.functional import cross_entropy

from benchmarks.planted_corpora import COLUMN_OPTIONS, GENUINE, write_disagreement, write_forged_pictures
from benchmarks.planted_truth import EACH_ALONE, beats, holds_chance
from experiments.scan import scan
from fusion import create_fusion, list_fusions
from multimodal.corpora.manifest import Manifest
from multimodal.detector import TokenClassifier
from multimodal.metrics.seeds import judge_seeds
from multimodal.scoring import score_windows
from multimodal.synthetic.clip import show
from multimodal.synthetic.plan import plan_clips

NUM_TOKENS, WIDTH, PEOPLE, TAKES = 12, 12, 24, 4
MODES = ("video_only", "audio_only", "score", "concat", "discrepancy")
#: Left to the benchmark: two modes that take longer than all others together.
QUICK = sorted(set(list_fusions()) - {"bottleneck", "transformer"})


def plant(truth: str, generator: torch.Generator) -> tuple[dict, pd.DataFrame]:
    """Tokens and labels of clips of which each picture stands once with its own sound and once with another's.

    ``moment``: the second is the fake, and only when they move tells. ``amount``: they also move more in every
    other take. ``picture``: sounds are always their own, and a fake picture has a seam.
    """
    rows = [(person, take, fake) for person in range(PEOPLE) for take in range(TAKES) for fake in (0, 1)]
    moves = torch.randn(PEOPLE, TAKES, NUM_TOKENS, generator=generator)
    moves -= moves.mean(dim=2, keepdim=True)
    if truth == "amount":
        moves[:, ::2] += 2
    faces, voices = torch.randn(2, PEOPLE, WIDTH, generator=generator)
    of_lips, of_voice, of_seam = torch.randn(3, WIDTH, generator=generator)
    noise = 0.3 * torch.randn(2, len(rows), NUM_TOKENS, WIDTH, generator=generator)
    person, take, fake = (torch.tensor(column) for column in zip(*rows, strict=True))
    in_sound = truth != "picture"
    swapped = fake if in_sound else 0 * fake
    seen, heard = moves[person, take], moves[person, (take + swapped) % TAKES]
    video = seen[:, :, None] * of_lips + faces[person][:, None] + noise[0]
    audio = heard[:, :, None] * of_voice + voices[person][:, None] + noise[1]
    if not in_sound:
        video += fake[:, None, None] * of_seam
    table = pd.DataFrame({"identity": [f"person {number}" for number in person], "any_fake": fake.numpy()})
    table["clip_id"] = [f"clip {place:04d}" for place in range(len(rows))]
    labels = table["any_fake"]
    table["audio_fake"], table["video_fake"] = (labels, 0 * labels) if in_sound else (0 * labels, labels)
    table["av_class"] = np.where(labels == 0, "RVRA", "RVFA" if in_sound else "FVRA")
    return {"video": video, "audio": audio}, table


def train_and_score(mode: str, truth: str, seed: int) -> pd.DataFrame:
    """Scores of people that the training did not see."""
    torch.manual_seed(seed)
    tokens, table = plant(truth, torch.Generator().manual_seed(0))
    classes = torch.tensor(2 * table["video_fake"].to_numpy() + table["audio_fake"].to_numpy())
    held_out = torch.tensor(table["identity"].isin([f"person {number}" for number in range(8)]).to_numpy())
    model = TokenClassifier(create_fusion(mode, dims={"video": WIDTH, "audio": WIDTH}, out_dim=32, width=32))
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, fused=True)
    for _ in range(150):
        optimizer.zero_grad()
        output = model({name: value[~held_out] for name, value in tokens.items()})
        cross_entropy(output.class_logits, classes[~held_out]).backward()
        optimizer.step()
    count = int(held_out.sum())
    batch = {
        "inputs": {name: value[held_out] for name, value in tokens.items()},
        "present": {name: torch.ones(count, dtype=torch.bool) for name in tokens},
        "lengths": {name: torch.full((count,), NUM_TOKENS) for name in tokens},
    }
    scores = score_windows(model.eval(), batch)
    return pd.concat([table[held_out.numpy()].reset_index(drop=True), scores], axis=1)


@pytest.fixture(scope="module")
def planted():
    """AUC of any of each mode, by what was planted."""

    @cache
    def judged(truth):
        modes = QUICK if truth == "amount" else MODES
        tables = {mode: [train_and_score(mode, truth, seed) for seed in range(2)] for mode in modes}
        return {mode: row["auc_any"] for mode, row in judge_seeds(tables, "audio_only", replicates=200).items()}

    return judged


@pytest.mark.parametrize("mode", QUICK)
def test_whoever_sees_both_together_knows_who_moves_as_much_as_is_heard(planted, mode):
    auc = planted("amount")[mode]
    assert holds_chance(auc) if mode in EACH_ALONE else beats(auc)


@pytest.mark.parametrize("mode", MODES)
def test_what_is_averaged_over_time_has_forgotten_when_it_was(planted, mode):
    auc = planted("moment")[mode]
    assert beats(auc) if mode == "discrepancy" else holds_chance(auc)


@pytest.mark.parametrize("mode", MODES)
def test_where_only_the_picture_tells_the_sound_alone_says_nothing(planted, mode):
    auc = planted("picture")[mode]
    assert holds_chance(auc) if mode == "audio_only" else beats(auc)


SMALL = replace(GENUINE, groups=1, identities_per_group=2, real_clips=2, clip_seconds=0.4)


def file_sound(path):
    with av.open(path) as file:
        return np.concatenate([frame.to_ndarray() for frame in file.decode(audio=0)], axis=1)


def first_frame(path):
    with av.open(path) as file:
        return next(file.decode(video=0)).to_ndarray(format="rgb24")


def scanned(root):
    scan("folder", root=root, out=root.parent / "manifest.parquet", options=COLUMN_OPTIONS)
    return Manifest.read(root.parent / "manifest.parquet").clips


@pytest.mark.parametrize("some_silent", [False, True])
def test_every_picture_and_every_sound_stands_once_among_the_reals_and_once_among_the_fakes(tmp_path, some_silent):
    write_disagreement(tmp_path / "corpus", replace(SMALL, clip_seconds=0.8), some_silent=some_silent, workers=1)
    clips = scanned(tmp_path / "corpus")
    assert Counter(clips["av_class"]) == {"RVRA": 4, "RVFA": 4}
    sounds = {path: file_sound(tmp_path / "corpus" / path) for path in clips["path"]}
    names = {path.split("/")[1] for path in sounds}
    for name in names:
        person = name.split("_")[0]
        assert np.allclose(
            first_frame(tmp_path / "corpus" / "real" / name), first_frame(tmp_path / "corpus" / "fake" / name)
        )
        heard = np.mean(np.abs(sounds[f"real/{name}"]) > 0.02)
        assert (heard < 0.25) == (some_silent and name.endswith("1.mp4"))
        others = [sounds[f"real/{other}"] for other in names if other.startswith(person) and other != name]
        assert any(np.array_equal(sounds[f"fake/{name}"], other) for other in others)


def test_only_pictures_are_forged_where_only_the_picture_shall_tell(tmp_path):
    write_forged_pictures(tmp_path / "corpus", SMALL, workers=1)
    assert Counter(scanned(tmp_path / "corpus")["av_class"]) == {"RVRA": 4, "FVRA": 4}


@pytest.mark.parametrize("some_silent", [False, True])
def test_lips_move_to_the_sound_of_their_own_utterance(tmp_path, some_silent):
    options = replace(SMALL, clip_seconds=0.8)
    write_disagreement(tmp_path / "corpus", options, some_silent=some_silent, workers=1)
    for clip in plan_clips(options):
        name = f"{clip.take.person}_{clip.take.number:03d}.mp4"
        own = file_sound(tmp_path / "corpus" / "real" / name)[0]
        with av.open(tmp_path / "corpus" / "fake" / name) as file:
            shown = [frame.to_ndarray(format="rgb24") for frame in file.decode(video=0)]
        rendered = {
            said: np.stack(list(show(clip, options, filmed_sound=sound, sound=sound)))
            for said, sound in {"own": own, "nothing": 0 * own}.items()
        }
        error = {said: np.square(pictures - np.float32(shown)).mean() for said, pictures in rendered.items()}
        assert error["own"] < 0.8 * error["nothing"]


@pytest.mark.parametrize(("some_silent", "takes"), [(False, 1), (True, 3)])
def test_takes_without_another_of_their_kind_are_refused(tmp_path, some_silent, takes):
    with pytest.raises(ValueError, match=f"takes a person; got {takes}"):
        write_disagreement(tmp_path / "corpus", replace(SMALL, real_clips=takes), some_silent=some_silent)
    assert not (tmp_path / "corpus").exists()


@pytest.mark.parametrize(("low", "difference", "p_holm"), [(None, 0.2, None), (0.2, -0.2, 0.001), (0.6, 0.2, 0.2)])
def test_only_what_is_surely_better_beats_the_baseline(low, difference, p_holm):
    entry = {"value": 0.7, "low": low, "high": 0.9, "difference": {"value": difference, "p_holm": p_holm}}
    assert not beats(entry)
    assert holds_chance(entry) == (low == 0.2)
