"""DFDC: parts with a metadata.json beside the videos, and a labelled test folder.

It does not say whether picture or sound of a fake was forged: here every third fake has a cloned
voice over a genuine picture, the others a swapped face.
"""

import string

from multimodal.synthetic.layouts import planned

_PARTS = 2
_FAKES_PER_REAL = 2


def full(options: planned.LayoutOptions) -> planned.Tree:
    """Two training parts and a labelled test folder, as the organisers publish them."""
    return _parts(options, [f"dfdc_train_part_{part}" for part in range(_PARTS)], with_test=True)


def kaggle(options: planned.LayoutOptions) -> planned.Tree:
    """Two training parts, each in a folder of nearly its own name."""
    return _parts(options, [f"dfdc_train_part_{part:02d}/dfdc_train_part_{part}" for part in range(_PARTS)])


def _parts(options: planned.LayoutOptions, folders: list[str], *, with_test: bool = False) -> planned.Tree:
    files: list[planned.File] = []
    for part, folder in enumerate(folders):
        listed: dict[str, dict[str, str]] = {}
        for index in range(options.recordings // len(folders)):
            # The same actors come in every part.
            actor, take = (
                index % options.identities,
                planned.Take(f"dfdc/{index % options.identities}", 100 * part + index),
            )
            real = _name(options, folder, index, 0)
            files.append(_video(f"{folder}/{real}", take))
            listed[real] = {"label": "REAL", "split": "train"}
            for number in range(_FAKES_PER_REAL):
                fake = _name(options, folder, index, 1 + number)
                files.append(_fake(f"{folder}/{fake}", take, actor, _FAKES_PER_REAL * index + number))
                listed[fake] = {"label": "FAKE", "split": "train", "original": real}
        files.append(planned.TextFile(path=f"{folder}/metadata.json", text=planned.json_text(listed)))
    tested = _test(options) if with_test else []
    roots = ("", *folders, *(("test",) if with_test else ()))
    return planned.Tree(files=[*files, *tested], roots=roots)


def _test(options: planned.LayoutOptions) -> list[planned.File]:
    files: list[planned.File] = []
    rows = []
    for index in range(4):
        name, take = _name(options, "test", index, 0), planned.Take(f"dfdc/test {index}")
        files.append(_fake(f"test/{name}", take, index, 0) if index % 2 else _video(f"test/{name}", take))
        rows.append((name, index % 2))
    return [
        *files,
        planned.TextFile(path="test/labels.csv", text=planned.csv_text([("filename", "label"), *rows])),
    ]


def _fake(path: str, take: planned.Take, actor: int, number: int) -> planned.VideoFile:
    if number % 3 == 2:
        return _video(path, take, sound=planned.Sound(take, "tts", f"dfdc/{actor} voice"))
    return _video(path, take, face=f"dfdc/{actor} donor {number}")


def _video(
    path: str, take: planned.Take, *, sound: planned.Sound | None = None, face: str | None = None
) -> planned.VideoFile:
    return planned.VideoFile(path=path, take=take, sound=sound or planned.Sound(take), face=face)


def _name(options: planned.LayoutOptions, *key: str | int) -> str:
    return f"{planned.word(options.seed, 'dfdc', *key, alphabet=string.ascii_lowercase, length=10)}.mp4"


LAYOUT = planned.Layout(
    name="dfdc",
    variants={"full": full, "kaggle": kaggle},
)
