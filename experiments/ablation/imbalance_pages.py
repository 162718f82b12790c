"""The files of the study of imbalance that people read."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from multimodal.files import atomic_path, write_text
from multimodal.report.figures import png_bytes, save_images
from multimodal.report.figures.imbalance import imbalance_figure
from multimodal.report.imbalance_table import imbalance_frame, imbalance_markdown
from multimodal.report.pages.imbalance import imbalance_page


def write_imbalance_pages(folder: Path, results: Mapping[str, Any], failures: Mapping[str, str]) -> None:
    """Write table.csv, table.md, figures and report.html."""
    with atomic_path(folder / "table.csv") as temporary:
        imbalance_frame(results).to_csv(temporary, index=False)
    write_text(folder / "table.md", imbalance_markdown(results))
    images = {
        "f1": png_bytes(imbalance_figure(results)),
        "recall": png_bytes(imbalance_figure(results, "recall", "Recall of the reals")),
    }
    save_images(images, folder / "figures")
    write_text(folder / "report.html", imbalance_page(results, images, failures))
