"""What to do about imbalance: a decision tree from marks to the options of ``train`` and ``pretrain``.

:func:`recommend` is the tree, for people (``statistics``) and for programs (``--balance auto``) alike;
:func:`advise` puts before it what the project measured, and :func:`statistics_text` prints counts and advice.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal, NamedTuple

from multimodal.audit.statistics import (
    EXTREME_ABOVE,
    MODERATE_FROM,
    SEVERE_ABOVE,
    Balance,
    PartStatistics,
    balance_of,
    corpus_separation,
)
from multimodal.corpora import CORPORA

#: Corpora that even others out, by their names in the catalog.
_FACES, _SPEECH, _VOCODED, _PEOPLE = "faces140k", "asvspoof2019", "wavefake", "voxceleb2"
_JUDGE_ONLY = "It has no training part: judge on it, do not train."
_UNSAID = (
    "Its labels do not say whether picture or sound is forged, so no head can learn: judge on it, do not train."
)


#: What the project's own study of imbalance found for the detector; it comes before every remedy.
TUNE_FIRST = (
    "Train as it is and tune the threshold first (thresholds RUN): it costs nothing, and in the study of "
    "imbalance (docs/balancing.md: generated corpus, frozen encoders, 3 seeds, up to 1:42) no balance beat it in "
    "recall or F1 by more than chance. Compare what follows with that."
)
_PLAIN = "train RECIPE --balance none --loss cross_entropy"


class Recommendation(NamedTuple):
    """How to balance a training, in the values of its options ``--balance`` and ``--loss``.

    No two of them correct the same thing: where the drawing is even, the loss gives no class more weight.
    """

    balance: Literal["class_weights", "weighted_sampler", "smote"]
    loss: Literal["cross_entropy", "focal"]

    @property
    def options(self) -> str:
        """The options as they are typed on the command line."""
        return f"--balance {self.balance} --loss {self.loss}"


CLASS_WEIGHTS = Recommendation("class_weights", "cross_entropy")
SAMPLER = Recommendation("weighted_sampler", "focal")
SMOTE = Recommendation("smote", "focal")


def recommend(*, real: int, fake: int, has_fusion: bool = True) -> tuple[Recommendation, ...]:
    """How to train on so many clips of each: what to begin with, then what to try beside it.

    ``has_fusion`` is whether a fusion head is trained; SMOTE makes up embeddings for one, so a branch that is
    pretrained alone (``pretrain``) does without. Raises ``ValueError`` where there is one class only.

    >>> [recommend(real=1, fake=fake)[0].balance for fake in (2, 4, 8, 42)]
    ['class_weights', 'weighted_sampler', 'weighted_sampler', 'smote']
    >>> recommend(real=500, fake=21_044, has_fusion=False)[0].options
    '--balance weighted_sampler --loss focal'
    """
    ratio = balance_of(real=real, fake=fake).ratio
    if ratio is None:
        raise ValueError(
            f"nothing to balance: {real:,} real and {fake:,} fake clips. Add clips of the other class."
        )
    if ratio < MODERATE_FROM:
        return (CLASS_WEIGHTS,)
    if ratio <= SEVERE_ABOVE or not has_fusion:
        return (SAMPLER,)
    return (SAMPLER, SMOTE) if ratio <= EXTREME_ABOVE else (SMOTE, SAMPLER)


@dataclass(frozen=True)
class Advice:
    """What to do with one corpus.

    ``part`` is the split that counts (train, or all), ``balance`` real against fake in it, ``verdict`` where it
    stands, and ``steps`` what to do in order of preference. ``verb`` is what can learn from it (``train``,
    ``pretrain video`` or ``pretrain audio``; empty: nothing), and ``recommendations`` are the options to pass to
    that, the likeliest to help first.
    """

    corpus: str
    part: str
    balance: Balance
    verdict: str
    steps: tuple[str, ...]
    verb: str = ""
    recommendations: tuple[Recommendation, ...] = ()

    @property
    def mark(self) -> str:
        """How far from even the corpus is."""
        return self.balance.mark

    @property
    def commands(self) -> tuple[str, ...]:
        """What to type after ``python -m experiments``, RECIPE being the name of one."""
        return tuple(f"{self.verb} RECIPE {one.options}" for one in self.recommendations)

    @property
    def begin_with(self) -> str:
        """What to type first: plain training where tuning the threshold comes first; empty if nothing learns."""
        return _PLAIN if TUNE_FIRST in self.steps else next(iter(self.commands), "")


def advise(statistics: list[PartStatistics]) -> list[Advice]:
    """Advice for each corpus, from its training split where there is one, else from all of it."""
    parts = {one.corpus: one for one in statistics if one.split == "all"}
    parts |= {one.corpus: one for one in statistics if one.split == "train"}
    return [_advise_one(part, is_for_tests=_is_for_tests(part, statistics)) for part in parts.values()]


def overall_verdict(advice: list[Advice]) -> str:
    """One line for all corpora together."""
    uneven = [one for one in advice if one.mark != "balanced" and one.steps[0] not in (_JUDGE_ONLY, _UNSAID)]
    if uneven:
        names = ", ".join(title_of(one.corpus) for one in uneven)
        if any(TUNE_FIRST in one.steps for one in uneven):
            found = "no balance beat it by more than chance in the study of imbalance (docs/balancing.md)"
            return f"Uneven: {names}. Tune the threshold first: {found}."
        return f"Uneven: {names}. What may help stands below; measure it against plain training."
    return f"All below {MODERATE_FROM:.0f}:1: train; class weights suffice ({CLASS_WEIGHTS.options})."


def to_json(advice: list[Advice]) -> list[dict[str, Any]]:
    """Plain values that ``json`` can write."""
    return [
        {
            **asdict(one),
            "mark": one.mark,
            "recommendations": [choice._asdict() for choice in one.recommendations],
            "commands": one.commands,
        }
        for one in advice
    ]


def title_of(corpus: str) -> str:
    """What people call a corpus; its own name where the catalog does not have it."""
    return CORPORA[corpus].title if corpus in CORPORA else corpus


def _is_for_tests(part: PartStatistics, statistics: list[PartStatistics]) -> bool:
    """Whether every clip of a corpus is in some split, and none in train."""
    divided = [
        one.clips for one in statistics if one.corpus == part.corpus and one.split not in ("all", "dropped")
    ]
    return part.split == "all" and bool(divided) and sum(divided) == part.clips


def _advise_one(part: PartStatistics, *, is_for_tests: bool) -> Advice:
    balance, verb = part.any, _verb(part)
    where = f"{title_of(part.corpus)} ({part.split})"
    if balance.ratio is None:
        verdict = f"{where} has {balance.real:,} real and {balance.fake:,} fake clips: {balance.mark}"
        step = "It cannot be trained on alone: add clips of the other class, or use it for evaluation."
        return Advice(part.corpus, part.split, balance, verdict, (step,))
    larger = "" if balance.majority == "even" else f"; {balance.majority} is the larger side"
    verdict = f"{where}: real : fake = {balance.text}, {balance.mark}{larger}"
    if is_for_tests or not verb:
        step = _JUDGE_ONLY if is_for_tests else _UNSAID
        return Advice(part.corpus, part.split, balance, verdict, (step,))
    choices = recommend(real=balance.real, fake=balance.fake, has_fusion=verb == "train")
    first = (TUNE_FIRST,) if verb == "train" and balance.mark != "balanced" else ()
    steps = (*first, *_corpora_to_add(part, balance.ratio), *(_REASONS[one] for one in choices))
    return Advice(part.corpus, part.split, balance, verdict, steps, verb, choices)


def _verb(part: PartStatistics) -> str:
    """What can learn from a corpus: the detector from clips of several classes, a branch from its own labels."""
    video, audio = (one is not None and one.ratio is not None for one in (part.video, part.audio))
    if sum(count > 0 for count in part.classes.values()) > 1 and (video or audio):
        return "train"
    return "pretrain video" if video else "pretrain audio" if audio else ""


_REASONS = {
    CLASS_WEIGHTS: f"Train; class weights suffice: {CLASS_WEIGHTS.options}",
    SAMPLER: f"Draw classes evenly and use focal loss: {SAMPLER.options}",
    SMOTE: f"Make up clips of the rare classes, as embeddings for the fusion head (SMOTE): {SMOTE.options}",
}


def _corpora_to_add(part: PartStatistics, ratio: float) -> Iterator[str]:
    """Corpora that would even the ratio out, where others are known: of the side that is rare."""
    faces = f"{title_of(_FACES)} (70,000 of each)"
    if "image" in part.media and ratio > MODERATE_FROM and part.corpus != _FACES:
        yield f"Add {faces} to the image branch."
    if part.corpus == "fakeavceleb" and ratio > SEVERE_ABOVE and part.any.majority == "real":
        yield (
            f"Add no genuine videos: they are the larger side. {title_of(part.corpus)} has 21,044 fakes when it "
            "is whole; complete them, or leave genuine clips of other corpora out."
        )
    elif part.corpus == "fakeavceleb" and ratio > SEVERE_ABOVE:
        yield (
            f"Add genuine {title_of(_PEOPLE)} videos of people who are not in {title_of(part.corpus)}, to train "
            "only. Beware of the shortcut: if all added clips are real, a model can learn the source corpus "
            f"instead of forgery; prepare both in the same way, and judge on {title_of(part.corpus)}'s own reals."
        )
    if part.audio is not None and (part.audio.ratio or 0) > SEVERE_ABOVE:
        yield _audio_to_add(part.corpus, part.audio)
    if "video" in part.media and part.audio is None and ratio > SEVERE_ABOVE:
        yield f"Pretrain the video branch on {faces} as well."


def _audio_to_add(corpus: str, balance: Balance) -> str:
    if balance.majority == "real":
        others = [title_of(name) for name in (_VOCODED, _SPEECH) if name != corpus]
        return f"Add the fakes of {' or '.join(others)} to the audio branch."
    genuine = {
        _SPEECH: f"the bona fide speech of {title_of(_SPEECH)}",
        _VOCODED: f"the genuine recordings that {title_of(_VOCODED)} was made from (LJSpeech, JSUT)",
    }
    return f"Add {' or '.join(text for name, text in genuine.items() if name != corpus)} to the audio branch."


# Statistics and advice as text for a terminal, with bars.


_BAR_WIDTH = 40
_NUM_METHODS = 15


def statistics_text(statistics: list[PartStatistics], advice: list[Advice]) -> str:
    """The whole report: a block for each corpus and split, then what to do."""
    blocks = [_part_text(part) for part in statistics] + _together_text(statistics)
    lines = [f"Advice: {overall_verdict(advice)}"] if advice else []
    for one in advice:
        lines += [f"* {one.verdict}", *(f"    {number}. {step}" for number, step in enumerate(one.steps, 1))]
        if one.begin_with:
            lines.append(f"    begin with: python -m experiments {one.begin_with}")
    return "\n\n".join([*blocks, "\n".join(lines)])


def _together_text(statistics: list[PartStatistics]) -> list[str]:
    """One ratio of several corpora, and how well a clip's corpus alone tells its label."""
    wholes = {one.corpus: (one.any.real, one.any.fake) for one in statistics if one.split == "all"}
    balance = balance_of(real=sum(one[0] for one in wholes.values()), fake=sum(one[1] for one in wholes.values()))
    if len(wholes) < 2 or balance.ratio is None:
        return []
    area = corpus_separation(wholes)
    counts = f"{balance.real:,} real, {balance.fake:,} fake"
    return [
        f"all {len(wholes)} corpora together: {counts}; {_ratio_text(balance)}\n"
        f"  the corpus alone tells fakes from reals with an AUC of {area:.3f} (0.5: not at all)"
    ]


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
