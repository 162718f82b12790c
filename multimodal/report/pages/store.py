"""The page of ``inspect``: what a store of prepared clips holds, for people to look at before they train."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from multimodal.media.store.reader import Store
from multimodal.media.store.summary import StoreSummary, summarise
from multimodal.report.figures.clips import prepared_clip_figure
from multimodal.report.figures.style import png_bytes
from multimodal.report.pages.render import Table, embed, render


def store_page(
    store: Store,
    clip_ids: Sequence[str],
    *,
    title: str = "Prepared clips",
    labels: Mapping[str, str] | None = None,
    synthetic: bool = False,
) -> str:
    """A self-contained HTML page: counts, failures by reason, and a figure for each of ``clip_ids``.

    Args:
        store: to show; it knows no labels.
        clip_ids: of the clips to draw.
        title: heading of the page.
        labels: clip → what it is (its class and method, say) from whoever has the manifest; a clip without an
            entry has no label on the page.
        synthetic: whether clips were generated; the page then says so.
    """
    summary = summarise(store)
    return render(
        "store.html.j2",
        title=title,
        synthetic=synthetic,
        folder=str(store.folder),
        summary=dict(summary.rows()),
        tables=_reasons(summary),
        clips=list(_clips(store, clip_ids, labels or {})),
    )


def _reasons(summary: StoreSummary) -> list[Table]:
    """What failed and what is lacking, by reason; no table where nothing is."""
    kinds = (
        ("Failures by reason", summary.failures),
        ("Damaged, or read in a way that is told", summary.damages),
        ("Prepared without picture or sound", summary.absences),
    )
    return [
        Table(("reason", "clips"), [list(row) for row in counts.items()], title=heading)
        for heading, counts in kinds
        if counts
    ]


def _clips(store: Store, clip_ids: Sequence[str], labels: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    index = store.index[["clip_id", "reader", "reader_note"]].fillna("")
    taken = {clip_id: _how(reader, note) for clip_id, reader, note in index.itertuples(index=False)}
    for clip_id in clip_ids:
        clip = store.read(clip_id)
        yield {
            "clip_id": clip_id,
            "label": labels.get(clip_id, ""),
            "start_seconds": f"{clip.start_seconds:.2f}",
            "notes": [*clip.absent.values(), *filter(None, (clip.damage, taken[clip_id]))],
            "image": embed(png_bytes(prepared_clip_figure(clip))),
        }


def _how(reader: str, note: str) -> str:
    """How pictures were read and the face was chosen; PyAV's note begins with why decord did not read them."""
    return f"read by PyAV: {note}" if reader == "pyav" and note else note
