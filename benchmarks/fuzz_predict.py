"""Strangers' files among others through ``predict``: ``python -m benchmarks.fuzz_predict [--files 300]``.

A folder of tiny clips, ten files of which are out to do harm: scripts that name another file, a program with an
image's name, files that ask for far more memory than they are long, names that are no text. The real command line
judges all of them in one call, on a small detector without training. Every file must get its row, the ten a reason
on one line or a verdict on what is in them, and nothing else may be written or go on. Exits with 1 otherwise.
"""

import argparse
import json
import os
import struct
import subprocess
import sys
import tempfile
import time
import wave
import zlib
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from benchmarks.fuzz_models import make_detector
from multimodal.synthetic import SyntheticOptions
from multimodal.synthetic.clip import write_clip
from multimodal.synthetic.plan import plan_clips

#: How many hostile files there are; what two of them name, beside the folder; and these two.
NUM_HOSTILE = 10
VICTIM, SCRIPTS = "victim.mp4", ("playlist.mp4", "concat.mp4")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=300)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        plant(root, arguments.files)
        return report(root, arguments.files)


def plant(root: Path, count: int) -> None:
    """Write ``count`` files into ``root/inbox``, ten of them hostile, and a file that they are after beside it."""
    options = SyntheticOptions(clip_seconds=0.4, frame_size=96, groups=1, identities_per_group=2)
    contents = []
    for clip in plan_clips(options)[:3]:
        write_clip(root, clip, options)
        contents.append((root / clip.path).read_bytes())
    inbox = root / "inbox"
    inbox.mkdir()
    (root / VICTIM).write_bytes(contents[0])
    hostile(inbox, contents[0])
    for number in range(count - len(list(inbox.iterdir()))):
        (inbox / f"{number:05d}.mp4").write_bytes(contents[number % len(contents)])


def hostile(inbox: Path, whole: bytes) -> None:
    """Ten files that somebody made to do harm."""
    script = f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n../{VICTIM}\n#EXT-X-ENDLIST\n"
    (inbox / "playlist.mp4").write_text(script)
    (inbox / "concat.mp4").write_text(f"ffconcat version 1.0\nfile ../{VICTIM}\n")
    (inbox / "program.png").write_text("%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 64 64\n(x) print showpage\n")
    (inbox / "bomb.png").write_bytes(_png(60_000, 60_000))
    with wave.open(str(inbox / "slow.wav"), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8)
        sound.writeframes(bytes(32_000))
    _thin(inbox / "thin.mp4")
    (inbox / "nothing.mp4").write_bytes(b"")
    (inbox / "cut.mp4").write_bytes(whole[: len(whole) // 2])
    for name in (b"caf\xe9.mp4", b"=cmd\x1b[2J\n.mp4"):
        Path(os.fsdecode(os.fsencode(inbox) + b"/" + name)).write_bytes(whole)


def _png(width: int, height: int) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = _chunk(b"IHDR", header), _chunk(b"IDAT", zlib.compress(bytes(99))), _chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _thin(path: Path) -> None:
    """Two pixels wide and 4,000 high."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 2, 4000, "yuv420p"
        for number in range(5):
            frame = av.VideoFrame.from_ndarray(np.full((4000, 2, 3), 90, np.uint8), format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def report(root: Path, count: int) -> int:
    """Judge all in one call, and print what became of them."""
    make_detector(root / "detector")
    before = _files_in(root)
    start = time.monotonic()
    done = _predict(root)
    seconds = time.monotonic() - start
    rows = [json.loads(line) for line in (root / "out" / "verdicts.jsonl").read_text().splitlines()]
    names = {os.fsencode(path).decode("utf-8", "backslashreplace") for path in (root / "inbox").iterdir()}
    lost = names - {row["file"] for row in rows}
    judged = [row["file"] for row in rows if row["modalities"]["any"]["score"] is not None]
    followed = [name for name in judged if Path(name).name in SCRIPTS]
    refused = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    strange = _files_in(root) - before
    tracebacks, orders = done.stderr.count("Traceback"), (done.stdout + done.stderr).count("\x1b[2J")
    print(f"{count} files, {seconds:.0f} s: {len(rows)} rows, {len(lost)} lost, {len(judged)} judged")
    print(f"{len(refused)} told why not, exit code {done.returncode}; {len(followed)} scripts followed")
    print(f"{tracebacks} tracebacks, {orders} orders to the terminal, {len(strange)} files that nobody asked for")
    print("\n".join(line[:200] for line in refused[:NUM_HOSTILE]))
    spoilt = len(judged) < count - NUM_HOSTILE  # whole clips among them
    is_wrong = any((lost, followed, strange, tracebacks, orders, spoilt, done.returncode != 1))
    return 1 if is_wrong or not len(rows) == count == len(judged) + len(refused) else 0


def _predict(root: Path) -> "subprocess.CompletedProcess[str]":
    command = ["predict", str(root / "inbox"), "--run", str(root / "detector"), "--out", str(root / "out")]
    limits = ["--seconds-per-file", "60", "--memory-gb", "1", "--device", "cpu"]
    line = [sys.executable, "-m", "experiments", *command, *limits]
    return subprocess.run(line, capture_output=True, text=True, check=False)


def _files_in(root: Path) -> set[Path]:
    return {path for path in root.rglob("*") if path.is_file() and root / "out" not in path.parents}


if __name__ == "__main__":
    sys.exit(main())
