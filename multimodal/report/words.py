"""A verdict in words: what somebody asks who has to decide about a file, each question with its answer."""

from multimodal.labels import MODALITIES
from multimodal.report.verdict import FileVerdict, Judgement, ModalityVerdict

_PARTS = {"video": "picture", "audio": "sound"}


def questions(verdict: FileVerdict) -> list[tuple[str, str]]:
    """Question and answer, the most urgent first: is it fake, which part, when, how sure, who, from what."""
    main = verdict.main
    asked = [("Is it fake?", _whole(main.modalities["any"])), ("Which part?", _parts(main))]
    if main.segments is not None:
        asked.append(("When?", _when(main)))
    asked.append(("How sure is that?", _doubt(main.modalities["any"])))
    if main.familiarity:
        asked.append(("Does it know such clips?", _known(main)))
    if main.synchrony is not None:
        text = main.synchrony.as_text()
        asked.append(("Lips and sound?", f"{text[0].upper()}{text[1:]}."))
    if verdict.faces or main.is_speaker is not None:
        asked.append(("Whose face?", _faces(verdict)))
    return [*asked, ("What has it learnt from?", verdict.trained_on)]


def _whole(whole: ModalityVerdict) -> str:
    because = f": {whole.reason}" if whole.reason else ""
    return {"fake": "It looks fake", "real": "It looks real", "cannot say": "That cannot be said"}[
        whole.verdict
    ] + f"{because}."


def _parts(main: Judgement) -> str:
    said = []
    for name in MODALITIES:
        one = main.modalities[name]
        word = "cannot be told" if one.verdict == "cannot say" else f"looks {one.verdict}"
        said.append(f"the {_PARTS[name]} {word}" + (f" ({one.reason})" if one.reason else ""))
    text = ", ".join(said)
    return f"{text[0].upper()}{text[1:]}."


def _when(main: Judgement) -> str:
    stretches = [
        f"The {_PARTS[one.modality]} looks forged from {one.start_seconds:.2f} to {one.end_seconds:.2f} s."
        for one in main.segments or ()
    ]
    return " ".join(stretches) or "No stretch of it stands out as forged."


def _doubt(whole: ModalityVerdict) -> str:
    parts = []
    if whole.probability is not None:
        where = "" if whole.prior is None else f" where {whole.prior:.0%} of clips are fake"
        parts.append(f"The probability that any of it is fake is {whole.probability:.2f}{where}")
    if whole.score is not None and whole.threshold is not None:
        band = "" if whole.low is None else f", in doubt from {whole.low:.2f} to {whole.high:.2f}"
        parts.append(f"the score of the whole is {whole.score:.2f}, its threshold {whole.threshold:.2f}{band}")
    if not parts:
        return "Nothing was judged."
    text = "; ".join(parts)
    return f"{text[0].upper()}{text[1:]}. A verdict is statistical and no proof."


def _known(main: Judgement) -> str:
    said = [
        f"the {_PARTS[name]} is {'unlike' if one.is_unlike else 'like'} those that it was tried on "
        f"(further than {one.further_than:.0%} of them)"
        for name, one in (main.familiarity or {}).items()
    ]
    text = ", ".join(said)
    return f"{text[0].upper()}{text[1:]}."


def _faces(verdict: FileVerdict) -> str:
    return "; ".join(_face(one) for one in (verdict.main, *verdict.faces)) + "."


def _face(one: Judgement) -> str:
    speaks = " speaks," if one.is_speaker else ""
    return (
        f"{one.name}{speaks} is seen from {one.start_seconds:.1f} to {one.end_seconds:.1f} s: "
        f"{one.modalities['any'].verdict}"
    )
