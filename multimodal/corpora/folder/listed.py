"""Clips that a CSV lists, with columns that options name."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from multimodal.corpora.base import ScanReport
from multimodal.corpora.folder.labelled import (
    SPLITS,
    Labels,
    PersonPattern,
    is_silent,
    labels_of,
    media_of,
    walk_media,
)
from multimodal.corpora.manifest import Clip
from multimodal.corpora.table_file import read_rows

# What the values of somebody's label column mean; a number means nothing until somebody says so.


FAKE_WORDS = frozenset({"fake", "spoof", "deepfake", "manipulated", "forged", "synthetic", "generated"})
REAL_WORDS = frozenset({"real", "bonafide", "bona-fide", "genuine", "original", "authentic", "pristine"})


class LabelValues:
    """Which values mean fake and which real: words by themselves, others if ``fake`` and ``real`` name them.

    >>> LabelValues("", "").label("Bona-Fide"), LabelValues("1", "0").label("1")
    (0, 1)
    """

    def __init__(self, fake: str, real: str) -> None:
        if bool(fake) != bool(real):
            raise ValueError("give both of fake_value and real_value, e.g. --options fake_value 1 real_value 0")
        self._is_told = bool(fake)
        self._fake = _values(fake) if fake else FAKE_WORDS
        self._real = _values(real) if real else REAL_WORDS
        if both := self._fake & self._real:
            raise ValueError(f"{min(both)!r} cannot mean fake and real; mend fake_value and real_value")

    def label(self, value: str) -> int | None:
        """1 for fake, 0 for real, None for an empty or another value.

        Raises ``ValueError`` for a number whose meaning nobody told.
        """
        value = value.strip().lower()
        if value in self._fake:
            return 1
        if value in self._real:
            return 0
        if not self._is_told and _is_number(value):
            raise ValueError(
                f"a label {value} may mean real or fake; say which: "
                f"--options fake_value {value} real_value ..., or real_value {value} fake_value ..."
            )
        return None


def _values(text: str) -> frozenset[str]:
    return frozenset(value.strip().lower() for value in text.split(",") if value.strip())


def _is_number(value: str) -> bool:
    try:
        float(value)
    except ValueError:
        return value in ("true", "false", "yes", "no")
    return True


COLUMN_OPTIONS = {
    "path_column": "column of the CSV with the file (default: path)",
    "label_column": "column with the label of the whole clip (default: label)",
    "video_column": "column with the label of the picture, instead of or beside that of the clip",
    "audio_column": "column with the label of the sound, instead of or beside that of the clip",
    "fake_value": "what means fake in these columns, with commas, e.g. 1 (default: words such as fake, spoof)",
    "real_value": "what means real in these columns, with commas, e.g. 0 (default: words such as real, bonafide)",
    "identity_column": "column that names who is seen or heard",
    "method_column": "column that names how a fake was made",
    "group_column": "column with what clips share and errors are parted by, e.g. a language or a device",
    "split_column": "column with train, val or test",
    "source_column": "column with the genuine file that a fake was made from",
}


def read_listed(
    root: Path,
    report: ScanReport,
    table: Path,
    modality: str,
    person: PersonPattern,
    options: Mapping[str, str],
    *,
    has_frames: bool,
) -> Iterator[Clip]:
    """Every file on disk that a row labels; rows without a file and files without a row are told to ``report``."""
    table = table if table.is_file() else root / table
    if not table.is_file():
        raise ValueError(f"no such file: {table}. Give the CSV as a path, or relative to {root}")
    files = dict(walk_media(root, report, has_frames=has_frames))
    finder = _Finder(root, table, files)
    columns = _columns(table, options)
    values = LabelValues(options.get("fake_value", ""), options.get("real_value", ""))
    clips: dict[str, Clip] = {}
    contradicted: set[str] = set()
    uncertain: set[str] = set()
    missing: list[str] = []
    for row in read_rows(table):
        path = finder.find(row.get(columns["path"], ""))
        if path is None:
            missing.append(row.get(columns["path"], ""))
            continue
        labels = _labels(row, columns, values, path, modality)
        if labels is None:
            uncertain.add(path)
            continue
        if has_frames and "audio" not in columns and is_silent(root / path):
            labels = labels._replace(audio_fake=None)
        clip = _clip(path, files[path], labels, row, columns, person, finder)
        if clips.setdefault(path, clip)[2:4] != clip[2:4] or clips[path].any_fake != clip.any_fake:
            contradicted.add(path)
    _report(table, len(clips), missing, contradicted, report)
    for path in files:
        if path in contradicted:
            report.skip(f"{table.name} gives it two labels", path)
        elif path in uncertain:
            report.skip(f"no certain label in {table.name}", path)
        elif path in clips:
            yield clips[path]
        elif path != finder.relative(table):
            report.skip(f"not in {table.name}, so its label is unknown", path)


def _columns(table: Path, options: Mapping[str, str]) -> dict[str, str]:
    """What each column is for, by name; those named (and the file's) must be in the table."""
    there = list(next(iter(read_rows(table)), {}))
    if not there:
        raise ValueError(f"{table} has no row below its header")
    columns = {name.removesuffix("_column"): value for name, value in options.items() if name.endswith("_column")}
    columns.setdefault("path", "path")
    if "video" not in columns and "audio" not in columns:
        columns.setdefault("label", "label")
    for purpose, column in columns.items():
        if column not in there:
            raise ValueError(
                f"{table} has no column {column!r}; it has {', '.join(there)}. "
                f"Name the right one with --options {purpose}_column NAME"
            )
    return columns


def _labels(
    row: Mapping[str, str], columns: Mapping[str, str], values: LabelValues, path: str, modality: str
) -> Labels | None:
    """Labels of a row, or None where its cells say nothing that is understood, or contradict each other."""
    said = {
        purpose: values.label(row.get(columns[purpose], ""))
        for purpose in ("label", "video", "audio")
        if purpose in columns
    }
    if all(label is None for label in said.values()):
        return None
    whole = said.get("label")
    labels = Labels(None, None, None) if whole is None else labels_of(media_of(path), whole, modality)
    video, audio = said.get("video", labels.video_fake), said.get("audio", labels.audio_fake)
    modalities = [label for label in (video, audio) if label is not None]
    is_contradicted = (whole == 0 and 1 in modalities) or (whole == 1 and modalities == [0, 0])
    return None if is_contradicted else Labels(video, audio, whole if whole is not None else max(modalities))


def _clip(
    path: str,
    size_bytes: int,
    labels: Labels,
    row: Mapping[str, str],
    columns: Mapping[str, str],
    person: PersonPattern,
    finder: "_Finder",
) -> Clip:
    said = {purpose: row.get(column, "") for purpose, column in columns.items()}
    named = said.get("identity")
    source = said.get("source")
    return Clip(
        path,
        media_of(path),
        labels.video_fake,
        labels.audio_fake,
        said.get("method") or ("unknown" if labels.any_fake else "real"),
        size_bytes,
        identity=f"folder:{named}" if named else person.find(path),
        group=said.get("group") or None,
        source_clip=(finder.find(source) or source) if source else None,
        official_split=SPLITS.get(said.get("split", "").lower()),
        any_fake=labels.any_fake,
    )


class _Finder:
    """Files by what a table calls them: relative to the root or to the table, or absolute."""

    def __init__(self, root: Path, table: Path, files: Mapping[str, int]) -> None:
        self._root, self._files = os.path.realpath(root), files
        self._table_folder = os.path.dirname(self.relative(table))

    def relative(self, path: str | Path) -> str:
        """A path as the manifest would have it, from the root on."""
        return os.path.relpath(os.path.realpath(path), self._root)

    def find(self, name: str) -> str | None:
        """The file's path from the root, or None where it is not on disk."""
        name = os.path.normpath(name.replace("\\", "/")) if name else ""
        if os.path.isabs(name):
            name = os.path.relpath(name, self._root)
        beside = os.path.normpath(os.path.join(self._table_folder, name))
        return next((path for path in (name, beside) if path in self._files), None)


def _report(table: Path, num_clips: int, missing: list[str], contradicted: set[str], report: ScanReport) -> None:
    if missing and not num_clips:
        raise ValueError(
            f"{table}: none of {len(missing):,} rows names a file that has a label and lies under the root, "
            f"e.g. {missing[0]!r}"
        )
    if missing:
        report.warn(f"{table.name}: {len(missing):,} rows name no media file there, e.g. {missing[0]!r}")
    if contradicted:
        report.warn(
            f"{table.name}: two labels for {len(contradicted):,} files; left out, e.g. {min(contradicted)}"
        )
