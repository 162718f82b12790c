"""ASVspoof 2021, logical access (LA) and deepfake (DF): sent through telephony and codecs, to judge only.

On disk: ``ASVspoof2021_{LA,DF}_eval/flac`` (DF in parts), and the keys as ``keys/{LA,DF}/CM/trial_metadata.txt``
from an archive of its own. Whatever is easily got wrong here:

* Without the keys there are no labels; the lists of trials beside the recordings name files only.
* **Score the subset eval only.** ``progress`` was open during the challenge, and ``hidden`` has its silence cut
  off, which makes it a test for that shortcut. Only eval becomes ``test`` here.
* The same recording comes through several codecs; codec, transmission, source and trimming are flags.
* Train on ASVspoof 2019 LA; LA's speakers and attacks are those of its eval part.
* Keys of the first stage differ, and LA's archive was issued again in 2023: two keys stop the scan.
"""

import re
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

from multimodal.corpora.asvspoof.la2019 import NAMESPACE
from multimodal.corpora.asvspoof.trials import Trial, find_files, index_audio, match_trials, read_trials, skip_rest
from multimodal.corpora.base import Corpus, ScanReport
from multimodal.corpora.manifest import Clip
from multimodal.corpora.roots import list_folder
from multimodal.corpora.table_file import read_lines

_KEYS = "trial_metadata.txt"
_PLAIN = frozenset({"none", "nocodec", "notrim", "-"})
_CONDITIONS = {"LA": ("codec", "transmission"), "DF": ("codec", "source")}


def _reader(track: str) -> Callable[..., Iterator[Clip]]:
    pattern = re.compile(rf"{track}_E_\d{{7}}")

    def read_clips(root: Path, report: ScanReport, *, keys: str = "") -> Iterator[Clip]:
        """Every trial of the keys that is on disk."""
        path = Path(keys).expanduser() if keys else _find_keys(root, track)
        trials = read_trials(path, pattern, report)
        without = sum(len(trial.after) < 2 for trial in trials.values())
        if without:
            report.warn(
                f"{path.name}: {without:,} of {len(trials):,} trials name no subset (keys of the first stage?), "
                "so they are in no split. Only subset eval is to be scored; get the full keys"
            )
        folders = list_folder(root).find(f"asvspoof2021_{track}_eval*", is_folder=True)
        files = index_audio(root, folders, pattern, report)
        for trial, file, size_bytes in match_trials(trials, files, path.name, report):
            yield _clip(trial, file, size_bytes, track)
        skip_rest(files, report)

    return read_clips


def _clip(trial: Trial, path: str, size_bytes: int, track: str) -> Clip:
    subset = trial.after[1] if len(trial.after) > 1 else None
    flags = [
        f"{condition}_{value}"
        for condition, value in zip(_CONDITIONS[track], trial.before, strict=False)
        if value not in _PLAIN
    ]
    if trial.after and trial.after[0] not in _PLAIN:
        flags.append("trimmed")
    return Clip(
        path,
        "audio",
        None,
        trial.fake,
        trial.attack,
        size_bytes,
        identity=f"{NAMESPACE}:{trial.speaker}",
        official_split="test" if subset == "eval" else subset,
        flags=tuple(flags),
    )


def _find_keys(root: Path, track: str) -> Path:
    """The one file of keys below the root that belongs to the track, by its folders or by its first line."""
    found = [path for path in find_files(root, (_KEYS,)) if _is_of(path, track)]
    if len(found) == 1:
        return found[0]
    advice = f"Unpack {track}-keys-full.tar.gz in {root}, or name the file with --options keys FILE"
    if not found:
        raise ValueError(f"no keys of ASVspoof 2021 {track} under {root} (keys/{track}/CM/{_KEYS}). {advice}.")
    raise ValueError(
        f"{len(found)} keys of ASVspoof 2021 {track}: {' and '.join(map(str, found))}. Name one: {advice}."
    )


def _is_of(path: Path, track: str) -> bool:
    return any(f"{track}_E_" in line.upper() for line in islice(read_lines(path), 5))


def _corpus(track: str, title: str, summary: str, expected: dict[str, dict[str, int]]) -> Corpus:
    folder = f"ASVspoof2021_{track}_eval*/"
    return Corpus(
        name=f"asvspoof2021_{track.lower()}",
        title=title,
        summary=summary,
        licence="ODC-By",
        request_url="https://www.asvspoof.org/index2021.html",
        markers=((f"{folder}flac/",), (f"{folder}ASVspoof2021_{track}_eval*/flac/",)),
        clips=_reader(track),
        namespace=NAMESPACE,
        expected=expected,
        official_split="all of it is for tests: subset eval",
        options={"keys": f"the file of keys ({_KEYS}), where it lies elsewhere"},
    )


LA = _corpus(
    "LA",
    "ASVspoof 2021 LA",
    "181,566 utterances of ASVspoof 2019's speakers and attacks through telephone lines, for evaluation",
    {"media": {"audio": 181_566}, "official_split": {"test": 148_176}},
)
DF = _corpus(
    "DF",
    "ASVspoof 2021 DF",
    "611,829 utterances of three challenges through audio codecs, for evaluation",
    {"media": {"audio": 611_829}},
)
