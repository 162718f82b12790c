from multimodal.corpora.base import Corpus, ScanReport, check_counts
from multimodal.corpora.manifest import Clip, collect


def warnings_for(expected, *clips: Clip) -> list[str]:
    corpus = Corpus(
        name="c",
        title="Some Corpus",
        summary="",
        licence="",
        request_url="",
        markers=(("a/",),),
        clips=lambda root, report: iter(clips),
        expected=expected,
    )
    report = ScanReport()
    check_counts(corpus, collect(clips, corpus="c", root="/data").clips, report)
    return report.warnings


def clip(path: str, method: str, split: str | None = None) -> Clip:
    return Clip(path, "video", int(method != "real"), None, method, 1, official_split=split)


CLIPS = (clip("original/1.mp4", "real", "train"), clip("Deepfakes/1_2.mp4", "Deepfakes", "test"))


def test_a_complete_corpus_is_silent():
    expected = {
        "method": {"real": 1, "Deepfakes": 1},
        "official_split": {"train": 1, "test": 1},
        "folder": {"original": 1, "Deepfakes": 1},
    }
    assert warnings_for(expected, *CLIPS) == []


def test_what_is_missing_or_too_much_is_named_in_one_line_a_column():
    expected = {
        "method": {"real": 1_000, "Deepfakes": 1, "FaceSwap": 1_000},
        "official_split": {"val": 1, "train": 0},
    }
    assert warnings_for(expected, *CLIPS) == [
        "Some Corpus: clips by method differ from the complete corpus: real 1 of 1,000, FaceSwap 0 of 1,000. "
        "Is the download complete?",
        "Some Corpus: clips by official split differ from the complete corpus: val 0 of 1, train 1 of 0. "
        "Is the download complete?",
    ]


def test_a_folder_is_not_confused_with_one_whose_name_begins_alike():
    clips = (clip("real/1.mp4", "real"), clip("real_extra/1.mp4", "real"), clip("real/a/2.mp4", "real"))
    assert warnings_for({"folder": {"real": 2, "real_extra": 1, "real/a": 1}}, *clips) == []
