"""DFDC preview: actors by number, two methods of swapping faces, and one dataset.json with labels and sets."""

import string

from multimodal.synthetic.layouts import planned


def plan(options: planned.LayoutOptions) -> planned.Tree:
    """``clips`` recordings of each actor, each forged in two ways; test has two actors of its own."""
    actors = [f"{1_000_000 + 7919 * index}" for index in range(max(4, options.identities))]
    files: list[planned.File] = []
    listed: dict[str, dict[str, str]] = {}
    for name, members in (("train", actors[:-2]), ("test", actors[-2:])):
        for index, target in enumerate(members):
            swapped = members[(index + 1) % len(members)]
            for number in range(options.clips):
                take = planned.Take(f"dfdc/{target}", number)
                suffix = f"{string.ascii_uppercase[number % 26]}_{number + 1:03d}"
                real = f"original_videos/{target}/{target}_{suffix}.mp4"
                files.append(planned.VideoFile(path=real, take=take, sound=planned.Sound(take)))
                listed[real] = {"label": "real", "set": name}
                for method in ("method_A", "method_B"):
                    fake = f"{method}/{target}/{swapped}_{target}_{suffix}.mp4"
                    files.append(
                        planned.VideoFile(path=fake, take=take, sound=planned.Sound(take), face=f"dfdc/{swapped}")
                    )
                    listed[fake] = {"label": "fake", "set": name}
    return planned.Tree(files=[*files, planned.TextFile(path="dataset.json", text=planned.json_text(listed))])


LAYOUT = planned.Layout(
    name="dfdc_preview",
    variants={"preview": plan},
)
