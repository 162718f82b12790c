"""One face of a file, or its sound alone, while it is judged: what its windows say as they come."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from multimodal.labels import MODALITIES, TARGETS
from multimodal.media.prepare import BY_SPEECH
from multimodal.media.prepared import PreparedClip
from multimodal.media.streamed import Crop, FaceFound
from multimodal.metrics.segments import apart
from multimodal.moments import joined
from multimodal.report.verdict import Box, Evidence, Segment, Thumbnail, WindowScores
from multimodal.scoring import RunningScores
from multimodal.synchrony import Offset, Strip, Synchrony

#: Is told the name of a face and the scores of its next windows.
Watch = Callable[[str, Sequence[WindowScores]], None]


@dataclass
class Face:
    """One face of a file, or its sound alone, while it is judged.

    ``thresholds`` say from where on a forged stretch is shown, by target (None: no moments are judged); ``lips``
    is what was learnt of lips and sound.
    """

    number: int
    found: FaceFound
    scores: RunningScores
    thresholds: Mapping[str, float | None] | None = None
    lips: Synchrony | None = None
    looks: Mapping[int, Crop] = field(default_factory=dict)
    boxes: list[Box] = field(default_factory=list)
    _strip: Strip = field(default_factory=Strip)

    def look(self, window: PreparedClip) -> None:
        """Keep what a window says of where the face is, and of lips and sound."""
        self.boxes += _boxes_of(window)
        if self.lips is not None:
            self._strip.add(window)

    @property
    def name(self) -> str:
        """Tells faces of a file apart."""
        return f"face {self.number}" if self.found.has_picture else "sound only"

    @property
    def is_speaker(self) -> bool | None:
        """Whether it was heard to speak; None where nothing told, or of one face only."""
        note = self.found.clip.face_note
        return None if note is None or not note.endswith(BY_SPEECH) else self.number == 1

    def tell(self, watch: Watch) -> None:
        """Show the scores that came last to somebody who watches."""
        watch(self.name, [window_scores(row) for _, row in self.scores.parts[-1].iterrows()])

    def offset(self) -> Offset | None:
        """By how much the sound leads the lips; None where nothing was learnt of that."""
        return None if self.lips is None else self.lips.offset(self._strip.pair())

    def segments(self) -> list[Segment] | None:
        """Stretches at or above the thresholds of validation, in time; None where moments are not judged."""
        if self.thresholds is None:
            return None
        clip, found = self.found.clip, []
        seconds = pd.concat(self.scores.parts)["start_seconds"] - clip.start_seconds
        starts = (seconds * clip.frame_rate).round().astype(int).tolist()
        scores = {name: np.concatenate([one[name] for one in self.scores.moments]) for name in MODALITIES}
        moments = joined(starts, scores, self.found.num_frames, clip.frame_rate, clip.start_seconds)
        for name in MODALITIES:
            threshold = self.thresholds[name]
            if name not in clip.absent and threshold is not None:
                proposals = moments.proposals(name).tolist()
                shown = apart([(one[0], one[1], one[2]) for one in proposals if one[0] >= threshold])
                found += [Segment(name, start, end, score) for score, start, end in shown]
        return sorted(found, key=lambda one: one.start_seconds)

    def evidence(self) -> Evidence:
        """What a page shows of it."""
        start, rate = self.found.clip.start_seconds, self.found.clip.frame_rate
        thumbnails = [Thumbnail(start + place / rate, crop) for place, crop in sorted(self.looks.items())]
        return Evidence(thumbnails=thumbnails, waveform=self.found.sound, sample_rate=self.found.sound_rate)


def window_scores(row: pd.Series) -> WindowScores:
    """Scores of one window, from a row of the table of windows."""
    scores = {
        target: None if np.isnan(row[f"score_{target}"]) else float(row[f"score_{target}"]) for target in TARGETS
    }
    return WindowScores(float(row["start_seconds"]), float(row["end_seconds"]), **scores)


def _boxes_of(window: PreparedClip) -> list[Box]:
    """Boxes of a face in a window, two a second."""
    if window.boxes is None:
        return []
    step = max(1, int(window.frame_rate / 2))
    times = window.start_seconds + np.arange(0, len(window.boxes), step) / window.frame_rate
    boxes = window.boxes[::step].round(1).tolist()
    return [Box(round(float(at), 3), *box) for at, box in zip(times, boxes, strict=True)]
