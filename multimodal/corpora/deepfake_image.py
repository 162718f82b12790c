"""Kaggle's "Deepfake Image Detection" and its relatives: images sorted into real and fake folders.

Several sets go round under nearly this name; all are sorted alike, so one reader serves them::

    train-20250112T065955Z-001/train/{real,fake}   978 images, with test-*/test and Sample_fake_images beside it
    {Train,Validation,Test}/{Real,Fake}            190,335 crops of 256x256 ("Deepfake and Real Images")
    {train,test}/{real,fake}                       AI-generated against real images, and unwrapped copies
    {training_real,training_fake}                  faces edited by hand ("Real and Fake Face Detection")

Whatever is easily got wrong here:

* The label is the nearest folder called real or fake, in any case of letters; the time stamp in ``train-2025...``
  is left by an export and differs from copy to copy.
* The 978 images are not only faces, 180 to 8,495 pixels wide, of several modes and of two formats (most PNGs are
  fake). The prior turns round: 68 % of train are real, 78 % of test are fake. About 41 groups of near duplicates,
  27 of them across train and test, one with both labels. Good for a smoke test or, without the duplicates, as
  external data; not for a number.
* The 190,335 crops were cut from larger photos: crops of one photo can lie on both sides of the split.
* Nobody in the pictures is known, so no split can keep people apart; format and size alone tell much.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

from multimodal.corpora.base import Corpus, ScanReport
from multimodal.corpora.file_names import LabelledFile, NameCheck, compare_counts, walk_labelled
from multimodal.corpora.manifest import Clip
from multimodal.corpora.roots import has, list_folder
from multimodal.files import IMAGE_SUFFIXES

_NAMED = re.compile(r"(real|fake)(?:[ _-]?\(?\d+\)?)+", re.IGNORECASE)
_EDITED = re.compile(r"(easy|mid|hard)_\d+_[01]{4}")
_EXPECTED: dict[str, Mapping[str, int]] = {
    "Deepfake Image Detection (978 images)": {
        "train/real": 326,
        "train/fake": 153,
        "test/real": 110,
        "test/fake": 389,
        "sample/fake": 5,
    },
    "Deepfake and Real Images (190,335 images)": {"train": 140_002, "val": 39_428, "test": 10_905},
}


def read_clips(root: Path, report: ScanReport) -> Iterator[Clip]:
    """Every image below a real or fake folder, with the split of its folder."""
    check = NameCheck("real_N is real, fake_N is fake")
    counts: Counter[str] = Counter()
    for file in walk_labelled(root, report, suffixes=IMAGE_SUFFIXES):
        stem = file.path[file.path.rfind("/") + 1 : file.path.rfind(".")]
        named = _NAMED.fullmatch(stem)
        fake_by_name = int(named[1].lower() == "fake") if named else None
        if check.accepts(file.path, file.fake, fake_by_name, report):
            part = file.split or "sample"
            counts.update((part, f"{part}/{'fake' if file.fake else 'real'}"))
            yield _clip(file, stem)
    check.conclude(report)
    variant = _variant_of(root)
    report.note(f"variant: {variant}")
    if variant in _EXPECTED:
        compare_counts(variant, root, counts, _EXPECTED[variant], report)


def _clip(file: LabelledFile, stem: str) -> Clip:
    edited = _EDITED.fullmatch(stem)
    method = "real" if not file.fake else f"edited_{edited[1]}" if edited else "unknown"
    flags = ("sample",) if "sample_fake_images/" in file.path.lower() else ()
    return Clip(
        file.path, "image", file.fake, None, method, file.size_bytes, official_split=file.split, flags=flags
    )


def _variant_of(root: Path) -> str:
    listing = list_folder(root)
    if has(listing, "validation/"):
        return "Deepfake and Real Images (190,335 images)"
    if has(listing, "train-*/train/") or has(listing, "test-*/test/"):
        return "Deepfake Image Detection (978 images)"
    return "edited by hand" if has(listing, "training_fake/") else "train and test, of unknown size"


_PICTURE = "*.[jp]*g"
CORPUS = Corpus(
    name="deepfake_image",
    title="Deepfake Image Detection (Kaggle)",
    summary="images sorted into real and fake folders; four sets that go round under such a name",
    licence="CC0 as stated by a user of it (978 images); see the page of each set",
    request_url="https://www.kaggle.com/datasets/saurabhbagchi/deepfake-image-detection",
    markers=(
        ("train-*/train/real/", "train-*/train/fake/"),
        ("test-*/test/real/", "test-*/test/fake/"),
        (
            *(f"{split}/{label}/{_PICTURE}" for split in ("train", "test") for label in ("real", "fake")),
            "!valid/",  # that would be 140k Real and Fake Faces
        ),
        (f"training_real/{_PICTURE}", f"training_fake/{_PICTURE}"),
    ),
    clips=read_clips,
    official_split="folders called train, validation and test",
)
