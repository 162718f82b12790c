"""DFDC preview: actors by number, two methods of swapping faces, and one dataset.json with labels and sets."""

import string

from multimodal.synthetic.layouts.planned import (
    File,
    Layout,
    LayoutOptions,
    Sound,
    Take,
    TextFile,
    Tree,
    VideoFile,
    json_text,
)


def plan(options: LayoutOptions) -> Tree:
    """``clips`` recordings of each actor, each forged in two ways; test has two actors of its own."""
    actors = [f"{1_000_000 + 7919 * index}" for index in range(max(4, options.identities))]
    files: list[File] = []
    listed: dict[str, dict[str, str]] = {}
    for name, members in (("train", actors[:-2]), ("test", actors[-2:])):
        for index, target in enumerate(members):
            swapped = members[(index + 1) % len(members)]
            for number in range(options.clips):
                take = Take(f"dfdc/{target}", number)
                suffix = f"{string.ascii_uppercase[number % 26]}_{number + 1:03d}"
                real = f"original_videos/{target}/{target}_{suffix}.mp4"
                files.append(VideoFile(path=real, take=take, sound=Sound(take)))
                listed[real] = {"label": "real", "set": name}
                for method in ("method_A", "method_B"):
                    fake = f"{method}/{target}/{swapped}_{target}_{suffix}.mp4"
                    files.append(VideoFile(path=fake, take=take, sound=Sound(take), face=f"dfdc/{swapped}"))
                    listed[fake] = {"label": "fake", "set": name}
    return Tree(files=[*files, TextFile(path="dataset.json", text=json_text(listed))])


LAYOUT = Layout(
    name="dfdc_preview",
    variants={"preview": plan},
)
