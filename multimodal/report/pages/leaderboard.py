"""The page of ``leaderboard``: several systems on the same clips, none without its interval and its floor."""

from collections.abc import Mapping
from typing import Any

from multimodal.report.pages.render import Table, Written, p_value, render, smallest_seen

_MEASURES = {"auc": "ROC-AUC", "eer": "equal error rate", "ap_real": "average precision (real)"}
_NOTE = (
    "Paired over the same draws of people. Differences below the one that could be seen (80 % power) are not "
    "ruled out. Systems whose history is not known may have learnt from these very clips."
)


def leaderboard_page(result: Mapping[str, Any]) -> str:
    """A self-contained HTML page of what ``leaderboard.json`` holds."""
    counts, systems = result["counts"], result["systems"]
    about = (
        f"{result['target']}: {counts['real']:,} real and {counts['fake']:,} fake clips of "
        f"{counts['identities']:,} identities, the same for every system, with 95 % intervals over identities."
    )
    marked = [name for name, row in systems.items() if row["seen"] and row["seen"]["marked"]]
    return render(
        "audit.html.j2",
        title="Leaderboard",
        synthetic=result["generated"],
        about=about,
        notes=[f"{name} learnt from clips that it is judged on: its numbers flatter" for name in marked],
        headlines=[],
        sections=[{"title": "Systems", "text": "", "figures": [], "tables": _tables(result)}],
    )


def _tables(result: Mapping[str, Any]) -> list[Table]:
    """The systems with the best first, the differences from the first that was named, and what each has seen."""
    systems = result["systems"]
    by_area = sorted(systems.items(), key=lambda item: -(item[1]["metrics"]["auc"]["value"] or 0))
    rows: list[list[Any]] = [
        [name, *(row["metrics"][metric] for metric in _MEASURES), row["shortcuts"] or {"value": None}]
        for name, row in by_area
    ]
    rows.append(["a random system", *({"value": result["floors"].get(metric)} for metric in _MEASURES), None])
    differences = [
        [
            name,
            {**found, "value": found["difference"]},
            Written(p_value(found["p_value"])),
            Written(smallest_seen(found)),
        ]
        for name, row in by_area
        if (found := row.get("difference")) is not None
    ]
    first = next(iter(systems))
    return [
        Table(("system", *_MEASURES.values(), "shortcuts alone: ROC-AUC"), rows),
        Table((f"{first} less", "ROC-AUC", "p", "could be seen"), differences, title="Differences", note=_NOTE),
        Table(
            ("system", "clips seen in training"),
            [[name, seen_text(row["seen"])] for name, row in systems.items()],
            title="What each has seen before",
        ),
    ]


def seen_text(seen: Mapping[str, Any] | None) -> str:
    """How much of the clips a system knows, in a few words.

    >>> seen_text(None), seen_text({"parts": {"test": {"learnt": 0, "chosen": 0, "people": 3}}, "unknown": []})
    ('not known', 'none; 3 show people it knows')
    """
    if not seen:
        return "not known"
    parts = seen["parts"].values()
    clips, people = (sum(one[key] for one in parts) for key in ("learnt", "people"))
    told = f"{clips:,}" if clips else "none"
    told += f"; {people:,} show people it knows" if people else ""
    return f"{told}, as far as is known" if seen["unknown"] else told
