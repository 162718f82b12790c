"""``export RUN --out DIR``: a trained detector as a folder to keep or share, with its model card."""

from pathlib import Path

from experiments.command_line import Positional, run_verb
from experiments.runs.folder import RunFolder


def export(run: Positional[Path], *, out: Path, onnx: bool = False) -> None:
    """Write a trained detector with all that judging needs: safetensors, JSON and a model card.

    The folder needs neither the run nor the media. `predict --run` takes it, and so does, in Python,
    `multimodal.load_detector(DIR)`, whose `push_to_hub("owner/name")` puts it on the Hugging Face hub.

    Examples:
        python -m experiments export runs/first --out detectors/first

    Args:
        run: folder that `train` wrote, with thresholds chosen; after `evaluate` the card has metrics too.
        out: folder to write, new or empty.
        onnx: also write the whole detector as a graph, detector.onnx, for `predict --onnx` or any other runtime;
            it is compared with the detector (needs `pip install '.[onnx]'`).
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ValueError(f"{out} exists and is not empty; give a new --out")
    RunFolder(run).must_be_there()
    if onnx:
        from encoders.onnx_export import import_onnx

        import_onnx()  # what is missing is said before anything is written
    from experiments.runs.scoring import open_judge
    from multimodal.judge import load_detector

    judge = open_judge(run, "youden")
    judge.save_pretrained(out)
    written = load_detector(out)
    if onnx:
        from multimodal.onnx_graph import export_detector

        graph = export_detector(judge.detector, out / "detector.onnx", shape=judge.shape)
        print(f"{graph.file}: {graph.lengths}, logits within {graph.largest_difference:.1g} of the detector's")
    if written.metrics is None:
        print(f"note: no metrics in {run}, so the card has none; call first: evaluate {run}")
    print(out / "README.md")


def main(arguments: list[str]) -> None:
    """Command line of the verb."""
    run_verb("export", export, arguments)
