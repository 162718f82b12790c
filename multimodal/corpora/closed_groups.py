"""Closed groups of people: nobody in one lends a face or a voice to anybody in another."""

from collections.abc import Iterable, Iterator

from multimodal.corpora.manifest import Clip


def with_closed_groups(clips: Iterable[Clip], ties: Iterable[tuple[str, ...]] = ()) -> Iterator[Clip]:
    """Give each clip the ``group`` of its people; clips without identity are left alone.

    Groups are the connected components of who is in a clip with whom, and of ``ties``, further people who belong
    together. A group is named after the first of its people in alphabetical order.
    """
    clips = list(clips)
    groups = closed_groups(
        [*ties, *((clip.identity, *clip.donors) for clip in clips if clip.identity is not None)]
    )
    for clip in clips:
        yield clip if clip.identity is None else clip._replace(group=groups[clip.identity])


def closed_groups(ties: Iterable[tuple[str, ...]]) -> dict[str, str]:
    """Person → name of the group, such that all people of a tie share it.

    >>> closed_groups([("b", "a"), ("c",), ("d", "b")])
    {'b': 'a', 'a': 'a', 'c': 'c', 'd': 'a'}
    """
    leader: dict[str, str] = {}

    def find(person: str) -> str:
        leader.setdefault(person, person)
        while leader[person] != person:
            leader[person] = leader[leader[person]]
            person = leader[person]
        return person

    for first, *others in ties:
        find(first)
        for other in others:
            one, two = sorted((find(first), find(other)))
            leader[two] = one
    return {person: find(person) for person in leader}
