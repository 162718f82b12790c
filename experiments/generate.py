"""``generate CORPUS --out DIR``: a small synthetic copy of a corpus's layout, with real media files in it."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from experiments.command_line import choose, flat, run_verb
from multimodal import synthetic
from multimodal.catalog import choose as look_up
from multimodal.ranges import at_least

if TYPE_CHECKING:
    from multimodal.synthetic import LayoutOptions, SyntheticOptions


def generate(
    corpus: str, *, out: Path, options: "SyntheticOptions | LayoutOptions | None" = None, workers: int = 2
) -> None:
    """Write a small generated copy of a corpus; ``options`` are those of its generator, None its defaults."""
    from multimodal.progress import progress

    generator = look_up(synthetic.GENERATORS, corpus, "corpus")
    chosen = options or (synthetic.SyntheticOptions() if corpus == "fakeavceleb" else synthetic.LayoutOptions())
    counts = generator(
        out, chosen, workers=workers, progress=lambda files: progress(files, desc="generate", unit="file")
    )
    written = ", ".join(f"{name} {count:,}" for name, count in counts.items())
    print(f"{out}: {written} (generated media)")


def main(arguments: list[str]) -> None:
    """Command line of the verb: a corpus, and its options."""
    name, rest = choose("corpus", arguments, synthetic.SUMMARIES, verb="generate")
    run_verb(f"generate {name}", command_of(name), rest)


def command_of(corpus: str) -> Callable[..., None]:
    """The command of a corpus; its options are those of its generator, which is imported now."""
    return _fakeavceleb_command() if corpus == "fakeavceleb" else _layout_command(corpus)


def _fakeavceleb_command() -> Callable[..., None]:
    from multimodal.synthetic import SyntheticOptions

    def command(
        *,
        out: Path,
        options: Annotated[SyntheticOptions, flat] = SyntheticOptions(),
        workers: Annotated[int, at_least(1)] = 2,
    ) -> None:
        """FakeAVCeleb: the four classes, talking heads of ten groups of people.

        The same options give the same clips. Results on generated media say nothing about real ones.

        Args:
            out: folder to write; a generation that was stopped goes on.
            options: of the clips.
            workers: processes.
        """
        generate("fakeavceleb", out=out, options=options, workers=workers)

    return command


def _layout_command(corpus: str) -> Callable[..., None]:
    from multimodal.synthetic import LayoutOptions
    from multimodal.synthetic.layouts import LAYOUTS

    def command(
        *,
        out: Path,
        options: Annotated[LayoutOptions, flat] = LayoutOptions(),
        workers: Annotated[int, at_least(1)] = 2,
    ) -> None:
        generate(corpus, out=out, options=options, workers=workers)

    default, *others = LAYOUTS[corpus].variants
    variants = f"--variant is one of {default} (the default), {', '.join(others)}." if others else "One variant."
    command.__doc__ = f"""{synthetic.SUMMARIES[corpus]}

    {variants} The same options give the same bytes. Results on generated media say nothing about real ones.

    Args:
        out: folder to write; a generation that was stopped goes on.
        options: of the files.
        workers: processes.
    """
    return command
