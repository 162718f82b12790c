"""``trial fetch|speech|faces|published``: trials on real media that anybody can repeat."""

from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import arg

from experiments import recipes
from experiments.command_line import Positional, choose, flat, run_verb, with_named_parts
from experiments.runs.config import PretrainConfig, TrainConfig
from experiments.runs.device import DeviceName, use_device
from multimodal.ranges import above, at_least

TRIALS = {
    "fetch": "list of public files and clones of their repositories -> corpus, all treated alike",
    "speech": "train and judge on a corpus of speech, beside published weights and floors",
    "faces": "train on genuine faces and judge on pairs of an original and its swap",
    "published": "FakeAVCeleb by a published protocol, beside the published figures",
}


def fetch(
    files: Positional[Path],
    *,
    from_: Annotated[Path, arg(name="from")],
    out: Path,
    kind: Literal["sound", "picture"] = "sound",
    clone: bool = False,
    seconds_per_file: Annotated[float, above(0)] = 120.0,
    memory_gb: Annotated[float, above(0)] = 2.0,
) -> None:
    """Read the files of a list out of clones with git, treat them alike, and write a corpus of the folder kind.

    Sound becomes mono, 60 to 6800 Hz, without silent ends, at most 6 s, of one loudness, in Opus at 32 kb/s.
    Pictures are taken as they are. Files that are there already are kept; one that cannot be used is left out, and
    a line says why.

    Examples:
        python -m experiments trial fetch list.csv --from clones --out corpus
        python -m experiments trial speech corpus --out trials/speech

    Args:
        files: a CSV with the columns repository, commit, path, label, generator, speaker, licence and split.
        from_: folder of clones, named OWNER+NAME, OWNER/NAME or NAME.
        out: folder of the corpus; an empty or a new one, or one that this verb wrote.
        kind: what the files are.
        clone: clone repositories that are not there, over the network.
        seconds_per_file: a file whose sound takes longer to treat is given up.
        memory_gb: a file whose sound takes more memory is given up.
    """
    from experiments.trials.clones import Clones
    from experiments.trials.corpus import make_corpus
    from experiments.trials.listing import read_list
    from multimodal.artefacts import shown
    from multimodal.media.isolation import Limits

    limits = Limits(seconds_per_file, round(memory_gb * 2**30))
    made = make_corpus(read_list(files), Clones(from_, may_clone=clone), out, kind=kind, limits=limits)
    print(f"{out}: {made.num_clips:,} clips")
    for reason, count in made.left_out.most_common():
        print(shown(f"left out: {count:,} {reason}"))


def _speech(arguments: list[str]) -> None:
    recipe, arguments = with_named_parts(recipes.PRETRAIN["audio"]["trial"](), arguments)

    def command(
        corpus: Positional[Path],
        config: Annotated[PretrainConfig, flat] = recipe,
        *,
        out: Path = Path("trials/speech"),
        seeds: tuple[Annotated[int, at_least(0)], ...] = (0,),
        published: Path | None = None,
        replicates: Annotated[int, at_least(0)] = 1000,
        workers: Annotated[int, at_least(1)] = 2,
        device: DeviceName = "auto",
    ) -> None:
        """Scan, split, prepare, train and judge: the table of a trial of speech.

        AUC and EER of all test clips together and within each source, beside published weights, a system that
        knows the source alone, and properties of the files. Any value of the recipe can be changed.

        Args:
            corpus: folder with clips.csv, as `trial fetch` writes it.
            config: the recipe `pretrain audio trial`.
            out: folder of everything that is written.
            seeds: a training each.
            published: folder with AASIST.pth and AASIST-L.pth as their authors publish them.
            replicates: of the bootstraps; 0 for no intervals.
            workers: processes that prepare.
            device: where networks learn and judge; auto is the GPU where there is one.
        """
        use_device(device)
        from experiments.trials.speech import trial_of_speech

        trial_of_speech(
            corpus, config, out, seeds=seeds, published=published, replicates=replicates, workers=workers
        )

    run_verb("trial speech", command, arguments)


def _faces(arguments: list[str]) -> None:
    recipe, arguments = with_named_parts(recipes.PRETRAIN["video"]["trial"](), arguments)

    def command(
        corpus: Positional[Path],
        config: Annotated[PretrainConfig, flat] = recipe,
        *,
        out: Path = Path("trials/faces"),
        seeds: tuple[Annotated[int, at_least(0)], ...] = (0,),
        published: Path | None = None,
        frame_rate: Annotated[float, above(0)] = 2.0,
        network: bool = True,
        blends: Annotated[int, at_least(0)] = 3,
        workers: Annotated[int, at_least(1)] = 2,
        device: DeviceName = "auto",
    ) -> None:
        """Scan, split, prepare, learn from genuine faces by self-blending, and judge on pairs.

        Paired accuracy, the share of pairs whose fake scores above its original, with its exact interval.

        Args:
            corpus: folder with clips.csv; clips of one identity in the test part are a pair.
            config: the recipe `pretrain video trial`.
            out: folder of everything that is written.
            seeds: a training each.
            published: folder with the file of Meso-4 as FakeAVCeleb's authors publish it.
            frame_rate: crops a second.
            network: train the recipe's network; without it the ranking is all that learns, in minutes.
            blends: self-blended images of each genuine clip, which a ranking by detail learns from; 0 for none.
            workers: processes that prepare.
            device: where networks learn and judge; auto is the GPU where there is one.
        """
        use_device(device)
        from experiments.trials.faces import trial_of_faces

        trial_of_faces(
            corpus,
            config,
            out,
            seeds=seeds,
            published=published,
            frame_rate=frame_rate,
            network=network,
            blends=blends,
            workers=workers,
        )

    run_verb("trial faces", command, arguments)


def _published(arguments: list[str]) -> None:
    from experiments.trials.published import PUBLISHED

    papers = {name: one.papers for name, one in PUBLISHED.items()}
    name, rest = choose("protocol", arguments, papers, verb="trial published")
    recipe, rest = with_named_parts(recipes.TRAIN["fakeavceleb"](), rest)

    def command(
        config: Annotated[TrainConfig, flat] = recipe,
        *,
        out: Path = Path("trials") / name,
        options: dict[str, str] | None = None,
        replicates: Annotated[int, at_least(0)] = 1000,
        device: DeviceName = "auto",
    ) -> None:
        """Split as published, train, choose thresholds on validation data, judge, and show the published figure.

        Args:
            config: the recipe `train fakeavceleb`; --manifest and --store as `scan` and `prepare` wrote them.
            out: folder of everything that is written.
            options: of the split, as NAME VALUE pairs: the authors' lists, or a fold.
            replicates: of the bootstrap over people.
            device: where networks learn and judge; auto is the GPU where there is one.
        """
        use_device(device)
        from experiments.trials.published import run_published

        run_published(name, config, out, options=options, replicates=replicates)

    run_verb(f"trial published {name}", command, rest)


def main(arguments: list[str]) -> None:
    """Command line of the verb: which trial, and its options."""
    name, rest = choose("trial", arguments, TRIALS, verb="trial")
    if name == "fetch":
        run_verb("trial fetch", fetch, rest)
    else:
        {"speech": _speech, "faces": _faces, "published": _published}[name](rest)
