"""Celeb-DF v2: celebrities, YouTube faces, face swaps, and a test list in which 1 means real.

Half of the fakes on the list have their own target clip among the listed reals; for the others it is training
data, as in the real corpus.
"""

from multimodal.synthetic.layouts.planned import Layout, LayoutOptions, Take, TextFile, Tree, VideoFile, lines_text

TEST_LIST = "List_of_testing_videos.txt"
#: No celebrity has this number, as there are gaps in the real ids.
_GAP = 2
_FRAME_RATE = 30


def plan(options: LayoutOptions) -> Tree:
    """``identities`` celebrities with ``clips`` each, one swap of every clip, and half as many YouTube faces."""
    ids = [number for number in range(options.identities + 1) if number != _GAP]
    reals, fakes, listed = [], [], []
    for index, identity in enumerate(ids):
        for number in range(options.clips):
            donor = ids[(index + 1 + number % (len(ids) - 1)) % len(ids)]
            take = Take(f"celebdf/id{identity}", number)
            real = f"Celeb-real/id{identity}_{number:04d}.mp4"
            fake = f"Celeb-synthesis/id{identity}_id{donor}_{number:04d}.mp4"
            reals.append(_video(real, take))
            fakes.append(_video(fake, take, face=f"celebdf/id{donor}"))
            if number == options.clips - 1:
                listed += [f"1 {real}", f"0 {fake}"] if index % 2 else [f"0 {fake}"]
    strangers = [f"YouTube-real/{number:05d}.mp4" for number in range(max(2, options.recordings // 2))]
    listed = [f"1 {path}" for path in strangers[::2]] + listed
    youtube = [_video(path, Take(f"celebdf/{path}")) for path in strangers]
    return Tree(files=[*reals, *youtube, *fakes, TextFile(path=TEST_LIST, text=lines_text(listed))])


def _video(path: str, take: Take, face: str | None = None) -> VideoFile:
    return VideoFile(path=path, take=take, face=face, frame_rate=_FRAME_RATE)


LAYOUT = Layout(
    name="celebdf",
    variants={"v2": plan},
)
