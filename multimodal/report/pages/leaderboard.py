"""The page of ``leaderboard``: several systems on the same clips, none without its interval and its floor."""

from collections.abc import Mapping
from typing import Any

from multimodal.report.pages.render import Table, Written, decimal, p_value, render, smallest_seen

_MEASURES = {"auc": "ROC-AUC", "eer": "equal error rate", "ap_real": "average precision (real)"}
_NOTE = (
    "Difference: ROC-AUC of the first system less that of the row, paired over the same draws of people. "
    "Differences below the one that could be seen (80 % power) are not ruled out. Systems whose history is not "
    "known may have learnt from these very clips."
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
        sections=[{"title": "Systems", "text": "", "figures": [], "tables": [_table(result)]}],
    )


def _table(result: Mapping[str, Any]) -> Table:
    rows: list[list[Any]] = []
    for name, row in sorted(
        result["systems"].items(), key=lambda item: -(item[1]["metrics"]["auc"]["value"] or 0)
    ):
        found = row.get("difference")
        gap = {"value": None} if found is None else {**found, "value": found["difference"]}
        cells = [row["metrics"][metric] for metric in _MEASURES]
        p, smallest = ("", "") if found is None else (p_value(found["p_value"]), smallest_seen(found))
        rows.append(
            [
                name,
                *cells,
                Written("the first") if found is None else gap,
                Written(p),
                Written(smallest),
                row["shortcuts"] or Written("not judged"),
                seen_text(row["seen"]),
            ]
        )
    floors = [Written(decimal(result["floors"].get(metric))) for metric in _MEASURES]
    rows.append(["a random system", *floors, *[Written("")] * 4, ""])
    headers = (
        *("system", *_MEASURES.values()),
        *("difference", "p", "could be seen", "shortcuts alone", "clips seen before"),
    )
    return Table(headers, rows, note=_NOTE)


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
