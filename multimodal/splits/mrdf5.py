"""MRDF's five folds of FakeAVCeleb: as its code makes them, and corrected."""

from pathlib import Path

import numpy as np
import pandas as pd

from multimodal.corpora.fakeavceleb.metadata import file_key, list_files, type_of
from multimodal.corpora.manifest import Manifest
from multimodal.corpora.table_file import read_text
from multimodal.splits.assignment import TEST, TRAIN, VAL, Assignment, assign

NUM_FOLDS = 5
_NUM_TRAIN, _NUM_TEST = 400, 100


def mrdf5(
    manifest: Manifest, generator: np.random.Generator, *, folds: str = "", fold: int = 1, metadata: str = ""
) -> Assignment:
    """The folds of the published loader, from its fold files: for comparison with its numbers only.

    ``folds`` is the folder with ``train_1.txt`` to ``train_5.txt``; ``metadata`` is ``meta_data.csv``, by default
    the one in the corpus. The loader throws the first line of a fold file away and takes the first seven
    characters of every other as a person in train. It keeps the first 400 rows of train people and the first 100
    of all others in each of the four types, in the order of the table: for the two types with many clips a person
    that is a few people. It selects models on test; here val stays empty instead.
    """
    _check_fold(fold)
    clips = _only_fakeavceleb(manifest)
    people = _read_fold(folds, fold)
    table = Path(metadata or Path(manifest.roots["fakeavceleb"]) / "meta_data.csv").expanduser()
    taken: dict[str, str] = {}
    counts: dict[tuple[str, str], int] = {}
    for key in list_files(table):
        part = TRAIN if key.split("/")[-2] in people else TEST
        place = part, key.split("/")[0]
        counts[place] = counts.get(place, 0) + 1
        if counts[place] <= (_NUM_TRAIN if part == TRAIN else _NUM_TEST):
            taken[key] = part
    split = clips["path"].map(file_key).map(taken)
    missing = len(taken) - int(split.notna().sum())
    notes = (f"{missing} listed clips are not in the manifest",) if missing else ()
    return assign(split, {"not among the first rows of its type": split.isna()}, notes)


def mrdf5_balanced(manifest: Manifest, generator: np.random.Generator, *, fold: int = 1) -> Assignment:
    """Five folds with what MRDF's text promises: one clip for each person and type, and a val apart from test.

    People are dealt into five folds by the seed, evenly over groups; one fold is test, the next one val. One
    clip of each of the four types is drawn for each person.
    """
    _check_fold(fold)
    clips = _only_fakeavceleb(manifest)
    drawn = pd.Series(generator.permutation(len(clips)), index=clips.index)
    best = drawn.groupby([clips["identity"], clips["av_class"]]).transform("min")
    people = clips[["identity", "group"]].dropna().drop_duplicates("identity").sort_values("identity")
    people = people.iloc[np.lexsort((generator.random(len(people)), people["group"].to_numpy(dtype=object)))]
    fold_of = dict(zip(people["identity"], np.arange(len(people)) % NUM_FOLDS + 1, strict=True))
    names = {fold: TEST, fold % NUM_FOLDS + 1: VAL}
    split = clips["identity"].map(fold_of).map(lambda number: names.get(number, TRAIN), na_action="ignore")
    reasons = {
        "no person or group is known": split.isna(),
        "another clip of this person and type was drawn": drawn != best,
    }
    return assign(split, reasons)


def _check_fold(fold: int) -> None:
    if not 1 <= fold <= NUM_FOLDS:
        raise ValueError(f"fold must be 1 to {NUM_FOLDS}; got {fold}")


def _only_fakeavceleb(manifest: Manifest) -> pd.DataFrame:
    clips = manifest.clips
    if not clips["path"].str.partition("/")[0].map(type_of).notna().all():
        raise ValueError("MRDF's folds are for FakeAVCeleb; this manifest has other clips too")
    return clips


def _read_fold(folds: str, fold: int) -> set[str]:
    path = Path(folds).expanduser() / f"train_{fold}.txt"
    if not folds or not path.is_file():
        raise ValueError(
            f"fold file not found: {path}. Give --options folds DIR with MRDF's train_1.txt to train_5.txt "
            "(linked in its README), or use mrdf5_balanced, which needs none."
        )
    people = {line[:7] for line in read_text(path).splitlines()[1:] if "id" in line[:7]}
    if not people:
        raise ValueError(
            f"{path} names nobody: after the first line, each line must begin with an id like id00017"
        )
    return people
