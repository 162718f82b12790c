"""In-the-Wild: numbered WAVs of celebrities and meta.csv, which writes bona-fide with a hyphen."""

from multimodal.synthetic.layouts.planned import (
    AudioFile,
    Layout,
    LayoutOptions,
    Sound,
    Take,
    TextFile,
    Tree,
    csv_text,
)
from multimodal.synthetic.randomness import keyed_generator


def plan(options: LayoutOptions) -> Tree:
    """``clips`` bona fide and as many spoofed utterances of each speaker, in random order."""
    sounds = []
    for index in range(options.identities):
        speaker = f"Nobody Number {index + 1}"
        for number in range(options.clips):
            sounds += [
                Sound(Take(speaker, number)),
                Sound(Take(speaker, 100 + number), f"system {number % 3}", speaker),
            ]
    order = keyed_generator(options.seed, "in the wild").permutation(len(sounds)).tolist()
    shuffled = [sounds[index] for index in order]
    rows = [
        (f"{number}.wav", sound.take.person, "spoof" if sound.system else "bona-fide")
        for number, sound in enumerate(shuffled)
    ]
    return Tree(
        files=[
            *(AudioFile(path=f"{number}.wav", sound=sound) for number, sound in enumerate(shuffled)),
            TextFile(path="meta.csv", text=csv_text([("file", "speaker", "label"), *rows])),
        ]
    )


LAYOUT = Layout(
    name="in_the_wild",
    variants={"release": plan},
)
