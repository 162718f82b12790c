"""140k Real and Fake Faces: 70,000 photographs of FFHQ, made 256 pixels wide, and 70,000 faces by StyleGAN.

On disk: ``real_vs_fake/real-vs-fake/{train,valid,test}/{real,fake}/*.jpg`` with ``train.csv``, ``valid.csv`` and
``test.csv`` beside or above. Whatever is easily got wrong here:

* **The tables say 1 for real**, the opposite of this repository; folders with the names sorted (fake, real) give
  fake = 0. So labels come from the folders, file names are their witness (five digits are an index of FFHQ and
  real, ten letters and digits are fake), and the tables only confirm.
* The split folder is called ``valid``.
* Nobody is known by name. The index of FFHQ tells a photograph again in every other corpus made from FFHQ, so it
  is the identity of the real ones.
* One generator, one source of reals, one size: a high score here says nothing of other generators.
"""

from collections.abc import Iterator
from pathlib import Path

from multimodal.corpora.base import Corpus
from multimodal.corpora.faces_140k.tables import TABLES, file_key, read_tables
from multimodal.corpora.file_names import NAME_UNPARSED
from multimodal.corpora.labelled_folders import LabelledFile, walk_labelled
from multimodal.corpora.manifest import Clip
from multimodal.corpora.name_check import NameCheck
from multimodal.corpora.scan_report import ScanReport

NAMESPACE = "ffhq"


def read_clips(root: Path, report: ScanReport) -> Iterator[Clip]:
    """Every image below a real or fake folder, compared with its name and with the tables."""
    listed = read_tables(root, report)
    check = NameCheck("five digits are real, ten letters and digits are fake")
    seen: set[str] = set()
    num_files = num_unlisted = 0
    for file in walk_labelled(root, report, suffixes={".jpg", ".jpeg", ".png"}):
        stem = file.path[file.path.rfind("/") + 1 : file.path.rfind(".")]
        named = _fake_by_name(stem)
        key = file_key(file.path) if listed else ""
        agrees = listed.get(key)
        num_files += 1
        num_unlisted += agrees is None
        if key in listed:
            seen.add(key)
        if not check.accepts(file.path, file.fake, named, report):
            continue
        if agrees is False and named is None:
            report.skip("its table contradicts its folder, so its label is not certain", file.path)
            continue
        yield _clip(file, stem, named, is_contradicted=agrees is False)
    check.conclude(report)
    if listed:
        _report_tables(listed, seen, num_files, num_unlisted, report)


def _fake_by_name(stem: str) -> int | None:
    # no regular expressions: this is asked of every image, and they cost more than the rest of the reader
    if not stem.isascii():
        return None
    return 0 if len(stem) == 5 and stem.isdigit() else 1 if len(stem) == 10 and stem.isalnum() else None


def _clip(file: LabelledFile, stem: str, named: int | None, *, is_contradicted: bool) -> Clip:
    flags = (*((NAME_UNPARSED,) if named is None else ()), *(("table_conflict",) if is_contradicted else ()))
    return Clip(
        file.path,
        "image",
        file.fake,
        None,
        "stylegan" if file.fake else "real",
        file.size_bytes,
        identity=f"{NAMESPACE}:{stem}" if named == 0 else None,
        official_split=file.split,
        flags=flags,
    )


def _report_tables(
    listed: dict[str, bool], seen: set[str], num_files: int, num_unlisted: int, report: ScanReport
) -> None:
    if absent := len(listed) - len(seen):
        example = next(key for key in listed if key not in seen)
        report.warn(f"the tables list {absent:,} images that are not on disk, e.g. {example}")
    if num_unlisted:
        report.warn(f"{num_unlisted:,} of {num_files:,} images are in none of the tables that were read")
    if contradicted := sum(not agrees for agrees in listed.values()):
        report.warn(f"{contradicted:,} rows of the tables contradict the folder in their path; folders decide")


CORPUS = Corpus(
    name="faces140k",
    title="140k Real and Fake Faces",
    summary="70,000 photographs of FFHQ and 70,000 faces by StyleGAN, 256 pixels wide",
    licence="of FFHQ: CC BY-NC-SA 4.0; see its page",
    request_url="https://www.kaggle.com/datasets/xhlulu/140k-real-and-fake-faces",
    markers=(
        ("real-vs-fake/*/real/", "real-vs-fake/*/fake/"),
        ("train/real/", "train/fake/", *TABLES),
        ("train/real/[0-9][0-9][0-9][0-9][0-9].jpg", "train/fake/", "valid/"),
    ),
    clips=read_clips,
    namespace=NAMESPACE,
    expected={
        "method": {"real": 70_000, "stylegan": 70_000},
        "official_split": {"train": 100_000, "val": 20_000, "test": 20_000},
    },
    official_split="folders and tables train, valid and test",
)
