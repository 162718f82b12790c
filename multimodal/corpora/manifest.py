"""The manifest: the table of a corpus's clips, one row a clip, as parquet.

Readers of corpora yield :class:`Clip`; :func:`collect` turns them into a :class:`Manifest` in batches, so
that a corpus of a million files fits in memory. Columns that follow from others (``clip_id``, ``any_fake``,
``av_class``) are computed here and nowhere else.
"""

import json
import posixpath
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple, get_args

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from multimodal.artefacts import check_inside, is_number, read_table, reading
from multimodal.files import atomic_path, sweep_beside
from multimodal.labels import CLASSES, Media

Segments = tuple[tuple[float, float], ...]

#: Start and end in seconds, for each forged stretch.
_SEGMENTS = pa.list_(pa.list_(pa.float64()))
SCHEMA = pa.schema(
    [
        ("clip_id", pa.string()),
        ("corpus", pa.string()),
        ("path", pa.string()),
        ("media", pa.string()),
        ("video_fake", pa.int8()),
        ("audio_fake", pa.int8()),
        ("any_fake", pa.int8()),
        ("av_class", pa.string()),
        ("method", pa.string()),
        ("identity", pa.string()),
        ("donors", pa.list_(pa.string())),
        ("group", pa.string()),
        ("source_clip", pa.string()),
        ("official_split", pa.string()),
        ("size_bytes", pa.int64()),
        ("flags", pa.list_(pa.string())),
        ("video_segments", _SEGMENTS),
        ("audio_segments", _SEGMENTS),
    ]
)
#: Flag of clips that a program drew; results on them say nothing about real media.
GENERATED = "generated"
GENERATED_NOTICE = "generated media: a smoke test; these numbers say nothing about real media"
#: File at the root of a generated corpus; it says how the clips were made.
GENERATED_MARK = "synthetic.json"
_ROOTS_KEY, _LINKED_KEY = b"multimodal.roots", b"multimodal.linked"
#: Columns with few values, and these.
_WORDS: dict[str, list[Any]] = {
    "media": list(get_args(Media)),
    **{name: [0, 1, None] for name in ("video_fake", "audio_fake", "any_fake")},
    "av_class": [*CLASSES, None],
}
_BATCH_ROWS = 16_384


class Clip(NamedTuple):
    """What a corpus reader knows of one media file.

    ``path`` is relative to the corpus root, with forward slashes. ``video_fake`` and ``audio_fake`` are 1 for
    fake, 0 for real, None for absent or unknown. ``any_fake`` is stated only where a corpus says that a clip is
    fake without saying which modality (DFDC); elsewhere it is the or of the two. ``identity`` is who is seen or
    heard, ``donors`` whose face or voice went in, both in the corpus's namespace (``vox2:id00017``).
    ``group`` is the smallest unit known to be closed under donation, or a kind of people (``women``) where the
    corpus says so (``Corpus.has_closed_groups``). ``source_clip`` is the ``path`` of the
    genuine clip that a fake was made from. ``flags`` are short names of oddities. ``video_segments`` and
    ``audio_segments`` are the stretches that were forged, ``(start, end)`` in seconds; None where a corpus does
    not say, empty where nothing was.
    """

    path: str
    media: Media
    video_fake: int | None
    audio_fake: int | None
    method: str
    size_bytes: int
    identity: str | None = None
    donors: tuple[str, ...] = ()
    group: str | None = None
    source_clip: str | None = None
    official_split: str | None = None
    flags: tuple[str, ...] = ()
    any_fake: int | None = None
    video_segments: Segments | None = None
    audio_segments: Segments | None = None


def read_segments(value: object) -> Segments | None:
    """Stretches as a record lists them, pairs of seconds in the order of time; None for anything else.

    >>> read_segments([[2, 2.5], [0.1, 0.4]]), read_segments([[3.0, 1.0]]), read_segments(None)
    (((0.1, 0.4), (2.0, 2.5)), None, None)
    """
    if not isinstance(value, list):
        return None
    pairs = [tuple(pair) for pair in value if isinstance(pair, list) and len(pair) == 2]
    numbers = [pair for pair in pairs if all(map(is_number, pair))]
    if len(numbers) < len(value) or not all(0 <= start < end for start, end in numbers):
        return None
    return tuple(sorted((float(start), float(end)) for start, end in numbers))


@dataclass(frozen=True)
class Manifest:
    """The clips of one or more corpora, and where each corpus lay when it was read.

    ``clips`` has the columns of :data:`SCHEMA`, sorted by ``clip_id``, which is unique. ``roots`` maps the name
    of a corpus to the absolute path of its root. ``linked`` names the corpora of which links that lead out of the
    root were followed, and are when clips are opened.
    """

    clips: pd.DataFrame
    roots: dict[str, str] = field(default_factory=dict)
    linked: tuple[str, ...] = ()

    @classmethod
    def read(cls, path: str | Path) -> "Manifest":
        """Read a manifest from parquet; ``ValueError`` if the file is something else."""
        path = Path(path)
        if not path.is_file():
            raise ValueError(f"manifest not found: {path}. Make one with: scan CORPUS --root DIR --out {path}")
        table = read_table(path, "a manifest", columns=SCHEMA.names)
        with reading(path, "a manifest"):
            roots = json.loads((table.schema.metadata or {}).get(_ROOTS_KEY, b"{}"))
            linked = json.loads((table.schema.metadata or {}).get(_LINKED_KEY, b"[]"))
            table = table.select(SCHEMA.names).cast(SCHEMA)
            clips = _to_pandas(table)
        if not isinstance(roots, dict) or not all(isinstance(root, str) for root in roots.values()):
            raise ValueError(f"not a manifest: {path} does not map corpora to their roots; scan them again")
        if not isinstance(linked, list) or not all(isinstance(name, str) for name in linked):
            raise ValueError(f"not a manifest: {path} does not say of which corpora links were followed")
        for column in ("clip_id", "path"):
            check_inside(table[column], column, path)
        _check_rows(table, path)
        for column, known in _WORDS.items():
            strange = table.filter(pc.invert(pc.is_in(table[column], pa.array(known, SCHEMA.field(column).type))))
            if strange.num_rows:
                raise ValueError(f"not a manifest: {path} has {column} {strange[column][0].as_py()!r:.60}")
        return cls(clips, roots, tuple(linked))

    def write(self, path: str | Path) -> None:
        """Write as parquet, in one atomic move."""
        table = pa.Table.from_pandas(self.clips, schema=SCHEMA, preserve_index=False)
        facts = {_ROOTS_KEY: json.dumps(self.roots).encode()}
        if self.linked:
            facts[_LINKED_KEY] = json.dumps(self.linked).encode()
        table = table.replace_schema_metadata(facts)
        sweep_beside(Path(path))
        with atomic_path(path) as temporary:
            pq.write_table(table, temporary)

    def file_of(self, clip_id: str, roots: dict[str, str] | None = None) -> Path:
        """Absolute path of one clip's file; ``roots`` overrides where corpora lie."""
        corpus, _, relative = clip_id.partition("/")
        where = {**self.roots, **(roots or {})}
        if corpus not in where:
            raise ValueError(f"no root known for corpus {corpus!r}; give --root DIR")
        check_inside([relative], "path", "the manifest")
        return Path(where[corpus]) / relative

    def bound_of(self, clip_id: str, roots: dict[str, str] | None = None) -> str | None:
        """The folder that no link may lead out of when a clip is opened; None where its links are followed."""
        corpus = clip_id.partition("/")[0]
        return None if corpus in self.linked else {**self.roots, **(roots or {})}[corpus]


def collect(clips: Iterable[Clip], *, corpus: str, root: str | Path) -> Manifest:
    """Gather the clips of one corpus into a manifest, sorted by ``clip_id``.

    A path that begins with ``../`` lies beside the corpus: the manifest's root is then the folder that holds both,
    so that no name in it leaves its root.

    Raises ``ValueError`` when there is no clip at all or when two clips have the same path.
    """
    root = Path(root).resolve()
    batches = [_to_arrow(batch, corpus) for batch in _batched(clips, _BATCH_ROWS)]
    if not batches:
        raise ValueError(
            f"no clip of {corpus} found under {root}; see what was skipped, and is the archive unpacked there?"
        )
    table = pa.concat_tables(batches)
    if pc.any(pc.starts_with(table["path"], "../")).as_py():
        table, root = _from_above(table, corpus, root)
    table = table.sort_by("clip_id")
    counts = pc.value_counts(table["clip_id"])
    repeated = counts.filter(pc.greater(counts.field("counts"), 1)).field("values").to_pylist()
    if repeated:
        raise ValueError(f"{len(repeated)} paths of {corpus} were read twice, e.g. {repeated[0]}")
    return Manifest(_to_pandas(table), {corpus: str(root)})


def _from_above(table: pa.Table, corpus: str, root: Path) -> tuple[pa.Table, Path]:
    """The same clips, named from the lowest folder above ``root`` that holds them all, and that folder."""
    paths = table["path"].to_pylist()
    above = root.parents[max(path.split("/").count("..") for path in paths) - 1]
    prefix = root.relative_to(above).as_posix()

    def moved(path: str | None) -> str | None:
        return None if path is None else posixpath.normpath(f"{prefix}/{path}")

    names = {
        "path": [moved(path) for path in paths],
        "clip_id": [f"{corpus}/{moved(path)}" for path in paths],
        "source_clip": [moved(path) for path in table["source_clip"].to_pylist()],
    }
    for column, values in names.items():
        place = SCHEMA.get_field_index(column)
        table = table.set_column(place, SCHEMA.field(place), pa.array(values, pa.string()))
    return table, above


def is_generated(clips: pd.DataFrame) -> bool:
    """Whether a program drew any of the clips, so that results on them say nothing about real media."""
    flags = pc.list_flatten(pa.chunked_array(clips["flags"].array.__arrow_array__()))
    return bool(pc.any(pc.equal(flags, GENERATED)).as_py())


def lies_in_generated(folder: Path) -> bool:
    """Whether a folder, or one above it, is marked as the work of a program."""
    return any((one / GENERATED_MARK).is_file() for one in (folder, *folder.parents))


def _check_rows(table: pa.Table, path: Path) -> None:
    """Refuse what no scan writes: no clip at all, clips of no corpus, and one clip in two rows.

    Raises:
        ValueError: names the file.
    """
    if not table.num_rows:
        raise ValueError(f"{path} holds no clip. Make it anew with: scan CORPUS --root DIR --out {path}")
    without = pc.sum(pc.equal(pc.fill_null(table["corpus"], ""), "")).as_py()
    if without:
        raise ValueError(f"{path} has {without:,} rows without corpus. Make the file anew from your data")
    counts = pc.value_counts(table["clip_id"])
    repeated = counts.filter(pc.greater(counts.field("counts"), 1)).field("values")
    if len(repeated):
        raise ValueError(
            f"{path} has {len(repeated):,} clips in several rows each, e.g. {repeated[0].as_py()!r:.200}. "
            "Keep one row of each, or make the file anew from your data"
        )


def concatenate(manifests: Iterable[Manifest]) -> Manifest:
    """Join manifests of different corpora into one."""
    manifests = list(manifests)
    if not manifests:
        raise ValueError("no manifest given; make one with: scan CORPUS --root DIR --out manifest.parquet")
    roots: dict[str, str] = {}
    for corpus, root in (item for manifest in manifests for item in manifest.roots.items()):
        if roots.setdefault(corpus, root) != root:
            raise ValueError(
                f"two manifests of {corpus}, one of {roots[corpus]} and one of {root}. Use one of them at a time."
            )
    clips = pd.concat([manifest.clips for manifest in manifests], ignore_index=True)
    repeated = clips["clip_id"][clips["clip_id"].duplicated()]
    if len(repeated):
        raise ValueError(f"{len(repeated)} clips stand in two of the manifests, e.g. {repeated.iloc[0]}")
    linked = sorted({corpus for manifest in manifests for corpus in manifest.linked})
    return Manifest(clips.sort_values("clip_id", ignore_index=True), roots, tuple(linked))


def _batched(clips: Iterable[Clip], size: int) -> Iterator[list[Clip]]:
    iterator = iter(clips)
    while batch := list(islice(iterator, size)):
        yield batch


def _to_arrow(batch: list[Clip], corpus: str) -> pa.Table:
    columns = dict(zip(Clip._fields, zip(*batch, strict=True), strict=True))
    arrays = {name: pa.array(columns[name], SCHEMA.field(name).type) for name in Clip._fields}
    corpora = pa.repeat(pa.scalar(corpus), len(batch))
    video, audio = arrays["video_fake"], arrays["audio_fake"]
    either = pc.max_element_wise(video, audio, skip_nulls=True)
    index = pc.cast(pc.add(pc.multiply(video, pa.scalar(2, pa.int8())), audio), pa.int64())
    arrays |= {
        "corpus": corpora,
        "clip_id": pc.binary_join_element_wise(corpora, arrays["path"], "/"),
        "any_fake": pc.coalesce(arrays["any_fake"], either),
        "av_class": pc.take(pa.array(CLASSES), index),
    }
    return pa.table([arrays[name] for name in SCHEMA.names], schema=SCHEMA)


_PANDAS_TYPES = {
    pa.int8(): pd.Int8Dtype(),
    pa.list_(pa.string()): pd.ArrowDtype(pa.list_(pa.string())),
    _SEGMENTS: pd.ArrowDtype(_SEGMENTS),
}


def _to_pandas(table: pa.Table) -> pd.DataFrame:
    table = table.select(SCHEMA.names).cast(SCHEMA).replace_schema_metadata(None)
    return table.to_pandas(types_mapper=_PANDAS_TYPES.get)
