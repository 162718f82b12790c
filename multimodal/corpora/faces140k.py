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

import re
from collections.abc import Iterator
from pathlib import Path

from multimodal.corpora.base import Corpus, ScanReport
from multimodal.corpora.file_names import NAME_UNPARSED, LabelledFile, NameCheck, walk_labelled
from multimodal.corpora.manifest import Clip
from multimodal.corpora.roots import list_folder
from multimodal.corpora.table_file import read_rows

# The tables of 140k Real and Fake Faces (``train.csv``, ``valid.csv``, ``test.csv``): a witness, not the source.


TABLES = ("train.csv", "valid.csv", "test.csv")
_PATH = re.compile(r"(?:.*/)?(train|valid|val|test)/(real|fake)/([^/]+\.\w+)", re.IGNORECASE)
_NUM_SNIFFED = 50


def file_key(path: str) -> str:
    """Split, label and name in one spelling; the empty text where a path has no such ending.

    >>> file_key("C:\\\\data\\\\VALID\\\\Real\\\\31355.jpg")
    'valid/real/31355.jpg'
    """
    found = _PATH.fullmatch(path.replace("\\", "/"))
    if not found:
        return ""
    split, label, name = found[1].lower(), found[2].lower(), found[3]
    return f"{'valid' if split == 'val' else split}/{label}/{name}"


def read_tables(root: Path, report: ScanReport) -> dict[str, bool]:
    """:func:`file_key` of every row → whether all cells of the row agree with the folder in its path.

    Tables are looked for at the root, in the folder above it and in the one with the images.
    """
    listed: dict[str, bool] = {}
    for path in _find(root):
        try:
            rows = list(read_rows(path))
            if not rows:
                raise ValueError(f"{path} has no row below its first line")
        except ValueError as error:
            report.warn(f"{error}; the table was not used")
            continue
        _read(path, rows, listed, report, is_ours=path.parent != root.parent)
    if not listed:
        report.note("no train.csv, valid.csv and test.csv to compare with; labels and splits come from folders")
    return listed


def _find(root: Path) -> Iterator[Path]:
    taken: set[str] = set()
    for folder in (root, root / "real-vs-fake", root.parent):
        try:
            names = list_folder(folder).files
        except OSError:
            continue
        for name in names:
            if name.lower() in TABLES and name.lower() not in taken:
                taken.add(name.lower())
                yield folder / name


def _read(
    path: Path, rows: list[dict[str, str]], listed: dict[str, bool], report: ScanReport, *, is_ours: bool
) -> None:
    column = _path_column(rows)
    if column is None:
        if is_ours:
            report.warn(f"{path.name} names no image as in train/real/31355.jpg; the table was not used")
        return
    word, number = _column_of(rows, "label_str", {"real", "fake"}), _column_of(rows, "label", {"0", "1"})
    real_number = _number_of_real(path, rows, column, number, report)
    num_unread = 0
    for row in rows:
        key = file_key(row.get(column, ""))
        if not key:
            num_unread += 1
            continue
        is_real = key.split("/")[1] == "real"
        agrees = word is None or row.get(word, "").lower() == ("real" if is_real else "fake")
        agrees &= number is None or (row.get(number) == real_number) == is_real
        listed[key] = agrees and listed.get(key, True)
    if num_unread:
        report.warn(f"{path.name}: {num_unread:,} rows name no image as in train/real/31355.jpg")


def _path_column(rows: list[dict[str, str]]) -> str | None:
    """The column whose cells end in split, label and name, the shortest if several do."""
    sample = rows[:_NUM_SNIFFED]
    columns = {name for row in sample for name in row}
    fitting = [
        name for name in columns if sum(bool(file_key(row.get(name, ""))) for row in sample) * 2 > len(sample)
    ]
    return min(fitting, key=lambda name: (sum(len(row.get(name, "")) for row in sample), name), default=None)


def _column_of(rows: list[dict[str, str]], usual: str, values: set[str]) -> str | None:
    """The column of the usual name, else the last one that holds only these values."""
    columns = list(rows[0])
    fitting = [name for name in columns if {row.get(name, "").lower() for row in rows} <= values]
    return usual if usual in fitting else fitting[-1] if fitting else None


def _number_of_real(
    path: Path, rows: list[dict[str, str]], column: str, number: str | None, report: ScanReport
) -> str:
    """What most rows of the table call real, ``"1"`` as published or ``"0"``; the latter is a warning."""
    if number is None:
        return "1"
    pairs = [(row.get(number), file_key(row.get(column, "")).split("/")[1:2]) for row in rows]
    num_published = sum(pair in (("1", ["real"]), ("0", ["fake"])) for pair in pairs)
    if num_published * 2 >= len(pairs):
        return "1"
    report.warn(
        f"{path.name}: {number} is 1 for fake, as published it is 1 for real; folders decide, not the table"
    )
    return "0"


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
