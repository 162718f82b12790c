"""ASVspoof 2019, logical access: speech of VCTK against synthesis and voice conversion.

On disk: ``ASVspoof2019_LA_{train,dev,eval}/flac`` and ``ASVspoof2019_LA_cm_protocols``, in ``LA`` or (Kaggle)
``LA/LA``. Whatever is easily got wrong here:

* **There are more recordings than trials**: some enrol speakers for verification and have no label. So the
  protocols are read, not the folders; the rest is counted.
* Attacks A01 to A06 are in train and dev, A07 to A19 in eval (two of these are believed to use systems of train
  again). Speakers are disjoint across the three.
* Code for this corpus mostly says 1 for bona fide, with higher scores for bona fide; here 1 is spoof.
* Silence at both ends tells much of the label; report trimmed sound too.
* dev becomes ``val``. The tandem cost (t-DCF) needs the scores of a speaker verifier, which lie beside.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from multimodal.corpora.asvspoof.trials import index_audio, match_trials, read_trials, skip_rest
from multimodal.corpora.base import Corpus, ScanReport
from multimodal.corpora.manifest import Clip
from multimodal.corpora.roots import list_folder

#: Speakers of 2019 LA and 2021 LA are believed to be the same under the same numbers.
NAMESPACE = "asvspoof"
PARTS = {"train": "train", "dev": "val", "eval": "test"}

_NAME = re.compile(r"LA_[TDE]_\d{7}")
_PROTOCOLS = "ASVspoof2019_LA_cm_protocols"


def read_clips(root: Path, report: ScanReport) -> Iterator[Clip]:
    """Every trial of the three protocols that is on disk."""
    listing = list_folder(root)
    folders = listing.find("asvspoof2019_la_*", is_folder=True)
    (protocols,) = listing.find(_PROTOCOLS, is_folder=True)[:1]
    audio = [name for name in folders if name.lower().endswith(tuple(PARTS))]
    files = index_audio(root, audio, _NAME, report)
    names = list_folder(root / protocols)
    for part, split in PARTS.items():
        found = names.find(f"*la.cm.{part}.*txt", is_folder=False)
        if not found:
            report.warn(f"no protocol ASVspoof2019.LA.cm.{part}.*.txt in {protocols}; {part} has no labels")
            continue
        trials = read_trials(root / protocols / found[0], _NAME, report)
        for trial, path, size_bytes in match_trials(trials, files, part, report):
            yield Clip(
                path,
                "audio",
                None,
                trial.fake,
                trial.attack,
                size_bytes,
                identity=f"{NAMESPACE}:{trial.speaker}",
                official_split=split,
            )
    skip_rest(files, report)


CORPUS = Corpus(
    name="asvspoof2019",
    title="ASVspoof 2019 LA",
    summary="121,461 utterances: bona fide speech of 107 speakers, and 19 systems of synthesis and conversion",
    licence="ODC-By",
    request_url="https://datashare.ed.ac.uk/handle/10283/3336",
    markers=((f"{_PROTOCOLS}/",),),
    clips=read_clips,
    namespace=NAMESPACE,
    expected={
        "official_split": {"train": 25_380, "val": 24_844, "test": 71_237},
        "method": {"real": 12_483},
    },
    official_split="protocols train, dev and eval",
)
