"""``predict FILE... --run RUN``: media files to a verdict per modality, as JSON and a page."""

import glob
import itertools
import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any, Literal

from experiments.command_line import Positional, run_verb
from experiments.runs.device import DeviceName, check_device
from experiments.runs.folder import judge_must_be_there
from multimodal.files import IMAGE_SUFFIXES, open_itself, readable
from multimodal.metrics.options import RuleName
from multimodal.ranges import above, between
from multimodal.report.player import PlayerName, Players, stamp_of

if TYPE_CHECKING:
    from multimodal.judge import Judge
    from multimodal.report.verdict import FileVerdict, Judgement, ModalityVerdict, WindowScores

_MINUTE = 60.0
ExplainName = Literal["none", "integrated_gradients", "occlusion", "grad_cam"]
Share = Annotated[float | None, between(0, 1)]


def predict(
    files: Positional[tuple[Path, ...]],
    *,
    run: Path,
    out: Path = Path("predictions"),
    rule: RuleName = "youden",
    doubt: Annotated[float, between(0, 1, open_high=True)] = 0.9,
    threshold_any: Share = None,
    threshold_video: Share = None,
    threshold_audio: Share = None,
    player: PlayerName = "beside",
    device: DeviceName = "auto",
    seconds_per_file: Annotated[float, above(0)] = 600.0,
    memory_gb: Annotated[float, above(0)] = 4.0,
    explain: ExplainName = "none",
    onnx: Path | None = None,
    explain_training: bool = False,
) -> int:
    """Judge media files: fake, real or cannot say, for picture, sound and either, with the evidence.

    Files may be of any length: of one that lasts over a minute a line is printed for every minute that is judged.
    Writes verdicts.jsonl, a line a file as soon as it is judged, and at the end, or when it is stopped,
    verdicts.json, verdicts.csv and verdicts.html. A file that cannot be judged gets a verdict that says why, the
    others are judged all the same, and the exit code is 1.

    Examples:
        python -m experiments predict clip.mp4 --run runs/first
        python -m experiments predict inbox 'more/*.mov' --run owner/name

    Args:
        files: videos with or without sound, sound files or images; folders of them, or patterns. A folder whose
            images are named by numbers is one video.
        run: folder that `train` wrote, with thresholds chosen; one that `export` wrote; or owner/name on the hub.
        out: folder to write.
        rule: of the thresholds; one by which `thresholds` chose.
        doubt: cannot say, where so large a share of other draws of the validation people would put the threshold
            about the score; 0 for a word at any price.
        threshold_any: judge the whole by this score in place of that of ``rule``, without a band of doubt.
        threshold_video: the same for the picture.
        threshold_audio: the same for the sound.
        player: on the page: beside plays the files from where they lie, embed puts them into the page, so that it
            can be sent around with the media in it, none shows no player. What is too large to embed (64 MB a
            file, 128 MB in all), was not judged, or is a link, is referenced.
        device: where the detector computes; auto is the GPU where there is one.
        seconds_per_file: a file with which nothing comes on for so long is given up.
        memory_gb: a file that takes more memory to decode is given up. A film needs no more than a clip.
        explain: show on the page where the windows that look most fake speak for that, in picture and sound, by
            this method (needs `pip install '.[explain]'`); grad_cam takes a CNN.
        onnx: graph of this detector that `export --onnx` wrote; it judges on the CPU in onnxruntime, in place of
            PyTorch.
        explain_training: say what the detector learnt from, and of each file whether it was one of these clips.
    """
    if not files:
        raise ValueError("no file given; name one or more media files: predict FILE... --run RUN")
    paths = find_files(files)
    judge_must_be_there(run)
    from experiments.runs.scoring import open_judge
    from multimodal.artefacts import shown
    from multimodal.files import as_written, held, write_text
    from multimodal.media.isolation import Limits

    limits = Limits(seconds_per_file, round(memory_gb * 2**30))
    judge = open_judge(run, rule, limits, doubt=doubt).to(check_device(device))
    by_hand = {"any": threshold_any, "video": threshold_video, "audio": threshold_audio}
    judge.set_thresholds({name: value for name, value in by_hand.items() if value is not None})  # type: ignore[misc]
    if explain != "none":
        from multimodal.saliency import check_method

        check_method(judge.detector, explain)
        judge.explain_by = explain
    if onnx is not None:
        from multimodal.onnx_graph import OnnxDetector

        judge.graph = OnnxDetector(onnx, judge.detector)
    if explain_training:
        print("\n".join(_history(judge)))
    verdicts: list[FileVerdict] = []
    with held(out):
        try:
            # What came stays in verdicts.jsonl, however this ends.
            journal, players = out / "verdicts.jsonl", Players(out, player)
            verdicts.extend(_judged(judge, paths, journal, players, explain=explain_training))
        finally:  # also of what was judged before somebody stopped it
            judge.preparer.end()  # the page needs memory, too
            if verdicts:  # who stops it before that finds the verdicts of an earlier call as they were
                from multimodal.report.pages import prediction_page  # what draws is 60 MB, not held beside a film

                written = as_written(out / "verdicts.json", [verdict.as_json() for verdict in verdicts])
                _write_table(out / "verdicts.csv", verdicts)
                write_text(out / "verdicts.html", prediction_page(verdicts))
    print(f"{len(written)} of {len(paths)} files: {out / 'verdicts.json'}  {out / 'verdicts.html'}")
    not_judged = [verdict for verdict in verdicts if verdict.main.evidence is None]
    for verdict in not_judged:
        print(shown(f"error: {verdict.file}: {verdict.warnings[-1]}"), file=sys.stderr)
    return 1 if not_judged else 0


def find_files(given: Sequence[Path]) -> list[Path]:
    """The files that are meant, each once: folders and patterns give the media files in them, by name.

    Of several, one that is not there or of which the system tells nothing (no right to look, a name that is too
    long, a disk that fails) stays among them: it gets its row, and the others theirs.

    Raises:
        ValueError: nothing of these names, or no media file in them.
    """
    from multimodal.media.errors import why_not_reached

    found: list[Path] = []
    wrong = []
    for one in given:
        try:
            files, reason = _files_of(one)
        except (OSError, ValueError) as error:
            files, reason = [], f"{readable(one)}: {why_not_reached(error)}"
        found += files or [one]
        wrong += [] if files else [reason]
    if len(wrong) == len(given):
        raise ValueError(wrong[0])
    return list(dict.fromkeys(found))


def _files_of(given: Path) -> tuple[list[Path], str]:
    """The files that a name means, or none and why."""
    from multimodal.media.errors import why_no_file

    name = readable(given)
    with suppress(FileNotFoundError, NotADirectoryError):
        given.stat()
    if given.is_dir():
        from multimodal.corpora.folder.labelled import SUFFIXES  # pandas, which one file needs not

        if (closed := _closed(given)) is not None:
            return [], closed
        return _media_in(given), f"no media file in {name}; looked for {', '.join(sorted(SUFFIXES))}"
    if given.is_file():
        return [given], ""
    if given.exists() or given.is_symlink():  # reading a pipe may never end
        return [], f"{name} is {why_no_file(given)}; give media files, folders of them, or patterns"
    if not glob.has_magic(str(given)):
        return [], f"no such file: {name}; give media files, folders of them, or patterns"
    found = sorted(map(Path, glob.glob(str(given), recursive=True)))
    paths = [path for one in found for path in ((_media_in(one) or [one]) if os.path.isdir(one) else [one])]
    plain = list(itertools.takewhile(lambda part: not glob.has_magic(part), given.parts))
    return paths, _closed(Path(*plain)) or f"no file fits the pattern {name}"


def _closed(folder: Path) -> str | None:
    """Why nothing is found in a folder that may not be read; ``glob`` would say that it is empty."""
    from multimodal.media.errors import why_not_reached

    try:
        os.scandir(folder).close()
    except PermissionError as error:
        return f"{readable(folder)}: {why_not_reached(error)}"
    except OSError:
        return None
    return None


def _media_in(folder: Path) -> list[Path]:
    """Media files of a folder, links to nothing and pipes of such names too; of a video's frames their folder.

    A folder in it that may not be read is among them: it gets a row that says so.
    """
    from multimodal.corpora.folder.labelled import SUFFIXES
    from multimodal.media.reading.frame_folder import looks_like_frames, sound_file

    closed: list[Path] = []
    walked = os.walk(folder, onerror=lambda error: closed.append(Path(error.filename)))
    found = sorted(
        path
        for above, _, names in walked
        for path in (Path(above, name) for name in names)
        if path.suffix.lower() in SUFFIXES and not path.name.startswith(".")
    )
    holders = {path.parent for path in found if path.suffix.lower() in IMAGE_SUFFIXES}
    clips = {folder for folder in holders if looks_like_frames(folder)}
    sounds = {sound_file(clip) for clip in clips}
    media = {*found, *clips} - (sounds - clips)
    return [path for path in sorted({*media, *closed}) if path.parent not in clips]


def _history(judge: "Judge") -> Iterator[str]:
    """What the detector learnt from, with every training before."""
    yield judge.trained_on
    if judge.learnt_from is None:
        yield "what it learnt from clip by clip is not known"
        return
    kinds = {"clips": "clips", "people": "people in any role", "chosen": "clips that chose weights or thresholds"}
    counts = (f"{len(judge.learnt_from.of(kind)):,} {what}" for kind, what in kinds.items())
    yield f"with all its encoders' trainings: {', '.join(counts)}"
    yield from (f"which clips {stage} learnt from is not known" for stage in judge.learnt_from.unknown)


def _judged(
    judge: "Judge", paths: Sequence[Path], journal: Path, players: Players, *, explain: bool
) -> "Iterator[FileVerdict]":
    """Verdicts as they come, each printed, and safe as a line of ``journal`` before the next file is opened."""
    from encoders.folders import errors_name
    from multimodal.processes import give_memory_back
    from multimodal.progress import progress

    lines: IO[Any] | None = None
    with errors_name(journal), ExitStack() as kept:  # closing writes what a full disk did not take once more
        for path in progress(paths, desc="predict", unit="file", disable=len(paths) < 2):
            stamp = stamp_of(path)
            verdict, line = _judge(judge, path, explain=explain)
            lines = lines or kept.enter_context(open_itself(journal, "w"))
            lines.write(f"{line}\n")
            lines.flush()
            os.fsync(lines.fileno())
            print("\n".join(_lines(verdict)))
            give_memory_back()  # of the windows; the page, and the next file, need it
            yield replace(verdict, player=players.of(path, verdict, stamp))


class _Minutes:
    """Prints for every minute of a file that was judged a line for each face in it, with its mean scores there."""

    def __init__(self) -> None:
        self._waiting: dict[str, list[WindowScores]] = {}

    def __call__(self, name: str, windows: "Sequence[WindowScores]") -> None:
        self._waiting.setdefault(name, []).extend(windows)
        waiting = [one for face in self._waiting.values() for one in face]
        begin, end = min(one.start_seconds for one in waiting), max(one.end_seconds for one in waiting)
        if end - begin >= _MINUTE:  # of the file: behind cuts no face may last that long
            for face, scores in self._waiting.items():
                print(_mean_scores(face, scores), flush=True)
            self._waiting = {}


def _mean_scores(name: str, windows: "Sequence[WindowScores]") -> str:
    scores = {target: [getattr(one, target) for one in windows] for target in ("video", "audio", "any")}
    known = {target: [one for one in values if one is not None] for target, values in scores.items()}
    means = "  ".join(f"{target} {sum(values) / len(values):.3f}" for target, values in known.items() if values)
    return f"  {name}, {windows[0].start_seconds:.0f} to {windows[-1].end_seconds:.0f} s: {means}"


def _judge(judge: "Judge", path: Path, *, explain: bool) -> "tuple[FileVerdict, str]":
    """The verdict on a file, and the line that keeps it."""
    from multimodal.media.errors import why_given_up

    try:
        verdict = judge.file(path, _Minutes())
        if explain:
            verdict = replace(verdict, warnings=[*verdict.warnings, judge.known_as(path)])
        return verdict, _as_line(verdict)
    except Exception as error:  # whatever one odd file does to a library, the others are judged
        verdict = judge.cannot_judge(path, why_given_up(error))
        return verdict, _as_line(verdict)


def _as_line(verdict: "FileVerdict") -> str:
    return json.dumps(verdict.as_json(), allow_nan=False, ensure_ascii=False)


def _lines(verdict: "FileVerdict") -> Iterator[str]:
    """What the terminal says of a file; a name that holds line breaks cannot pass for a verdict."""
    from multimodal.artefacts import shown

    yield shown(verdict.file)
    for judgement in (verdict.main, *verdict.faces):
        if verdict.faces:
            yield _face(judgement)
        for target, one in judgement.modalities.items():
            yield f"  {target:<6}{one.verdict}{_numbers(one)}{f'  ({one.reason})' if one.reason else ''}"
        for stretch in judgement.segments or ():
            times = f"{stretch.start_seconds:.2f} to {stretch.end_seconds:.2f} s"
            yield f"  {stretch.modality} looks forged from {times}"
        if judgement.synchrony is not None:
            yield f"  {judgement.synchrony.as_text()}"
        yield from (f"  conflict: {conflict}" for conflict in judgement.conflicts)
    yield from (f"  note: {shown(warning)}" for warning in verdict.warnings)


def _face(judgement: "Judgement") -> str:
    times = f"{judgement.start_seconds:.1f} to {judgement.end_seconds:.1f} s"
    return f"  {judgement.name}, {times}{', speaks' if judgement.is_speaker else ''}"


def _numbers(one: "ModalityVerdict") -> str:
    parts = [
        None if one.score is None else f"  score {one.score:.3f}",
        None if one.threshold is None else f", threshold {one.threshold:.3f}",
        None if one.low is None else f" [{one.low:.3f}, {one.high:.3f}]",
        None if one.probability is None else f", P(fake) {one.probability:.3f}",
        None if one.prior is None else f" where {one.prior:.0%} are fake",
    ]
    return "".join(part for part in parts if part is not None)


def _write_table(path: Path, verdicts: "Sequence[FileVerdict]") -> None:
    """A row a face, or a file where there is none, as CSV."""
    import pandas as pd

    from multimodal.artefacts import safe_cells
    from multimodal.files import atomic_path

    rows = [row for verdict in verdicts for row in verdict.as_rows()]
    with atomic_path(path) as temporary:
        safe_cells(pd.DataFrame(rows)).to_csv(temporary, index=False)


def main(arguments: list[str]) -> int:
    """Command line of the verb."""
    return run_verb("predict", predict, arguments)
