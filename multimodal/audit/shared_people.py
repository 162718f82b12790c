"""People and footage that two corpora share, by the namespaces of their identities."""

from collections.abc import Iterator, Mapping
from itertools import combinations

import numpy as np
import pandas as pd

from multimodal.audit.findings import Evidence, Finding, some
from multimodal.corpora import CORPORA
from multimodal.corpora.people import list_items, same_spelling

_CHECK = "shared people"


def shared_people(evidence: Evidence) -> Iterator[Finding]:
    """Whether corpora show the same people, so that one of them is not unseen after training on the other."""
    people = _people(evidence)
    known = dict(list(people.groupby("corpus", observed=True)))
    for one, other in combinations(sorted(known), 2):
        yield from _pair(one, other, known[one], known[other])
    yield from _same_clips(evidence.clips)
    yield from _unknown(evidence.clips, known)


def _people(evidence: Evidence) -> pd.DataFrame:
    """Corpus, person and split of everybody in any role, once each; only names with a namespace."""
    clips = evidence.clips
    row, donor = list_items(clips["donors"])
    rows = np.concatenate([np.arange(len(clips)), row])
    seen = clips["identity"].to_numpy(dtype=object, na_value=None)
    person = pd.Series(same_spelling(np.concatenate([seen, donor])))
    table = pd.DataFrame(
        {
            "corpus": clips["corpus"].astype("category").iloc[rows].to_numpy(),
            "person": person.astype("category"),
            "split": evidence.split.astype("category").iloc[rows].to_numpy(),
        }
    )
    table = table[table["person"].notna()].drop_duplicates()
    return table[table["person"].astype(str).str.contains(":", regex=False)]


def _pair(one: str, other: str, people: pd.DataFrame, others: pd.DataFrame) -> Iterator[Finding]:
    shared = sorted(set(people["person"]) & set(others["person"]))
    if not shared:
        return
    torn = _in(people, "train") & _in(others, "test") | _in(people, "test") & _in(others, "train")
    namespaces = ", ".join(sorted({name.partition(":")[0] for name in shared}))
    crossing = f"; in train of one and in test of the other: {len(torn):,}" if torn else ""
    yield Finding(
        "error" if torn else "warning",
        _CHECK,
        len(shared),
        f"{one} and {other} share {len(shared):,} people or recordings ({namespaces}){crossing}",
        f"Leave the clips of these people out of training before {other} or {one} is called unseen.",
        some(sorted(torn) or shared),
    )


def _in(people: pd.DataFrame, split: str) -> set[str]:
    return set(people["person"][people["split"] == split])


def _same_clips(clips: pd.DataFrame) -> Iterator[Finding]:
    """Clips of the same file name and the same people in two corpora: most likely one clip."""
    if clips["corpus"].nunique() < 2:
        return
    known = clips[clips["identity"].notna() & clips["identity"].astype(str).str.contains(":", regex=False)]
    stem = known["path"].astype(object).str.replace(r"^.*/|\.[^./]*$", "", regex=True)
    key = stem.str.lower() + "\0" + known["identity"].astype(object)
    corpora = known["corpus"].astype(object).groupby(key).agg(["nunique", "size"])
    keys = corpora.index[corpora["nunique"] > 1]
    if len(keys):
        examples = known["clip_id"][key.isin(keys[:2])]
        yield Finding(
            "warning",
            _CHECK,
            len(keys),
            f"{len(keys):,} file names with the same person stand in two corpora: probably the same clips",
            "Use each of them from one corpus only.",
            some(examples),
        )


def _unknown(clips: pd.DataFrame, known: Mapping[str, pd.DataFrame]) -> Iterator[Finding]:
    """Corpora whose people are of a namespace but not named, beside others of the same namespace."""
    for corpus in clips["corpus"].unique():
        namespace = CORPORA[corpus].namespace if corpus in CORPORA else None
        if namespace is None or corpus in known:
            continue
        others = [name for name, people in known.items() if _has_namespace(people, namespace)]
        if others:
            yield Finding(
                "warning",
                _CHECK,
                int((clips["corpus"] == corpus).sum()),
                f"the people of {corpus} are of {namespace}, as those of {', '.join(others)}, "
                "but it does not say who is who: what they share cannot be found",
                f"Do not call {corpus} unseen after training on {' or '.join(others)}, nor the other way round.",
            )


def _has_namespace(people: pd.DataFrame, namespace: str) -> bool:
    return bool(people["person"].astype(str).str.startswith(f"{namespace}:").any())
