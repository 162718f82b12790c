"""What a generated layout is made of; few options, common to all corpora but FakeAVCeleb."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class LayoutOptions:
    """Options of a generated layout; the same options give the same bytes.

    What is forged follows from the layout. Where a corpus knows no people there are ``identities * clips``
    recordings; where it has splits or pairs, no fewer than they need.

    Args:
        seed: of everything that is drawn.
        variant: one of the forms that a corpus is distributed in; None is the first of them.
        identities: people.
        clips: genuine recordings of each person.
        clip_seconds: length of a recording, give or take a tenth.
        frame_size: side of frames and pictures in pixels, even.
        strength: of the traces that give a forgery away, in [0, 1].
    """

    seed: int = 0
    variant: str | None = None
    identities: int = 4
    clips: int = 2
    clip_seconds: float = 0.6
    frame_size: int = 128
    strength: float = 0.5

    def __post_init__(self) -> None:
        self._check("identities", self.identities, 3, 90)
        self._check("clips", self.clips, 1, 99)
        self._check("clip_seconds", self.clip_seconds, 0.3, 60)
        self._check("strength", self.strength, 0, 1)
        if self.frame_size < 64 or self.frame_size % 2:
            raise ValueError(f"frame_size must be even and at least 64 pixels; got {self.frame_size}")

    @property
    def recordings(self) -> int:
        """Genuine recordings of all people together."""
        return self.identities * self.clips

    def as_json(self) -> dict[str, Any]:
        """The options as plain values."""
        return asdict(self)

    def _check(self, name: str, value: float, low: float, high: float) -> None:
        if not low <= value <= high:
            raise ValueError(f"{name} must lie between {low} and {high} here; got {value}")
