"""Damaged and hostile artefacts through their readers: ``python -m benchmarks.fuzz_artefacts [--tries 400]``.

A small valid artefact of every kind is made by hand and damaged by a fixed seed: bits flipped, the end cut off,
values of other types, deep nesting, huge numbers. Its reader must take it or refuse it by one ``ValueError`` of
one line; anything else would be a traceback to whoever was handed the file, and makes the exit code 1. So does
a reader that asks the network.
"""

import argparse
import contextlib
import json
import socket
import sys
import tempfile
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from torch import nn

from encoders import create_encoder, load_encoder
from experiments.recipes import TRAIN
from experiments.runs.config import TrainConfig
from experiments.runs.folder import RunFolder
from experiments.runs.scoring import rebuilt_encoders
from experiments.runs.settings import read_config, write_config
from multimodal.corpora.manifest import Clip, Manifest, collect
from multimodal.files import write_json
from multimodal.labels import CLASSES
from multimodal.media.crops import encode_crop, encode_sound
from multimodal.media.prepared import PrepareOptions
from multimodal.media.store.format import (
    FAILURE_SCHEMA,
    FAILURES,
    HEADER,
    INDEX,
    INDEX_SCHEMA,
    SHARDS,
    claim_store,
)
from multimodal.media.store.reader import Store
from multimodal.media.store.shard import Shard
from multimodal.metrics.probabilities import probabilities
from multimodal.metrics.score_files import read_scores
from multimodal.metrics.scores_table import QUESTIONS
from multimodal.splits.split import Split
from multimodal.tokens.cache import HEADER as TOKENS_HEADER
from multimodal.tokens.cache import TokenCache, shard_path, write_shard
from multimodal.training.checkpoints import load_weights, save_weights

SPEECH = {
    "model_type": "wav2vec2",
    "hidden_size": 8,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 8,
    "conv_dim": [4, 4],
    "conv_kernel": [10, 8],
    "conv_stride": [8, 8],
    "num_feat_extract_layers": 2,
    "num_conv_pos_embeddings": 4,
    "num_conv_pos_embedding_groups": 2,
}
CLIPS = ["made/a.mp4", "made/b.mp4"]
#: Values that no writer wrote, put in place of any other.
STRANGE: tuple[Any, ...] = (
    *(None, True, "", "x", "../..", "\0", [], {}, [None], {"": None}, -1, 0, 2**31, 10**18, 10**400),
    *(1e308, float("nan"), float("inf"), [[[[1]]]], "a" * 5000, {"a": {"b": {}}}),
)


class Kind(NamedTuple):
    """An artefact: ``make`` writes it into a folder and gives the file to damage, ``read`` reads the folder."""

    make: Callable[[Path], Path]
    read: Callable[[Path], Any]


# Artefacts, made by hand.


def make_encoder(folder: Path) -> Path:
    create_encoder("wav2vec2", checkpoint=SPEECH).save_pretrained(folder)
    return folder / "config.json"


def make_encoder_weights(folder: Path) -> Path:
    make_encoder(folder)
    return folder / "model.safetensors"


def make_architecture(folder: Path) -> Path:
    described = {
        "audio": {"name": "wav2vec2", "arguments": {"checkpoint": SPEECH}},
        "video": {"name": "frames", "arguments": {"backbone": "test_resnet", "pretrained": False}},
    }
    write_json(folder / "architecture.json", described)
    return folder / "architecture.json"


def make_run_config(folder: Path) -> Path:
    write_config(folder / "config.json", TRAIN["small"]())
    return folder / "config.json"


def make_provenance(folder: Path) -> Path:
    facts = {"corpora": ["made"], "generated": True, "protocol": "p", "split_hash": "0", "store": "{}"}
    write_json(folder / "provenance.json", {**facts, "store_options": {}, "clips": {"train": 1}})
    return folder / "provenance.json"


def make_thresholds(folder: Path) -> Path:
    rules = {"youden": {"threshold": 0.5, "value": 1.0}}
    write_json(folder / "thresholds.json", {"chosen_on": "val", "thresholds": dict.fromkeys(QUESTIONS, rules)})
    return folder / "thresholds.json"


def make_calibration(folder: Path) -> Path:
    shares = dict.fromkeys((*CLASSES, *QUESTIONS), 0.25)
    fits = {
        "fake": 2,
        "real": 2,
        "temperature": {"method": "temperature", "temperature": 1.5},
        "platt": {"method": "platt", "slope": 1.0, "intercept": 0.0},
        "isotonic": {"method": "isotonic", "scores": [0.0, 1.0], "probabilities": [0.1, 0.9]},
    }
    prior = {"learnt": shares, "validation": shares, "wanted": None}
    stored = {"chosen_on": "val", "method": "platt", "prior": prior, "fits": dict.fromkeys(QUESTIONS, fits)}
    write_json(folder / "calibration.json", stored)
    return folder / "calibration.json"


def read_calibration(folder: Path) -> Any:
    calibration = RunFolder(folder).read_calibration()
    assert calibration is not None
    scores = {question.score: [0.4] for question in QUESTIONS.values()} | {f"p_{name}": [0.25] for name in CLASSES}
    return probabilities(pd.DataFrame(scores), calibration, calibration["method"])


def make_manifest(folder: Path) -> Path:
    clips = [Clip(name.removeprefix("made/"), "video", 1, 0, "swap", size_bytes=1) for name in CLIPS]
    collect(clips, corpus="made", root=folder).write(folder / "manifest.parquet")
    return folder / "manifest.parquet"


def read_manifest(folder: Path) -> Any:
    manifest = Manifest.read(folder / "manifest.parquet")
    return [manifest.file_of(clip_id, {"made": str(folder)}) for clip_id in manifest.clips["clip_id"][:1]]


def make_split(folder: Path) -> Path:
    table = pd.DataFrame({"clip_id": CLIPS, "split": ["train", "val"], "reason": [None, None]})
    Split(table, "made", options={"share": 0.5}, notes=("a",)).write(folder / "split.parquet")
    return folder / "split.parquet"


def _scores() -> pd.DataFrame:
    return pd.DataFrame({"clip_id": CLIPS, "score": [0.25, 0.75], "label": [0, 1], "identity": ["x", None]})


def make_scores_csv(folder: Path) -> Path:
    _scores().to_csv(folder / "scores.csv", index=False)
    return folder / "scores.csv"


def make_scores_parquet(folder: Path) -> Path:
    _scores().to_parquet(folder / "scores.parquet", index=False)
    return folder / "scores.parquet"


def make_store(folder: Path) -> Path:
    """A store of two clips of three crops and their sound."""
    options = PrepareOptions(crop_size=16)
    claim_store(folder, options)
    (folder / SHARDS).mkdir()
    shard, rows = Shard(folder / SHARDS / "made-0.tar"), []
    for clip_id in CLIPS:
        crops = np.random.default_rng(0).integers(0, 255, (3, 16, 16, 3), dtype=np.uint8)
        members = [shard.add(f"{number}.avi", encode_crop(crop, options)) for number, crop in enumerate(crops)]
        sound = shard.add("sound.wav", encode_sound(np.zeros(1920, dtype=np.int16), 16_000))
        row = {"clip_id": clip_id, "key": "k", "shard": shard.name, "num_frames": 3, "frame_rate": 25.0}
        row |= {"num_samples": 1920, "sample_rate": 16_000, "start_seconds": 0.0, "num_bytes": shard.length}
        row |= {"sound_offset": sound.offset, "sound_length": sound.length, "boxes": [0.0, 0, 1, 1] * 3}
        row |= {"frame_offsets": [one.offset for one in members], "frame_lengths": [one.length for one in members]}
        rows.append(row)
    shard.finish()
    pq.write_table(pa.Table.from_pylist(rows, schema=INDEX_SCHEMA), folder / INDEX)
    failures = [{"clip_id": "made/c.mp4", "stage": "read", "reason": "broken"}]
    pq.write_table(pa.Table.from_pylist(failures, schema=FAILURE_SCHEMA), folder / FAILURES)
    return folder


def read_store(folder: Path) -> Any:
    store = Store.open(folder)
    found = len(store), len(store.failures), store.median_face()
    return found, [store.read(clip_id) for clip_id in store.index["clip_id"][:2]]


def make_tokens(folder: Path) -> Path:
    write_json(folder / TOKENS_HEADER, {"clips": "0", "window": {"frames": 3}})
    tokens = {name: torch.zeros(2, 3, 4) for name in ("video", "audio")}
    present = {name: torch.ones(2, dtype=torch.bool) for name in tokens}
    write_shard(shard_path(folder, 0), tokens, present, np.arange(2))
    return folder


def read_tokens(folder: Path) -> Any:
    cache = TokenCache(folder, {"clips": "0", "window": {"frames": 3}}, CLIPS)
    return [cache.read(clip_id, window) for clip_id in CLIPS for window in range(cache.windows_of(clip_id))]


def make_weights(folder: Path) -> Path:
    save_weights(nn.Linear(4, 4), folder / "best.safetensors")
    return folder / "best.safetensors"


KINDS = {
    "encoder config": Kind(make_encoder, load_encoder),
    "encoder weights": Kind(make_encoder_weights, load_encoder),
    "architecture": Kind(make_architecture, lambda folder: rebuilt_encoders(folder / "architecture.json")),
    "run config": Kind(make_run_config, lambda folder: read_config(folder / "config.json", TrainConfig)),
    "provenance": Kind(make_provenance, lambda folder: RunFolder(folder).read_provenance()),
    "thresholds": Kind(make_thresholds, lambda folder: RunFolder(folder).read_thresholds()),
    "calibration": Kind(make_calibration, read_calibration),
    "manifest": Kind(make_manifest, read_manifest),
    "split": Kind(make_split, lambda folder: Split.read(folder / "split.parquet")),
    "scores csv": Kind(make_scores_csv, lambda folder: read_scores(folder / "scores.csv")),
    "scores parquet": Kind(make_scores_parquet, lambda folder: read_scores(folder / "scores.parquet")),
    "store header": Kind(lambda folder: make_store(folder) / HEADER, read_store),
    "store index": Kind(lambda folder: make_store(folder) / INDEX, read_store),
    "store failures": Kind(lambda folder: make_store(folder) / FAILURES, read_store),
    "store shard": Kind(lambda folder: make_store(folder) / SHARDS / "made-0.tar", read_store),
    "token header": Kind(lambda folder: make_tokens(folder) / TOKENS_HEADER, read_tokens),
    "token shard": Kind(lambda folder: shard_path(make_tokens(folder), 0), read_tokens),
    "weights": Kind(make_weights, lambda folder: load_weights(nn.Linear(4, 4), folder / "best.safetensors")),
}

# Damage, from a seed.


def damaged(content: bytes, suffix: str, rng: np.random.Generator) -> bytes:
    """The bytes of a file, damaged blindly or, where the format is known, by somebody who knows it."""
    knowing = {".json": _in_json, ".parquet": _in_parquet, ".safetensors": _in_safetensors}.get(suffix)
    if knowing is not None and rng.random() < 0.5:
        return knowing(content, rng)
    way = rng.integers(5)
    if way == 0:
        return content[: rng.integers(len(content))]
    broken = bytearray(content)
    if way == 1:
        place = rng.integers(len(broken))
        broken[place : place + 64] = bytes(min(64, len(broken) - place))
    elif way == 2:
        place = rng.integers(len(broken))
        broken[place:place] = rng.bytes(int(rng.integers(1, 32)))
    else:
        for _ in range(int(rng.integers(1, 9))):
            broken[rng.integers(len(broken))] ^= 1 << int(rng.integers(8))
    return bytes(broken)


def _in_json(content: bytes, rng: np.random.Generator) -> bytes:
    if rng.random() < 0.1:
        depth = int(rng.choice([500, 5_000, 100_000]))
        return rng.choice([b"[" * depth + b"]" * depth, b'{"a":' * depth + b"1" + b"}" * depth, b"9" * depth])
    value = json.loads(content)
    places = list(_places(value))
    for _ in range(int(rng.integers(1, 3))):
        holder, key = places[rng.integers(len(places))]
        if isinstance(holder, dict) and rng.random() < 0.2:
            holder.pop(key, None)
        elif not isinstance(holder, dict) or key in holder:
            holder[key] = STRANGE[rng.integers(len(STRANGE))]
    return json.dumps(value).encode()


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every place in nested values, as what holds it and its key there."""
    keys = value.keys() if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in list(keys):
        yield value, key
        yield from _places(value[key])


def _in_parquet(content: bytes, rng: np.random.Generator) -> bytes:
    table = pq.read_table(pa.BufferReader(content))
    place = int(rng.integers(table.num_columns))
    name, way = table.column_names[place], rng.integers(4)
    facts = dict(table.schema.metadata or {})
    if way == 0 and facts:
        key = sorted(facts)[rng.integers(len(facts))]
        facts[key] = _in_json(facts[key], rng) if facts[key][:1] == b"{" and len(facts[key]) > 2 else b"[1"
        table = table.replace_schema_metadata(facts)
    elif way == 1:
        table = table.drop_columns([name])
    else:
        values: list[Any] = [
            [None, None],
            [b"\xff\xfe", b"a"],
            ["../../x", "/etc/passwd"],
            [2**62, -(2**62)],
            [float("nan"), float("inf")],
            [[1, 2], [3]],
            [{"a": 1}, None],
            [True, False],
            ["a\0b", "\x1b[2J"],
        ]
        column = pa.array((values[rng.integers(len(values))] * 2)[: table.num_rows])
        if way == 2 and column.type != table.schema.field(name).type:  # the type that the reader wants
            with contextlib.suppress(pa.ArrowException):
                column = column.cast(table.schema.field(name).type)
        table = table.set_column(place, name, column)
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink)
    return sink.getvalue().to_pybytes()


def _in_safetensors(content: bytes, rng: np.random.Generator) -> bytes:
    length = int.from_bytes(content[:8], "little")
    header = _in_json(content[8 : 8 + length], rng)
    said = int(rng.choice([len(header), len(header), 2**40, 2**63 - 1]))
    return said.to_bytes(8, "little") + header + content[8 + length :]


# One kind, tried.


def fuzz(name: str, tries: int) -> tuple[Counter[str], list[str]]:
    """How often a kind was read and refused, and the tracebacks of what was neither."""
    counts: Counter[str] = Counter()
    found: list[str] = []
    asked: list[Any] = []
    refuse = partial(_refuse, asked)
    with (
        tempfile.TemporaryDirectory() as folder,
        warnings.catch_warnings(),
        patch.object(socket.socket, "connect", refuse),
        patch.object(socket, "getaddrinfo", refuse),
    ):
        warnings.simplefilter("ignore")  # a library may wonder aloud
        root = Path(folder)
        target = KINDS[name].make(root)
        whole = target.read_bytes()
        KINDS[name].read(root)
        for seed in range(tries):
            asked.clear()
            target.write_bytes(damaged(whole, target.suffix, np.random.default_rng(seed)))
            try:
                KINDS[name].read(root)
                counts["read"] += 1
            except ValueError as error:
                counts["refused"] += 1
                if type(error) is not ValueError or "\n" in str(error):
                    found.append(f"{name}, seed {seed}: no line of ours\n{traceback.format_exc()}")
            except Exception:  # what this program is looking for
                found.append(f"{name}, seed {seed}\n{traceback.format_exc()}")
            if asked:
                found.append(f"{name}, seed {seed}: the reader asked the network for {asked[0]}")
    return counts, found


def _refuse(asked: list[Any], *place: Any, **options: Any) -> Any:
    asked.append(place)
    raise OSError("no network here")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tries", type=int, default=400)
    parser.add_argument("--kinds", nargs="*", default=list(KINDS), choices=list(KINDS))
    arguments = parser.parse_args()
    total = 0
    print(f"{'kind':<18}" + "".join(f"{title:>12}" for title in ("tries", "read", "refused", "tracebacks")))
    for name in arguments.kinds:
        counts, found = fuzz(name, arguments.tries)
        print(
            f"{name:<18}{arguments.tries:>7}{counts['read']:>7}{counts['refused']:>9}{len(found):>12}", flush=True
        )
        for one in found[:3]:
            print(one, file=sys.stderr)
        total += len(found)
    return 1 if total else 0


if __name__ == "__main__":
    sys.exit(main())
