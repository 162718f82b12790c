"""``generate CORPUS --out DIR``: a small synthetic copy of a corpus's layout, with real media files in it."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

from tqdm import tqdm

from experiments.command_line import choose, flat, run_verb
from multimodal.corpora.choose import choose as look_up
from multimodal.synthetic import GENERATORS, Layout, LayoutOptions, SyntheticOptions


def generate(
    corpus: str, *, out: Path, options: SyntheticOptions | LayoutOptions | None = None, workers: int = 2
) -> None:
    """Write a small generated copy of a corpus; ``options`` are those of its generator, None its defaults."""
    generator = look_up(GENERATORS, corpus, "corpus")
    chosen = options or (SyntheticOptions() if corpus == "fakeavceleb" else LayoutOptions())
    counts = generator(
        out, chosen, workers=workers, progress=lambda files: tqdm(files, desc="generate", unit="file")
    )
    written = ", ".join(f"{name} {count:,}" for name, count in counts.items())
    print(f"{out}: {written} (generated media)")


def main(arguments: list[str]) -> None:
    """Command line of the verb: a corpus, and its options."""
    name, rest = choose("corpus", arguments, COMMANDS, verb="generate")
    run_verb(f"generate {name}", COMMANDS[name], rest)


def _fakeavceleb(
    *,
    out: Path,
    options: Annotated[SyntheticOptions, flat] = SyntheticOptions(),
    workers: int = 2,
) -> None:
    """FakeAVCeleb: the four classes, talking heads of ten groups of people.

    The same options give the same clips. Results on generated media say nothing about real ones.

    Args:
        out: folder to write; a generation that was stopped goes on.
        options: of the clips.
        workers: processes.
    """
    generate("fakeavceleb", out=out, options=options, workers=workers)


def _command(layout: Layout) -> Callable[..., None]:
    def command(
        *,
        out: Path,
        options: Annotated[LayoutOptions, flat] = LayoutOptions(),
        workers: int = 2,
    ) -> None:
        generate(layout.name, out=out, options=options, workers=workers)

    default, *others = layout.variants
    variants = f"--variant is one of {default} (the default), {', '.join(others)}." if others else "One variant."
    command.__doc__ = f"""{layout.summary}

    {variants} The same options give the same bytes. Results on generated media say nothing about real ones.

    Args:
        out: folder to write; a generation that was stopped goes on.
        options: of the files.
        workers: processes.
    """
    return command


#: Corpus → its command; the options differ, the rest does not.
COMMANDS: dict[str, Callable[..., None]] = {
    name: _command(generator) if isinstance(generator, Layout) else _fakeavceleb
    for name, generator in GENERATORS.items()
}
