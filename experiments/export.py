"""``export RUN --out DIR``: a trained detector as a folder to keep or share, with its model card."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments.command_line import Positional, run_verb
from experiments.runs.folder import RunFolder
from multimodal.files import JUDGE_FILE, LOCK, WRITER, check_free, claim, held, sweep, sync

if TYPE_CHECKING:
    from multimodal.judge import Judge

#: What says of a folder that its export has not come to its end; and what such a folder is, in words.
_UNFINISHED, _KIND = ".unfinished.json", "unfinished export"


def export(run: Positional[Path], *, out: Path, onnx: bool = False) -> None:
    """Write a trained detector with all that judging needs: safetensors, JSON and a model card.

    The folder needs neither the run nor the media. `predict --run` takes it, and so does, in Python,
    `multimodal.load_detector(DIR)`, whose `push_to_hub("owner/name")` puts it on the Hugging Face hub. There is
    nothing for a GPU to do: a graph is held against the detector in float32 on the CPU, which all have.

    Examples:
        python -m experiments export runs/first --out detectors/first

    Args:
        run: folder that `train` wrote, with thresholds chosen; after `evaluate` the card has metrics too.
        out: folder to write, new or empty; where it holds this detector already, nothing is written.
        onnx: also write the whole detector as a graph, detector.onnx, for `predict --onnx` or any other runtime;
            it is compared with the detector (needs `pip install '.[onnx]'`).
    """
    RunFolder(run).must_be_there()
    is_whole = (out / JUDGE_FILE).is_file() and not (out / _UNFINISHED).is_file()
    if not is_whole:
        check_free(out, _UNFINISHED, kind=_KIND)
    if onnx:
        from encoders.onnx_export import import_onnx

        import_onnx()  # what is missing is said before anything is written
    from experiments.runs.scoring import open_judge
    from multimodal.judge import load_detector

    judge = open_judge(run, "youden")
    if is_whole:  # of a call that was stopped just after its end, or is made twice
        _must_hold(out, judge, onnx=onnx)
        print(f"{out} holds this detector already; nothing was written")
        return
    with _unfinished(out, {"run": str(run.absolute()), "onnx": onnx}):
        judge.save_pretrained(out)
        written = load_detector(out)
        if onnx:
            from multimodal.onnx_graph import export_detector

            graph = export_detector(judge.detector, out / "detector.onnx", shape=judge.shape)
            print(f"{graph.file}: {graph.lengths}, logits within {graph.largest_difference:.1g} of the detector's")
    if written.metrics is None:
        print(f"note: no metrics in {run}, so the card has none; call first: evaluate {run}")
    print(out / "README.md")


def _must_hold(out: Path, judge: "Judge", *, onnx: bool) -> None:
    """Raise ``ValueError`` unless a folder that is whole holds this detector, as it is judged now."""
    from multimodal.judge import load_detector
    from multimodal.onnx_graph import fingerprint

    written = load_detector(out)
    facts = ("thresholds_by_rule", "calibration", "provenance", "metrics", "shape")
    is_same = fingerprint(written.detector) == fingerprint(judge.detector)
    is_same &= all(getattr(written, fact) == getattr(judge, fact) for fact in facts)
    is_same &= list(written.audit or []) == list(judge.audit or [])  # a list in JSON
    if not is_same or (onnx and not (out / "detector.onnx").is_file()):
        raise ValueError(f"{out} holds another detector, or this one before it was judged anew; give a new --out")


@contextmanager
def _unfinished(out: Path, asked: dict[str, Any]) -> Iterator[None]:
    """Be the one writer of a folder that says until the block ends well that it is not whole, and of what.

    Killed before that, the same command goes on in it. A folder that is whole holds no trace of how it was made.

    Raises:
        ValueError: it holds other things, or another export that did not end, or another process writes it.
    """
    if claim(out, _UNFINISHED, asked, kind=_KIND) != asked:
        raise ValueError(f"{out} holds another export that did not end; remove it, or give a new --out")
    with held(out):
        if not (out / _UNFINISHED).is_file():  # whoever held it came to the end meanwhile
            raise ValueError(f"{out} was written by another process just now; give a new --out")
        sweep(out, is_deep=True)
        yield
        for name in (_UNFINISHED, LOCK, WRITER):  # without the first nobody may begin in it from then on
            (out / name).unlink(missing_ok=True)
        sync(out)


def main(arguments: list[str]) -> None:
    """Command line of the verb."""
    run_verb("export", export, arguments)
