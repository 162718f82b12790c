"""Anybody's data: ``real/`` and ``fake/`` with videos, pictures and sound, in odd names and deeper folders.

Below ``real/`` a folder is a person, below ``fake/`` a method.
"""

from multimodal.synthetic.layouts import planned


def plan(options: planned.LayoutOptions) -> planned.Tree:
    """A video with sound, a silent video, a picture and a sound of every recording, genuine and forged."""
    files: list[planned.File] = []
    for index in range(options.identities):
        person, donor = f"folder/{index}", f"folder/{index} donor"
        for number in range(options.clips):
            take, forged = (
                planned.Take(person, number),
                planned.Sound(planned.Take(person, 100 + number), "tts", person),
            )
            real, fake = f"real/person {index}/it's take ({number})", f"person {index}'s take ({number})"
            files += [
                planned.VideoFile(path=f"{real}.mp4", take=take, sound=planned.Sound(take)),
                planned.VideoFile(path=f"{real} silent.mp4", take=take),
                planned.ImageFile(path=f"{real}.jpg", take=take),
                planned.AudioFile(path=f"{real}.wav", sound=planned.Sound(take)),
                planned.VideoFile(path=f"fake/lips and voice/{fake}.mp4", take=take, sound=forged, lips=forged),
                planned.VideoFile(path=f"fake/face swap/{fake}.mp4", take=take, face=donor),
                planned.ImageFile(path=f"fake/face swap/{fake}.png", take=take, face=donor),
                planned.AudioFile(path=f"fake/voice/{fake}.flac", sound=forged),
            ]
    return planned.Tree(files=files)


LAYOUT = planned.Layout(
    name="folder",
    variants={"folders": plan},
)
