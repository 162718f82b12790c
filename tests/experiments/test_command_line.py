"""The command line as a whole: what it imports before it answers, names, and Tab."""

import re
import subprocess
import sys

import pytest

from encoders import list_encoders
from experiments.__main__ import GROUPS, VERBS, main
from experiments.command_line import CommandLineError, with_named_parts
from experiments.completion import described, script
from experiments.recipes import TRAIN
from fusion import list_fusions
from multimodal.corpora import CORPORA
from multimodal.splits import PROTOCOLS
from multimodal.synthetic import GENERATORS

HEAVY = ("torch", "pandas", "pyarrow", "sklearn", "scipy", "matplotlib", "transformers", "timm", "av", "decord")
PREAMBLE = "import sys; from experiments.__main__ import main\n"
TELL = f"\nprint(*sorted(set({HEAVY!r}) & set(sys.modules)), file=sys.stderr)"


def run_code(code, **options):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, **options)


def imported_by(arguments):
    """Heavy libraries that are there when a command line has been answered, and what it answered with."""
    code = f"{PREAMBLE}try:\n  main({arguments!r})\nexcept SystemExit: pass{TELL}"
    *answer, heavy = run_code(code).stderr.splitlines()
    return heavy.split(), answer


@pytest.mark.parametrize(
    "verb", ["scan", "split", "statistics", "check", "generate", "inspect", "prepare", "thresholds"]
)
def test_the_help_of_a_verb_that_needs_no_torch_imports_nothing_heavy(verb):
    assert imported_by([verb, "--help"]) == ([], [])


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], None),
        (["trainn"], "error: unknown verb 'trainn'; did you mean 'train'? Choose from ablate, "),
        (
            ["scan", "fakeavcelep", "--root", "."],
            "error: unknown corpus 'fakeavcelep'; did you mean 'fakeavceleb'? ",
        ),
        (
            ["scan", "dfdc", "--root", ".", "--wrokers", "3"],
            "error: unknown option '--wrokers'; did you mean '--wor",
        ),
        (["split", "m", "--protocol", "randon"], "error: unknown protocol 'randon'; did you mean 'random'? "),
        (["check", "m", "--look-at", "content"], "error: unknown look-at 'content'; did you mean 'contents'? "),
        (["generate", "folde"], "error: unknown corpus 'folde'; did you mean 'folder'? "),
        (["prepare", "m", "--engine", "rya"], "error: unknown engine 'rya'; did you mean 'ray'? "),
        (
            ["predict", "a.mp4", "--run", "r", "--rule", "youdn"],
            "error: unknown rule 'youdn'; did you mean 'youden'? ",
        ),
    ],
)
def test_a_slip_is_answered_before_anything_heavy_is_imported(arguments, says):
    heavy, answer = imported_by(arguments)
    assert heavy == []
    assert len(answer) == (says is not None)
    assert "".join(answer).startswith(says or "")


@pytest.mark.parametrize("package", ["encoders", "fusion"])
def test_a_catalog_of_models_is_read_without_torch(package):
    assert run_code(f"import sys, {package}{TELL}").stderr.split() == []


def test_one_encoder_does_not_import_what_the_others_need():
    heavy = run_code(f"import sys, encoders\nencoders.encoder_class('aasist'){TELL}").stderr.split()
    assert "torch" in heavy
    assert {"timm", "transformers"}.isdisjoint(heavy)


def test_one_corpus_protocol_or_page_does_not_import_what_the_others_need():
    names = ("corpora.get_corpus('dfdc')", "splits.PROTOCOLS['random']", "report.pages.statistics_page")
    asked = [f"import multimodal.{name.split('.')[0]}; multimodal.{name}{TELL}" for name in names[:2]]
    asked.append(f"import multimodal.report.pages; multimodal.{names[2]}{TELL}")
    corpus, protocol, page = run_code("\n".join(["import sys", *asked])).stderr.splitlines()
    assert {"torch", "scipy", "matplotlib"}.isdisjoint([*corpus.split(), *protocol.split()])
    assert "pandas" in protocol
    assert {"torch", "transformers"}.isdisjoint(page.split())


@pytest.mark.parametrize(
    "package",
    ["multimodal.corpora", "multimodal.metrics", "multimodal.report.figures", "multimodal.report.pages",
     "multimodal.splits", "multimodal.synthetic", "multimodal.synthetic.layouts", "encoders", "fusion"],
)  # fmt: skip
def test_every_public_name_is_there_when_it_is_asked_for(package):
    module = __import__(package, fromlist=["__all__"])
    assert all(getattr(module, name) is not None for name in module.__all__)
    with pytest.raises(AttributeError, match=f"'{package}' has no attribute 'no_such_name'"):
        module.no_such_name  # noqa: B018


@pytest.mark.parametrize("catalog", [CORPORA, GENERATORS, PROTOCOLS], ids=["corpora", "generators", "protocols"])
def test_every_place_of_a_catalog_holds_what_it_says(catalog):
    assert len([*catalog.values()]) == len(catalog)


@pytest.mark.parametrize(("verb", "catalog"), [("scan", CORPORA), ("split", PROTOCOLS), ("generate", GENERATORS)])
def test_the_help_shows_every_name_of_the_catalog(verb, catalog, capsys):
    with pytest.raises(SystemExit):
        main([verb, "--help"])
    shown = capsys.readouterr().out
    assert [name for name in catalog if name not in shown] == []


def help_of(command, capsys):
    with pytest.raises(SystemExit):
        main([*command.split(), "--help"])
    return capsys.readouterr().out


def entries_of(text):
    """Option → what the boxes of a help say of it, without its kind, range and default."""
    found = re.finditer(r"^│ (--[\w.-]+).*\n(?:│ (?!-|─).*\n)*", text, re.MULTILINE)
    texts = {one[1]: " ".join(line.strip("│ ") for line in one[0].splitlines()) for one in found}
    kind = r"^\S+(, --no-\S+)?( (\{None\}\|)?(\[?[A-Z]+\b|\{.*?\}|\[.*?\.\.\.\]+)(\||\])*)*"
    return {name: re.sub(r"\([^a-z]*(in|at least|above|default|required).*\)$", "", re.sub(kind, "", text)).strip()
            for name, text in texts.items()}  # fmt: skip


@pytest.mark.parametrize(
    "command",
    ["predict", "prepare", "thresholds", "audit", "evaluate --scores", "generate fakeavceleb",
     "pretrain audio small", "ablate imbalance small"],
)  # fmt: skip
def test_every_option_says_what_it_does(command, capsys):
    entries = entries_of(help_of(command, capsys))
    said = {name: text for name, text in entries.items() if ".options." not in name}  # the encoder's own to say
    assert len(said) > 6
    assert [name for name, text in said.items() if len(text) < 5] == []


def test_what_matters_of_a_training_comes_first_and_nothing_is_left_out(capsys):
    first, *others = help_of("train small", capsys).split("╭─ ")[1:]
    assert first.startswith("what most trainings need")
    named = [*entries_of(first)]
    assert {"--out", "--video.weights", "--fusion.name", "--loss", "--balance", "--fit.steps"} < set(named)
    assert len(named) <= 15
    assert others[0].startswith("further options ─")
    assert {"--fit.learning-rate", "--fusion.options", "--augmentation.audio.codec"} < set(
        entries_of("".join(others))
    )


def test_names_of_encoders_and_fusions_are_shown_and_a_slip_is_answered(capsys):
    text = re.sub(r"[\s│]+", "", help_of("train small", capsys))  # long lists of names go on in the next line
    assert f"--audio.name{{{','.join(list_encoders())}}}" in text
    assert f"--fusion.name{{{','.join(list_fusions())}}}" in text
    with pytest.raises(SystemExit):
        main(["train", "small", "--fusion.name", "cros_attention"])
    assert capsys.readouterr().err.startswith(
        "error: unknown fusion 'cros_attention'; did you mean 'cross_attention'? "
    )


TWO = {"backbone": "test_resnet", "frame_size": 96}


@pytest.mark.parametrize(
    ("typed", "options"),
    [
        ("--video.options frame_size 64", {**TWO, "frame_size": 64}),
        ("--video.options.frame-size=64 --out runs", {**TWO, "frame_size": 64}),
        ("--video.options temporal_layers 2 pretrained False", {**TWO, "temporal_layers": 2, "pretrained": False}),
        ("--video.options.temporal-layers 2", {**TWO, "temporal_layers": 2}),
        ("--video.name frames --video.options backbone test_vit", {"backbone": "test_vit"}),
        ("--video.name clips --out runs", {}),
        ("--out runs", TWO),
    ],
)
def test_options_of_an_encoder_are_changed_one_by_one_or_in_pairs(typed, options):
    recipe, rest = with_named_parts(TRAIN["small"](), typed.split())
    assert recipe.encoders["video"].options == options
    assert recipe.encoders["audio"] == TRAIN["small"]().encoders["audio"]
    assert not any("options" in one for one in rest)


def test_options_of_a_fusion_go_with_the_fusion_that_they_were_meant_for():
    first, _ = with_named_parts(TRAIN["small"](), ["--fusion.options", "dropout", "0.1", "layer", "None"])
    assert first.fusion.options == {"dropout": 0.1, "layer": None}
    assert with_named_parts(first, ["--fusion.name", "concat"])[0].fusion.options == {}


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("--num-frames 1.5", "error: --num-frames wants a whole number; got '1.5'"),
        ("--fit.learning-rate=fast", "error: --fit.learning-rate wants a number; got 'fast'"),
        ("--window-seconds abc", "error: --window-seconds wants a number; got 'abc'"),
    ],
)
def test_a_word_in_place_of_a_number_is_one_plain_line(typed, says, capsys):
    with pytest.raises(SystemExit) as stop:
        main(["train", "small", *typed.split()])
    assert stop.value.code == 2
    assert capsys.readouterr().err == f"{says}\n"


@pytest.mark.parametrize("typed", ["--video.options", "--video.options frame_size", "--video.options.frame-size"])
def test_half_a_pair_is_refused(typed):
    with pytest.raises(CommandLineError, match=r"--video.options wants pairs of NAME and VALUE; got "):
        with_named_parts(TRAIN["small"](), typed.split())


def test_the_help_ends_with_examples(capsys):
    with pytest.raises(SystemExit):
        main(["scan", "--help"])
    *_, title, first, last = capsys.readouterr().out.splitlines()
    assert title == "examples:"
    assert first.startswith("  python -m experiments scan fakeavceleb --root ")
    assert last.startswith("  python -m experiments scan all --root ")


def test_verbs_are_shown_in_groups(capsys):
    assert main([]) == 0
    printed = capsys.readouterr().out
    assert [printed.index(f"\n{group}:") for group in GROUPS] == sorted(printed.index(f"\n{g}:") for g in GROUPS)
    assert sum(len(verbs) for verbs in GROUPS.values()) == len(VERBS)


def completed(words, verbs):
    """What bash offers where the last of ``words`` is begun."""
    line = " ".join(f"'{word}'" for word in words)
    ask = f"COMP_WORDS=({line}); COMP_CWORD={len(words) - 1}; _deepfake_experiments"
    command = ["bash", "-c", f"{script(verbs)}\n{ask}\nprintf '%s ' \"${{COMPREPLY[@]}}\""]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()


def test_verbs_names_and_options_complete_with_tab():
    verbs = {verb: described(verb) for verb in ("scan", "split", "check", "evaluate")}
    assert completed(["deepfake-experiments", "s"], verbs) == ["scan", "split"]
    assert completed(["deepfake-experiments", "scan", "dfdc"], verbs) == ["dfdc", "dfdc_preview"]
    assert completed(["deepfake-experiments", "split", "m.parquet", "--pro"], verbs) == ["--protocol"]
    several = ["deepfake-experiments", "split", "m.parquet", "--protocol", "random", "mrdf5"]
    assert completed(several, verbs) == ["mrdf5", "mrdf5_balanced"]
    of_scores = ["deepfake-experiments", "evaluate", "--scores", "a.csv", "--kind", ""]
    assert completed(of_scores, verbs) == ["probability", "llr", "score"]
    assert completed([*of_scores[:4], "--split", ""], verbs) == []
    assert completed(["deepfake-experiments", "check", "m", "--look-at", ""], verbs) == [
        "nothing",
        "sizes",
        "contents",
    ]
