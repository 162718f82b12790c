"""WaveFake: LJSpeech (English) and JSUT (Japanese) through seven vocoders, and speech from text; all of it fake.

On disk: ``generated_audio/{ljspeech,jsut}_<vocoder>/*.wav`` and a folder of sentences made from text. Whatever is
easily got wrong here:

* **The genuine recordings are not in it.** Put ``LJSpeech-1.1`` and ``jsut_ver1.1`` beside or above the folders,
  or name their folder with ``reals``; without them there is nothing to tell the fakes from.
* **WaveGlow's files have the names of the genuine ones** (``LJ018-0097.wav``), so labels come from folders.
* A genuine sentence and all that vocoders made of it must go to one side: ``content_disjoint`` sees to that, and
  so does the official rule (the last fifth in the order of names), taken here over all folders of a language.
* The folder of sentences from text holds each file again in ``generated/``; these copies are left out.
* One speaker a language: no split can keep speakers apart, and a detector can learn the speaker. 22.05 kHz (JSUT:
  24 kHz), unlike most other speech.
"""

import os
import re
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from multimodal.corpora.base import Corpus, ScanReport
from multimodal.corpora.file_names import NAME_UNPARSED
from multimodal.corpora.manifest import Clip
from multimodal.corpora.roots import folders_named, list_folder
from multimodal.corpora.walk import walk_files

# Where the genuine recordings of WaveFake lie: LJSpeech and JSUT, which come from elsewhere.


#: family → folders that hold its recordings, below a folder in which people keep corpora
_PLACES: dict[str, tuple[str, ...]] = {
    "ljspeech": ("ljspeech-*/wavs", "ljspeech/wavs", "ljspeech-*/ljspeech-*/wavs"),
    "jsut": ("jsut_ver*/basic5000/wav", "jsut/basic5000/wav", "jsut_ver*/jsut_ver*/basic5000/wav"),
}
#: the same, where a person named the corpus itself
_INSIDE: dict[str, tuple[str, ...]] = {"ljspeech": ("wavs",), "jsut": ("basic5000/wav",)}
_GENUINE = {
    "ljspeech": re.compile(r"LJ\d{3}-\d{4}", re.IGNORECASE),
    "jsut": re.compile(r"BASIC5000_\d{4}", re.IGNORECASE),
}
_LEVELS_ABOVE = 2


def find_reals(root: Path, report: ScanReport, reals: str) -> dict[str, list[tuple[str, int]]]:
    """Family → (path relative to the root, size in bytes) of its genuine recordings.

    They are looked for at the root and up to two levels above it, where people keep one corpus beside another, or
    in the folder ``reals`` and up to one level below. A path that leaves the root begins with ``../``
    (the manifest's root is then the folder that holds both).
    """
    real_root = Path(os.path.realpath(root))
    if reals:
        start = Path(reals).expanduser()
        if not start.is_dir():
            raise ValueError(
                f"no such folder: {start}. Give --options reals DIR, the folder with LJSpeech-1.1 and jsut_ver1.1"
            )
        folders = [Path(os.path.realpath(start))]
        places = {family: (*_PLACES[family], *_INSIDE[family]) for family in _PLACES}
    else:
        folders = [real_root, *list(real_root.parents)[:_LEVELS_ABOVE]]
        places = _PLACES
    return {family: list(_read(real_root, _first(folders, places[family]), family, report)) for family in places}


def _first(folders: list[Path], places: tuple[str, ...]) -> Path | None:
    return next((found for folder in folders for place in places for found in folders_named(folder, place)), None)


def _read(root: Path, folder: Path | None, family: str, report: ScanReport) -> Iterator[tuple[str, int]]:
    if folder is None:
        return
    report.note(f"genuine recordings from {folder}")
    prefix = Path(os.path.relpath(folder, root)).as_posix()
    for name, size_bytes in walk_files(folder, report, suffixes={".wav"}):
        path = f"{prefix}/{name}"
        if _GENUINE[family].fullmatch(path[path.rfind("/") + 1 : path.rfind(".")]):
            yield path, size_bytes
        else:
            report.skip("name is not that of a genuine recording", path)


#: The one speaker of each language, in a namespace of the corpus that the recordings come from.
SPEAKERS = {"ljspeech": "ljspeech:LJ", "jsut": "jsut:JSUT"}
TRAIN_SHARE = 0.8

_VOCODED = re.compile(r"(ljspeech|jsut)_(.*(?:gan|melgan_large|waveglow))", re.IGNORECASE)
_FROM_TEXT = "common_voices_prompts_from_conformer_fastspeech2_pwg*"
_FROM_TEXT_METHOD = "conformer_fastspeech2_pwg"
_SENTENCE = {
    "ljspeech": re.compile(r"(LJ\d{3}-\d{4})(?:_gen|_generated)?", re.IGNORECASE),
    "jsut": re.compile(r"(BASIC5000_\d{4})(?:_gen|_generated)?", re.IGNORECASE),
}
_TEXT = re.compile(r"gen_\d+", re.IGNORECASE)


class Recording(NamedTuple):
    """One file: ``sentence`` is its content within the family, None where the name says nothing of it."""

    path: str
    size_bytes: int
    method: str
    family: str
    sentence: str | None


def read_clips(root: Path, report: ScanReport, *, reals: str = "") -> Iterator[Clip]:
    """Genuine recordings that were found, and everything generated, with the sentence as its source."""
    genuine = [
        Recording(path, size_bytes, "real", family, _sentence_of(path, family))
        for family, files in find_reals(root, report, reals).items()
        for path, size_bytes in files
    ]
    if not genuine:
        report.warn(
            "no genuine recordings: put LJSpeech-1.1 and jsut_ver1.1 beside the folders of WaveFake, or name "
            "their folder with --options reals DIR"
        )
    vocoded, from_text = list(_read_vocoded(root, report)), list(_read_from_text(root, report))
    real_paths = {(one.family, one.sentence): one.path for one in genuine}
    train = {*_first_sentences(chain(genuine, vocoded)), *_first_sentences(from_text)}
    for one in (*genuine, *vocoded, *from_text):
        yield _clip(one, (one.family, one.sentence) in train, real_paths)


def _read_vocoded(root: Path, report: ScanReport) -> Iterator[Recording]:
    for folder in list_folder(root).folders:
        if named := _VOCODED.fullmatch(folder):
            family, method = named[1].lower(), named[2].lower()
            for path, size_bytes in _without_copies(root, folder, report):
                yield Recording(path, size_bytes, method, family, _sentence_of(path, family))


def _read_from_text(root: Path, report: ScanReport) -> Iterator[Recording]:
    for folder in list_folder(root).find(_FROM_TEXT, is_folder=True):
        for path, size_bytes in _without_copies(root, folder, report):
            sentence = _stem_of(path).lower() if _TEXT.fullmatch(_stem_of(path)) else None
            yield Recording(path, size_bytes, _FROM_TEXT_METHOD, "ljspeech", sentence)


def _without_copies(root: Path, folder: str, report: ScanReport) -> Iterator[tuple[str, int]]:
    """Files of a folder; one deeper down with the name and size of one above is a copy and skipped."""
    seen: set[tuple[str, int]] = set()
    files = walk_files(root, report, suffixes={".wav"}, under=folder)
    for path, size_bytes in sorted(files, key=lambda file: (file[0].count("/"), file[0])):
        key = path[path.rfind("/") + 1 :], size_bytes
        if key in seen:
            report.skip("copy of a file in the folder above", path)
        else:
            seen.add(key)
            yield path, size_bytes


def _stem_of(path: str) -> str:
    return path[path.rfind("/") + 1 : path.rfind(".")]


def _sentence_of(path: str, family: str) -> str | None:
    found = _SENTENCE[family].fullmatch(_stem_of(path))
    return found[1].upper() if found else None


def _first_sentences(recordings: Iterable[Recording]) -> set[tuple[str, str]]:
    """Sentences of train as (family, sentence): the first four fifths of each family in alphabetical order."""
    sentences = {(one.family, one.sentence) for one in recordings if one.sentence}
    train: set[tuple[str, str]] = set()
    for family in SPEAKERS:
        own = sorted(pair for pair in sentences if pair[0] == family)
        train.update(own[: int(len(own) * TRAIN_SHARE)])
    return train


def _clip(one: Recording, is_train: bool, real_paths: dict[tuple[str, str | None], str]) -> Clip:
    is_fake = one.method != "real"
    split: str | None = "train" if is_train else "test"
    source, flags = None, []
    if one.sentence is None:
        split = None
        flags.append(NAME_UNPARSED)
    elif is_fake and one.method != _FROM_TEXT_METHOD:
        source = real_paths.get((one.family, one.sentence))
        if source is None:
            source = f"{one.family}/{one.sentence}.wav"  # on no disk, but it ties what was made of one sentence
            flags.append("pair_missing")
    return Clip(
        one.path,
        "audio",
        None,
        int(is_fake),
        one.method,
        one.size_bytes,
        identity=SPEAKERS[one.family],
        group=one.family,
        source_clip=source,
        official_split=split,
        flags=tuple(flags),
    )


CORPUS = Corpus(
    name="wavefake",
    title="WaveFake",
    summary="117,983 utterances of two voices by eight systems; reads LJSpeech and JSUT as its genuine side",
    licence="CC BY-SA 4.0; LJSpeech: public domain; JSUT: see its page",
    request_url="https://zenodo.org/records/5642694 (reals: https://keithito.com/LJ-Speech-Dataset and "
    "https://sites.google.com/site/shinnosuketakamichi/publication/jsut)",
    markers=(
        ("ljspeech_*gan/",),
        ("ljspeech_melgan_large/",),
        ("ljspeech_waveglow/",),
        ("jsut_*gan/",),
        (f"{_FROM_TEXT}/",),
    ),
    clips=read_clips,
    namespace="ljspeech",
    expected={
        "method": {
            "melgan": 13_100,
            "melgan_large": 13_100,
            "multi_band_melgan": 18_100,
            "full_band_melgan": 13_100,
            "parallel_wavegan": 18_100,
            "hifigan": 13_100,
            "waveglow": 13_100,
            _FROM_TEXT_METHOD: 16_283,
            "real": 18_100,
        }
    },
    official_split="last fifth of each folder in the order of names is test",
    options={"reals": "folder that holds LJSpeech-1.1 and jsut_ver1.1, where they lie elsewhere"},
)
