"""Whether a page plays a file from where it lies or holds it: what was judged, as far as a page can bear it."""

import os
from dataclasses import replace

import pytest
from permissions import unreadable

from multimodal.report import player
from multimodal.report.pages import prediction, prediction_page
from multimodal.report.player import Players, stamp_of
from multimodal.report.verdict import Evidence, FileVerdict, Judgement, ModalityVerdict

SAID = {name: ModalityVerdict(score=0.9, threshold=0.5) for name in ("any", "video", "audio")}
JUDGED = FileVerdict(
    file="a.wav",
    main=Judgement(name="sound", modalities=SAID, evidence=Evidence()),
    trained_on="nothing",
    synthetic=False,
)
NOT_JUDGED = replace(JUDGED, main=replace(JUDGED.main, evidence=None))


@pytest.fixture
def sound(tmp_path):
    sound = tmp_path / "media" / "ä b.wav"
    sound.parent.mkdir()
    sound.write_bytes(b"RIFF")
    return sound


def played(path, how, verdict=JUDGED, *, page=None, **bounds):
    return Players(page or path.parent.parent / "page", how, **bounds).of(path, verdict, stamp_of(path))


def test_a_player_is_beside_the_page_or_within_it(sound, tmp_path):
    assert played(sound, "beside") == ("../media/%C3%A4%20b.wav", "audio", None)
    inside = played(sound, "embed")
    assert inside.uri.startswith("data:audio/")
    assert inside.uri.endswith(";base64,UklGRg==")
    assert inside.note is None
    for name, kind in (("x.png", "image"), ("x.unknown", "video")):
        (tmp_path / name).touch()
        assert played(tmp_path / name, "beside").kind == kind
    assert played(sound, "none") is played(tmp_path, "embed") is None


def test_what_was_not_judged_or_is_a_link_or_changed_is_referenced_and_not_embedded(sound, tmp_path):
    assert "was not judged" in played(sound, "embed", NOT_JUDGED).note
    link = tmp_path / "link.mp4"
    link.symlink_to(sound)
    assert "a link is not embedded" in played(link, "embed").note
    stamp = stamp_of(sound)
    sound.write_bytes(b"something else")
    changed = Players(tmp_path, "embed").of(sound, JUDGED, stamp)
    assert (changed.uri, "changed since it was judged" in changed.note) == ("media/%C3%A4%20b.wav", True)


def test_a_file_that_is_too_large_takes_no_memory_and_is_referenced(sound, tmp_path):
    with sound.open("r+b") as file:
        os.truncate(file.fileno(), 3 * 10**12)
    told = played(sound, "embed")
    assert told.uri == "../media/%C3%A4%20b.wav"
    assert "too large to embed" in told.note
    assert "it is referenced" in told.note
    assert told.note in prediction_page([replace(JUDGED, player=told)])


def test_a_page_holds_no_more_than_it_can_bear(tmp_path):
    players = Players(tmp_path, "embed", most_in_all=10)
    for name in "abc":
        (tmp_path / f"{name}.wav").write_bytes(b"12345")
    found = [players.of(path, JUDGED, stamp_of(path)) for path in sorted(tmp_path.iterdir())]
    assert [one.uri.partition(":")[0] for one in found] == ["data", "data", "c.wav"]
    assert "too large to embed beside the others of this page" in found[2].note


def test_a_file_or_folder_that_may_not_be_read_takes_no_verdict_with_it(sound):
    with unreadable(sound):
        assert "Permission denied" in played(sound, "embed").note
    with unreadable(sound.parent):
        assert played(sound, "embed") is None


def test_whatever_goes_wrong_there_is_no_error(sound, monkeypatch):
    def no_memory(data):
        raise MemoryError

    monkeypatch.setattr(player.base64, "b64encode", no_memory)
    assert "more memory than there is" in played(sound, "embed").note


def test_figures_that_fail_on_one_file_leave_its_words_and_the_others(monkeypatch):
    def draw(judgement):
        if judgement.evidence and judgement.name == "odd":
            raise IndexError("no such sample")

    monkeypatch.setitem(prediction.FIGURES, "scores over time", prediction.VerdictFigure(draw, ""))
    odd = replace(JUDGED, file="odd.wav", main=replace(JUDGED.main, name="odd"))
    page = prediction_page([JUDGED, odd])
    assert page.count('<section class="file"') == 2
    assert "could not be drawn: no such sample" in page
