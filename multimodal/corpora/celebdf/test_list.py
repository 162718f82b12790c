"""Celeb-DF's ``List_of_testing_videos.txt``, in which **1 is real and 0 is fake**, the reverse of this project.

A line is ``1 YouTube-real/00170.mp4``, the label first. Copies circulate without the lines of ``YouTube-real``,
with ``videos/`` inserted, with the folder spelt ``Youtube-real``, or with the labels turned round. Labels are
taken from folders alone; those of the list only tell whether it is sound.
"""

import re
from collections import Counter
from pathlib import Path

from multimodal.corpora.markers import list_folder
from multimodal.corpora.scan_report import ScanReport

URL = "https://github.com/yuezunli/celeb-deepfakeforensics"
#: Lines of the list by folder, in lower case.
NUM_LISTED = {"celeb-real": 108, "youtube-real": 70, "celeb-synthesis": 340}
_FILE = re.compile(r"(celeb-real|youtube-real|celeb-synthesis)[/\\](.*[/\\])?[^/\\]+?\.mp4", re.IGNORECASE)
_LABEL = re.compile(r"(?<![^\s,;])[01](?![^\s,;])")


def list_key(path: str) -> str:
    """Folder and name of a file, however it was repacked.

    >>> list_key("Celeb-DF-v2/Youtube-real/videos/00170.mp4")
    'youtube-real/00170.mp4'
    """
    parts = [part.lower() for part in path.replace("\\", "/").split("/")]
    folder = next((part for part in parts if part in NUM_LISTED), "")
    return f"{folder}/{parts[-1]}"


def find_test_list(root: Path, given: str, report: ScanReport) -> set[str]:
    """:func:`list_key` of the listed files; empty if there is no list.

    ``given`` is the file that the user named; else it is looked for at the root and one level above.
    """
    if given:
        path = Path(given).expanduser()
        if not path.is_file():
            raise ValueError(f"list of test videos not found: {path}. Get it with the corpus or from {URL}")
        return _read(path, report)
    for folder in (root, root.parent):
        for name in list_folder(folder).find("list*of*testing*videos*.txt", is_folder=False):
            return _read(folder / name, report)
    report.warn(
        "no official split: List_of_testing_videos.txt is not beside the data; give --options test_list FILE"
    )
    return set()


def _read(path: Path, report: ScanReport) -> set[str]:
    labels: dict[str, str | None] = {}
    num_unread = 0
    for line in path.read_bytes().decode("utf-8-sig", errors="replace").splitlines():
        if found := _FILE.search(line):
            before, after = (_LABEL.findall(part) for part in (line[: found.start()], line[found.end() :]))
            labels[list_key(found.group())] = next(iter([*reversed(before), *after]), None)
        else:
            num_unread += bool(line.strip())
    if num_unread:
        report.warn(f"{path.name}: {num_unread:,} lines name no .mp4 file in one of the three folders")
    _check_labels(path, labels, report)
    _check_counts(path, labels, report)
    return set(labels)


def _check_labels(path: Path, labels: dict[str, str | None], report: ScanReport) -> None:
    """Whether the labels are the official ones, with 1 for real."""
    expected = {key: "0" if key.startswith("celeb-synthesis/") else "1" for key in labels}
    wrong = [key for key, label in labels.items() if label is not None and label != expected[key]]
    if wrong and len(wrong) == len(labels):
        report.warn(f"{path.name}: labels are the other way round (officially 1 is real); folders decide")
    elif wrong:
        report.warn(f"{path.name}: {len(wrong):,} labels contradict the folder, e.g. {wrong[0]}; folders decide")


def _check_counts(path: Path, labels: dict[str, str | None], report: ScanReport) -> None:
    counts = Counter(key.partition("/")[0] for key in labels)
    if wrong := [
        f"{folder} {counts[folder]} of {num}" for folder, num in NUM_LISTED.items() if counts[folder] != num
    ]:
        report.warn(
            f"{path.name} is not the official list of 518 (178 real, 340 fake): {', '.join(wrong)}. A folder of "
            f"which it names no file gets no split; get the list from {URL}"
        )
