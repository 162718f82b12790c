"""In-the-Wild: numbered WAVs of celebrities and meta.csv, which writes bona-fide with a hyphen."""

from multimodal.synthetic.layouts import planned
from multimodal.synthetic.randomness import keyed_generator


def plan(options: planned.LayoutOptions) -> planned.Tree:
    """``clips`` bona fide and as many spoofed utterances of each speaker, in random order."""
    sounds = []
    for index in range(options.identities):
        speaker = f"Nobody Number {index + 1}"
        for number in range(options.clips):
            sounds += [
                planned.Sound(planned.Take(speaker, number)),
                planned.Sound(planned.Take(speaker, 100 + number), f"system {number % 3}", speaker),
            ]
    order = keyed_generator(options.seed, "in the wild").permutation(len(sounds)).tolist()
    shuffled = [sounds[index] for index in order]
    rows = [
        (f"{number}.wav", sound.take.person, "spoof" if sound.system else "bona-fide")
        for number, sound in enumerate(shuffled)
    ]
    return planned.Tree(
        files=[
            *(planned.AudioFile(path=f"{number}.wav", sound=sound) for number, sound in enumerate(shuffled)),
            planned.TextFile(path="meta.csv", text=planned.csv_text([("file", "speaker", "label"), *rows])),
        ]
    )


LAYOUT = planned.Layout(
    name="in_the_wild",
    variants={"release": plan},
)
