"""What a check found: rows with a severity, and how a whole examination is handed on."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

Severity = Literal["error", "warning", "note"]
#: Most urgent first: a result would be wrong, a result may mislead, good to know.
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")

NUM_EXAMPLES = 5


@dataclass(frozen=True)
class Finding:
    """One thing found by one check: how many clips (or people) it concerns, some of them, and what to do."""

    severity: Severity
    check: str
    count: int
    message: str
    advice: str
    examples: tuple[str, ...] = ()


@dataclass(frozen=True)
class Examination:
    """All findings, most urgent first, and what was looked at: ``checks`` is the name of a check → what it asks.

    ``skipped`` is check → why it could not be made.
    """

    findings: tuple[Finding, ...]
    clips: dict[str, int]
    checks: dict[str, str]
    skipped: dict[str, str]

    @property
    def counts(self) -> dict[str, int]:
        """Findings by severity."""
        found = Counter(finding.severity for finding in self.findings)
        return {severity: found[severity] for severity in SEVERITIES}


def some(names: Iterable[object], limit: int = NUM_EXAMPLES) -> tuple[str, ...]:
    """The first few names as examples."""
    return tuple(str(name) for _, name in zip(range(limit), names, strict=False))


def by_severity(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Findings with the most urgent first, else as they come."""
    return tuple(sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity)))


def to_json(examination: Examination) -> dict[str, Any]:
    """Plain values that ``json`` can write."""
    return {**asdict(examination), "counts": examination.counts}


def findings_text(examination: Examination) -> str:
    """The examination for a terminal."""
    clips = ", ".join(f"{corpus} {count:,}" for corpus, count in examination.clips.items())
    lines = [f"looked at {sum(examination.clips.values()):,} clips ({clips})"]
    for finding in examination.findings:
        lines += ["", f"{finding.severity}: {finding.check}: {finding.message}"]
        lines += [f"    {example}" for example in finding.examples]
        lines.append(f"  -> {finding.advice}")
    lines += ["", *(f"nothing found: {check}" for check in _clear(examination))]
    lines += [f"not looked at: {check} ({reason})" for check, reason in examination.skipped.items()]
    counts = ", ".join(f"{count} {severity}{'s' * (count != 1)}" for severity, count in examination.counts.items())
    return "\n".join([*lines, counts])


def _clear(examination: Examination) -> Sequence[str]:
    found = {finding.check for finding in examination.findings}
    return [name for name in examination.checks if name not in found and name not in examination.skipped]
