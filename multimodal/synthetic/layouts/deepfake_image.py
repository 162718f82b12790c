"""Kaggle's "Deepfake Image Detection" in its two forms.

``drive_export`` has the folders of a Google Drive export, pictures of many sizes and modes, PNG mostly fake, one
picture that is in train and in test, and a few sample fakes in no split. ``folders`` has Dataset/SPLIT/LABEL
with numbers that begin anew in every folder.
"""

from multimodal.synthetic.layouts.planned import CopyFile, File, ImageFile, Layout, LayoutOptions, Take, Tree

_TRAIN = "train-20250112T065955Z-001/train"
_TEST = "test-20250112T065939Z-001/test"
_SAMPLES = "Sample_fake_images/Sample_fake_images/fake"
_SCALES, _MODES = (1.0, 1.5, 0.75), ("RGBA", "P", "L")


def drive_export(options: LayoutOptions) -> Tree:
    """Train is mostly real and test mostly fake."""
    few = max(2, options.recordings // 2)
    files: list[File] = []
    for folder, count in (
        (f"{_TRAIN}/real", 2 * few),
        (f"{_TRAIN}/fake", few),
        (f"{_TEST}/real", few),
        (f"{_TEST}/fake", 2 * few),
        (_SAMPLES, 2),
    ):
        files += [_picture(folder, number) for number in range(count)]
    copied = next(file.path for file in files if file.path.startswith(f"{_TRAIN}/real"))
    return Tree(files=[*files, CopyFile(path=f"{_TEST}/real/copy of a picture.jpg", of=copied)])


def folders(options: LayoutOptions) -> Tree:
    """Half of the pictures for training, a quarter each for validation and test."""
    few = max(1, options.recordings // 4)
    files: list[File] = []
    for split, count in (("Train", 2 * few), ("Validation", few), ("Test", few)):
        for number in range(count):
            real, fake = Take(f"images/{split}/real {number}"), Take(f"images/{split}/fake {number}")
            files += [
                ImageFile(path=f"Dataset/{split}/Real/real_{number}.jpg", take=real),
                ImageFile(path=f"Dataset/{split}/Fake/fake_{number}.jpg", take=fake, face=f"{fake.person} donor"),
            ]
    return Tree(files=files, roots=("", "Dataset"))


def _picture(folder: str, number: int) -> ImageFile:
    is_fake = folder.endswith("/fake")
    is_png = number % 4 != 0 if is_fake else number % 8 == 7
    person = f"images/{folder}/{number}"
    return ImageFile(
        path=f"{folder}/image ({number + 1}).{'png' if is_png else 'jpg'}",
        take=Take(person),
        face=f"{person} donor" if is_fake else None,
        scale=_SCALES[number % len(_SCALES)],
        mode=_MODES[number % len(_MODES)] if is_png else "RGB",
    )


LAYOUT = Layout(
    name="deepfake_image",
    variants={"drive_export": drive_export, "folders": folders},
)
