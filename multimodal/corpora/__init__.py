"""Where clips come from. A new corpus is one file with a ``CORPUS`` and one line here."""

from typing import TYPE_CHECKING

from multimodal.catalog import Catalog, choose, public_names

if TYPE_CHECKING:
    from multimodal.corpora.base import Corpus, ScanReport
    from multimodal.corpora.manifest import Clip, Manifest
    from multimodal.corpora.scanning import nothing_recognised, recognise, scan
else:
    __getattr__ = public_names(
        __name__,
        {
            "base": ("Corpus", "ScanReport"),
            "manifest": ("Clip", "Manifest"),
            "scanning": ("nothing_recognised", "recognise", "scan"),
        },
    )

__all__ = [
    "CORPORA",
    "Clip",
    "Corpus",
    "Manifest",
    "ScanReport",
    "get_corpus",
    "nothing_recognised",
    "recognise",
    "scan",
]

CORPORA: "Catalog[Corpus]" = Catalog(
    {
        "fakeavceleb": "multimodal.corpora.fakeavceleb:CORPUS",
        "faceforensics": "multimodal.corpora.faceforensics:CORPUS",
        "celebdf": "multimodal.corpora.celebdf:CORPUS",
        "dfd": "multimodal.corpora.dfd:CORPUS",
        "lavdf": "multimodal.corpora.lavdf:CORPUS",
        "avdeepfake1m": "multimodal.corpora.avdeepfake1m:CORPUS",
        "voxceleb2": "multimodal.corpora.voxceleb2:CORPUS",
        "dfdc": "multimodal.corpora.dfdc:CORPUS",
        "dfdc_preview": "multimodal.corpora.dfdc_preview:CORPUS",
        "kodf": "multimodal.corpora.kodf:CORPUS",
        "deeperforensics": "multimodal.corpora.deeperforensics:CORPUS",
        "deepfake_image": "multimodal.corpora.deepfake_image:CORPUS",
        "deepfake_audio": "multimodal.corpora.deepfake_audio:CORPUS",
        "faces140k": "multimodal.corpora.faces140k:CORPUS",
        "asvspoof2019": "multimodal.corpora.asvspoof:ASVSPOOF2019",
        "asvspoof2021_la": "multimodal.corpora.asvspoof:ASVSPOOF2021_LA",
        "asvspoof2021_df": "multimodal.corpora.asvspoof:ASVSPOOF2021_DF",
        "asvspoof5": "multimodal.corpora.asvspoof:ASVSPOOF5",
        "in_the_wild": "multimodal.corpora.in_the_wild:CORPUS",
        "wavefake": "multimodal.corpora.wavefake:CORPUS",
        "folder": "multimodal.corpora.folder:CORPUS",
    }
)


def get_corpus(name: str) -> "Corpus":
    """The corpus of that name; ``ValueError`` lists the choices."""
    return choose(CORPORA, name, "corpus")
