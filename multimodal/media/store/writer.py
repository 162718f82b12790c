"""Writing prepared clips into the shards of a store; one writer a process, any number on one store."""

import json
import uuid
from pathlib import Path
from typing import Any

from multimodal.media.crops import CROP_SUFFIXES, encode_crop, encode_sound
from multimodal.media.prepare import Preparation
from multimodal.media.prepared import num_grid_points
from multimodal.media.reading.sound import measure_silence
from multimodal.media.store.format import JOURNALS, SHARDS, clip_key
from multimodal.media.store.journal import Journal
from multimodal.media.store.shard import Shard

# Appending one prepared clip to a shard, and its row in the index.


#: What ``KEY.json`` says of a clip, for those who read shards without the index.
_TOLD = ("clip_id", "num_frames", "frame_rate", "num_samples", "sample_rate", "start_seconds", "absent")


def append_clip(shard: Shard, preparation: Preparation) -> dict[str, Any]:
    """Make the crops of a clip, append them, its sound and its description; return its row of the index."""
    options, key, first_byte = preparation.options, clip_key(preparation.clip_id), shard.length
    frames = [
        shard.add(f"{key}.{number:04d}.{CROP_SUFFIXES[options.frame_format]}", encode_crop(crop, options))
        for number, crop in enumerate(preparation.crops())
    ]
    sound = None
    if preparation.waveform is not None:
        sound = shard.add(f"{key}.wav", encode_sound(preparation.waveform, options.sample_rate))
    row = {
        "clip_id": preparation.clip_id,
        "key": key,
        "shard": shard.name,
        **_measures(preparation),
        **_source(preparation),
        "sound_offset": None if sound is None else sound.offset,
        "sound_length": None if sound is None else sound.length,
        "frame_offsets": [member.offset for member in frames],
        "frame_lengths": [member.length for member in frames],
        "boxes": [] if preparation.track is None else preparation.track.boxes.round(2).ravel().tolist(),
    }
    told = {name: row[name] for name in _TOLD if name in row} | {"absent": preparation.absent}
    shard.add(f"{key}.json", json.dumps(told, sort_keys=True).encode())
    return row | {"num_bytes": shard.length - first_byte}


def _measures(preparation: Preparation) -> dict[str, Any]:
    options, waveform, track = preparation.options, preparation.waveform, preparation.track
    silence = None if waveform is None else measure_silence(waveform, options.sample_rate)
    num_samples = None if waveform is None else len(waveform)
    if track is not None:
        num_frames = len(track.boxes)
    else:
        num_frames = num_grid_points(num_samples or 0, options.frame_rate, options.sample_rate)
    return {
        "num_frames": num_frames,
        "frame_rate": options.frame_rate,
        "num_samples": num_samples,
        "sample_rate": options.sample_rate,
        "start_seconds": preparation.start_seconds,
        "sound_seconds": preparation.sound_seconds,
        "silence_start_seconds": None if silence is None else silence.start_seconds,
        "silence_end_seconds": None if silence is None else silence.end_seconds,
        "absent_video": preparation.absent.get("video"),
        "absent_audio": preparation.absent.get("audio"),
        "num_seen": None if track is None else len(track.boxes),
    }


def _source(preparation: Preparation) -> dict[str, Any]:
    info = preparation.info
    width, height = preparation.size or (None, None)
    return {
        "source_seconds": preparation.source_seconds,
        "source_frame_rate": None if info is None else info.frame_rate,
        "source_width": width,
        "source_height": height,
        "source_sample_rate": None if info is None else info.audio_rate,
        "container": None if info is None else info.container,
        "video_codec": None if info is None else info.video_codec,
        "audio_codec": None if info is None else info.audio_codec,
        "reader": preparation.reader,
        "reader_note": "; ".join(filter(None, (preparation.reader_note, preparation.face_note))) or None,
        "damage": preparation.damage,
    }


#: Large enough for object storage to stream well, small enough for a shuffle over shards.
_SHARD_BYTES = 500 * 2**20


class StoreWriter:
    """Appends clips to shards of its own and notes each in its journal once it is safe.

    Whatever happens in between, a clip is in the journal whole or not at all: a clip that fails half-way is cut
    off again, and :func:`multimodal.media.store.journal.merge` cuts off what a killed writer left.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        for name in (SHARDS, JOURNALS):
            (folder / name).mkdir(parents=True, exist_ok=True)
        self._name = uuid.uuid4().hex[:12]
        self._journal = Journal(folder, self._name)
        self._shard: Shard | None = None
        self._num_shards = 0

    def write(self, preparation: Preparation) -> None:
        """Make the crops of a clip and append it; on any error nothing of it is left."""
        shard = self._open_shard()
        start = shard.length
        try:
            row = append_clip(shard, preparation)
            shard.sync()
            self._journal.add({"clip": row, "end": shard.length})
        except BaseException:
            shard.cut(start)
            raise

    def write_failure(self, clip_id: str, stage: str, reason: str) -> None:
        """Note that a clip could not be prepared."""
        self._journal.add({"failure": {"clip_id": clip_id, "stage": stage, "reason": reason}})

    def close(self) -> None:
        """End the last shard and let the journal be merged."""
        if self._shard is not None:
            self._shard.finish()
        self._journal.close()

    def _open_shard(self) -> Shard:
        if self._shard is not None and self._shard.length >= _SHARD_BYTES:
            self._shard.finish()
            self._shard = None
        if self._shard is None:
            self._shard = Shard(self._folder / SHARDS / f"{self._name}-{self._num_shards:04d}.tar")
            self._num_shards += 1
        return self._shard
