"""ASVspoof 5: three folders of FLACs and lists called .tsv whose ten columns are parted by spaces."""

from multimodal.synthetic.layouts import planned
from multimodal.synthetic.randomness import keyed_generator

_LISTS = {
    "T": ("flac_T", "ASVspoof5.train.tsv", range(1, 9)),
    "D": ("flac_D", "ASVspoof5.dev.track_1.tsv", range(9, 17)),
    "E": ("flac_E_eval", "ASVspoof5.eval.track_1.tsv", range(17, 33)),
}
_SPOOFS_PER_BONAFIDE = 2


def plan(options: planned.LayoutOptions) -> planned.Tree:
    """Speakers and systems are disjoint across the three; every other eval trial went through a codec."""
    files: list[planned.File] = []
    for letter, (folder, listing, systems) in _LISTS.items():
        sounds = _sounds(options, letter, systems)
        order = keyed_generator(options.seed, "asvspoof5", letter).permutation(len(sounds)).tolist()
        lines = []
        for index, drawn in enumerate(order):
            sound, name = sounds[drawn], f"{letter}_{index:010d}"
            files.append(planned.AudioFile(path=f"{folder}/{name}.flac", sound=sound))
            lines.append(_line(options, letter, index, name, sound))
        files.append(planned.TextFile(path=listing, text=planned.lines_text(lines)))
    return planned.Tree(files=files)


def _sounds(options: planned.LayoutOptions, letter: str, systems: range) -> list[planned.Sound]:
    sounds: list[planned.Sound] = []
    for speaker in range(max(1, options.identities // 2)):
        person = f"{letter}_{62 + speaker:04d}"
        sounds += [planned.Sound(planned.Take(person, number)) for number in range(options.clips)]
        for number in range(options.clips * _SPOOFS_PER_BONAFIDE):
            system = f"A{systems[len(sounds) % len(systems)]:02d}"
            sounds.append(planned.Sound(planned.Take(person, 100 + number), system, person))
    return sounds


def _line(options: planned.LayoutOptions, letter: str, index: int, name: str, sound: planned.Sound) -> str:
    person = sound.take.person
    gender = "F" if planned.group_of(options.seed, person)[1] == "women" else "M"
    codec = f"C{index % 11 + 1:02d} {index % 5 + 1} E_{index:010d}" if letter == "E" and index % 2 else "- - -"
    attack = "- bonafide bonafide" if sound.system is None else f"AC{index % 3 + 1} {sound.system} spoof"
    return f"{person} {name} {gender} {codec} {attack} -"


LAYOUT = planned.Layout(
    name="asvspoof5",
    variants={"track_1": plan},
)
