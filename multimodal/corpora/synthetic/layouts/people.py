"""Who appears in generated layouts.

The name decides the person, so that two layouts that share material show the same people: FaceForensics++ and
DeeperForensics, DFD inside the Kaggle FaceForensics++, and all that comes from VoxCeleb2.
"""

import re

from multimodal.synthetic.identity import Person, invent_person
from multimodal.synthetic.plan import GROUPS
from multimodal.synthetic.randomness import keyed_generator


def person_called(seed: int, name: str) -> Person:
    """The person of that name."""
    race, gender = group_of(seed, name)
    return invent_person(seed, name, race=race, gender=gender)


def group_of(seed: int, name: str) -> tuple[str, str]:
    """Race and gender (``men`` or ``women``) of the person of that name."""
    numbered = re.fullmatch(r"id9(\d)\d{3}", name)
    if numbered:
        return GROUPS[int(numbered[1])]
    return GROUPS[int(keyed_generator(seed, "group", name).integers(len(GROUPS)))]


def voxceleb2_id(index: int, *, in_fakeavceleb: bool) -> str:
    """VoxCeleb2-like id of the ``index``-th person, from id90001 on, above the real ones.

    The same ids as the generated FakeAVCeleb's (its groups in turn), or ids that it never has.

    >>> voxceleb2_id(1, in_fakeavceleb=True), voxceleb2_id(11, in_fakeavceleb=False)
    ('id91001', 'id91502')
    """
    group, number = index % len(GROUPS), index // len(GROUPS) + 1
    return f"id9{group}{number + (0 if in_fakeavceleb else 500):03d}"
