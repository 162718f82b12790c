"""Help, and what is wrong with a command line, come before anything that takes seconds is imported."""

import json
import os
import subprocess
import sys

import pytest

from experiments.__main__ import main

HEAVY = ("torch", "pandas", "sklearn", "matplotlib", "transformers", "timm", "accelerate")


#: Answers command lines, one a line, until one of them has imported something heavy.
ANSWER = f"""
import io, json, sys
from contextlib import redirect_stderr, suppress
from experiments.__main__ import main
for line in sys.stdin.read().splitlines():
    with redirect_stderr(io.StringIO()) as errors, suppress(SystemExit):
        main(line.split())
    heavy = [name for name in {HEAVY} if name in sys.modules]
    print("ANSWER", json.dumps([heavy, (errors.getvalue().strip().splitlines() or [""])[-1]]), flush=True)
    if heavy:
        break
"""


@pytest.fixture(scope="module")
def answers(tmp_path_factory) -> dict[str, tuple[set[str], str]]:
    """Command line → heavy modules that it imported, and the last line that it wrote to standard error."""
    asked, found = [*(f"{command} --help" for command in HELP), *(command for command, _ in WRONG)], {}
    folder = tmp_path_factory.mktemp("empty")
    while rest := asked[len(found) :]:  # a process for the first ones that import nothing, and for each other
        done = subprocess.run(
            [sys.executable, "-c", ANSWER], input="\n".join(rest), capture_output=True, text=True, cwd=folder
        )
        said = [json.loads(one[7:]) for one in done.stdout.splitlines() if one.startswith("ANSWER ")]
        assert said, done.stderr
        found |= {command: (set(heavy), last) for command, (heavy, last) in zip(rest, said, strict=False)}
    assert [*folder.iterdir()] == []
    return found


HELP = [
    "train small",
    "pretrain audio speech",
    "ablate fusion small",
    "ablate imbalance small",
    "predict",
    "serve",
    "evaluate",
    "thresholds",
    "evaluate --scores scores.csv",
    "evaluate --matrix",
    "thresholds --transfer scores.csv",
    "trial published mrdf5",
    "generate fakeavceleb",
    "generate deepfake_audio",
    "generate avdeepfake1m",
]


@pytest.mark.parametrize("command", HELP)
def test_the_help_of_a_verb_that_computes_imports_nothing_that_computes(command, answers):
    assert answers[f"{command} --help"][0] == set()


WRONG = [
    ("train smal", "small"),
    ("train small --stpes 3", "--stpes"),
    ("train small --manifest none.parquet", "manifest not found: none.parquet"),
    ("train small --video.weights none", "no weights at none; give a folder"),
    ("train small --balance hybrid --balance-ratio 2", "--balance-ratio must lie in (0, 1]"),
    ("train small --tokens tokens", "tokens are kept of frozen encoders only"),
    ("pretrain video small --sources none", "the source none has no manifest.parquet, split.parquet"),
    ("pretrain video small --balance smote", "which pretraining has not"),
    ("ablate fuson", "fusion"),
    (
        "train small --video.name facenet --video.weights folder",
        "--video.name stands beside --video.weights, whose folder names its encoder; leave one out",
    ),
    ("pretrain audio small --encoder.options a 1 --encoder.weights=b", "--encoder.options stands beside"),
    ("train small --window-seconds 2 --num-frames=8", "--window-seconds stands beside --num-frames"),
    ("statistics none.parquet", "manifest not found: none.parquet"),
    ("check none.parquet", "manifest not found: none.parquet"),
    ("split none.parquet --protocol random", "manifest not found: none.parquet"),
    ("prepare none.parquet", "manifest not found: none.parquet"),
    ("inspect none", "store not found: none"),
    ("audit none", "no run in none"),
    ("audit --manifest none.parquet --store s --out o", "manifest not found: none.parquet"),
    ("export none --out o", "no run in none"),
    ("leaderboard none.csv", "give two systems or more; got 1"),
    ("leaderboard none.csv other.csv", "no scores in none.csv"),
    ("evaluate --scores none.csv", "no file of scores at none.csv"),
    ("evaluate --matrix none --sources none", "no run in none"),
    (f"predict {__file__} --run none", "no run in none"),
    (f"predict {__file__} --run a/b/none", "no run in a/b/none"),
    ("serve none", "no run in none"),
    ("trial published randon", "random_70_30"),
    ("prepare m.parquet --store https://a.b/c", "https://a.b/c is an address on the network"),
    ("predict https://a.b/clip.mp4 --run run", "https://a.b/clip.mp4 is an address on the network"),
    ("predict www.a-b.com/watch?v=1 --run run", "www.a-b.com/watch?v=1 is an address on the network"),
    ("split m.parquet --protocol random --out=s3://a/b", "s3://a/b is an address on the network"),
    ("evaluate --detector name --manifest none.parquet --out o", "--detector wants MODULE:NAME"),
]


@pytest.mark.parametrize(("command", "message"), WRONG)
def test_what_is_wrong_with_a_command_line_is_said_before_torch_is_imported(command, message, answers):
    imported, said = answers[command]
    assert message in said
    assert imported == set()


def test_predict_judges_without_what_only_learning_statistics_and_pages_need(tmp_path):
    program = (
        "import sys\nfrom pathlib import Path\n"
        "from experiments import predict\nfrom experiments.runs import scoring\n"
        "def opened(*arguments, **options):\n"
        "    heavy = 'scipy.stats scipy.signal sklearn matplotlib timm transformers'\n"
        "    sys.exit(' '.join(name for name in heavy.split() if name in sys.modules) or 0)\n"
        "scoring.open_judge, predict.judge_must_be_there = opened, lambda run: None\n"
        "predict.predict((Path(predict.__file__),), run=Path('run'))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


def test_waiting_threads_sleep_and_that_is_set_before_torch_is_imported(tmp_path):
    program = (
        "import os, sys\nfrom experiments.__main__ import main\nmain([])\n"
        "print(os.environ['OMP_WAIT_POLICY'], 'torch' in sys.modules)"
    )
    environment = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=tmp_path, env=environment
    )
    assert done.stdout.splitlines()[-1] == "PASSIVE False"


def test_a_users_own_word_on_waiting_threads_is_kept(monkeypatch, capsys):
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    assert main([]) == 0
    assert os.environ["OMP_WAIT_POLICY"] == "ACTIVE"
