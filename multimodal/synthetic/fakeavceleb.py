"""Writes a small generated corpus in FakeAVCeleb's layout: tree, names, side files and metadata."""

import csv
import io
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from multimodal.files import write_text
from multimodal.synthetic.clip import write_clip
from multimodal.synthetic.generation import Progress, claimed, make_all, require_files
from multimodal.synthetic.plan import TYPES, PlannedClip, SyntheticOptions, plan_clips

#: Raised when the same options would give other clips, so that a half-written tree is not mixed.
_GENERATOR_VERSION = 1
_HEADER = ("source", "target1", "target2", "method", "category", "type", "race", "gender", "path", "")


def generate_fakeavceleb(
    root: str | Path, options: SyntheticOptions, *, workers: int = 1, progress: Progress | None = None
) -> dict[str, int]:
    """Write a generated FakeAVCeleb under ``root``, or finish one that was begun with the same options.

    ``progress`` wraps the sequence of clips being made (``tqdm`` fits). The clips do not depend on ``workers``,
    the number of processes. Returns how many clips each type has (``RVRA``, ``RVFA``, ``FVRA``, ``FVFA``), how
    many were ``made`` now and how many were ``kept``. Raises ``ValueError`` when the folder holds anything else.
    """
    root = Path(root)
    with claimed(root, {"generator_version": _GENERATOR_VERSION, "options": options.as_json()}):
        clips = plan_clips(options)
        _write_side_files(root, clips)
        missing = [clip for clip in clips if not (root / clip.path).is_file()]
        make_all(write_clip, root, missing, options, workers=workers, progress=progress or (lambda steps: steps))
        require_files(root, [clip.path for clip in clips])
        write_text(root / "meta_data.csv", metadata(clips))
        types = Counter(_short(clip) for clip in clips)
        return {**dict(types), "made": len(missing), "kept": len(clips) - len(missing)}


def metadata(clips: Iterable[PlannedClip]) -> str:
    """``meta_data.csv`` as the real corpus has it: ten columns, the last without a name."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_HEADER)
    for clip in sorted(clips, key=lambda clip: TYPES[clip.type_folder]):
        for method in (clip.method, clip.second_method):
            if method is not None:
                writer.writerow(_row(clip, method))
    return text.getvalue()


def _row(clip: PlannedClip, method: str) -> tuple[str, ...]:
    return (
        clip.take.person,
        *clip.targets,
        method,
        TYPES[clip.type_folder],
        clip.type_folder,
        clip.race,
        clip.gender,
        f"{clip.name}.mp4",
        f"FakeAVCeleb/{clip.folder}",
    )


def _write_side_files(root: Path, clips: Iterable[PlannedClip]) -> None:
    """The text beside each real clip, as VoxCeleb2 has it."""
    for clip in clips:
        path = root / clip.folder / f"{clip.name}.txt"
        if clip.method == "real" and not path.is_file():
            write_text(path, f"Identity  : \t{clip.take.person}\nReference : \t{clip.take.address}\n")


def _short(clip: PlannedClip) -> str:
    """``RealVideo-FakeAudio`` → ``RVFA``."""
    return "".join(letter for letter in clip.type_folder if letter.isupper())
