"""Anybody's data: ``real/`` and ``fake/`` with videos, pictures and sound, in odd names and deeper folders.

Below ``real/`` a folder is a person, below ``fake/`` a method.
"""

from multimodal.synthetic.layouts.planned import (
    AudioFile,
    File,
    ImageFile,
    Layout,
    LayoutOptions,
    Sound,
    Take,
    Tree,
    VideoFile,
)


def plan(options: LayoutOptions) -> Tree:
    """A video with sound, a silent video, a picture and a sound of every recording, genuine and forged."""
    files: list[File] = []
    for index in range(options.identities):
        person, donor = f"folder/{index}", f"folder/{index} donor"
        for number in range(options.clips):
            take, forged = Take(person, number), Sound(Take(person, 100 + number), "tts", person)
            real, fake = f"real/person {index}/it's take ({number})", f"person {index}'s take ({number})"
            files += [
                VideoFile(path=f"{real}.mp4", take=take, sound=Sound(take)),
                VideoFile(path=f"{real} silent.mp4", take=take),
                ImageFile(path=f"{real}.jpg", take=take),
                AudioFile(path=f"{real}.wav", sound=Sound(take)),
                VideoFile(path=f"fake/lips and voice/{fake}.mp4", take=take, sound=forged, lips=forged),
                VideoFile(path=f"fake/face swap/{fake}.mp4", take=take, face=donor),
                ImageFile(path=f"fake/face swap/{fake}.png", take=take, face=donor),
                AudioFile(path=f"fake/voice/{fake}.flac", sound=forged),
            ]
    return Tree(files=files)


LAYOUT = Layout(
    name="folder",
    variants={"folders": plan},
)
