"""DFDC: parts with a metadata.json beside the videos, and a labelled test folder.

It does not say whether picture or sound of a fake was forged: here every third fake has a cloned
voice over a genuine picture, the others a swapped face.
"""

import string

from multimodal.synthetic.layouts.planned import (
    File,
    Layout,
    LayoutOptions,
    Sound,
    Take,
    TextFile,
    Tree,
    VideoFile,
    csv_text,
    json_text,
    word,
)

_PARTS = 2
_FAKES_PER_REAL = 2


def full(options: LayoutOptions) -> Tree:
    """Two training parts and a labelled test folder, as the organisers publish them."""
    return _parts(options, [f"dfdc_train_part_{part}" for part in range(_PARTS)], with_test=True)


def kaggle(options: LayoutOptions) -> Tree:
    """Two training parts, each in a folder of nearly its own name."""
    return _parts(options, [f"dfdc_train_part_{part:02d}/dfdc_train_part_{part}" for part in range(_PARTS)])


def _parts(options: LayoutOptions, folders: list[str], *, with_test: bool = False) -> Tree:
    files: list[File] = []
    for part, folder in enumerate(folders):
        listed: dict[str, dict[str, str]] = {}
        for index in range(options.recordings // len(folders)):
            # The same actors come in every part.
            actor, take = (
                index % options.identities,
                Take(f"dfdc/{index % options.identities}", 100 * part + index),
            )
            real = _name(options, folder, index, 0)
            files.append(_video(f"{folder}/{real}", take))
            listed[real] = {"label": "REAL", "split": "train"}
            for number in range(_FAKES_PER_REAL):
                fake = _name(options, folder, index, 1 + number)
                files.append(_fake(f"{folder}/{fake}", take, actor, _FAKES_PER_REAL * index + number))
                listed[fake] = {"label": "FAKE", "split": "train", "original": real}
        files.append(TextFile(path=f"{folder}/metadata.json", text=json_text(listed)))
    tested = _test(options) if with_test else []
    roots = ("", *folders, *(("test",) if with_test else ()))
    return Tree(files=[*files, *tested], roots=roots)


def _test(options: LayoutOptions) -> list[File]:
    files: list[File] = []
    rows = []
    for index in range(4):
        name, take = _name(options, "test", index, 0), Take(f"dfdc/test {index}")
        files.append(_fake(f"test/{name}", take, index, 0) if index % 2 else _video(f"test/{name}", take))
        rows.append((name, index % 2))
    return [*files, TextFile(path="test/labels.csv", text=csv_text([("filename", "label"), *rows]))]


def _fake(path: str, take: Take, actor: int, number: int) -> VideoFile:
    if number % 3 == 2:
        return _video(path, take, sound=Sound(take, "tts", f"dfdc/{actor} voice"))
    return _video(path, take, face=f"dfdc/{actor} donor {number}")


def _video(path: str, take: Take, *, sound: Sound | None = None, face: str | None = None) -> VideoFile:
    return VideoFile(path=path, take=take, sound=sound or Sound(take), face=face)


def _name(options: LayoutOptions, *key: str | int) -> str:
    return f"{word(options.seed, 'dfdc', *key, alphabet=string.ascii_lowercase, length=10)}.mp4"


LAYOUT = Layout(
    name="dfdc",
    variants={"full": full, "kaggle": kaggle},
)
