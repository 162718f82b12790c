"""Probing every file of a manifest once, in parallel and past bad files, and on from where it stopped.

What a file says of itself without its pictures being decoded makes a reject list, and helps to find shortcuts.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import pyarrow as pa
import pyarrow.parquet as pq

from encoders.folders import errors_name
from multimodal.artefacts import reading, safe_cells
from multimodal.files import atomic_path, open_itself
from multimodal.media.errors import MediaError
from multimodal.media.isolation import IsolatedWorkers, Limits, Outcome
from multimodal.media.reading.frame_folder import must_lie_in, probe_clip, sound_file
from multimodal.media.reading.images import open_image
from multimodal.media.reading.probe import MediaInfo
from multimodal.media.reading.sound import measure_silence, read_sound

if TYPE_CHECKING:  # so that a worker starts without pandas and the readers of all corpora
    import pandas as pd

    from multimodal.corpora.manifest import Manifest
    from multimodal.labels import Media

SCHEMA = pa.schema(
    [
        ("clip_id", pa.string()),
        ("size_bytes", pa.int64()),
        ("container", pa.string()),
        ("duration_seconds", pa.float64()),
        ("num_frames", pa.int64()),
        ("frame_rate", pa.float64()),
        ("width", pa.int64()),
        ("height", pa.int64()),
        ("video_codec", pa.string()),
        ("audio_codec", pa.string()),
        ("audio_rate", pa.int64()),
        ("start_silence_seconds", pa.float64()),
        ("damage", pa.string()),
        ("stage", pa.string()),
        ("reason", pa.string()),
    ]
)

_BATCH_ROWS = 65_536


class ProbeJob(NamedTuple):
    """One file to open."""

    clip_id: str
    path: str
    media: "Media"
    root: str | None = None


Probed: TypeAlias = "Outcome[ProbeJob, FileFacts]"
#: Wraps the outcomes of a number of files as they come, to show how far a run is.
ShowProgress = Callable[[Iterable[Probed], int], Iterable[Probed]]


def probe_path(manifest_path: str | Path) -> Path:
    """Where the probe table of a manifest lies: beside it, and not among what ``*.parquet`` names.

    >>> probe_path("manifests/dfd.parquet").as_posix()
    'manifests/dfd.probe.pq'
    """
    path = Path(manifest_path)
    return path.with_name(f"{path.stem}.probe.pq")


def probe_corpus(
    manifest: "Manifest",
    table_path: str | Path,
    *,
    roots: dict[str, str] | None = None,
    workers: int = 1,
    seconds_per_file: float = 60.0,
    progress: ShowProgress = lambda outcomes, total: outcomes,
) -> "pd.DataFrame":
    """Open every file of a manifest and write a table with a row a clip; stop and call again as often as needed.

    A file whose row is there already, with the size that it has in the manifest, is not opened again. Until the
    run ends, rows stand in a journal beside the table.

    Args:
        manifest: the clips.
        table_path: parquet with the columns of :data:`SCHEMA`, sorted by ``clip_id``.
        roots: where corpora lie, if not where the manifest says.
        workers: processes that read in parallel.
        seconds_per_file: a file that takes longer is given up.
        progress: gets the outcomes as they come and their number, and passes them on.

    Returns:
        the table; rows of files that cannot be used have a ``stage`` and a ``reason``.
    """
    table_path = Path(table_path)
    journal = table_path.with_name(f".{table_path.name}.journal")
    known = _collect(manifest, table_path, journal)["clip_id"].to_pandas()
    left = manifest.clips[~manifest.clips["clip_id"].isin(known)]
    jobs = [
        ProbeJob(clip_id, str(manifest.file_of(clip_id, roots)), media, manifest.bound_of(clip_id, roots))
        for clip_id, media in zip(left["clip_id"], left["media"], strict=True)
    ]
    sizes = dict(zip(left["clip_id"], left["size_bytes"].tolist(), strict=True))
    table_path.parent.mkdir(parents=True, exist_ok=True)
    with errors_name(journal), open_itself(journal, "a") as file:
        outcomes = probe_files(jobs, workers=workers, seconds_per_file=seconds_per_file)
        for outcome in progress(outcomes, len(jobs)):
            file.write(json.dumps(_row(outcome, sizes[outcome.job.clip_id])) + "\n")
    table = _collect(manifest, table_path, journal).sort_by("clip_id")
    with atomic_path(table_path) as temporary:
        pq.write_table(table, temporary)
    journal.unlink()
    return table.to_pandas()


#: What one file may take on top of an idle worker: headers of a few bytes can ask for any amount.
_MOST_BYTES = 2 * 2**30


def probe_files(jobs: Sequence[ProbeJob], *, workers: int, seconds_per_file: float) -> Iterator[Probed]:
    """Probe files in processes that may crash or hang, in the order in which they are done."""
    limits = Limits(seconds_per_file, _MOST_BYTES)
    with IsolatedWorkers(_probing, workers=workers, limits=limits, preload=(__name__,), blame="open") as crew:
        yield from crew.run(jobs)


def _probing() -> AbstractContextManager[Callable[[ProbeJob], "FileFacts"]]:
    return nullcontext(_probe)  # a worker has nothing to load


def _probe(job: ProbeJob) -> "FileFacts":
    must_lie_in(job.root, Path(job.path))
    return probe_file(job.path, job.media)


def read_probe_table(path: str | Path) -> "pd.DataFrame":
    """The rows that :func:`probe_corpus` wrote; ``ValueError`` if the file is something else."""
    return _read(Path(path)).to_pandas()


def write_rejects(table: "pd.DataFrame", path: str | Path) -> int:
    """Write the clips that cannot be used as CSV (``clip_id,stage,reason``); return how many there are."""
    rejects = table.loc[table["reason"].notna(), ["clip_id", "stage", "reason"]]
    with atomic_path(path) as temporary:
        safe_cells(rejects).to_csv(temporary, index=False)
    return len(rejects)


def _row(outcome: Probed, size_bytes: int) -> dict[str, Any]:
    return {
        "clip_id": outcome.job.clip_id,
        "size_bytes": size_bytes,
        **(asdict(outcome.result) if outcome.result else {}),
        "stage": outcome.failure and outcome.failure.stage,
        "reason": outcome.failure and outcome.failure.reason,
    }


def _collect(manifest: "Manifest", table_path: Path, journal: Path) -> pa.Table:
    """Rows of earlier runs and of the journal, for files that have not changed since."""
    tables = [_read(table_path)] if table_path.is_file() else []
    tables += journal_tables(journal)
    table = pa.concat_tables(tables) if tables else SCHEMA.empty_table()
    now = manifest.clips.set_index("clip_id")["size_bytes"].reindex(table["clip_id"].to_pandas())
    return table.filter(pa.array(now.to_numpy() == table["size_bytes"].to_numpy()))


def _read(path: Path) -> pa.Table:
    with reading(path, "a probe table", "is damaged; delete it and probe again"):
        table = pq.read_table(path, columns=SCHEMA.names).cast(SCHEMA)
        table.validate(full=True)
    return table


def journal_tables(journal: Path) -> Iterator[pa.Table]:
    """The rows of the journal, many at a time.

    Raises:
        ValueError: a line that no probe wrote.
    """
    rows = _journal_rows(journal)
    with reading(journal, "a journal of a probe", "is damaged; delete it and probe again"):
        while batch := list(islice(rows, _BATCH_ROWS)):
            yield pa.Table.from_pylist(batch, schema=SCHEMA)


def _journal_rows(journal: Path) -> Iterator[dict[str, Any]]:
    """Whole lines of the journal; the last one may have been cut off."""
    if not journal.is_file():
        return
    with open_itself(journal, "rb+") as file:
        end = 0
        for line in file:
            if not line.endswith(b"\n"):
                file.truncate(end)
                return
            end += len(line)
            yield json.loads(line)


# One file.


#: Silence at the start is measured in so much of the sound.
_LISTEN_SECONDS = 10.0
_LISTEN_RATE = 16_000


@dataclass(frozen=True, kw_only=True)
class FileFacts:
    """Streams, duration, size and rates of a file; None where there is no such stream or it does not say.

    For an image ``container`` is its format and ``video_codec`` how its colours are stored (``"RGB"``).
    ``start_silence_seconds`` is how long the sound is silent at its start, up to ten seconds. ``damage`` is what
    is wrong with a file that can still be read in part.
    """

    container: str
    duration_seconds: float | None = None
    num_frames: int | None = None
    frame_rate: float | None = None
    width: int | None = None
    height: int | None = None
    video_codec: str | None = None
    audio_codec: str | None = None
    audio_rate: int | None = None
    start_silence_seconds: float | None = None
    damage: str | None = None


def probe_file(path: str | Path, media: "Media") -> FileFacts:
    """Open a file once.

    Raises ``MediaError`` where it cannot be opened, or lacks the stream that its kind of media must have.
    """
    if media == "image":
        return _probe_image(Path(path))
    info = probe_clip(path)
    if media == "video" and not info.has_video:
        raise MediaError("open", "there is no moving picture in it")
    if media == "audio" and not info.has_audio:
        raise MediaError("open", "there is no sound in it")
    if media == "video" and info.frame_times is None:
        raise MediaError("open", info.damage or "there is no frame in it")
    return _facts(info, *_listen(Path(path), info, must_sound=media == "audio"))


def _facts(info: MediaInfo, silence: float | None, sound_damage: str | None) -> FileFacts:
    damage = "; ".join(part for part in (info.damage, sound_damage) if part) or None
    return FileFacts(
        container=info.container,
        duration_seconds=info.duration_seconds,
        num_frames=None if info.frame_times is None else len(info.frame_times),
        frame_rate=info.frame_rate,
        width=info.width,
        height=info.height,
        video_codec=info.video_codec,
        audio_codec=info.audio_codec,
        audio_rate=info.audio_rate,
        start_silence_seconds=silence,
        damage=damage,
    )


def _listen(path: Path, info: MediaInfo, *, must_sound: bool) -> tuple[float | None, str | None]:
    """Silence at the start, and what is wrong with the sound of a video or was chosen of it."""
    if not info.has_audio:
        return None, None
    try:
        sound = read_sound(sound_file(path), _LISTEN_RATE, max_seconds=_LISTEN_SECONDS)
    except MediaError as error:
        if must_sound:
            raise
        return None, error.reason
    return measure_silence(sound.samples, _LISTEN_RATE).start_seconds, sound.note


def _probe_image(path: Path) -> FileFacts:
    image = open_image(path)
    try:
        with image:
            image.load()
    except (OSError, ValueError, SyntaxError) as error:
        raise MediaError("decode", f"the image is damaged ({error})") from error
    return FileFacts(
        container=(image.format or "unknown").lower(),
        num_frames=1,
        width=image.width,
        height=image.height,
        video_codec=image.mode,
    )
