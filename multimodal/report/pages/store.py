"""The page of ``inspect``: what a store of prepared clips holds, for people to look at before they train."""

from collections.abc import Iterator, Sequence
from typing import Any

from multimodal.media.store.reader import Store
from multimodal.media.store.summary import StoreSummary, summarise
from multimodal.report.figures.clips import prepared_clip_figure
from multimodal.report.figures.style import png_bytes
from multimodal.report.pages.render import image_uri, render


def store_page(store: Store, clip_ids: Sequence[str], *, title: str = "Prepared clips") -> str:
    """A self-contained HTML page: counts, failures by reason, and a figure for each of ``clip_ids``."""
    return render(
        "store.html.j2",
        title=title,
        synthetic=False,
        folder=str(store.folder),
        summary=_rows(summarise(store)),
        failures=summarise(store).failures,
        damages=summarise(store).damages,
        absences=summarise(store).absences,
        clips=list(_clips(store, clip_ids)),
    )


def _rows(summary: StoreSummary) -> dict[str, str]:
    return dict(summary.rows())


def _clips(store: Store, clip_ids: Sequence[str]) -> Iterator[dict[str, Any]]:
    for clip_id in clip_ids:
        clip = store.read(clip_id)
        yield {
            "clip_id": clip_id,
            "start_seconds": f"{clip.start_seconds:.2f}",
            "notes": [*clip.absent.values(), *([clip.damage] if clip.damage else [])],
            "image": image_uri(png_bytes(prepared_clip_figure(clip))),
        }
