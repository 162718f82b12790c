"""What copying leaves in file names, and a word on names that follow no grammar."""

import re
from collections.abc import Iterable
from typing import NamedTuple

from multimodal.corpora.manifest import Clip
from multimodal.corpora.scan_report import ScanReport

#: Flag of a clip whose name does not follow the grammar of its corpus; nobody in it is known.
NAME_UNPARSED = "name_unparsed"
#: Flag of a clip whose name says that the file is a copy of another.
COPY = "copy"

_COPY_MARK = re.compile(r"(?: ?\(\d{1,2}\)| - copy(?: ?\(\d{1,2}\))?)$", re.IGNORECASE)


class Stem(NamedTuple):
    """The stem of a file name without the mark of a copy, and whether it had one."""

    text: str
    is_copy: bool


def stem_of(path: str) -> Stem:
    """Stem of the last part of a path.

    >>> stem_of("original/000 (1).mp4")
    Stem(text='000', is_copy=True)
    """
    stem = path.rpartition("/")[2].rpartition(".")[0]
    text = _COPY_MARK.sub("", stem)
    return Stem(text, text != stem)


def warn_of_unparsed(clips: Iterable[Clip], report: ScanReport) -> None:
    """One warning with the first few clips whose names follow no grammar."""
    paths = [clip.path for clip in clips if NAME_UNPARSED in clip.flags]
    if paths:
        report.warn(
            f"{len(paths):,} names do not follow the grammar, e.g. {', '.join(paths[:3])}; kept with the label of "
            "their folder, but nobody in them is known"
        )
