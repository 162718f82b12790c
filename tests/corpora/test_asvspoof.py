"""ASVspoof's corpora, on trees and protocols written from the challenges' own descriptions."""

import pytest

from multimodal.corpora import recognise, scan
from multimodal.splits import make_split

PROTOCOLS = "LA/ASVspoof2019_LA_cm_protocols/ASVspoof2019.LA.cm"
LA2019 = {
    "train.trn": ["LA_0079 LA_T_1138215 - - bonafide", "LA_0080 LA_T_1000137 - A01 spoof"],
    "dev.trl": ["LA_0069 LA_D_1047731 - - bonafide", "LA_0070 LA_D_1000265 - A06 spoof"],
    "eval.trl": [
        "LA_0039 LA_E_2834763 - A11 spoof",
        "LA_0014 LA_E_8877452 - A14 spoof",
        "LA_0015 LA_E_6828287 - - bonafide",
    ],
}


def audio_of(rows, folder):
    return [f"{folder}/flac/{row.split()[1]}.flac" for row in rows]


@pytest.fixture
def la2019(plant):
    def write(under="drive", change=lambda text: text):
        root = plant(f"{under}/{PROTOCOLS[:2]}/README.LA.txt")
        for part, rows in LA2019.items():
            plant(f"{under}/{PROTOCOLS}.{part}.txt", content=change("\n".join(rows) + "\n"))
            short = part.split(".")[0]
            plant(*audio_of(rows, f"{under}/LA/ASVspoof2019_LA_{short}"))
        return root

    return write


def test_trials_of_2019_give_labels_attacks_speakers_and_splits(la2019, scan_rows):
    rows, report, manifest = scan_rows("asvspoof2019", la2019("asvpoof-2019-dataset/LA"))
    assert manifest.roots["asvspoof2019"].endswith("LA/LA")
    assert {
        path.split("/")[-1]: (r["audio_fake"], r["method"], r["identity"], r["official_split"])
        for path, r in rows.items()
    } == {
        "LA_T_1138215.flac": (0, "real", "asvspoof:LA_0079", "train"),
        "LA_T_1000137.flac": (1, "A01", "asvspoof:LA_0080", "train"),
        "LA_D_1047731.flac": (0, "real", "asvspoof:LA_0069", "val"),
        "LA_D_1000265.flac": (1, "A06", "asvspoof:LA_0070", "val"),
        "LA_E_2834763.flac": (1, "A11", "asvspoof:LA_0039", "test"),
        "LA_E_8877452.flac": (1, "A14", "asvspoof:LA_0014", "test"),
        "LA_E_6828287.flac": (0, "real", "asvspoof:LA_0015", "test"),
    }
    assert manifest.clips["video_fake"].isna().all()
    assert set(manifest.clips["media"]) == {"audio"}
    assert any("train 2 of 25,380, val 2 of 24,844, test 3 of 71,237" in line for line in report.warnings)
    assert make_split(manifest, "official").counts == {"train": 2, "val": 2, "test": 3, "dropped": 0}


def test_recordings_without_a_trial_and_trials_without_a_recording_are_counted(la2019, scan_rows, plant):
    root = la2019()
    plant(
        "drive/LA/ASVspoof2019_LA_dev/flac/LA_D_A0000001.flac",
        "drive/LA/ASVspoof2019_LA_dev/flac/LA_D_9999999.flac",
    )
    plant("drive/LA/ASVspoof2019_LA_train/copy/LA_T_1138215.flac")
    (root / "drive/LA/ASVspoof2019_LA_eval/flac/LA_E_2834763.flac").unlink()
    rows, report, _ = scan_rows("asvspoof2019", root)
    assert len(rows) == 6
    assert report.skipped["listed in no protocol, so it has no label"].examples == [
        "ASVspoof2019_LA_dev/flac/LA_D_9999999.flac"
    ]
    assert report.skipped["name is not that of a recording of the challenge"].count == 1
    assert report.skipped["second copy of a recording"].count == 1
    assert any("eval: 1 of 3 trials have no file on disk, e.g. LA_E_2834763" in line for line in report.warnings)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: "\ufeff" + text,
        lambda text: text.replace(" ", "\t"),
        lambda text: text.replace(" ", ",").replace("\n", "\r\n"),
        lambda text: text.replace("bonafide", "Bona-Fide"),
        lambda text: text + text.splitlines()[0] + "\n\n",
    ],
    ids=["mark of encoding", "tabs", "commas", "another spelling", "row twice"],
)
def test_a_protocol_saved_by_another_program_is_understood(la2019, scan_rows, change):
    rows, report, _ = scan_rows("asvspoof2019", la2019(change=change))
    assert sorted(row["audio_fake"] for row in rows.values()) == [0, 0, 0, 1, 1, 1, 1]
    assert all("complete" in line for line in report.warnings)


def test_an_added_header_is_counted_and_changes_nothing(la2019, scan_rows):
    rows, report, _ = scan_rows("asvspoof2019", la2019(change=lambda text: "speaker file x attack key\n" + text))
    assert len(rows) == 7
    assert any("1 lines name no trial and key" in line for line in report.warnings)


def test_swapped_keys_are_an_error(la2019):
    def swap(text):
        return text.replace("bonafide", "x").replace("spoof", "bonafide").replace("x", "spoof")

    with pytest.raises(ValueError, match=r"called bona fide with an attack.*keys seem to be swapped"):
        scan("asvspoof2019", la2019(change=swap))


def test_keys_as_numbers_are_an_error_because_they_may_mean_either(la2019):
    def number(text):
        return text.replace("bonafide", "1").replace("spoof", "0")

    with pytest.raises(ValueError, match=r"no line reads SPEAKER FILE"):
        scan("asvspoof2019", la2019(change=number))


def test_a_trial_with_two_keys_is_left_out(la2019, scan_rows):
    again = "LA_0069 LA_D_1047731 - A06 spoof\n" + "".join(
        f"LA_0070 LA_D_300000{n} - A06 spoof\n" for n in range(4)
    )
    rows, report, _ = scan_rows("asvspoof2019", la2019(change=lambda text: text + again * ("LA_D" in text)))
    assert not any("LA_D_1047731" in path for path in rows)
    assert any("1 trials contradict themselves, e.g. LA_D_1047731" in line for line in report.warnings)


def test_a_missing_protocol_leaves_its_part_without_labels(la2019, scan_rows):
    root = la2019()
    (root / f"drive/{PROTOCOLS}.eval.trl.txt").unlink()
    rows, report, _ = scan_rows("asvspoof2019", root)
    assert len(rows) == 4
    assert any("eval has no labels" in line for line in report.warnings)
    assert report.skipped["listed in no protocol, so it has no label"].count == 3


LA2021 = [
    "LA_0009 LA_E_9332881 alaw ita_tx A07 spoof notrim eval",
    "LA_0020 LA_E_6866159 none loc_tx bonafide bonafide notrim eval",
    "LA_0020 LA_E_5464494 g722 sin_tx bonafide bonafide trim hidden",
    "LA_0021 LA_E_5464495 gsm mad_tx A19 spoof notrim progress",
]
DF2021 = [
    "LA_0043 DF_E_2000013 low_mp3 asvspoof A09 spoof notrim progress traditional_vocoder - - - -",
    "TEF2 DF_E_2000024 mp3m4a vcc2020 Task1-team20 spoof notrim eval neural_vocoder Task1 team20 FF E",
    "TGF1 DF_E_2000026 nocodec vcc2020 bonafide bonafide notrim eval bonafide - - - -",
]


def test_2021_la_scores_the_eval_subset_and_keeps_codec_transmission_and_trimming_as_flags(plant, scan_rows):
    root = plant(*audio_of(LA2021, "2021/LA/ASVspoof2021_LA_eval"))
    plant("2021/LA/keys/LA/CM/trial_metadata.txt", content="\n".join(LA2021))
    plant("2021/LA/ASVspoof2021_LA_eval/ASVspoof2021.LA.cm.eval.trl.txt", content="LA_E_9332881\n")
    rows, _, manifest = scan_rows("asvspoof2021_la", root)
    seen = {path[-12:-5]: row for path, row in rows.items()}
    assert {name: (row["audio_fake"], row["method"], row["official_split"]) for name, row in seen.items()} == {
        "9332881": (1, "A07", "test"),
        "6866159": (0, "real", "test"),
        "5464494": (0, "real", "hidden"),
        "5464495": (1, "A19", "progress"),
    }
    assert list(seen["9332881"]["flags"]) == ["codec_alaw", "transmission_ita_tx"]
    assert list(seen["5464494"]["flags"]) == ["codec_g722", "transmission_sin_tx", "trimmed"]
    assert seen["6866159"]["identity"] == "asvspoof:LA_0020"
    split = make_split(manifest, "official")
    assert split.counts == {"train": 0, "val": 0, "test": 2, "dropped": 2}
    assert split.dropped == {
        "official part hidden is not to be scored": 1,
        "official part progress is not to be scored": 1,
    }


def test_2021_keys_without_subsets_put_nothing_into_the_test(plant, scan_rows):
    root = plant(*audio_of(LA2021, "2021/LA/ASVspoof2021_LA_eval"))
    lines = [line.rpartition(" notrim")[0] or line.rpartition(" trim")[0] for line in LA2021]
    plant("2021/LA/keys/LA/CM/trial_metadata.txt", content="\n".join(lines))
    rows, report, _ = scan_rows("asvspoof2021_la", root)
    assert {row["official_split"] for row in rows.values()} == {None}
    assert any("4 of 4 trials name no subset" in line for line in report.warnings)


def test_2021_df_is_read_from_its_parts_with_attacks_of_any_name(plant, scan_rows):
    parts = [f"2021/ASVspoof2021_DF_eval_part0{n}/ASVspoof2021_DF_eval" for n in range(3)]
    root = plant(*(audio_of([row], part)[0] for row, part in zip(DF2021, parts, strict=True)))
    plant("2021/keys/DF/CM/trial_metadata.txt", content="\n".join(DF2021))
    plant("2021/keys/LA/CM/trial_metadata.txt", content="\n".join(LA2021))
    rows, _, _ = scan_rows("asvspoof2021_df", root)
    found = {
        path[-12:-5]: (r["audio_fake"], r["method"], r["official_split"], *r["flags"]) for path, r in rows.items()
    }
    assert found == {
        "2000013": (1, "A09", "progress", "codec_low_mp3", "source_asvspoof"),
        "2000024": (1, "Task1-team20", "test", "codec_mp3m4a", "source_vcc2020"),
        "2000026": (0, "real", "test", "source_vcc2020"),
    }


def test_2021_without_keys_says_where_to_unpack_them_and_takes_them_from_elsewhere(plant, scan_rows):
    root = plant(*audio_of(LA2021, "2021/ASVspoof2021_LA_eval"))
    with pytest.raises(ValueError, match=r"no keys of ASVspoof 2021 LA .*Unpack LA-keys-full.tar.gz in"):
        scan("asvspoof2021_la", root)
    plant("elsewhere/key.txt", content="\n".join(LA2021))
    assert len(scan_rows("asvspoof2021_la", root, keys=str(root / "elsewhere/key.txt")).rows) == 4
    for copy in ("old", "new"):
        plant(f"2021/{copy}/LA/CM/trial_metadata.txt", content="\n".join(LA2021))
    with pytest.raises(ValueError, match=r"2 keys of ASVspoof 2021 LA: .*new.* and .*old"):
        scan("asvspoof2021_la", root)


ASVSPOOF5 = {
    "ASVspoof5.train.tsv": [
        "T_4850 T_0000000000 F - - - AC3 A05 spoof -",
        "T_0840 T_0000000001 M - - - - bonafide bonafide -",
    ],
    "ASVspoof5.dev.track_1.tsv": ["D_0062 D_0000000001 F - - - AC1 A11 spoof -"],
    "ASVspoof5.eval.track_1.tsv": ["E_2606 E_0000000001 M C05 3 E_0000000009 AC2 A27 spoof -"],
}


def plant_asvspoof5(plant, protocols, folder="db/ASVspoof5_protocols"):
    for name, rows in protocols.items():
        root = plant(f"{folder}/{name}", content="\n".join(rows) + "\n")
        audio = {"train": "flac_T", "dev": "flac_D", "eval": "flac_E_eval"}[name.split(".")[1]]
        plant(*(f"db/{audio}/{row.split()[1]}.flac" for row in rows))
    return root


def test_asvspoof5_takes_the_later_of_two_bonafide_and_the_label_not_the_tag(plant, scan_rows):
    root = plant_asvspoof5(plant, ASVSPOOF5)
    plant(
        "db/ASVspoof5_protocols/ASVspoof5.dev.track_2.trial.tsv", content="D_0062 D_0000000001 target bonafide\n"
    )
    rows, _, _ = scan_rows("asvspoof5", root)
    assert {
        path: (r["audio_fake"], r["method"], r["identity"], r["official_split"], *r["flags"])
        for path, r in rows.items()
    } == {
        "flac_T/T_0000000000.flac": (1, "A05", "asvspoof5:T_4850", "train"),
        "flac_T/T_0000000001.flac": (0, "real", "asvspoof5:T_0840", "train"),
        "flac_D/D_0000000001.flac": (1, "A11", "asvspoof5:D_0062", "val"),
        "flac_E_eval/E_0000000001.flac": (1, "A27", "asvspoof5:E_2606", "test", "codec_C05"),
    }
    assert rows["flac_T/T_0000000000.flac"]["group"] == "women"


def test_asvspoof5_of_challenge_time_has_six_columns(plant, scan_rows):
    old = ["T_4850 T_0000000000 F - A05 spoof", "T_0840 T_0000000001 M - bonafide bonafide"]
    rows, report, _ = scan_rows("asvspoof5", plant_asvspoof5(plant, {"ASVspoof5.train.metadata.txt": old}, "db"))
    assert {path[-6]: (r["audio_fake"], r["method"], len(r["flags"])) for path, r in rows.items()} == {
        "0": (1, "A05", 0),
        "1": (0, "real", 0),
    }
    assert any("no protocol of dev" in line for line in report.warnings)


def test_asvspoof5_finds_its_protocols_elsewhere_only_if_told(plant, scan_rows):
    root = plant_asvspoof5(plant, ASVSPOOF5, "tables")
    with pytest.raises(ValueError, match=r"no protocol of ASVspoof 5 under .*--options protocols DIR"):
        scan("asvspoof5", root)
    assert len(scan_rows("asvspoof5", root, protocols=str(root / "tables")).rows) == 4


def test_each_challenge_is_recognised_as_itself_alone(la2019, plant):
    root = la2019("a")
    plant(*audio_of(LA2021, "b/ASVspoof2021_LA_eval"), *audio_of(DF2021, "c/ASVspoof2021_DF_eval"))
    plant_asvspoof5(plant, ASVSPOOF5)
    assert sorted(name for name, _ in recognise(root)) == [
        "asvspoof2019",
        "asvspoof2021_df",
        "asvspoof2021_la",
        "asvspoof5",
    ]
