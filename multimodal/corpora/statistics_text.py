"""Statistics and advice as text for a terminal, with bars."""

from multimodal.corpora.advice import Advice, overall_verdict
from multimodal.corpora.statistics import Balance, PartStatistics

_BAR_WIDTH = 40
_NUM_METHODS = 15


def statistics_text(statistics: list[PartStatistics], advice: list[Advice]) -> str:
    """The whole report: a block for each corpus and split, then what to do."""
    blocks = [_part_text(part) for part in statistics]
    lines = [f"Advice: {overall_verdict(advice)}"] if advice else []
    for one in advice:
        lines += [f"* {one.verdict}", *(f"    {number}. {step}" for number, step in enumerate(one.steps, 1))]
        lines += [f"    begin with: python -m experiments {command}" for command in one.commands[:1]]
    return "\n\n".join([*blocks, "\n".join(lines)])


def _part_text(part: PartStatistics) -> str:
    media = ", ".join(f"{count:,} {name}" for name, count in part.media.items())
    people = f", {part.identities:,} identities" if part.identities else ""
    lines = [f"{part.corpus} / {part.split}: {part.clips:,} clips ({media}{people})"]
    lines += _bars({"real": part.any.real, "fake": part.any.fake, "no label": part.any.unknown})
    lines.append(f"  Imbalance ratio (Real:Fake)  {_ratio_text(part.any)}")
    for name, balance in (("video", part.video), ("audio", part.audio)):
        if balance is not None:
            counts = f"{balance.real:,} real, {balance.fake:,} fake, {balance.unknown:,} absent or unknown"
            lines.append(f"  {name}: {counts}; {_ratio_text(balance)}")
    if part.classes:
        lines += ["  classes", *_bars(part.classes)]
    methods = dict(list(part.methods.items())[:_NUM_METHODS])
    rest = sum(part.methods.values()) - sum(methods.values())
    if rest:
        methods[f"{len(part.methods) - _NUM_METHODS} others"] = rest
    return "\n".join([*lines, "  methods", *_bars(methods)])


def _ratio_text(balance: Balance) -> str:
    return f"{balance.text}  [{balance.mark}]"


def _bars(counts: dict[str, int]) -> list[str]:
    """One bar for each count above zero; the longest fills the width, the shortest shows at least one mark."""
    shown = {name: count for name, count in counts.items() if count}
    most = max(shown.values(), default=1)
    width = max((len(name) for name in shown), default=0)
    return [
        f"    {name:<{width}}  {'#' * max(1, round(_BAR_WIDTH * count / most)):<{_BAR_WIDTH}}  {count:,}"
        for name, count in shown.items()
    ]
