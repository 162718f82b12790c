"""``predict FILE... --run RUN``: media files to a verdict per modality, as JSON and a page."""

import glob
import json
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from experiments.command_line import Positional, run_verb
from experiments.runs.device import DeviceName, check_device
from multimodal.files import IMAGE_SUFFIXES, readable
from multimodal.ranges import above

if TYPE_CHECKING:
    from multimodal.judge import Judge
    from multimodal.report.verdict import FileVerdict, WindowScores

_MINUTE = 60.0


def predict(
    files: Positional[tuple[Path, ...]],
    *,
    run: Path,
    out: Path = Path("predictions"),
    rule: str = "youden",
    device: DeviceName = "auto",
    seconds_per_file: Annotated[float, above(0)] = 600.0,
    memory_gb: Annotated[float, above(0)] = 4.0,
) -> int:
    """Judge media files: fake, real or cannot say, for picture, sound and either, with the evidence.

    Files may be of any length: of one that lasts over a minute a line is printed for every minute that is judged.
    Writes verdicts.jsonl, a line a file as soon as it is judged, and at the end, or when it is stopped,
    verdicts.json and verdicts.html. A file that cannot be judged gets a verdict that says why, the others are
    judged all the same, and the exit code is 1.

    Examples:
        python -m experiments predict clip.mp4 --run runs/first
        python -m experiments predict inbox 'more/*.mov' --run owner/name

    Args:
        files: videos with or without sound, sound files or images; folders of them, or patterns. A folder whose
            images are named by numbers is one video.
        run: folder that `train` wrote, with thresholds chosen; one that `export` wrote; or owner/name on the hub.
        out: folder to write.
        rule: of the thresholds, e.g. youden or f1.
        device: where the detector computes; auto is the GPU where there is one.
        seconds_per_file: a file with which nothing comes on for so long is given up.
        memory_gb: a file that takes more memory to decode is given up. A film needs no more than a clip.
    """
    if not files:
        raise ValueError("no file given; name one or more media files: predict FILE... --run RUN")
    paths = find_files(files)
    from experiments.runs.scoring import open_judge
    from multimodal.artefacts import shown
    from multimodal.files import as_written, write_text
    from multimodal.media.isolation import Limits
    from multimodal.report.pages import prediction_page

    judge = open_judge(run, rule, Limits(seconds_per_file, round(memory_gb * 2**30))).to(check_device(device))
    verdicts: list[FileVerdict] = []
    try:
        verdicts.extend(_judged(judge, paths, out / "verdicts.jsonl"))  # what came stays, if it is stopped
    finally:  # also of what was judged before somebody stopped it
        written = as_written(out / "verdicts.json", [verdict.as_json() for verdict in verdicts])
        write_text(out / "verdicts.html", prediction_page(verdicts))
    print(f"{len(written)} of {len(paths)} files: {out / 'verdicts.json'}  {out / 'verdicts.html'}")
    not_judged = [verdict for verdict in verdicts if verdict.main.evidence is None]
    for verdict in not_judged:
        print(shown(f"error: {verdict.file}: {verdict.warnings[-1]}"), file=sys.stderr)
    return 1 if not_judged else 0


def find_files(given: Sequence[Path]) -> list[Path]:
    """The files that are meant, each once: folders and patterns give the media files in them, by name.

    Raises:
        ValueError: nothing of that name, no media file in it, or an address on the network.
    """
    found = [path for one in given for path in _files_of(one)]
    return list(dict.fromkeys(found))


def _files_of(given: Path) -> list[Path]:
    name = readable(given)
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]+:/", name):
        raise ValueError(f"{name} is an address on the network; download it first, and give the file")
    if given.is_dir():
        return _media_in(given)
    if given.exists():
        return [given]
    if not glob.has_magic(str(given)):
        raise ValueError(f"no such file: {name}; give media files, folders of them, or patterns")
    found = sorted(map(Path, glob.glob(str(given), recursive=True)))
    if not found:
        raise ValueError(f"no file fits the pattern {name}")
    return [path for one in found for path in (_media_in(one) if one.is_dir() else [one])]


def _media_in(folder: Path) -> list[Path]:
    """Media files of a folder; where the images of one are the frames of a video, that folder."""
    from multimodal.corpora.folder.labelled import SUFFIXES
    from multimodal.media.reading.frame_folder import looks_like_frames, sound_file

    found = sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in SUFFIXES and path.is_file() and not path.name.startswith(".")
    )
    if not found:
        raise ValueError(f"no media file in {readable(folder)}; looked for {', '.join(sorted(SUFFIXES))}")
    holders = {path.parent for path in found if path.suffix.lower() in IMAGE_SUFFIXES}
    clips = {folder for folder in holders if looks_like_frames(folder)}
    sounds = {sound_file(clip) for clip in clips}
    return [path for path in sorted({*found, *clips} - (sounds - clips)) if path.parent not in clips]


def _judged(judge: "Judge", paths: Sequence[Path], journal: Path) -> "Iterator[FileVerdict]":
    """Verdicts as they come, each printed, and safe as a line of ``journal`` before the next file is opened."""
    from multimodal.progress import progress

    journal.parent.mkdir(parents=True, exist_ok=True)
    with journal.open("w", encoding="utf-8") as lines:
        for path in progress(paths, desc="predict", unit="file", disable=len(paths) < 2):
            verdict = _judge(judge, path)
            lines.write(json.dumps(verdict.as_json(), allow_nan=False, ensure_ascii=False) + "\n")
            lines.flush()
            print("\n".join(_lines(verdict)))
            yield verdict


class _Minutes:
    """Prints a line for every minute of a face that was judged, with the mean scores of that minute."""

    def __init__(self) -> None:
        self._waiting: dict[str, list[WindowScores]] = {}

    def __call__(self, name: str, windows: "Sequence[WindowScores]") -> None:
        waiting = self._waiting.setdefault(name, [])
        waiting += windows
        begin, end = waiting[0].start_seconds, waiting[-1].end_seconds
        if end - begin < _MINUTE:
            return
        self._waiting[name] = []
        scores = {target: [getattr(one, target) for one in waiting] for target in ("video", "audio", "any")}
        known = {target: [one for one in values if one is not None] for target, values in scores.items()}
        means = "  ".join(
            f"{target} {sum(values) / len(values):.3f}" for target, values in known.items() if values
        )
        print(f"  {name}, {begin:.0f} to {end:.0f} s: {means}", flush=True)


def _judge(judge: "Judge", path: Path) -> "FileVerdict":
    try:
        return judge.file(path, _Minutes())
    except Exception as error:  # whatever one odd file does to a library, the others are judged
        return judge.cannot_judge(path, " ".join(f"{type(error).__name__}: {error}".split())[:300])


def _lines(verdict: "FileVerdict") -> Iterator[str]:
    yield verdict.file
    for target, one in verdict.main.modalities.items():
        number = "" if one.score is None else f"  score {one.score:.3f}"
        number += "" if one.threshold is None else f", threshold {one.threshold:.3f}"
        number += "" if one.probability is None else f", P(fake) {one.probability:.3f}"
        yield f"  {target:<6}{one.verdict}{number}{f'  ({one.reason})' if one.reason else ''}"
    yield from (f"  note: {warning}" for warning in verdict.warnings)


def main(arguments: list[str]) -> int:
    """Command line of the verb."""
    return run_verb("predict", predict, arguments)
