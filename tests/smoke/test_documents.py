"""The commands and Python of the README and of every guide run as they stand, on the small generated corpus."""

import configparser
import re
import shlex
import shutil
from pathlib import Path

import pytest

from experiments.__main__ import VERBS, main

ROOT = Path(__file__).parents[2]
PACKAGES = ("encoders", "fusion", "multimodal", "experiments")
START = "docs/start.md"
GUIDES = sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md"))
DOCUMENTS = ["README.md", *GUIDES]

#: A block of code that needs what a test has not; the reason stands in the document.
SHOWN_ONLY = re.compile(r"<!-- shown only: (.+) -->\n$")
#: Makes a command small enough for a test; nothing else of it is changed.
_FEW_STEPS = ["--fit.steps", "2", "--fit.validate-every", "2", "--num-workers", "0", "--num-frames", "4"]
_CORPUS = "--groups 3 --identities-per-group 2 --real-clips 2 --rtvc-clips 2 --clip-seconds 0.8 --frame-size 128"
_ONE_OF_EACH = "--wav2lip-clips 1 --faceswap-clips 1 --fsgan-clips 1 --rtvc-wav2lip-clips 1"
SHORTER = {
    "generate fakeavceleb": [*shlex.split(f"{_CORPUS} {_ONE_OF_EACH}"), "--workers", "1"],
    "pretrain": _FEW_STEPS,
    "train": _FEW_STEPS,
    "ablate": [*_FEW_STEPS, "--only", "gated", "--seeds", "1", "--workers", "1", "--replicates", "20"],
    "ablate balance": [*_FEW_STEPS, "--workers", "1", "--replicates", "20"],
    "ablate encoder": [*_FEW_STEPS, "--seeds", "1", "--workers", "1", "--replicates", "20"],
    "prepare": ["--frame-rate", "10", "--crop-size", "32"],
    "thresholds": ["--replicates", "20"],
    "evaluate": ["--replicates", "20"],
    "audit": ["--replicates", "20"],
    "audit runs/first": ["--replicates", "20", "--only", "gain"],
}
#: File of the quickstart → what the first guide calls it.
QUICKSTART = {
    "manifest.parquet": "manifest.parquet",
    "split.parquet": "split.parquet",
    "store": "store",
    "pretrain-video": "runs/video",
    "pretrain-audio": "runs/audio",
}


def text_of(document: str) -> str:
    return (ROOT / document).read_text(encoding="utf-8")


def blocks(document: str, language: str, *, shown_only: bool = False) -> list[str]:
    """Blocks of code of a document: those that are run, or those that are only shown."""
    text = text_of(document)
    found = re.finditer(rf"```{language}\n(.*?)```", text, flags=re.DOTALL)
    return [one[1] for one in found if bool(SHOWN_ONLY.search(text[: one.start()])) == shown_only]


def verb_commands(document: str) -> list[list[str]]:
    lines = "\n".join(blocks(document, "bash")).splitlines()
    return [shlex.split(line, comments=True)[3:] for line in lines if line.startswith("python -m experiments")]


def shorter(command: list[str]) -> list[str]:
    """The command, short enough for a test; a number of frames that it states stays."""
    extra = SHORTER.get(" ".join(command[:2]), SHORTER.get(command[0], []))
    if "--num-frames" in command:
        extra = extra[: extra.index("--num-frames")]
    return [*command, *extra]


def run_all(commands: list[list[str]]) -> None:
    for command in commands:
        assert main(shorter(command)) == 0, command


@pytest.fixture(scope="module")
def project(workspace, source_roots, tmp_path_factory):
    """A folder in which every command of the first guide was typed; ``quickstart`` in it is what that made."""
    above = tmp_path_factory.mktemp("documents")
    here = above / "project"
    here.mkdir()
    (above / "FakeAVCeleb").symlink_to(workspace / "corpus")
    (here / "clip.mp4").symlink_to(next((workspace / "corpus" / "RealVideo-FakeAudio").rglob("*.mp4")))
    for name, root in source_roots.items():
        (above / name).symlink_to(root)
    for name, of_class in {"real": "RealVideo-RealAudio", "fake": "FakeVideo-FakeAudio"}.items():
        shutil.copytree(workspace / "corpus" / of_class, above / "mine" / name)
    shutil.copytree(workspace / "store", here / "store")  # the same clips; those of one's own are prepared below
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(here)
        run_all(verb_commands(START))
    (here / "quickstart").mkdir()
    for name, made in QUICKSTART.items():
        (here / "quickstart" / name).symlink_to(here / made)
    return here


def test_the_first_guide_leads_from_nothing_to_a_verdict(project):
    for made in ("statistics.html", "check.html", "runs/first/report.html", "predictions/verdicts.html"):
        assert (project / made).is_file(), made
    shown = {command[0] for command in verb_commands(START)}
    assert shown >= {"scan", "statistics", "split", "prepare", "pretrain", "train", "thresholds", "evaluate"}


@pytest.mark.parametrize("document", [one for one in DOCUMENTS if one != START])
def test_the_commands_of_a_document_run_in_their_order(document, project, monkeypatch):
    monkeypatch.chdir(project)
    typed = verb_commands(START) if document == "README.md" else []  # they are the same there, and were run
    run_all([command for command in verb_commands(document) if command not in typed])


@pytest.mark.parametrize("document", DOCUMENTS)
def test_the_python_of_a_document_prints_what_it_says(document, project, monkeypatch, capsys):
    monkeypatch.chdir(project)
    for code in blocks(document, "python"):
        exec(compile(code, document, "exec"), {"__name__": "example"})
        expected = re.findall(r"^print\(.*\)  # (.*)", code, flags=re.MULTILINE)
        assert expected
        assert capsys.readouterr().out.splitlines() == expected


@pytest.mark.parametrize("document", DOCUMENTS)
def test_a_command_that_is_only_shown_names_a_verb_and_says_why_it_is_not_run(document):
    for block in blocks(document, "bash", shown_only=True):
        verbs = re.findall(r"-m experiments (\w+)", block)
        assert verbs
        assert set(verbs) <= set(VERBS)
    other = [line for block in blocks(document, "bash") for line in block.splitlines()]
    assert [line for line in other if not re.match(r"python -m experiments|make \w+|\. \.venv/", line)] == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_no_code_of_a_document_stands_where_the_tests_do_not_look(document):
    text = text_of(document)
    assert set(re.findall(r"^```(\w*)", text, flags=re.MULTILINE)) <= {"", "bash", "python", "bibtex", "mermaid"}
    outside = re.sub(r"^```(bash|python|bibtex|mermaid)\n.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)
    assert "```" not in outside
    assert re.findall(r"^(?: {4,}|\t)\S.*", outside, flags=re.MULTILINE) == []


def test_numbered_lists_of_docstrings_are_lists_to_the_reference():
    """`make docs` stops at a line that falls out of its item, as a careless wrap leaves it."""
    fallen = []
    for path in (path for package in PACKAGES for path in (ROOT / package).rglob("*.py")):
        for docstring in re.findall(r'"""(.*?)"""', path.read_text(encoding="utf-8"), flags=re.DOTALL):
            items = re.findall(r"^\d\. .*\n(\S.*)", docstring, flags=re.MULTILINE)
            fallen += [f"{path.name}: {line}" for line in items if not re.match(r"\d+\. ", line)]
    assert fallen == []


def anchors_of(text: str) -> set[str]:
    """Anchors of a page's headings, as the usual hosts make them: lower case, hyphens, no marks."""
    headings = re.findall(r"^#+ (.+)$", re.sub(r"```.*?```", "", text, flags=re.DOTALL), flags=re.MULTILINE)
    plain = [re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower() for heading in headings]
    return {re.sub(r"[^\w\- ]", "", heading).replace(" ", "-") for heading in plain}


@pytest.mark.parametrize("document", [*DOCUMENTS, "CONTRIBUTING.md", "benchmarks/README.md"])
def test_no_link_or_anchor_of_a_document_is_dead(document):
    dead = []
    for link, anchor in re.findall(r"\]\(([^)#]*)(?:#([^)]+))?\)", text_of(document)):
        target = ((ROOT / document).parent / link) if link else ROOT / document
        if "://" in link:
            continue
        is_there = target.exists() and (not anchor or anchor in anchors_of(target.read_text(encoding="utf-8")))
        if not is_there:
            dead.append(f"{link}#{anchor}")
    assert dead == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_make_targets_that_a_document_names_exist(document):
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = re.findall(r"^make (\w+)|`make (\w+)`", text_of(document), flags=re.MULTILINE)
    targets = {target for pair in named for target in pair if target}
    assert {target for target in targets if not re.search(rf"^{target}:", makefile, flags=re.MULTILINE)} == set()


def test_the_map_shows_every_room_of_the_contract_of_layers():
    contract = configparser.ConfigParser()
    contract.read(ROOT / "setup.cfg")
    rooms = set(re.findall(r"\w+", contract["importlinter:contract:inside"]["layers"]))
    (drawn,) = blocks("docs/architecture.md", "mermaid")
    assert rooms - set(re.findall(r"\w+", drawn)) == set()


def test_the_readme_leads_with_two_commands_and_to_every_guide():
    assert re.findall(r"^make (\w+)", blocks("README.md", "bash")[0], flags=re.MULTILINE) == ["quickstart", "test"]
    readme = text_of("README.md")
    assert [guide for guide in GUIDES if f"({guide}" not in readme] == []
    assert len(readme.split()) <= 1800


def test_a_guide_takes_two_screens_at_most():
    lines = {guide: len(text_of(guide).splitlines()) for guide in GUIDES}
    assert {guide: number for guide, number in lines.items() if number > 110} == {}


def test_the_files_to_read_exist():
    named = re.findall(r"^\d\. `([^`]+)`", text_of("README.md"), flags=re.MULTILINE)
    assert len(named) == 5
    assert all((ROOT / name).is_file() for name in named)


def test_the_readme_names_every_encoder_and_fusion():
    from encoders import list_encoders
    from fusion import list_fusions

    readme, results = text_of("README.md"), text_of("docs/results.md")
    in_table = re.compile(r"^\| `(\w+)` \|", flags=re.MULTILINE)
    assert [name for name in in_table.findall(readme) if name in list_encoders()] == list_encoders()
    assert [name for name in in_table.findall(results) if name in list_fusions()] == list_fusions()
    assert [name for name in list_fusions() if f"`{name}`" not in readme] == []
