"""One face of a file, or its sound alone, while it is judged: what its windows say as they come."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from multimodal.familiarity import Familiar, Familiarity, unlike_notes
from multimodal.labels import MODALITIES, TARGETS, Modality
from multimodal.media.prepared import PreparedClip
from multimodal.media.speaker import SAID
from multimodal.media.streamed import Crop, FaceFound
from multimodal.metrics.segments import apart
from multimodal.moments import joined
from multimodal.report.verdict import Box, Evidence, Heat, Judgement, Segment, Thumbnail, WindowScores
from multimodal.scoring import RunningScores
from multimodal.synchrony import Offset, Strip, Synchrony

#: Says of a window what it is asked about.
Explain = Callable[[PreparedClip, Modality], Heat]
#: Is told the name of a face and the scores of its next windows.
Watch = Callable[[str, Sequence[WindowScores]], None]


@dataclass
class Face:
    """One face of a file, or its sound alone, while it is judged.

    ``thresholds`` say from where on a forged stretch is shown, by target (None: no moments are judged); ``lips``
    is what was learnt of lips and sound, and ``familiar`` what clips of validation are like. ``explain`` says
    where a window speaks for fake, and ``attend`` where its moments look; None for no maps.
    """

    number: int
    found: FaceFound
    scores: RunningScores
    thresholds: Mapping[str, float | None] | None = None
    lips: Synchrony | None = None
    familiar: Mapping[Modality, Familiar] = field(default_factory=dict)
    explain: Explain | None = None
    attend: Callable[[PreparedClip], Mapping[Modality, np.ndarray] | None] = lambda window: None
    looks: Mapping[int, Crop] = field(default_factory=dict)
    boxes: list[Box] = field(default_factory=list)
    _strip: Strip = field(default_factory=Strip)
    _suspect: dict[Modality, tuple[float, PreparedClip]] = field(default_factory=dict)

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
        return None if note is None or not note.endswith(SAID["speech"]) else self.number == 1

    def tell(self, watch: Watch) -> None:
        """Show the scores that came last to somebody who watches."""
        rows, windows = self.scores.parts[-1], self.scores.take_last()
        if self.explain is not None:
            self._suspect_of(rows, windows)
        watch(self.name, [window_scores(row) for _, row in rows.iterrows()])

    def _suspect_of(self, rows: pd.DataFrame, windows: Sequence[PreparedClip]) -> None:
        """Keep the window of each modality that looks most fake: the one that is explained."""
        for name in MODALITIES:
            for score, window in zip(rows[f"score_{name}"], windows, strict=True):
                if score > self._suspect.get(name, (-1.0,))[0]:  # not where it is NaN
                    self._suspect[name] = (float(score), window)

    def offset(self) -> Offset | None:
        """By how much the sound leads the lips; None where nothing was learnt of that."""
        return None if self.lips is None else self.lips.offset(self._strip.pair())

    def familiarity(self) -> dict[Modality, Familiarity] | None:
        """How far each modality that is there lies from validation; None where nothing was learnt of that."""
        if not self.familiar:
            return None
        embedded = {name: self.scores.embedded.get(name, (np.zeros(0), 0)) for name in self.familiar}
        return {name: self.familiar[name].of(total / count) for name, (total, count) in embedded.items() if count}

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
        windows = {name: window for name, (_, window) in self._suspect.items()}
        heats = [self.explain(window, name) for name, window in windows.items() if self.explain is not None]
        attention = next((self.attend(window) for window in windows.values()), None)
        return Evidence(
            thumbnails=thumbnails,
            waveform=self.found.sound,
            sample_rate=self.found.sound_rate,
            heats=heats,
            attention=attention,
        )


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


# What a reader of the verdict must know.


def unlike(judged: Sequence[Judgement]) -> Iterator[str]:
    """Which faces, or whose sound, are unlike anything known; the sound, which all share, is said of once."""
    for number, one in enumerate(judged):
        found = dict(one.familiarity or {})
        if number:
            found.pop("audio", None)
        yield from (f"{one.name}: {note}" if len(judged) > 1 else note for note in unlike_notes(found))


def file_notes(tracks: Sequence[PreparedClip]) -> list[str]:
    """What a reader must know of a file, from its faces."""
    main, notes = tracks[0], []
    if main.damage:
        notes.append(f"the file is damaged: {main.damage}")
    if main.picture_note:
        notes.append(f"of the picture: {main.picture_note}")
    if main.sound_note:
        notes.append(f"of the sound: {main.sound_note}")
    if len(tracks) > 1:
        notes.append(f"{len(tracks)} faces: the main one is judged first, the others below.")
        notes += [main.face_note] if main.face_note else []
    return notes
