"""What a scan noticed besides the clips: warnings, remarks, and every file that it did not use."""

from dataclasses import dataclass, field

_NUM_EXAMPLES = 3


@dataclass
class Tally:
    """How often something happened, with the first few places."""

    count: int = 0
    examples: list[str] = field(default_factory=list)


@dataclass
class ScanReport:
    """Collects, while a corpus is read, whatever a person should know of.

    ``warnings`` ask for attention, ``notes`` do not. ``skipped`` counts files that did not become clips, by
    reason. ``flagged`` counts clips that did, but carry a flag. ``generated`` holds the folders below which
    everything was made by a program, with a slash at the end; ``walked`` the folders that were read.

    >>> report = ScanReport()
    >>> report.skip("not a clip: .txt", "men/a.txt")
    >>> report.skip("not a clip: .txt", "men/b.txt")
    >>> print("\\n".join(report.lines()))
    skipped 2: not a clip: .txt (men/a.txt, men/b.txt)
    """

    warnings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    skipped: dict[str, Tally] = field(default_factory=dict)
    flagged: dict[str, int] = field(default_factory=dict)
    generated: list[str] = field(default_factory=list)
    walked: list[str] = field(default_factory=list)

    def warn(self, message: str) -> None:
        """Something a person should look at."""
        self.warnings.append(message)

    def note(self, message: str) -> None:
        """Something worth printing that needs no action."""
        self.notes.append(message)

    def skip(self, reason: str, path: str) -> None:
        """A file (or folder) that did not become a clip."""
        tally = self.skipped.setdefault(reason, Tally())
        tally.count += 1
        if len(tally.examples) < _NUM_EXAMPLES:
            tally.examples.append(path)

    def lines(self) -> list[str]:
        """The report as lines of text, most urgent first."""
        skipped = [
            f"skipped {tally.count:,}: {reason} ({', '.join(tally.examples)}"
            f"{', ...' if tally.count > len(tally.examples) else ''})"
            for reason, tally in sorted(self.skipped.items(), key=lambda item: -item[1].count)
        ]
        flagged = [f"flagged {count:,}: {flag}" for flag, count in sorted(self.flagged.items())]
        return [f"warning: {message}" for message in self.warnings] + skipped + flagged + self.notes
