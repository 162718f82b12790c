"""Self-contained HTML pages: one file, styles and pictures inside, no script, nothing fetched from anywhere."""

from typing import TYPE_CHECKING

from multimodal.catalog import public_names

if TYPE_CHECKING:
    from multimodal.report.pages.corpus import check_page, statistics_page
    from multimodal.report.pages.prediction import prediction_page
    from multimodal.report.pages.run import run_report
else:
    __getattr__ = public_names(
        __name__,
        {
            "corpus": ("check_page", "statistics_page"),
            "prediction": ("prediction_page",),
            "run": ("run_report",),
        },
    )

__all__ = ["check_page", "prediction_page", "run_report", "statistics_page"]
