"""Damaged and hostile artefacts through their readers: ``python -m benchmarks.fuzz_artefacts [--tries 400]``.

A small valid artefact of every kind is made by hand and damaged by a fixed seed: bits flipped, the end cut off,
values of other types, deep nesting, huge numbers. Its reader must take it or refuse it by one ``ValueError`` of
one line; anything else would be a traceback to whoever was handed the file, and makes the exit code 1. So does
a reader that asks the network.
"""

import argparse
import contextlib
import io
import json
import pickle
import socket
import sys
import tempfile
import traceback
import warnings
from collections import Counter
from collections.abc import Iterator
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
import yaml

from benchmarks.fuzz_kinds import KINDS
from experiments.command_line import CommandLineError

#: Values that no writer wrote, put in place of any other.
STRANGE: tuple[Any, ...] = (
    *(None, True, "", "x", "../..", "\0", [], {}, [None], {"": None}, -1, 0, 2**31, 10**18, 10**400),
    *(1e308, float("nan"), float("inf"), [[[[1]]]], "a" * 5000, {"a": {"b": {}}}),
)


# Damage, from a seed.


def damaged(content: bytes, suffix: str, rng: np.random.Generator) -> bytes:
    """The bytes of a file, damaged blindly or, where the format is known, by somebody who knows it."""
    knowing = KNOWING.get(suffix)
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
        column = pa.array((values[rng.integers(len(values))] * table.num_rows)[: table.num_rows])
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


def _in_lines(content: bytes, rng: np.random.Generator) -> bytes:
    """One line of several, damaged, doubled, or put before all others."""
    lines = content.splitlines(keepends=True)
    place, way = int(rng.integers(len(lines))), rng.integers(4)
    if way < 2:
        lines[place] = _in_json(lines[place], rng) + b"\n"
    elif way == 2:
        lines.append(lines[place])
    else:
        lines.insert(0, _in_json(lines[place], rng) + b"\n")
    return b"".join(lines)


def _in_yaml(content: bytes, rng: np.random.Generator) -> bytes:
    """What only YAML has, besides values out of place: tags, aliases that grow, dates, keys of any kind."""
    if rng.random() < 0.5:
        return _in_json(json.dumps(yaml.safe_load(content)).encode(), rng)
    grows = "a: &a [x, x, x, x, x, x, x, x]\n" + "".join(
        f"{new}: &{new} [{', '.join([f'*{old}'] * 8)}]\n" for old, new in pairwise("abcdefghi")
    )
    odd = [
        "a: &a [*a]",
        "? [1, 2]\n: 3",
        "a: 2001-99-99",
        "- 0b2",
        "a: !!binary '='",
        "a: .inf",
        "",
        "null",
        grows,
    ]
    odd += ["!!python/object/apply:os.system ['exit']", "fit: *nothing", "fit: {steps: !!int x}", "\t"]
    return odd[rng.integers(len(odd))].encode()


class _Stranger:
    """What a pickle runs that is read without care."""

    def __reduce__(self) -> tuple[Any, ...]:
        return exec, ("raise SystemExit('a stranger is in: a pickle was run')",)


def _in_pickles(content: bytes, rng: np.random.Generator) -> bytes:
    """A pickle that runs code, in torch's archive or bare, or one that names what is not there."""
    strange = [_Stranger(), {"state": _Stranger()}, {"param_groups": [], "state": {}}, {"a": 10**400}, [None], "x"]
    value, sink = strange[rng.integers(len(strange))], io.BytesIO()
    if rng.random() < 0.5:
        return pickle.dumps(value)
    torch.save(value, sink)
    return sink.getvalue()


#: Somebody who knows the format, by the suffix of the file.
KNOWING = {
    ".json": _in_json,
    ".jsonl": _in_lines,
    ".parquet": _in_parquet,
    ".pt": _in_pickles,
    ".safetensors": _in_safetensors,
    ".yaml": _in_yaml,
}

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
                if type(error) not in (ValueError, CommandLineError) or "\n" in str(error):
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
