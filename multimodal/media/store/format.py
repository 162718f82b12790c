"""The files of a store: what stands where, and the columns of its tables.

``header.json``      version and options of the cropper
``shards/*.tar``     clips in the WebDataset convention: ``KEY.0000.zst`` ..., ``KEY.wav``, ``KEY.json``
``index.parquet``    a row a clip, with the place of every member in its shard, for random access
``failures.parquet`` a row a clip that could not be prepared: ``clip_id``, ``stage``, ``reason``
``journals/*.jsonl`` rows that are not in the tables yet, each written after its clip is safe in a shard
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, get_args

import pyarrow as pa

from multimodal.artefacts import inside, reading
from multimodal.files import claim, read_json
from multimodal.media.faces import DEFAULT_DETECTOR
from multimodal.media.prepared import CROPPER_VERSION, Crops, FrameFormat, PrepareOptions

FORMAT = "multimodal prepared clips"
FORMAT_VERSION = 2

HEADER, INDEX, FAILURES, LOCK = "header.json", "index.parquet", "failures.parquet", ".lock"
SHARDS, JOURNALS = "shards", "journals"

#: ``num_frames`` is the length on the time grid, also of a clip without picture. Offsets and lengths are those
#: of the members' bytes in the shard. ``boxes`` are flat: four numbers a frame. ``num_seen`` of the frames lie
#: between detections of the face: all, since version 6 of the cropper. ``sound_seconds`` came from the file, the
#: rest is padding. ``source_*``, codecs, ``container`` and ``damage`` describe the file that was read;
#: ``reader_note`` says why decord did not read it, and how the main face was chosen of several.
INDEX_SCHEMA = pa.schema(
    [
        ("clip_id", pa.string()),
        ("key", pa.string()),
        ("shard", pa.string()),
        ("num_frames", pa.int64()),
        ("frame_rate", pa.float64()),
        ("num_samples", pa.int64()),
        ("sample_rate", pa.int64()),
        ("start_seconds", pa.float64()),
        ("sound_seconds", pa.float64()),
        ("silence_start_seconds", pa.float64()),
        ("silence_end_seconds", pa.float64()),
        ("absent_video", pa.string()),
        ("absent_audio", pa.string()),
        ("num_seen", pa.int64()),
        ("num_bytes", pa.int64()),
        ("source_seconds", pa.float64()),
        ("source_frame_rate", pa.float64()),
        ("source_width", pa.int64()),
        ("source_height", pa.int64()),
        ("source_sample_rate", pa.int64()),
        ("container", pa.string()),
        ("video_codec", pa.string()),
        ("audio_codec", pa.string()),
        ("reader", pa.string()),
        ("reader_note", pa.string()),
        ("damage", pa.string()),
        ("sound_offset", pa.int64()),
        ("sound_length", pa.int64()),
        ("frame_offsets", pa.list_(pa.int64())),
        ("frame_lengths", pa.list_(pa.int32())),
        ("boxes", pa.list_(pa.float32())),
    ]
)
FAILURE_SCHEMA = pa.schema([("clip_id", pa.string()), ("stage", pa.string()), ("reason", pa.string())])


def clip_key(clip_id: str) -> str:
    """Name of a clip's members in a shard: readable, without dots or blanks, and unique through a hash.

    >>> clip_key("fakeavceleb/Asian (East)/é 00.mp4")
    'fakeavceleb_Asian_East_00_mp4-9378264ae3d0ed1f'
    """
    readable = re.sub(r"[^A-Za-z0-9]+", "_", clip_id)[-60:].strip("_")
    return f"{readable}-{hashlib.blake2b(clip_id.encode(), digest_size=8).hexdigest()}"


def fingerprint_of(options: PrepareOptions) -> str:
    """The cropper's version and options in one canonical line of JSON; equal lines mean equal crops.

    Formats that lose nothing give the same crops: all of them are told as the first that there was, WebP.
    """
    same = options if options.frame_format == "jpeg" else replace(options, frame_format="webp")
    return json.dumps({"cropper_version": CROPPER_VERSION, **_told(same)}, sort_keys=True)


#: Options that came later: a store tells them only where they are not what all stores before had.
_CAME_LATER = {"face_detector": DEFAULT_DETECTOR, "crops": "faces", "image_rate": None}


def _told(options: PrepareOptions) -> dict[str, Any]:
    """Options as a store tells them."""
    return {name: value for name, value in asdict(options).items() if _CAME_LATER.get(name, ...) != value}


def differences(fingerprint: str, other: str) -> list[str]:
    """What differs between two fingerprints, in words.

    >>> differences('{"crop_size": 224}', '{"crop_size": 160}')
    ['crop_size is 224, not 160']
    """
    ours, theirs = (_CAME_LATER | _facts(text) for text in (fingerprint, other))
    return [
        f"{name} is {ours.get(name)}, not {theirs.get(name)}"
        for name in sorted(ours.keys() | theirs.keys())
        if ours.get(name) != theirs.get(name)
    ]


def _facts(fingerprint: str) -> dict[str, Any]:
    """What a fingerprint says; it may come from a file."""
    try:
        facts = json.loads(fingerprint)
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"not the fingerprint of a cropper: {fingerprint!r:.60}") from error
    if not isinstance(facts, dict):
        raise ValueError(f"not the fingerprint of a cropper: {fingerprint!r:.60}")
    return facts


def check_own_folders(folder: Path) -> None:
    """Raise ``ValueError`` where shards or journals lie behind a link that leads out of the store."""
    for name in (SHARDS, JOURNALS):
        inside(folder, name)


def claim_store(folder: Path, options: PrepareOptions) -> None:
    """Make the folder a store of ``options``, in one step, where it is none yet.

    Raises:
        ValueError: it holds something else.
    """
    header = {"format": FORMAT, "format_version": FORMAT_VERSION, "cropper_version": CROPPER_VERSION}
    header |= {"options": _told(options), "fingerprint": fingerprint_of(options)}
    claim(folder, HEADER, header, kind="store of prepared clips")


def read_header(folder: Path) -> tuple[PrepareOptions, str]:
    """Options and fingerprint of a store; ``ValueError`` if the folder is none, or its own lie elsewhere."""
    if not (folder / HEADER).is_file():
        raise ValueError(f"not a store of prepared clips: {folder} has no {HEADER}. Make one with: prepare")
    header: dict[str, Any] = read_json(folder / HEADER)
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise ValueError(f"not a store of prepared clips: {folder / HEADER} says another format")
    if header.get("format_version") != FORMAT_VERSION:
        raise ValueError(
            f"{folder} has store format {header.get('format_version')!r:.9}; this program reads {FORMAT_VERSION}. "
            "Prepare it again, or use the version of this program that wrote it"
        )
    check_own_folders(folder)
    with reading(folder / HEADER, "the header of a store"):
        options, fingerprint = options_from(header["options"]), header["fingerprint"]
        differences(fingerprint, fingerprint)  # a line of JSON, as checkpoints compare it
    return options, fingerprint


#: The most that an option may say, where a number is one that a store or a run remembers.
_LARGEST = {"frame_rate": 1000, "crop_size": 8192, "margin": 100, "sample_rate": 1_000_000, "jpeg_quality": 100}
_LARGEST |= {"image_rate": 1000}
#: Numbers that may be None, and words of which there are few.
_MAY_LACK = ("max_seconds", "image_rate")
_WORDS = {"frame_format": get_args(FrameFormat), "crops": get_args(Crops)}


def options_from(values: Mapping[str, Any]) -> PrepareOptions:
    """Options of the cropper from plain values of a file; names that are unknown are left out.

    Raises:
        ValueError: a value is of another type, or no such clip could be.
    """
    plain = asdict(PrepareOptions())
    options = {name: value for name, value in values.items() if name in plain}
    for name, value in options.items():
        is_number = isinstance(plain[name], int | float) or name in _MAY_LACK
        if is_number and value is not None:
            fits = isinstance(value, int | float) and 0 <= value <= _LARGEST.get(name, 1e9)
            fits &= isinstance(value, int) or not isinstance(plain[name], int)
            fits = fits and (value > 0 or name not in ("frame_rate", "crop_size", "sample_rate", "image_rate"))
        else:
            fits = isinstance(value, str) if not is_number else name in _MAY_LACK
        if not fits or value not in _WORDS.get(name, (value,)):
            raise ValueError(f"no store was prepared with {name} {value!r:.60}")
    return PrepareOptions(**options)
