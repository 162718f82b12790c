"""What a generated corpus is made of."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class SyntheticOptions:
    """Options of a generated FakeAVCeleb; the same options give the same clips.

    Counts of clips are for each identity. ``groups`` is how many of the ten race x gender groups are filled.
    A clip lasts ``clip_seconds``, give or take ``clip_seconds_spread`` of that. ``frame_size`` is the side in
    pixels (even), ``crf`` x264's rate factor. ``picture_strength`` and ``sound_strength`` in [0, 1] scale the
    traces that give a forged modality away.

    ``odd_names`` adds the rarer names and the contradicting metadata rows of the real corpus. The last three
    plant shortcuts that have nothing to do with forgery, for checks that should find them: seconds of digital
    silence at the start of every fake, and another frame size or rate factor for clips with a fake picture.
    """

    seed: int = 0
    groups: int = 4
    identities_per_group: int = 4
    real_clips: int = 4
    rtvc_clips: int = 4
    wav2lip_clips: int = 2
    faceswap_clips: int = 1
    fsgan_clips: int = 1
    rtvc_wav2lip_clips: int = 2
    faceswap_wav2lip_clips: int = 1
    fsgan_wav2lip_clips: int = 1
    clip_seconds: float = 2.5
    clip_seconds_spread: float = 0.15
    frame_size: int = 224
    frame_rate: int = 25
    sample_rate: int = 44_100
    crf: int = 23
    picture_strength: float = 0.7
    sound_strength: float = 0.6
    odd_names: bool = False
    fake_leading_silence_seconds: float = 0.0
    fake_frame_size: int | None = None
    fake_crf: int | None = None

    def __post_init__(self) -> None:
        self._check("groups", self.groups, 1, 10)
        self._check("identities_per_group", self.identities_per_group, 2, 999)
        self._check("real_clips", self.real_clips, 1, 99)
        self._check("rtvc_clips", self.rtvc_clips, 0, self.real_clips)
        for name in _FORGED_COUNTS:
            self._check(name, getattr(self, name), 0, self.real_clips * (self.identities_per_group - 1))
        self._check("clip_seconds", self.clip_seconds, 0.25, 60)
        self._check("clip_seconds_spread", self.clip_seconds_spread, 0, 0.5)
        for name in ("picture_strength", "sound_strength"):
            self._check(name, getattr(self, name), 0, 1)
        self._check("fake_leading_silence_seconds", self.fake_leading_silence_seconds, 0, self.clip_seconds / 2)
        for size in (self.frame_size, self.fake_frame_size or self.frame_size):
            if size < 64 or size % 2:
                raise ValueError(f"frame sizes must be even and at least 64 pixels; got {size}")

    def as_json(self) -> dict[str, Any]:
        """The options as plain values."""
        return asdict(self)

    def _check(self, name: str, value: float, low: float, high: float) -> None:
        if not low <= value <= high:
            raise ValueError(f"{name} must lie between {low} and {high} here; got {value}")


_FORGED_COUNTS = (
    "wav2lip_clips",
    "faceswap_clips",
    "fsgan_clips",
    "rtvc_wav2lip_clips",
    "faceswap_wav2lip_clips",
    "fsgan_wav2lip_clips",
)
