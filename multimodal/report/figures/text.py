"""Text that strangers wrote, made safe to draw."""

from functools import cache

from matplotlib import font_manager

_RULES = {
    "even_odds": "even odds",
    "f1": "best F1",
    "f_beta": "best F-beta",
    "youden": "Youden's J",
    "eer": "equal error rate",
    "break_even": "precision = recall",
    "least_cost": "least cost",
    "target_fpr": "false positive rate",
}


def plain(text: object, max_characters: int = 36) -> str:
    r"""One short line of ``text`` as matplotlib will draw it letter by letter: no mathematics, no missing glyph.

    >>> plain("a$b$\n" + "c" * 50, max_characters=12)
    'a\\$b\\$ c…ccccc'
    """
    line = "".join(letter if ord(letter) in _glyphs() else "\N{REPLACEMENT CHARACTER}" for letter in _line(text))
    if len(line) > max_characters:
        half = (max_characters - 1) // 2
        line = f"{line[: max_characters - 1 - half]}…{line[-half:]}"
    return line.replace("$", r"\$")


def rule_name(rule: str) -> str:
    """How a rule of ``thresholds.json`` is called in figures and tables.

    >>> rule_name("youden"), rule_name("precision_at_recall")
    ("Youden's J", 'precision at recall')
    """
    return _RULES.get(rule, rule.replace("_", " "))


def _line(text: object) -> str:
    return " ".join(str(text).split())


@cache
def _glyphs() -> frozenset[int]:
    font = font_manager.get_font(font_manager.findfont("DejaVu Sans"))
    return frozenset(font.get_charmap())
