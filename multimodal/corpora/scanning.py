"""From a corpus as it lies on disk to a manifest: finds the root, reads the clips, and says what was not read."""

import logging
import os
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from multimodal.catalog import choose
from multimodal.corpora import CORPORA, get_corpus
from multimodal.corpora.base import ScanReport, check_counts
from multimodal.corpora.folder.labelled import SUFFIXES
from multimodal.corpora.manifest import GENERATED, Clip, Manifest, collect, lies_in_generated
from multimodal.corpora.roots import contents, existing_folder, find_root, own_way, recognise_in
from multimodal.corpora.walk import is_folder, is_hidden, leads_out, printable

# What lies beside the folders that a reader walked: a part that was unpacked elsewhere is reported, not dropped.


def tell_unread(root: Path, report: ScanReport) -> None:
    """Tell ``report`` of media files, and folders that hold any, which lie in no folder that was walked."""
    closed_by = None if report.follows_links else (os.path.realpath(root),)
    for path in _unread(str(root), frozenset(report.walked), closed_by):
        report.skip("outside the folders of this corpus, not read", printable(os.path.relpath(path, root)))


def _unread(folder: str, walked: Collection[str], closed_by: Collection[str] | None) -> Iterator[str]:
    if folder in walked:
        return
    try:
        with os.scandir(folder) as listing:
            entries = sorted(listing, key=lambda entry: entry.name)
    except OSError:  # who walked there has said so
        return
    for entry in entries:
        if is_hidden(entry.name):
            continue
        if closed_by is not None and entry.is_symlink() and leads_out(entry.path, closed_by):
            continue  # it may lead to the whole of this machine
        if not is_folder(entry):
            if _is_media(entry.name):
                yield entry.path
        elif any(path == entry.path or path.startswith(entry.path + os.sep) for path in walked):
            yield from _unread(entry.path, walked, closed_by)
        elif any(_is_media(name) for _, _, names in os.walk(entry.path) for name in names):
            yield entry.path


def _is_media(name: str) -> bool:
    return not is_hidden(name) and os.path.splitext(name)[1].lower() in SUFFIXES


_logger = logging.getLogger(__name__)


def scan(
    corpus_name: str,
    root: str | Path,
    *,
    report: ScanReport | None = None,
    options: dict[str, str] | None = None,
    follow_links: bool = False,
) -> Manifest:
    """Read a corpus as it lies on disk.

    Args:
        corpus_name: one of :data:`CORPORA`.
        root: the corpus, or a folder up to four levels above it; relative paths are welcome.
        report: is filled with warnings, remarks and all that was skipped; if None, these are logged.
        options: what the corpus's reader takes besides (see ``Corpus.options``).
        follow_links: read what symbolic links that lead out of the corpus lead to; else they are left out.

    Raises ``ValueError``, in one line, when the corpus cannot be found or read there.
    """
    corpus = get_corpus(corpus_name)
    own_report = ScanReport() if report is None else report
    for option in options or {}:
        choose(corpus.options, option, f"option of {corpus_name}")
    if corpus.takes_any_root:
        found = existing_folder(root)
    else:
        found = find_root(corpus, root, catalog=CORPORA.values(), report=own_report)
    own_report.root, own_report.follows_links = str(found), follow_links
    if is_generated := lies_in_generated(found):
        own_report.generated.append("")
    clips = _flag_generated(corpus.clips(found, own_report, **(options or {})), own_report)
    try:
        manifest = collect(clips, corpus=corpus.name, root=found)
        manifest = replace(manifest, linked=(corpus.name,) if follow_links else ())
    except OSError as error:  # a table or list of the corpus; folders and clips are reported and passed over
        raise ValueError(f"cannot read {error.filename}: {error.strerror}. Make it readable.") from error
    tell_unread(found, own_report)
    if not is_generated:  # a generated corpus is small on purpose
        check_counts(corpus, manifest.clips, own_report)
    _note_flags(manifest, own_report)
    if report is None:
        for line in own_report.lines():
            _logger.warning("%s: %s", corpus_name, line)
    return manifest


def recognise(root: str | Path, *, report: ScanReport | None = None) -> list[tuple[str, Path]]:
    """Every corpus at ``root`` or up to four levels below it, as (name, its own root)."""
    return recognise_in(CORPORA.values(), root, ScanReport() if report is None else report)


def nothing_recognised(root: str | Path) -> str:
    """What to say of a folder in which :func:`recognise` found no corpus: what is there, and what reads it."""
    folder = existing_folder(root)
    known = ", ".join(sorted(CORPORA))
    return (
        f"no corpus recognised under {folder}; there is {contents(folder)}. {own_way(folder)}. Known are {known}"
    )


def _flag_generated(clips: Iterable[Clip], report: ScanReport) -> Iterator[Clip]:
    """Flag clips below a folder that is marked; a reader comes past the mark before it comes to the clips."""
    for clip in clips:
        if report.generated and clip.path.startswith(tuple(report.generated)):
            yield clip._replace(flags=(*clip.flags, GENERATED))
        else:
            yield clip


def _note_flags(manifest: Manifest, report: ScanReport) -> None:
    empty = int((manifest.clips["size_bytes"] == 0).sum())
    if empty:
        report.warn(f"{empty:,} of {len(manifest.clips):,} files are empty (0 bytes); they cannot be decoded")
    flags = pa.chunked_array(manifest.clips["flags"].array.__arrow_array__())
    for count in pc.value_counts(pc.list_flatten(flags)).to_pylist():
        report.flagged[count["values"]] = count["counts"]
    generated = report.flagged.get(GENERATED, 0)
    if 0 < generated < len(manifest.clips):
        report.warn(f"{generated:,} of {len(manifest.clips):,} clips were made by a program; keep them apart")
