"""Layouts of real corpora, filled with generated media: one file a corpus."""

from typing import TYPE_CHECKING

from multimodal.catalog import Catalog, public_names

if TYPE_CHECKING:
    from multimodal.synthetic.layouts.planned import Layout, LayoutOptions
else:
    __getattr__ = public_names(__name__, {"planned": ("Layout", "LayoutOptions")})

__all__ = ["CONTENTS", "LAYOUTS", "Layout", "LayoutOptions"]

#: Corpus → where its layout lies, and what the generated tree holds, in one line.
CONTENTS: dict[str, tuple[str, str]] = {
    "faceforensics": (
        "multimodal.synthetic.layouts.faceforensics:LAYOUT",
        "FaceForensics++ c23: originals and five forgeries of pairs, no sound",
    ),
    "celebdf": (
        "multimodal.synthetic.layouts.celebdf:LAYOUT",
        "Celeb-DF v2: celebrities, YouTube faces and face swaps, no sound",
    ),
    "dfd": ("multimodal.synthetic.layouts.dfd:LAYOUT", "DFD: actors in scenes and their face swaps, no sound"),
    "deepfake_image": (
        "multimodal.synthetic.layouts.deepfake_image:LAYOUT",
        "pictures in real/ and fake/ folders of splits; fakes are swapped faces",
    ),
    "deepfake_audio": (
        "multimodal.synthetic.layouts.deepfake_audio:LAYOUT",
        "speech and its voice conversions (DEEP-VOICE), or speech and synthesis (Fake-or-Real)",
    ),
    "faces140k": (
        "multimodal.synthetic.layouts.faces140k:LAYOUT",
        "real and generated portraits in equal number, with CSVs",
    ),
    "asvspoof2019": (
        "multimodal.synthetic.layouts.asvspoof2019:LAYOUT",
        "ASVspoof 2019 LA: bona fide and spoofed speech with protocols",
    ),
    "asvspoof2021_la": (
        "multimodal.synthetic.layouts.asvspoof2021:LA",
        "ASVspoof 2021 LA: speech through telephony with keys, for evaluation",
    ),
    "asvspoof2021_df": (
        "multimodal.synthetic.layouts.asvspoof2021:DF",
        "ASVspoof 2021 DF: speech through media codecs with keys, for evaluation",
    ),
    "asvspoof5": (
        "multimodal.synthetic.layouts.asvspoof5:LAYOUT",
        "ASVspoof 5: bona fide and spoofed speech, codecs in eval only",
    ),
    "wavefake": (
        "multimodal.synthetic.layouts.wavefake:LAYOUT",
        "WaveFake: vocoded speech in nine folders and text-to-speech, with LJSpeech and JSUT beside them",
    ),
    "lavdf": (
        "multimodal.synthetic.layouts.lavdf:LAYOUT",
        "LAV-DF: talking heads with a forged word in picture, sound or both",
    ),
    "avdeepfake1m": (
        "multimodal.synthetic.layouts.avdeepfake1m:LAYOUT",
        "AV-Deepfake1M: talking heads with a forged word in picture, sound or both; unlabelled test",
    ),
    "dfdc": (
        "multimodal.synthetic.layouts.dfdc:LAYOUT",
        "DFDC: actors with sound, faces swapped or voices cloned without saying which",
    ),
    "dfdc_preview": (
        "multimodal.synthetic.layouts.dfdc_preview:LAYOUT",
        "DFDC preview: actors with sound, faces swapped by two methods",
    ),
    "voxceleb2": ("multimodal.synthetic.layouts.voxceleb2:LAYOUT", "VoxCeleb2: genuine talking heads with sound"),
    "in_the_wild": (
        "multimodal.synthetic.layouts.in_the_wild:LAYOUT",
        "In-the-Wild: speech of named people, bona fide and spoofed",
    ),
    "kodf": (
        "multimodal.synthetic.layouts.kodf:LAYOUT",
        "KoDF: actors and five forgeries of each, with true sound or none",
    ),
    "deeperforensics": (
        "multimodal.synthetic.layouts.deeperforensics:LAYOUT",
        "DeeperForensics-1.0: actors' faces on FaceForensics++ originals, no sound, no reals of its own",
    ),
    "folder": (
        "multimodal.synthetic.layouts.folder:LAYOUT",
        "real/ and fake/ folders with videos, pictures and sound",
    ),
}

LAYOUTS: "Catalog[Layout]" = Catalog({name: place for name, (place, _) in CONTENTS.items()})
