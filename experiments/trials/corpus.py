"""From a list and clones to a corpus of the folder kind: real/SOURCE/, fake/SOURCE/ and clips.csv."""

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Literal, NamedTuple

from encoders.temporary import temporary_folder
from experiments.trials.chain import treat_sound
from experiments.trials.clones import Clones
from experiments.trials.listing import Listed
from multimodal.artefacts import one_line, safe_cells
from multimodal.files import atomic_path, claim, held, sweep
from multimodal.media.errors import MediaError
from multimodal.media.isolation import IsolatedWorkers, Limits
from multimodal.progress import progress

#: ``sound`` goes through the chain; ``picture`` is taken as it is.
Kind = Literal["sound", "picture"]

TABLE = "clips.csv"
#: What makes a folder a corpus that this program fetched.
MARKER = ".fetched.json"
#: Of one file, where nobody says otherwise: recordings are cut to seconds.
DEFAULT_LIMITS = Limits(seconds=120.0, memory_bytes=2 * 2**30)
_SUFFIX = re.compile(r"\.\w{1,8}", re.ASCII)
COLUMNS = ("path", "label", "identity", "method", "split", "licence", "repository", "commit", "listed_path")


class Made(NamedTuple):
    """How many files a corpus has, and what became of the others: reason → count."""

    num_clips: int
    left_out: Counter[str]


def make_corpus(
    listed: Sequence[Listed], clones: Clones, out: Path, *, kind: Kind = "sound", limits: Limits = DEFAULT_LIMITS
) -> Made:
    """Read every listed file, treat it, and write the corpus; files that are there already are kept.

    One that cannot be read or treated is left out, and the others go on.

    Args:
        listed: of :func:`experiments.trials.listing.read_list`.
        clones: where the files are read from.
        out: folder of the corpus.
        kind: whether files go through the chain of sound.
        limits: of the treatment of one file, in a process that it may end.

    Raises:
        ValueError: a repository that is not there, no file that can be used, or a folder that holds anything else,
            files of another kind, or is being written.
    """
    clones.check(listed)
    if claim(out, MARKER, {"kind": kind}, kind="corpus of a trial") != {"kind": kind}:
        raise ValueError(f"{out} holds files of another kind than {kind}; give a new folder")
    with held(out):
        sweep(out, is_deep=True)
        return _written(listed, clones, out, kind, limits)


def _written(listed: Sequence[Listed], clones: Clones, out: Path, kind: Kind, limits: Limits) -> Made:
    left_out: Counter[str] = Counter()
    rows = []
    with _Treatment(limits) as treatment, temporary_folder("fetch-") as folder:
        for one in progress(listed, desc="fetch", unit="file"):
            path = place_of(one, kind)
            try:
                if not (out / path).is_file():
                    _make(one, clones, out / path, folder, treatment if kind == "sound" else None)
            except ValueError as error:
                left_out[_reason(one, error)] += 1
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
    return f"{one.label}/{one.source}/{stem}-{digest}{'.opus' if kind == 'sound' else _suffix_of(one)}"


def _suffix_of(one: Listed) -> str:
    """The ending of a file's name, if it is one: a repository may call its files anything."""
    suffix = PurePosixPath(one.path).suffix.lower()
    return suffix if _SUFFIX.fullmatch(suffix) else ""


class _Treatment:
    """Treats sound in a process that a broken or hostile file may end, under limits."""

    def __init__(self, limits: Limits) -> None:
        self._workers: IsolatedWorkers[Path, bytes] = IsolatedWorkers(
            _treating, workers=1, limits=limits, preload=(__name__,)
        )

    def __enter__(self) -> "_Treatment":
        return self

    def __exit__(self, *_: object) -> None:
        self._workers.end()

    def __call__(self, source: Path) -> bytes:
        """Ogg Opus of the sound of a file; ``MediaError`` where it cannot be treated."""
        (outcome,) = self._workers.run([source])
        if outcome.failure is not None:
            raise outcome.failure
        assert outcome.result is not None
        return outcome.result


@contextmanager
def _treating() -> Iterator[Callable[[Path], bytes]]:
    import torch  # noqa: F401 (what is loaded now does not count as the file's)

    import multimodal.data.augment.sound
    import multimodal.media.reading.sound  # noqa: F401 (the same)

    yield _treated


def _treated(source: Path) -> bytes:
    try:
        return treat_sound(source)
    except MediaError:
        raise
    except ValueError as error:  # of the chain itself: less than a second is left
        raise MediaError("decode", str(error)) from error


def _make(one: Listed, clones: Clones, target: Path, folder: Path, treatment: _Treatment | None) -> None:
    """Write one file of the corpus: treated, or as it is."""
    data = clones.read(one)
    if treatment is not None:
        source = folder / f"listed{_suffix_of(one)}"
        source.write_bytes(data)
        data = treatment(source)
    with atomic_path(target) as temporary:
        temporary.write_bytes(data)


def _reason(one: Listed, error: ValueError) -> str:
    """Why a file is left out: of one that is too short without its numbers, of any other with its name."""
    if "are left without" in str(error):
        return "less than a second of sound"
    return f"{one.repository} {one.path}: {one_line(error)}"
