"""What goes round on Kaggle as "DeepFake_Audio": DEEP-VOICE or Fake-or-Real, told apart by their folders.

DEEP-VOICE is ``KAGGLE/AUDIO/{REAL,FAKE}``, or any real and fake folder with its names; Fake-or-Real has
``training``, ``validation`` and ``testing`` with real and fake in each. Real and fake folders with other names in
them are neither: their labels are somebody else's statement, and the corpus ``folder`` reads them.
"""

from collections.abc import Iterator
from pathlib import Path

from multimodal.corpora.base import Corpus
from multimodal.corpora.deepfake_audio.deep_voice import NAMESPACE, read_deep_voice
from multimodal.corpora.deepfake_audio.fake_or_real import read_fake_or_real
from multimodal.corpora.manifest import Clip
from multimodal.corpora.markers import has, list_folder
from multimodal.corpora.scan_report import ScanReport

AUDIO_SUFFIXES = frozenset({".wav", ".mp3", ".flac", ".ogg", ".m4a"})

_FAKE_OR_REAL = ("training/real/*.wav", "training/fake/*.wav", "testing/")
_DEEP_VOICE = (
    ("AUDIO/REAL/", "AUDIO/FAKE/"),
    ("REAL/*-original*.*", "FAKE/*-to-*.*"),
)


def read_clips(root: Path, report: ScanReport) -> Iterator[Clip]:
    """Clips of whichever of the two lies at ``root``."""
    listing = list_folder(root)
    if all(has(listing, pattern) for pattern in _FAKE_OR_REAL):
        return read_fake_or_real(root, report, AUDIO_SUFFIXES)
    return read_deep_voice(root, report, AUDIO_SUFFIXES)


CORPUS = Corpus(
    name="deepfake_audio",
    title="DeepFake_Audio (DEEP-VOICE or Fake-or-Real)",
    summary="8 speeches converted to 7 other voices each; or utterances of people and of speech synthesis",
    licence="DEEP-VOICE: MIT, as stated; Fake-or-Real: academic use, see the page of York University",
    request_url="https://www.kaggle.com/datasets/birdy654/deep-voice-deepfake-voice-recognition and "
    "https://bil.eecs.yorku.ca/datasets/",
    markers=(*_DEEP_VOICE, _FAKE_OR_REAL),
    clips=read_clips,
    namespace=NAMESPACE,
    official_split="Fake-or-Real: folders training, validation, testing; DEEP-VOICE: none",
)
