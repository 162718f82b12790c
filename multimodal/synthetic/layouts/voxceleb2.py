"""VoxCeleb2: genuine talking heads as mp4, their sound as m4a, a text beside each, and vox2_meta.csv.

Half of the people are also in the generated FakeAVCeleb, as its 500 are in the real one. Headers and values of
the table end with blanks.
"""

from multimodal.synthetic.layouts import planned

_SAMPLE_RATE = 16_000


def plan(options: planned.LayoutOptions) -> planned.Tree:
    """All people but the last in dev, the last in test."""
    files: list[planned.File] = []
    table = ["VoxCeleb2 ID ,VGGFace2 ID ,Gender ,Set "]
    for index in range(options.identities):
        person = planned.voxceleb2_id(index, in_fakeavceleb=index % 2 == 0)
        split = "test" if index == options.identities - 1 else "dev"
        gender = "f" if planned.group_of(options.seed, person)[1] == "women" else "m"
        table.append(f"{person} ,n{index + 1:06d} ,{gender} ,{split} ")
        for number in range(options.clips):
            files += _recording(options, split, person, number)
    return planned.Tree(files=[*files, planned.TextFile(path="vox2_meta.csv", text=planned.lines_text(table))])


def _recording(options: planned.LayoutOptions, split: str, person: str, number: int) -> list[planned.File]:
    video = planned.address(options.seed, "voxceleb2", person, number)
    name, take = f"{person}/{video}/{number + 1:05d}", planned.Take(person, 300 + number)
    text = f"Identity  : \t{person}\nReference : \t{video}\n"
    return [
        planned.VideoFile(
            path=f"{split}/mp4/{name}.mp4", take=take, sound=planned.Sound(take), sample_rate=_SAMPLE_RATE
        ),
        planned.AudioFile(path=f"{split}/aac/{name}.m4a", sound=planned.Sound(take), sample_rate=_SAMPLE_RATE),
        planned.TextFile(path=f"{split}/txt/{name}.txt", text=text),
    ]


LAYOUT = planned.Layout(
    name="voxceleb2",
    variants={"full": plan},
    most_people=planned.MOST_VOXCELEB2_IDS,
)
