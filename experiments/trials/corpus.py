"""From a list and clones to a corpus of the folder kind: real/SOURCE/, fake/SOURCE/ and clips.csv."""

import hashlib
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Literal, NamedTuple

from experiments.trials.chain import treat_sound
from experiments.trials.clones import Clones
from experiments.trials.listing import Listed
from multimodal.artefacts import safe_cells
from multimodal.files import atomic_path
from multimodal.progress import progress

#: ``sound`` goes through the chain; ``picture`` is taken as it is.
Kind = Literal["sound", "picture"]

TABLE = "clips.csv"
COLUMNS = ("path", "label", "identity", "method", "split", "licence", "repository", "commit", "listed_path")


class Made(NamedTuple):
    """How many files a corpus has, and what became of the others: reason → count."""

    num_clips: int
    left_out: Counter[str]


def make_corpus(listed: Sequence[Listed], clones: Clones, out: Path, *, kind: Kind = "sound") -> Made:
    """Read every listed file, treat it, and write the corpus; files that are there already are kept.

    Args:
        listed: of :func:`experiments.trials.listing.read_list`.
        clones: where the files are read from.
        out: folder of the corpus.
        kind: whether files go through the chain of sound.

    Raises:
        ValueError: a repository that is not there, or no file that can be used.
    """
    clones.check(listed)
    left_out: Counter[str] = Counter()
    rows = []
    for one in progress(listed, desc="fetch", unit="file"):
        path = place_of(one, kind)
        try:
            if not (out / path).is_file():
                _make(one, clones, out / path, kind)
        except _UnusableError as error:
            left_out[str(error)] += 1
            continue
        identity = one.speaker or one.source
        method = one.generator if one.label == "fake" else "real"
        rows.append((path, one.label, identity, method, one.split, one.licence, *one[:3]))
    if not rows:
        raise ValueError(f"none of {len(listed)} files can be used: {left_out.most_common(1)[0][0]}")
    with atomic_path(out / TABLE) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        import pandas as pd

        safe_cells(pd.DataFrame(rows, columns=COLUMNS)).to_csv(file, index=False)
    return Made(len(rows), left_out)


def place_of(one: Listed, kind: Kind) -> str:
    """Where a file lies in the corpus; a hash keeps files of one name apart.

    >>> one = Listed("ann/demo", "0" * 40, "wav/a b.wav", "fake", "gan", "", "MIT", "test")
    >>> place_of(one, "sound")
    'fake/ann+demo/a_b-7993dd5a.opus'
    """
    name = PurePosixPath(one.path)
    stem = "".join(letter if letter.isalnum() or letter in "-_" else "_" for letter in name.stem)[:60]
    digest = hashlib.blake2b(one.path.encode(), digest_size=4).hexdigest()
    return f"{one.label}/{one.source}/{stem}-{digest}{'.opus' if kind == 'sound' else name.suffix.lower()}"


class _UnusableError(Exception):
    """A file that the trial leaves out; says why."""


def _make(one: Listed, clones: Clones, target: Path, kind: Kind) -> None:
    data = clones.read(one)
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / f"listed{PurePosixPath(one.path).suffix}"
        source.write_bytes(data)
        with atomic_path(target) as temporary:
            if kind == "picture":
                temporary.write_bytes(data)
                return
            try:
                treat_sound(source, temporary)
            except ValueError as error:
                raise _UnusableError(_reason(error)) from error


def _reason(error: ValueError) -> str:
    """The kind of a problem, without the numbers of this one file."""
    return "less than a second of sound" if "are left" in str(error) else str(error)
