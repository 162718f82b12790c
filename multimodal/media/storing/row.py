"""Appending one prepared clip to a shard, and its row in the index."""

import json
from typing import Any

from multimodal.media.crops import encode_crop, encode_sound
from multimodal.media.prepare import Preparation
from multimodal.media.prepared import num_grid_points
from multimodal.media.reading.sound import measure_silence
from multimodal.media.storing.format import clip_key
from multimodal.media.storing.shard import Shard

#: What ``KEY.json`` says of a clip, for those who read shards without the index.
_TOLD = ("clip_id", "num_frames", "frame_rate", "num_samples", "sample_rate", "start_seconds", "absent")


def append_clip(shard: Shard, preparation: Preparation) -> dict[str, Any]:
    """Make the crops of a clip, append them, its sound and its description; return its row of the index."""
    options, key, first_byte = preparation.options, clip_key(preparation.clip_id), shard.length
    frames = [
        shard.add(f"{key}.{number:04d}.{options.frame_format}", encode_crop(crop, options))
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
    silence = None if waveform is None else measure_silence(waveform / 32768, options.sample_rate)
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
        "num_seen": None if track is None else track.num_seen,
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
        "reader_note": preparation.reader_note,
        "damage": preparation.damage,
    }
