"""ASVspoof 5: crowd-sourced speech against 32 systems, some of them adversarial.

On disk: ``flac_T``, ``flac_D`` and ``flac_E_eval`` (from shards of tar), with ``ASVspoof5.train.tsv``,
``ASVspoof5.dev.track_1.tsv`` and ``ASVspoof5.eval.track_1.tsv``. Whatever is easily got wrong here:

* The ``.tsv`` files are separated by blanks and have no header; ten columns, six in those of challenge time
  (``ASVspoof5.train.metadata.txt``).
* The attack's tag (AC1) is not its label (A11), and bona fide rows say ``bonafide`` twice: the later is the key.
* Track 2 is about speaker verification and not read.
* Codecs occur in eval only (flag ``codec_C05``); rows without one are clean.
* dev becomes ``val``. Speakers have numbers of their own, not those of the earlier challenges.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from multimodal.corpora.asvspoof.la2019 import PARTS
from multimodal.corpora.asvspoof.trials import Trial, find_files, index_audio, match_trials, read_trials, skip_rest
from multimodal.corpora.base import Corpus, ScanReport
from multimodal.corpora.manifest import Clip
from multimodal.corpora.roots import list_folder

NAMESPACE = "asvspoof5"

_NAME = re.compile(r"[TDE]_\d{10}")
#: gender, codec, quality, seed file and attack tag stand before the attack; older files lack the codec
_NUM_WITH_CODEC, _CODEC = 5, 1
_SEXES = {"F": "women", "M": "men"}


def read_clips(root: Path, report: ScanReport, *, protocols: str = "") -> Iterator[Clip]:
    """Every trial of track 1 that is on disk."""
    files = index_audio(root, list_folder(root).find("flac_[tde]*", is_folder=True), _NAME, report)
    folder = Path(protocols).expanduser() if protocols else root
    found = {part: find_files(folder, _protocol_names(part)) for part in PARTS}
    if not any(found.values()):
        raise ValueError(
            f"no protocol of ASVspoof 5 under {folder} (ASVspoof5.train.tsv, ASVspoof5.eval.track_1.tsv). Unpack "
            "them there, or name their folder with --options protocols DIR"
        )
    for part, split in PARTS.items():
        if not found[part]:
            report.warn(f"no protocol of {part} under {folder}; its recordings have no labels")
            continue
        trials = read_trials(found[part][0], _NAME, report)
        for trial, path, size_bytes in match_trials(trials, files, part, report):
            yield Clip(
                path,
                "audio",
                None,
                trial.fake,
                trial.attack,
                size_bytes,
                identity=f"{NAMESPACE}:{trial.speaker}",
                group=_SEXES.get(trial.before[0].upper()) if trial.before else None,
                official_split=split,
                flags=_flags(trial),
            )
    skip_rest(files, report)


def _protocol_names(part: str) -> tuple[str, ...]:
    return (
        f"asvspoof5.{part}.track_1.tsv",
        f"asvspoof5.{part}.tsv",
        f"asvspoof5.{part}.track_1*.t[sx][vt]",
        f"asvspoof5.{part}.metadata.txt",
    )


def _flags(trial: Trial) -> tuple[str, ...]:
    if len(trial.before) < _NUM_WITH_CODEC or trial.before[_CODEC] == "-":
        return ()
    return (f"codec_{trial.before[_CODEC]}",)


CORPUS = Corpus(
    name="asvspoof5",
    title="ASVspoof 5",
    summary="1,004,081 crowd-sourced utterances, bona fide and by 32 attacks, with codecs in eval",
    licence="see its page",
    request_url="https://zenodo.org/records/14498691",
    markers=(("flac_T/",), ("flac_D/",), ("flac_E_eval/",)),
    clips=read_clips,
    namespace=NAMESPACE,
    expected={"official_split": {"train": 182_357, "val": 140_950, "test": 680_774}},
    official_split="protocols train, dev and eval of track 1",
    has_closed_groups=False,
    options={"protocols": "folder of the protocols, where they lie elsewhere"},
)
