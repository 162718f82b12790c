"""``python -m experiments VERB``: finds the verb's module and gives it the rest of the command line."""

import difflib
import importlib
import os
import sys

VERBS = {
    "quickstart": "the whole main job on a small generated corpus, from nothing to a report",
    "generate": "write a small synthetic copy of a corpus's layout",
    "scan": "corpus on disk -> manifest",
    "statistics": "counts, real:fake ratios, what to do about imbalance",
    "check": "what is wrong with a corpus: duplicates, labels, shared people, broken files",
    "split": "manifest -> split, with the leakage it leaves",
    "prepare": "media -> face crops and waveform",
    "inspect": "what a store of prepared clips holds: crops, boxes, sound, failures",
    "pretrain": "train one branch, video or audio, alone",
    "train": "train the fusion detector",
    "thresholds": "operating points per modality, chosen on validation data only",
    "ablate": "a table of runs that differ in one thing, with what is larger than chance",
    "evaluate": "scores, metrics with intervals, per modality and per method, figures and report",
    "predict": "media files -> verdict per modality, as JSON and a page",
}


def usage() -> str:
    """The verbs, a line each."""
    rows = "\n".join(f"  {verb:<12}{summary}" for verb, summary in VERBS.items())
    return f"usage: python -m experiments VERB [options]\n\n{rows}\n\nEach verb explains itself with --help."


def main(arguments: list[str] | None = None) -> int:
    """Run one verb; an error that the user can mend is one line and exit code 1 (2 for a wrong verb)."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if not arguments or arguments[0] in ("-h", "--help"):
        print(usage())
        return 0
    verb, *rest = arguments
    if verb not in VERBS:
        near = difflib.get_close_matches(verb, VERBS, n=1)
        hint = f" Did you mean {near[0]}?" if near else ""
        print(f"error: unknown verb {verb!r}; choose from {', '.join(VERBS)}.{hint}", file=sys.stderr)
        return 2
    module = importlib.import_module(f"experiments.{verb}")
    try:
        return module.main(rest) or 0
    except (ValueError, OSError) as error:
        if os.environ.get("EXPERIMENTS_TRACEBACK"):
            raise
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped; the same command goes on from here", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
