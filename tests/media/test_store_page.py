"""The page of a store says of each clip what is wrong with its file, and of how many clips that holds."""

import re
from pathlib import Path

import numpy as np
import pytest
from scipy.io import wavfile

from multimodal.corpora.manifest import Clip, collect
from multimodal.media.prepare_corpus import prepare_corpus
from multimodal.media.prepared import PrepareOptions
from multimodal.media.store.reader import Store
from multimodal.report.pages.store import store_page

RATE = 16_000
TOLD = "the two channels of the sound cancel each other: only the left is taken"


def write_sound(path: Path, right: float) -> None:
    voice = np.random.default_rng(0).normal(0, 4_000, RATE).clip(-20_000, 20_000)
    wavfile.write(path, RATE, np.stack([voice, right * voice], axis=1).astype(np.int16))


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> Store:
    root = tmp_path_factory.mktemp("sounds")
    for name, right in (("alike.wav", 1.0), ("turned.wav", -1.0), ("turned too.wav", -1.0)):
        write_sound(root / name, right)
    (root / "broken.wav").write_bytes(b"no sound")
    clips = [Clip(file.name, "audio", None, 0, "real", size_bytes=1) for file in sorted(root.iterdir())]
    folder = tmp_path_factory.mktemp("store")
    prepare_corpus(collect(clips, corpus="tiny", root=root), folder, PrepareOptions())
    return Store.open(folder)


def text_of(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", page))


def test_damage_is_told_beside_each_clip_and_counted_in_a_table(store):
    clips = ["tiny/alike.wav", "tiny/turned.wav"]
    text = text_of(store_page(store, clips, labels={"tiny/turned.wav": "RVRA, real"}))
    told = text[text.index("Clips drawn at random") :]
    assert TOLD not in told[: told.index("tiny/turned.wav")]
    assert f"RVRA, real ; begins at second 0.00 of the file; no video stream; {TOLD}" in told
    tables = text[: text.index("Clips drawn at random")]
    assert f"Damaged, or read in a way that is told reason clips {TOLD} 2" in tables
    assert "Failures by reason" in tables
    assert "Prepared without picture or sound reason clips no video stream 3" in tables


def test_a_note_of_the_reader_is_not_taken_for_damage(store, monkeypatch):
    index = store.index.assign(
        reader=["pyav", "decord", None], reader_note=["the pixels are not square", "of 2", None]
    )
    monkeypatch.setitem(vars(store), "index", index)
    text = text_of(store_page(store, index["clip_id"].tolist()))
    assert "no video stream; read by PyAV: the pixels are not square" in text
    assert "only the left is taken; of 2" in text


def test_a_page_says_that_clips_were_generated_only_where_they_were(store):
    banner = "Generated media: what is seen and heard here says nothing about real videos"
    assert banner in text_of(store_page(store, ["tiny/alike.wav"], synthetic=True))
    assert banner not in text_of(store_page(store, ["tiny/alike.wav"]))
