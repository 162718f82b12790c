"""Clips behind links that lead out of their corpus are opened where the manifest says that links were followed."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.io import wavfile

from multimodal.corpora import ScanReport, scan
from multimodal.corpora.manifest import Manifest, concatenate
from multimodal.media.errors import MediaError
from multimodal.media.prepare_corpus import part_of
from multimodal.media.probe_corpus import probe_corpus
from multimodal.media.reading.frame_folder import must_lie_in


@pytest.fixture
def corpus(tmp_path):
    """A corpus of two own files and one behind a link."""
    sound = (8000 * np.sin(np.arange(16_000) / 10)).astype(np.int16)
    for name in ("corpus/real/a.wav", "corpus/fake/c.wav", "elsewhere.wav"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        wavfile.write(tmp_path / name, 16_000, sound)
    (tmp_path / "corpus" / "real" / "b.wav").symlink_to(tmp_path / "elsewhere.wav")
    return tmp_path / "corpus"


def test_a_clip_behind_a_link_is_opened_where_links_were_followed_alone(corpus, tmp_path):
    linked = scan("folder", corpus, report=ScanReport(), follow_links=True)
    linked.write(tmp_path / "m.parquet")
    linked = concatenate([Manifest.read(tmp_path / "m.parquet")])
    assert linked.linked == ("folder",)
    assert len(scan("folder", corpus, report=ScanReport()).clips) == 2
    for number, manifest in enumerate((linked, part_of(linked, 0, 1), replace(linked, linked=()))):
        reasons = probe_corpus(manifest, tmp_path / f"{number}.pq").set_index("clip_id")["reason"].fillna("")
        assert reasons["folder/real/a.wav"] == ""
        said = "leads out of the corpus; if it is yours, scan with --follow-links"
        assert (said in reasons["folder/real/b.wav"]) == (number == 2)


def test_an_image_or_the_sound_of_a_clip_behind_a_link_is_seen(tmp_path):
    clip = tmp_path / "corpus" / "clip"
    clip.mkdir(parents=True)
    (tmp_path / "mine.png").touch()
    must_lie_in(str(tmp_path / "corpus"), clip)
    for link in (clip / "0001.png", clip.with_name("clip.wav")):
        link.symlink_to(tmp_path / "mine.png")
        must_lie_in(None, clip)
        with pytest.raises(MediaError, match="leads out of the corpus"):
            must_lie_in(str(tmp_path / "corpus"), clip)
        link.unlink()
