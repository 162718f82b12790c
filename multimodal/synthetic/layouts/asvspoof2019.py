"""ASVspoof 2019 LA: FLACs, protocols of five columns, enrolment FLACs without a trial, and ASV scores.

Speakers are disjoint across train, dev and eval; systems A01 to A06 speak in train and dev, A07 to A19 in eval.
"""

from collections.abc import Iterator
from typing import NamedTuple

from multimodal.synthetic.layouts import planned
from multimodal.synthetic.randomness import keyed_generator

_PROTOCOLS = {"train": "train.trn", "dev": "dev.trl", "eval": "eval.trl"}
_SYSTEMS = {"train": range(1, 7), "dev": range(1, 7), "eval": range(7, 20)}
_SPOOFS_PER_BONAFIDE = 2


class Trial(NamedTuple):
    """One utterance: who speaks or seems to, the file's stem, and the system, None if bona fide."""

    speaker: str
    name: str
    system: str | None
    sound: planned.Sound


def trials_of(
    options: planned.LayoutOptions, split: str, *, corpus: str, prefix: str, systems: range
) -> list[Trial]:
    """``clips`` bona fide trials of each of the split's speakers, and twice as many spoofs, in random order."""
    trials = []
    for speaker in _speakers(options, split):
        for number in range(options.clips * (1 + _SPOOFS_PER_BONAFIDE)):
            take = planned.Take(f"asvspoof/{speaker}", number)
            if number < options.clips:
                trials.append(Trial(speaker, "", None, planned.Sound(take)))
            else:
                system = f"A{systems[len(trials) % len(systems)]:02d}"
                trials.append(Trial(speaker, "", system, planned.Sound(take, system, take.person)))
    order = keyed_generator(options.seed, corpus, prefix).permutation(len(trials))
    names = sorted(planned.numbers(options.seed, corpus, prefix, count=len(trials), below=9_000_000))
    return [
        trials[index]._replace(name=f"{prefix}_{name + 1_000_000:07d}")
        for index, name in zip(order.tolist(), names, strict=True)
    ]


def plan(options: planned.LayoutOptions) -> planned.Tree:
    """The three splits, and in dev and eval as many enrolment files as speakers."""
    files: list[planned.File] = []
    for split, protocol in _PROTOCOLS.items():
        trials = trials_of(
            options, split, prefix=f"LA_{split[0].upper()}", systems=_SYSTEMS[split], corpus="asvspoof2019"
        )
        lines = [f"{trial.speaker} {trial.name} - {trial.system or '-'} {_key(trial)}" for trial in trials]
        files += [
            planned.TextFile(
                path=f"ASVspoof2019_LA_cm_protocols/ASVspoof2019.LA.cm.{protocol}.txt",
                text=planned.lines_text(lines),
            ),
            *(_flac(split, trial.name, trial.sound) for trial in trials),
        ]
        if split != "train":
            files += [*_enrolment(options, split), _asv_scores(options, split, trials)]
    return planned.Tree(files=files)


def _speakers(options: planned.LayoutOptions, split: str) -> list[str]:
    """At least one of the identities in each split; each split has its own numbers."""
    first = {"train": 79, "dev": 69, "eval": 1}[split]
    count = max(1, options.identities // 2)
    return [f"LA_{first + 100 * index:04d}" for index in range(count)]


def _flac(split: str, name: str, sound: planned.Sound) -> planned.AudioFile:
    return planned.AudioFile(path=f"ASVspoof2019_LA_{split}/flac/{name}.flac", sound=sound)


def _enrolment(options: planned.LayoutOptions, split: str) -> Iterator[planned.File]:
    """Speech of each speaker that no countermeasure trial names."""
    lines = []
    for index, speaker in enumerate(_speakers(options, split)):
        # Above all trials' numbers, which have seven digits of which the first is not 0.
        name = f"LA_{split[0].upper()}_0{index:06d}"
        yield _flac(split, name, planned.Sound(planned.Take(f"asvspoof/{speaker}", 10_000)))
        lines.append(f"{speaker} {name}")
    path = f"ASVspoof2019_LA_asv_protocols/ASVspoof2019.LA.asv.{split}.gi.trn.txt"
    yield planned.TextFile(path=path, text=planned.lines_text(lines))


def _asv_scores(options: planned.LayoutOptions, split: str, trials: list[Trial]) -> planned.TextFile:
    """Attack, key and score of a speaker verifier: targets score high, others low, spoofs between."""
    rng = keyed_generator(options.seed, "asv scores", split)
    lines = []
    for trial in trials:
        if trial.system is None:
            lines += [f"bonafide target {rng.normal(4, 1.5):.6f}", f"bonafide nontarget {rng.normal(-4, 1.5):.6f}"]
        else:
            lines.append(f"{trial.system} spoof {rng.normal(1, 2):.6f}")
    path = f"ASVspoof2019_LA_asv_scores/ASVspoof2019.LA.asv.{split}.gi.trl.scores.txt"
    return planned.TextFile(path=path, text=planned.lines_text(lines))


def _key(trial: Trial) -> str:
    return "bonafide" if trial.system is None else "spoof"


LAYOUT = planned.Layout(
    name="asvspoof2019",
    variants={"la": plan},
)
