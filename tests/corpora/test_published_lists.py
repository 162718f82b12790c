import pandas as pd
import pytest

from multimodal.corpora.manifest import Clip, Manifest, collect
from multimodal.splits import make_split
from multimodal.splits.from_file import read_list

TYPES = {
    "RealVideo-RealAudio": (0, 0, ""),
    "RealVideo-FakeAudio": (0, 1, "_fake"),
    "FakeVideo-RealAudio": (1, 0, "_id00001_wavtolip"),
    "FakeVideo-FakeAudio": (1, 1, "_id00001_wavtolip"),
}


def fakeavceleb(num_people: int = 10, clips_per_type: int = 1) -> Manifest:
    clips = []
    for person in range(1, num_people + 1):
        for folder, (video, audio, ending) in TYPES.items():
            for number in range(clips_per_type):
                path = f"{folder}/Asian (East)/men/id{person:05d}/{number:05d}{ending}.mp4"
                shared = {"identity": f"vox2:id{person:05d}", "group": "Asian_East/men"}
                clips.append(Clip(path, "video", video, audio, "m", 1, **shared))
    return collect(clips, corpus="fakeavceleb", root="/data")


def published(path: str) -> str:
    return "FakeAVCeleb/" + path.replace(" (", "_").replace(")", "")


def write(path, *lines: str) -> str:
    path.write_text("\n".join(lines) + "\n")
    return str(path)


def test_csvs_with_respelt_races_and_another_folder_above_give_the_published_split(tmp_path):
    manifest = fakeavceleb(6)
    people = {"train": ("id00001", "id00002", "id00003"), "val": ("id00004",), "test": ("id00005", "id00006")}
    options = {}
    for part, names in people.items():
        rows = [path for path in manifest.clips["path"] if path.split("/")[3] in names]
        lines = (f"{path.split('/')[3]},A,{published(path)}" for path in rows)
        options[part] = write(tmp_path / f"{part}_split.csv", "source,category,full_path", *lines)
    split = make_split(manifest, "from_file", options=options)
    assert split.counts == {"train": 12, "val": 4, "test": 8, "dropped": 0}
    assert split.notes == ()
    found = manifest.clips.groupby(split.of(manifest.clips))["identity"].agg(set)
    assert found.to_dict() == {part: {f"vox2:{name}" for name in names} for part, names in people.items()}


def test_lists_of_people_and_a_rest(tmp_path):
    train = write(tmp_path / "train.txt", "id00001/x", "id00002", "id00099")
    split = make_split(fakeavceleb(4), "from_file", options={"train": train, "rest": "test"})
    assert split.counts == {"train": 8, "val": 0, "test": 8, "dropped": 0}
    assert split.notes[0].endswith("1 of 3 entries not found, e.g. id00099")
    dropped = make_split(fakeavceleb(4), "from_file", options={"train": train}).dropped
    assert dropped == {"in no list": 8}


def test_an_entry_that_fits_two_clips_is_not_guessed(tmp_path):
    manifest = fakeavceleb(3)
    tails = ["id00001/00000_id00001_wavtolip.mp4", "RealVideo-RealAudio/Asian (East)/men/id00002/00000.mp4"]
    split = make_split(manifest, "from_file", options={"test": write(tmp_path / "test.txt", *tails)})
    assert split.counts["test"] == 1
    assert "1 of 2 entries not found, e.g. id00001" in split.notes[0]


def test_lists_that_contradict_each_other_or_fit_nothing_are_refused(tmp_path):
    both = write(tmp_path / "both.txt", "id00001")
    with pytest.raises(ValueError, match="4 clips are in another list too"):
        make_split(fakeavceleb(), "from_file", options={"train": both, "test": both})
    other = write(tmp_path / "other.csv", "path,label", "Celeb-real/id0_0001.mp4,0")
    with pytest.raises(ValueError, match="none of its 1 entries is in the manifest"):
        make_split(fakeavceleb(), "from_file", options={"test": other})
    with pytest.raises(ValueError, match="holds no file name and no person"):
        make_split(fakeavceleb(), "from_file", options={"test": write(tmp_path / "x.txt", "hello")})
    with pytest.raises(ValueError, match="list not found"):
        make_split(fakeavceleb(), "from_file", options={"test": "nowhere.csv"})
    with pytest.raises(ValueError, match="from_file needs a list: --options train FILE"):
        make_split(fakeavceleb(), "from_file")


@pytest.mark.parametrize(
    ("line", "entry"),
    [
        ("a b/c (d)/1.mp4 0", "a b/c (d)/1.mp4"),
        ("1 Celeb-real/id0_0001.mp4", "Celeb-real/id0_0001.mp4"),
        ("0,id00001,x/y.mp4,y.mp4", "x/y.mp4"),
        ('0;"x/y, z.mp4"', "x/y, z.mp4"),
        ("id00017/anything", "id00017"),
        ("\ufeffx/y.mp4\t1", "x/y.mp4"),
    ],
)
def test_the_path_or_person_in_a_line_is_found(tmp_path, line, entry):
    assert read_list_of(tmp_path, line) == [entry]


def read_list_of(tmp_path, line):
    (tmp_path / "list").write_text(line + "\n")
    return read_list(tmp_path / "list")


def mrdf_inputs(tmp_path, manifest: Manifest, people: list[str]) -> dict[str, str]:
    write(tmp_path / "train_2.txt", f"{people[0]} this first line is lost", *(f"{name}_x" for name in people[1:]))
    rows = [
        f"{path.split('/')[3]},m,A,{path.rsplit('/', 1)[1]},FakeAVCeleb/{path.rsplit('/', 1)[0]}"
        for path in manifest.clips["path"]
    ]
    table = write(tmp_path / "meta_data.csv", "source,method,category,path,", *rows)
    return {"folds": str(tmp_path), "fold": "2", "metadata": table}


def test_mrdf_loses_the_first_line_and_takes_the_first_rows_of_each_type(tmp_path):
    manifest = fakeavceleb(num_people=12, clips_per_type=100)
    options = mrdf_inputs(tmp_path, manifest, [f"id{number:05d}" for number in range(1, 8)])
    split = make_split(manifest, "mrdf5", options=options)
    assert split.counts == {"train": 1_600, "val": 0, "test": 400, "dropped": 4_800 - 2_000}
    clips = manifest.clips.assign(split=split.of(manifest.clips))
    assert clips.groupby(["split", "av_class"]).size().to_dict() == {
        (part, name): number
        for part, number in (("test", 100), ("train", 400))
        for name in ("FVFA", "FVRA", "RVFA", "RVRA")
    }
    # the first person of the file is not in train, and the first 100 test rows are all of that person
    assert set(clips["identity"][clips["split"] == "test"]) == {"vox2:id00001"}
    assert set(clips["identity"][clips["split"] == "train"]) == {f"vox2:id0000{n}" for n in (2, 3, 4, 5)}
    assert "val is empty" in split.notes


def test_mrdf_says_which_files_it_needs(tmp_path):
    with pytest.raises(ValueError, match=r"fold file not found: .*train_1.txt.*mrdf5_balanced, which needs none"):
        make_split(fakeavceleb(), "mrdf5")
    with pytest.raises(ValueError, match="fold must be 1 to 5; got 6"):
        make_split(fakeavceleb(), "mrdf5_balanced", options={"fold": 6})
    other = collect([Clip("a.mp4", "video", 0, 0, "real", 1)], corpus="other", root="/data")
    with pytest.raises(ValueError, match="for FakeAVCeleb; this manifest has other clips"):
        make_split(other, "mrdf5_balanced")


def test_the_corrected_folds_take_one_clip_a_person_and_type_and_part_people():
    manifest = fakeavceleb(num_people=20, clips_per_type=3)
    tests = []
    for fold in range(1, 6):
        split = make_split(manifest, "mrdf5_balanced", seed=1, options={"fold": fold})
        clips = manifest.clips.assign(split=split.of(manifest.clips)).dropna(subset="split")
        assert clips.groupby(["identity", "av_class"]).size().eq(1).all()
        assert clips.groupby("identity")["split"].nunique().eq(1).all()
        assert split.counts == {"train": 48, "val": 16, "test": 16, "dropped": 160}
        tests.append(set(clips["identity"][clips["split"] == "test"]))
    assert len(set().union(*tests)) == sum(map(len, tests)) == 20


def test_lists_of_paths_split_a_corpus_that_names_nobody(tmp_path):
    known = fakeavceleb(4).clips
    clips = known.assign(identity=pd.array([None] * len(known), dtype="string"))
    train = write(tmp_path / "train.txt", *clips["path"][:3])
    split = make_split(Manifest(clips, {}), "from_file", options={"train": train, "rest": "test"})
    assert (split.of(clips) == "train").sum() == 3
