"""For the modes that are made for two modalities."""

from collections.abc import Sequence


def the_other_of_each(names: Sequence[str], mode: str) -> dict[str, str]:
    """Map each of exactly two modalities to the other.

    Raises:
        ValueError: there are not two.

    >>> the_other_of_each(["audio", "video"], "film")
    {'audio': 'video', 'video': 'audio'}
    """
    if len(names) != 2:
        got = ", ".join(names)
        raise ValueError(
            f"{mode} fuses exactly two modalities; got {got}. Use concat, gated or transformer there."
        )
    first, second = names
    return {first: second, second: first}
