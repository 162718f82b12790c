"""The pages of corpora: how many clips are real and fake (``statistics``), and what is amiss (``check``)."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from multimodal.audit import Examination
from multimodal.audit.advice import Advice, overall_verdict, title_of
from multimodal.audit.findings import SEVERITIES
from multimodal.audit.statistics import Balance, PartStatistics
from multimodal.labels import CLASSES
from multimodal.report.pages.render import Bar, Table, render

_MAX_METHODS = 20
_LABELS = ("real", "fake", "no label")


class Piece(NamedTuple):
    """One part of a stacked bar; style.css has a colour for its name."""

    name: str
    clips: int
    percent: float


def statistics_page(
    statistics: Sequence[PartStatistics], advice: Sequence[Advice], *, synthetic: bool = False
) -> str:
    """A self-contained HTML page: an overview first, then each corpus with advice, counts and bars."""
    corpora = dict.fromkeys(part.corpus for part in statistics)
    by_corpus = {one.corpus: one for one in advice}
    return render(
        "statistics.html.j2",
        title="Real and fake clips",
        synthetic=synthetic,
        verdict=overall_verdict(list(advice)) if advice else "",
        overview=[(one, title_of(one.corpus), _label_bar(one.balance)) for one in advice],
        corpora=[
            _corpus(name, [part for part in statistics if part.corpus == name], by_corpus.get(name))
            for name in corpora
        ],
        labels=_LABELS,
        classes=CLASSES,
    )


def stacked(counts: dict[str, int]) -> list[Piece]:
    """Parts of a bar in the order of ``counts``, empty ones left out.

    >>> [(piece.name, piece.percent) for piece in stacked({"real": 1, "fake": 3, "other": 0})]
    [('real', 25.0), ('fake', 75.0)]
    """
    total = sum(counts.values()) or 1
    return [Piece(name, count, 100 * count / total) for name, count in counts.items() if count]


def _corpus(name: str, parts: Sequence[PartStatistics], advice: Advice | None) -> dict[str, Any]:
    whole = next((part for part in parts if part.split == "all"), parts[0])
    return {
        "id": name,
        "name": title_of(name),
        "advice": advice,
        "whole": whole,
        "rows": [row for part in parts for row in _balance_rows(part)],
        "classes": [(part.split, stacked(part.classes)) for part in parts if part.classes],
        "methods": Table((), _method_rows(whole.methods), title="Methods"),
        "more_methods": max(len(whole.methods) - _MAX_METHODS, 0),
    }


def _method_rows(methods: dict[str, int]) -> list[list[Any]]:
    """The first methods with their counts, and bars as long as their share of the largest."""
    most = max(methods.values(), default=1)
    return [[name, number, Bar(100 * number / most)] for name, number in list(methods.items())[:_MAX_METHODS]]


def _balance_rows(part: PartStatistics) -> Iterator[dict[str, Any]]:
    """A row for the clip as a whole and one for each modality that has labels."""
    for target, balance in (("any", part.any), ("video", part.video), ("audio", part.audio)):
        if balance is not None:
            yield {"split": part.split, "target": target, "balance": balance, "bar": _label_bar(balance)}


def _label_bar(balance: Balance) -> list[Piece]:
    return stacked(dict(zip(_LABELS, (balance.real, balance.fake, balance.unknown), strict=True)))


# The page of ``check``: what was found, most urgent first.


_MEANINGS = {
    "error": "a result would be wrong",
    "warning": "a result may mislead",
    "note": "good to know",
}


def check_page(examination: Examination, *, synthetic: bool = False) -> str:
    """A self-contained HTML page: counts by severity, every finding with examples and advice, and what is fine."""
    done = {finding.check for finding in examination.findings} | set(examination.skipped)
    clear = {check: asks for check, asks in examination.checks.items() if check not in done}
    return render(
        "check.html.j2",
        title="What was found in the data",
        synthetic=synthetic,
        clips=examination.clips,
        total=sum(examination.clips.values()),
        counts=[(severity, examination.counts[severity], _MEANINGS[severity]) for severity in SEVERITIES],
        findings=examination.findings,
        tables=[
            Table((), [list(row) for row in rows.items()], title=heading)
            for heading, rows in (("Nothing found", clear), ("Not looked at", examination.skipped))
            if rows
        ],
    )
