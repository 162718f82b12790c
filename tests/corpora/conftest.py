"""Planting small trees and scanning them, for tests of corpus readers."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest
from planting import plant as plant_below

from multimodal.corpora import Manifest, ScanReport, scan


class Scanned(NamedTuple):
    """A scan: rows by path with None for null, what was reported, and the manifest itself."""

    rows: dict[str, dict]
    report: ScanReport
    manifest: Manifest

    def column(self, name: str) -> dict[str, object]:
        """One column by path."""
        return {path: row[name] for path, row in self.rows.items()}


@pytest.fixture
def plant(tmp_path) -> Callable[..., Path]:
    """Writes files of a few bytes below a temporary folder, which it returns."""
    return partial(plant_below, tmp_path)


@pytest.fixture
def scan_rows() -> Callable[..., Scanned]:
    """Scans a corpus without a word on the terminal."""

    def read(corpus: str, root: Path, **options: str) -> Scanned:
        report = ScanReport()
        manifest = scan(corpus, root, report=report, options=options)
        clips = manifest.clips.astype(object).where(manifest.clips.notna(), None)
        return Scanned({row["path"]: row for row in clips.to_dict("records")}, report, manifest)

    return read
