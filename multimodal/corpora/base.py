"""The contract of a corpus, and the report of a scan: one file a corpus says how its root is recognised.

A reader is a function ``clips(root, report, **options)`` that yields :class:`~multimodal.corpora.manifest.Clip`
for every clip under ``root``. It walks with :func:`~multimodal.corpora.walk.walk_files`, converts whatever the
corpus calls its labels to 1 = fake, and tells ``report`` whatever it could not use. A file that it cannot parse
becomes a clip with ``method="unknown"`` and a flag where its label is certain, and a skipped file with a reason
where it is not: never a guess, never a silent drop. :class:`ScanReport` collects all of that, and
:func:`check_counts` compares the clips with the complete corpus.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import pandas as pd

from multimodal.corpora.manifest import Clip

_NUM_EXAMPLES = 3


@dataclass
class Tally:
    """How often something happened, with the first few places."""

    count: int = 0
    examples: list[str] = field(default_factory=list)


@dataclass
class ScanReport:
    """Collects, while a corpus is read, whatever a person should know of.

    ``warnings`` ask for attention, ``notes`` do not. ``skipped`` counts files that did not become clips, by
    reason. ``flagged`` counts clips that did, but carry a flag. ``generated`` holds the folders below which
    everything was made by a program, with a slash at the end; ``walked`` the folders that were read. ``root`` is
    that of the corpus, and ``follows_links`` whether links that lead out of it are followed: a corpus may be
    spread over disks, and one of a stranger may lead into your own files.

    >>> report = ScanReport()
    >>> report.skip("not a clip: .txt", "men/a.txt")
    >>> report.skip("not a clip: .txt", "men/b.txt")
    >>> print("\\n".join(report.lines()))
    skipped 2: not a clip: .txt (men/a.txt, men/b.txt)
    """

    warnings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    skipped: dict[str, Tally] = field(default_factory=dict)
    flagged: dict[str, int] = field(default_factory=dict)
    generated: list[str] = field(default_factory=list)
    walked: list[str] = field(default_factory=list)
    root: str | None = None
    follows_links: bool = False

    def warn(self, message: str) -> None:
        """Something a person should look at."""
        self.warnings.append(message)

    def note(self, message: str) -> None:
        """Something worth printing that needs no action."""
        self.notes.append(message)

    def skip(self, reason: str, path: str) -> None:
        """A file (or folder) that did not become a clip."""
        tally = self.skipped.setdefault(reason, Tally())
        tally.count += 1
        if len(tally.examples) < _NUM_EXAMPLES:
            tally.examples.append(path)

    def lines(self) -> list[str]:
        """The report as lines of text, most urgent first."""
        skipped = [
            f"skipped {tally.count:,}: {reason} ({', '.join(tally.examples)}"
            f"{', ...' if tally.count > len(tally.examples) else ''})"
            for reason, tally in sorted(self.skipped.items(), key=lambda item: -item[1].count)
        ]
        flagged = [f"flagged {count:,}: {flag}" for flag, count in sorted(self.flagged.items())]
        return [f"warning: {message}" for message in self.warnings] + skipped + flagged + self.notes


@dataclass(frozen=True, kw_only=True)
class Corpus:
    """What the program knows of one corpus; ``clips`` reads it.

    Args:
        name: as typed on the command line; the first part of every ``clip_id``.
        title: as people call it, with the version.
        summary: one line: what is in it.
        licence: terms, as far as known.
        request_url: where to ask for it.
        markers: how a root is recognised: alternatives, each a tuple of patterns that must all exist below the
            same folder. A pattern is a path of shell globs, compared without regard to case; a slash at its end
            means a folder (``"original_sequences/youtube/"``), none a file (``"train.csv"``). An exclamation mark
            before it means that it must not exist, which tells apart corpora that are sorted alike.
        clips: the reader, ``clips(root, report, **options) -> Iterator[Clip]``.
        namespace: whose identities these are (``"vox2"``), so that the same person is found across corpora;
            None where no identity is known.
        expected: column of the manifest (or ``"folder"``, the beginning of the path in whatever case) → value →
            number of clips in the complete corpus. A difference is a warning, not an error.
        official_split: what the authors publish, in one line; None if nothing.
        options: what ``clips`` takes besides root and report, name → one line of help.
        is_generic: the marker is so weak that ``recognise`` asks it only where no other corpus was found.
        has_closed_groups: nobody in a group lends a face or a voice to anybody in another; otherwise groups are
            kinds of people (a sex, a language), by which results are parted and nothing is kept apart.
        takes_any_root: the folder that is given is the root, whatever it holds; markers serve to recognise only.
    """

    name: str
    title: str
    summary: str
    licence: str
    request_url: str
    markers: tuple[tuple[str, ...], ...]
    clips: Callable[..., Iterator[Clip]]
    namespace: str | None = None
    expected: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    official_split: str | None = None
    options: Mapping[str, str] = field(default_factory=dict)
    is_generic: bool = False
    has_closed_groups: bool = True
    takes_any_root: bool = False


def check_counts(corpus: Corpus, clips: pd.DataFrame, report: ScanReport) -> None:
    """Warn, one line a column, where the clips differ in number from the complete corpus."""
    for column, expected in corpus.expected.items():
        counts = _count(clips, column, expected)
        wrong = [
            f"{value} {counts[value]:,} of {number:,}"
            for value, number in expected.items()
            if counts[value] != number
        ]
        if wrong:
            report.warn(
                f"{corpus.title}: clips by {column.replace('_', ' ')} differ from the complete corpus: "
                f"{', '.join(wrong)}. Is the download complete?"
            )


def _count(clips: pd.DataFrame, column: str, values: Mapping[str, int]) -> dict[str, int]:
    if column == "folder":
        paths = clips["path"].str.lower()
        return {value: int(paths.str.startswith(value.rstrip("/").lower() + "/").sum()) for value in values}
    found = clips[column].value_counts()
    return {value: int(found.get(value, 0)) for value in values}
