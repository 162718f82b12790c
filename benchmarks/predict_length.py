"""How ``predict`` takes long videos: ``python -m benchmarks.predict_length --minutes 10 [--clips FOLDER]``.

A film at 480p with a hard cut every six seconds, of the videos of a folder in turns, or of generated people where
none is given, is judged by the real command line; the detector is small and knows nothing. Prints the most memory
that all processes together hold, when the first scores come, processor seconds, and whether every stretch of every
face has its verdict. Exits with 1 where more than 1.5 GB is held, a stretch has none, or no scores come before
the end. Memory is PSS, in which shared pages count once, as Linux tells it.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from PIL import Image

from benchmarks.fuzz_models import make_detector
from benchmarks.prepare_clips import write_repeated
from multimodal.media.prepared import PrepareOptions
from multimodal.media.reading.pictures import VideoPictures
from multimodal.media.reading.probe import probe
from multimodal.media.reading.sound import read_sound
from multimodal.synthetic import SyntheticOptions
from multimodal.synthetic.clip import write_clip, write_video
from multimodal.synthetic.plan import plan_clips

WIDTH, HEIGHT, FRAME_RATE, SOUND_RATE = 640, 480, 25, 44_100
SHOT_SECONDS, REEL_SECONDS = 6, 60
LIMIT_BYTES, SAMPLE_SECONDS = 1.5e9, 2.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--clips", type=Path, help="folder of videos; generated ones where none is given")
    parser.add_argument("--run", type=Path, help="a detector; a small one without training where none is given")
    parser.add_argument("--frame-rate", type=float, default=25.0, help="crops a second of that small one")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        film = write_film(root, arguments.minutes * 60, arguments.clips or generated(root / "people"))
        crops = PrepareOptions(frame_rate=arguments.frame_rate)
        run = arguments.run or make_detector(root / "detector", crops, num_frames=16)
        return report(film, arguments.minutes, run, root / "out")


def generated(root: Path) -> Path:
    """A folder of three people who talk."""
    options = SyntheticOptions(clip_seconds=SHOT_SECONDS, frame_size=HEIGHT)
    people = {clip.take.person: clip for clip in plan_clips(options) if clip.method == "real"}
    for clip in islice(people.values(), 3):
        write_clip(root, clip, options)
    return root


def write_film(root: Path, seconds: float, clips: Path) -> Path:
    """A minute of shots is encoded; it is repeated, packet for packet, as long as the film lasts."""
    videos = [_shots(path) for path in sorted(clips.rglob("*.mp4"))]
    taken = [next(shots) for shots in islice(cycle(videos), REEL_SECONDS // SHOT_SECONDS)]
    pictures = (picture for pictures, _ in taken for picture in pictures)
    sound = np.concatenate([sound for _, sound in taken])
    write_video(root / "reel.mp4", pictures, frame_rate=FRAME_RATE, crf=23, sound=sound)
    return write_repeated(root / "film.mp4", root / "reel.mp4", seconds)


def _shots(path: Path) -> Iterator[tuple[list[np.ndarray], np.ndarray]]:
    """Pictures and sound of stretches of a video, one after the other, for ever."""
    info = probe(path)
    pictures = [_in_frame(point.shown) for point in VideoPictures(path, info, FRAME_RATE, None)]
    length = len(pictures) * SOUND_RATE // FRAME_RATE
    sound = np.zeros(length)
    if info.has_audio:
        sound = np.resize(read_sound(path, SOUND_RATE, start_seconds=0.0).samples / 2**15, length)
    places, samples = cycle(range(len(pictures))), cycle(range(length))
    while True:
        shown = [pictures[place] for place in islice(places, SHOT_SECONDS * FRAME_RATE)]
        yield shown, sound[list(islice(samples, SHOT_SECONDS * SOUND_RATE))]


def _in_frame(picture: np.ndarray) -> np.ndarray:
    """A picture as high as the film, in its middle."""
    image = Image.fromarray(picture)
    width = min(WIDTH, round(image.width * HEIGHT / image.height))
    frame = Image.new("RGB", (WIDTH, HEIGHT))
    frame.paste(image.resize((width, HEIGHT)), ((WIDTH - width) // 2, 0))
    return np.asarray(frame)


def report(film: Path, minutes: float, run: Path, out: Path) -> int:
    """Judge the film, and print what that took."""
    command = ["predict", str(film), "--run", str(run), "--out", str(out), "--device", "cpu"]
    line = [sys.executable, "-m", "experiments", *command]
    start = time.monotonic()
    with subprocess.Popen(line, stdout=subprocess.PIPE, text=True) as process:
        watched = _Watched(process.pid)
        came = [time.monotonic() - start for _ in process.stdout or ()]
        watched.end()
    whole = time.monotonic() - start
    (verdict,) = json.loads((out / "verdicts.json").read_text())
    faces = [verdict, *verdict["faces"]]
    lacking = sum(gap for face in faces for gap in _gaps(face))
    shown = sum(face["end_seconds"] - face["start_seconds"] for face in faces)
    print(f"{minutes:g} minutes of film, {len(faces)} faces, seen for {shown:.0f} s in all")
    print(f"most memory: {watched.most / 1e9:.2f} GB (limit {LIMIT_BYTES / 1e9:.1f}), {watched.told}")
    print(f"first scores after {came[0]:.0f} s, {len(came)} lines, all after {whole:.0f} s")
    print(f"{watched.seconds:.0f} processor seconds: {watched.seconds / minutes:.1f} a minute of film")
    print(f"seconds of faces without a verdict: {lacking:.2f}")
    is_wrong = process.returncode or lacking > 0.01 or watched.most > LIMIT_BYTES
    return 1 if is_wrong or came[0] > 0.95 * whole else 0


def _gaps(face: dict[str, Any]) -> Iterator[float]:
    """Seconds of a face that no window shows, one after the other."""
    until = face["start_seconds"]
    for window in sorted(face["windows"], key=lambda window: window["start_seconds"]):
        yield max(0.0, window["start_seconds"] - until)
        until = max(until, window["end_seconds"])
    yield max(0.0, face["end_seconds"] - until)


class _Watched(threading.Thread):
    """Samples what a process and all below it hold and have computed, until it is told to end."""

    def __init__(self, first: int) -> None:
        super().__init__(daemon=True)
        self.most, self.told = 0, ""
        self._first, self._seconds = first, dict[int, float]()
        self._over = threading.Event()
        self.start()

    @property
    def seconds(self) -> float:
        """Processor seconds of all of them."""
        return sum(self._seconds.values())

    def run(self) -> None:
        start = time.monotonic()
        while not self._over.wait(SAMPLE_SECONDS):
            held = dict(self._sample())
            if sum(held.values()) > self.most:
                self.most = sum(held.values())
                parts = " + ".join(f"{part / 1e9:.2f}" for part in held.values())
                self.told = f"{parts} after {time.monotonic() - start:.0f} s"

    def end(self) -> None:
        self._over.set()
        self.join()

    def _sample(self) -> Iterator[tuple[int, int]]:
        with suppress(psutil.NoSuchProcess):
            first = psutil.Process(self._first)
            for one in [first, *first.children(recursive=True)]:
                with suppress(psutil.NoSuchProcess, FileNotFoundError, ProcessLookupError):
                    times = one.cpu_times()
                    self._seconds[one.pid] = times.user + times.system
                    text = Path(f"/proc/{one.pid}/smaps_rollup").read_text()
                    yield one.pid, int(text.partition("\nPss:")[2].split()[0]) * 1024


if __name__ == "__main__":
    sys.exit(main())
