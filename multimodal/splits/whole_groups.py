"""Protocols that divide clips, people or source clips by a seed."""

import numpy as np
import pandas as pd

from multimodal.corpora import CORPORA, get_corpus
from multimodal.corpora.manifest import Manifest
from multimodal.corpora.people import unit_of
from multimodal.splits.assignment import (
    PERSON_UNKNOWN,
    SPLITS,
    TEST,
    TRAIN,
    VAL,
    Assignment,
    assign,
    divide,
    divide_people,
    divide_units,
    unknown_people,
)


def random(
    manifest: Manifest, generator: np.random.Generator, *, val_share: float = 0.07, test_share: float = 0.30
) -> Assignment:
    """Divide clips, stratified by class, without regard to people.

    This is how several published numbers were made; the person and the source clip of nearly every test clip
    are then in train. It is here for comparison.
    """
    clips = manifest.clips
    strata = clips["corpus"] + "|" + clips["av_class"].fillna(clips["any_fake"].astype("string").fillna("?"))
    return assign(divide(strata, generator, val_share=val_share, test_share=test_share), {})


def source_disjoint(
    manifest: Manifest,
    generator: np.random.Generator,
    *,
    val_share: float = 0.07,
    test_share: float = 0.30,
    keep_unknown_people: bool = False,
) -> Assignment:
    """Divide the people on screen, evenly over groups; donors are not looked at.

    The default shares are those of the list published with AVH-Align (314, 35 and 151 of 500 people). Clips of
    people whom nobody names are dropped, unless ``keep_unknown_people`` divides them by their source clips.
    """
    return assign(
        *divide_people(
            manifest.clips,
            generator,
            val_share=val_share,
            test_share=test_share,
            keep_unknown_people=keep_unknown_people,
        )
    )


def content_disjoint(
    manifest: Manifest, generator: np.random.Generator, *, val_share: float = 0.07, test_share: float = 0.30
) -> Assignment:
    """Divide source clips: a genuine clip and all fakes made from it go to one side."""
    split = divide_units(manifest.clips, "source_clip", generator, val_share=val_share, test_share=test_share)
    return assign(split, {})


# The protocol that holds out whole groups: nobody is shared and no clip is lost, at the price of a shift.


def group_out(manifest: Manifest, generator: np.random.Generator, *, fold: int = 0) -> Assignment:
    """Hold out group number ``fold`` (in alphabetical order) for test and another, drawn by the seed, for val.

    In FakeAVCeleb the groups are the ten cells of race and gender; donors never come from another cell, so that
    no clip is dropped. But test people differ from train people in race or gender too: report another protocol
    beside it. Over all folds of one seed each group is test once and val once.
    """
    clips = manifest.clips
    groups = list_groups(manifest)
    if len(groups) < 3:
        raise ValueError(
            f"group_out needs three groups or more; this manifest has {len(groups)}. Try donor_disjoint or "
            "source_disjoint."
        )
    if not 0 <= fold < len(groups):
        raise ValueError(f"fold must be 0 to {len(groups) - 1}, one for each of the groups; got {fold}")
    circle = generator.permutation(len(groups))
    place = int(np.flatnonzero(circle == fold)[0])
    test, val = groups[fold], groups[circle[(place + 1) % len(groups)]]
    split = clips["group"].map(dict.fromkeys(groups, TRAIN) | {test: TEST, val: VAL})
    note = f"fold {fold} of {len(groups)}: test {test}, val {val}"
    return assign(split, {"no group is known": clips["group"].isna()}, (note,))


def list_groups(manifest: Manifest) -> list[str]:
    """Groups of a manifest in the order of the folds.

    Raises ``ValueError`` where the clips come from several corpora, whose groups mean different things.
    """
    corpora = sorted(manifest.clips["corpus"].unique())
    if len(corpora) > 1:
        raise ValueError(f"group_out takes one corpus at a time; got {', '.join(corpora)}")
    return sorted(manifest.clips["group"].dropna().unique())


# The protocol for corpora whose people fall into closed groups: nobody is shared and no clip is lost.


def group_disjoint(
    manifest: Manifest,
    generator: np.random.Generator,
    *,
    val_share: float = 0.14,
    test_share: float = 0.14,
    keep_unknown_people: bool = False,
) -> Assignment:
    """Divide closed groups of people; a clip without a group is divided by its person.

    Made for FaceForensics++, whose sequences swap faces in pairs: the default shares are those of its official
    split (140 of 1,000 sequences each), and this takes its place where the published lists are not at hand.
    Where groups are few or large (Celeb-DF, FakeAVCeleb), shares of clips can be far from the shares of groups;
    see ``donor_disjoint`` and ``group_out``. Where groups are kinds of people (a sex, a language: VoxCeleb2,
    ASVspoof 5, a table of one's own) they keep nothing apart, and people are divided one by one. Clips of people
    whom nobody names are dropped, unless ``keep_unknown_people`` divides them by their source clips.
    """
    reasons, notes = unknown_people(manifest.clips, keep=keep_unknown_people)
    clips = manifest.clips[~reasons[PERSON_UNKNOWN]]
    has_group = clips["group"].notna() & ~clips["corpus"].isin(_corpora_of_kinds(clips))
    group = (clips["corpus"] + "|" + clips["group"].fillna("")).where(has_group)
    units = group.fillna("one|" + unit_of(clips, "identity"))
    kinds = clips["corpus"] + has_group.map({True: "|group", False: "|one"})
    strata = kinds.groupby(units, sort=True).first()
    split = units.map(divide(strata, generator, val_share=val_share, test_share=test_share))
    told = [f"{strata.size:,} groups, of {has_group.sum():,} clips in a group"]
    for corpus in _corpora_of_kinds(clips[clips["group"].notna()]):
        kinds_of = ", ".join(sorted(clips.loc[clips["corpus"] == corpus, "group"].dropna().unique())[:4])
        told.append(f"the groups of {corpus} ({kinds_of}) are kinds of people; it is divided by person")
    return assign(split.reindex(manifest.clips.index), reasons, (*told, *notes))


def _corpora_of_kinds(clips: pd.DataFrame) -> list[str]:
    """Corpora whose groups say what people are, not who lends a face or a voice to whom."""
    names = sorted(clips["corpus"].unique())
    return [name for name in names if name in CORPORA and not get_corpus(name).has_closed_groups]


# The split that the authors of a corpus published, as far as they did.


def official(manifest: Manifest, generator: np.random.Generator, *, val_share: float = 0.1) -> Assignment:
    """Take ``official_split`` of the manifest; test is never touched.

    Where a corpus has a train but no val part, ``val_share`` of the people in train become val: models and
    thresholds must not be chosen on test. Where there are too few people for that (WaveFake has one a language),
    source clips are divided instead. ``val_share=0`` leaves val empty.
    """
    clips = manifest.clips
    known = clips["official_split"].isin(SPLITS)
    if not known.any():
        raise ValueError(
            f"{', '.join(sorted(clips['corpus'].unique()))}: no official split is known. "
            "Choose a protocol that makes one, e.g. source_disjoint."
        )
    split = clips["official_split"].where(known)
    notes = []
    for corpus, rows in clips.groupby("corpus"):
        names = set(split[rows.index].dropna())
        if TRAIN in names and VAL not in names and val_share > 0:
            train = rows[split[rows.index] == TRAIN]
            parts = divide_units(train, "identity", generator, val_share=0.0, test_share=val_share)
            if is_one_side := not (parts == TEST).any():
                parts = divide_units(train, "source_clip", generator, val_share=0.0, test_share=val_share)
            split[train.index] = parts.replace({TEST: VAL})
            how = ", whose people stay in train too" if is_one_side else ""
            notes.append(
                f"{corpus}: no official val; {(parts == TEST).sum():,} clips of train were taken for it{how}"
            )
    others = sorted(clips["official_split"][~known].dropna().unique())
    reasons = {
        "in no official split": clips["official_split"].isna(),
        **{f"official part {name} is not to be scored": clips["official_split"] == name for name in others},
    }
    return assign(split, reasons, tuple(notes))
