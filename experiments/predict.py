"""``predict FILE... --run RUN``: media files to a verdict per modality, as JSON and a page."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from experiments.command_line import Positional, run_verb

if TYPE_CHECKING:
    from multimodal.report.verdict import FileVerdict


def predict(
    files: Positional[tuple[Path, ...]], *, run: Path, out: Path = Path("predictions"), rule: str = "youden"
) -> int:
    """Judge media files: fake, real or cannot say, for picture, sound and either, with the evidence.

    Writes verdicts.json and verdicts.html. A file that cannot be judged gets a verdict that says why, the others
    are judged all the same, and the exit code is 1.

    Args:
        files: videos with or without sound, sound files or images.
        run: folder that `train` wrote, with thresholds chosen.
        out: folder to write.
        rule: of the thresholds, e.g. youden or f1.
    """
    if not files:
        raise ValueError("no file given; name one or more media files: predict FILE... --run RUN")
    from experiments.runs.scoring import open_judge
    from multimodal.artefacts import shown
    from multimodal.files import write_json, write_text
    from multimodal.progress import progress
    from multimodal.report.pages import prediction_page

    judge = open_judge(run, rule)
    verdicts = [judge.file(path) for path in progress(files, desc="predict", unit="file", disable=len(files) < 2)]
    write_json(out / "verdicts.json", [verdict.as_json() for verdict in verdicts])
    write_text(out / "verdicts.html", prediction_page(verdicts))
    for line in _lines(verdicts):
        print(line)
    print(f"{out / 'verdicts.json'}  {out / 'verdicts.html'}")
    not_judged = [verdict for verdict in verdicts if verdict.main.evidence is None]
    for verdict in not_judged:
        print(shown(f"error: {verdict.file}: {verdict.warnings[-1]}"), file=sys.stderr)
    return 1 if not_judged else 0


def _lines(verdicts: "list[FileVerdict]") -> Iterator[str]:
    for verdict in verdicts:
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
