"""140k Real and Fake Faces: folders of splits, and CSVs whose label 1 means real."""

import string

from multimodal.synthetic.layouts import planned

_PICTURES = "real_vs_fake/real-vs-fake"
_HEADER = ("", "original_path", "id", "label", "label_str", "path")
_FAKE_NAME = string.ascii_uppercase + string.digits


def plan(options: planned.LayoutOptions) -> planned.Tree:
    """As many real as fake pictures: half of them in train, a quarter each in valid and test."""
    few = max(1, options.recordings // 4)
    counts = {"train": 2 * few, "valid": few, "test": few}
    indices = iter(planned.numbers(options.seed, "faces140k", count=4 * few, below=70_000))
    files: list[planned.File] = []
    for split, count in counts.items():
        rows = []
        for _ in range(count):
            number = next(indices)
            real = f"{number:05d}"
            fake = planned.word(options.seed, "faces140k", number, alphabet=_FAKE_NAME, length=10)
            files += [
                planned.ImageFile(path=f"{_PICTURES}/{split}/real/{real}.jpg", take=planned.Take(f"ffhq/{real}")),
                planned.ImageFile(
                    path=f"{_PICTURES}/{split}/fake/{fake}.jpg", take=planned.Take(fake), face=f"{fake} donor"
                ),
            ]
            rows += [_row(split, real, "real"), _row(split, fake, "fake")]
        table = [_HEADER, *((index, *row) for index, row in enumerate(rows))]
        files.append(planned.TextFile(path=f"{split}.csv", text=planned.csv_text(table)))
    return planned.Tree(files=files, roots=("", "real_vs_fake"))


def _row(split: str, name: str, label: str) -> tuple[str, str, str, str, str]:
    original = f"/kaggle/input/some-faces/{label}/{name}.jpg"
    return original, name, "1" if label == "real" else "0", label, f"{split}/{label}/{name}.jpg"


LAYOUT = planned.Layout(
    name="faces140k",
    variants={"kaggle": plan},
)
