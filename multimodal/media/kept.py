"""What a run of ``prepare`` kept of the faces that it found, and how it chose among them."""

from collections import Counter
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from multimodal.media.speaker import Told

#: How main faces were told, in the words of a summary.
_CHOSEN: dict[Told, str] = {
    "alone": "alone",
    "speech": "by speech",
    "likely": "by speech, not surely",
    "moving": "beside still pictures",
    "size": "by time and size",
}


class Kept(NamedTuple):
    """By what the main faces were told, how many faces there were, and how much of their clips the stored last.

    Of a clip whose faces are all kept, the time in which any is seen counts, once.
    """

    main_by: Mapping[Told, int] = MappingProxyType({})
    faces: int = 0
    kept_seconds: float = 0.0
    source_seconds: float = 0.0

    def plus(self, other: "Kept") -> "Kept":
        """Both together."""
        return Kept(
            Counter(self.main_by) + Counter(other.main_by),
            self.faces + other.faces,
            self.kept_seconds + other.kept_seconds,
            self.source_seconds + other.source_seconds,
        )

    def lines(self) -> list[str]:
        """Of clips with faces, for people."""
        share = 100 * self.kept_seconds / self.source_seconds
        chosen = [f"{self.main_by[by]} {words}" for by, words in _CHOSEN.items() if by in self.main_by]
        return [
            f"{self.faces} faces in {sum(self.main_by.values())} clips; {share:.1f} % of their time is kept",
            f"main faces chosen: {', '.join(chosen)}",
        ]
