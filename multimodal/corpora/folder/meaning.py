"""What the values of somebody's label column mean; a number means nothing until somebody says so."""

FAKE_WORDS = frozenset({"fake", "spoof", "deepfake", "manipulated", "forged", "synthetic", "generated"})
REAL_WORDS = frozenset({"real", "bonafide", "bona-fide", "genuine", "original", "authentic", "pristine"})


class LabelValues:
    """Which values mean fake and which real: words by themselves, others if ``fake`` and ``real`` name them.

    >>> LabelValues("", "").label("Bona-Fide"), LabelValues("1", "0").label("1")
    (0, 1)
    """

    def __init__(self, fake: str, real: str) -> None:
        if bool(fake) != bool(real):
            raise ValueError("give both of fake_value and real_value, e.g. --options fake_value 1 real_value 0")
        self._is_told = bool(fake)
        self._fake = _values(fake) if fake else FAKE_WORDS
        self._real = _values(real) if real else REAL_WORDS
        if both := self._fake & self._real:
            raise ValueError(f"{min(both)!r} cannot mean fake and real; mend fake_value and real_value")

    def label(self, value: str) -> int | None:
        """1 for fake, 0 for real, None for an empty or another value.

        Raises ``ValueError`` for a number whose meaning nobody told.
        """
        value = value.strip().lower()
        if value in self._fake:
            return 1
        if value in self._real:
            return 0
        if not self._is_told and _is_number(value):
            raise ValueError(
                f"a label {value} may mean real or fake; say which: "
                f"--options fake_value {value} real_value ..., or real_value {value} fake_value ..."
            )
        return None


def _values(text: str) -> frozenset[str]:
    return frozenset(value.strip().lower() for value in text.split(",") if value.strip())


def _is_number(value: str) -> bool:
    try:
        float(value)
    except ValueError:
        return value in ("true", "false", "yes", "no")
    return True
