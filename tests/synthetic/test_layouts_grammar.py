"""The generated trees follow the grammar of the real corpora, restated here; no file is written."""

import re
from collections import Counter
from pathlib import Path

import pytest

from multimodal.synthetic import GENERATORS, Layout, LayoutOptions
from multimodal.synthetic.layouts.planned import MOST_VOXCELEB2_IDS, voxceleb2_id

OPTIONS = LayoutOptions(identities=6, clips=3, seed=4)

ID, YOUTUBE, CLIP = r"id\d{5}", r"[A-Za-z0-9_-]{11}", r"\d{5}"
SCENE = r"[a-z_]+"
SWAPS = "Deepfakes|Face2Face|FaceSwap|NeuralTextures|FaceShifter"
FOR_NAME = r"file\d+(\.mp3)?\.wav_16k\.wav_norm\.wav_mono\.wav_silence\.wav"
DISTORTED = r"end_to_end(_level_3|_mix_2_distortions)?"
KODF = r"([0-9a-f]{20}|\d{5,6})"

DFD = {
    rf"original_sequences/actors/c23/videos/\d{{2}}__{SCENE}\.mp4": 18,
    rf"manipulated_sequences/DeepFakeDetection/c23/videos/\d{{2}}_\d{{2}}__{SCENE}__[A-Z0-9]{{8}}\.mp4": 19,
    rf"manipulated_sequences/DeepFakeDetection/masks/videos/\d{{2}}_\d{{2}}__{SCENE}__[A-Z0-9]{{8}}\.mp4": 1,
}
#: Corpus, variant → pattern of paths → number of files at six people with three clips each.
GRAMMAR = {
    ("faceforensics", "official"): {
        r"original_sequences/youtube/c23/videos/\d{3}\.mp4": 18,
        rf"manipulated_sequences/({SWAPS})/c23/videos/\d{{3}}_\d{{3}}\.mp4": 90,
        r"manipulated_sequences/(Deepfakes|Face2Face|FaceSwap|NeuralTextures)/masks/videos/\d{3}_\d{3}\.mp4": 4,
        r"dataset/splits/(train|val|test)\.json": 3,
        r"dataset/conversion_dict\.json": 1,
    },
    ("faceforensics", "kaggle"): {
        r"original/\d{3}\.mp4": 18,
        rf"({SWAPS})/\d{{3}}_\d{{3}}\.mp4": 90,
        rf"DeepFakeDetection/\d{{2}}_\d{{2}}__{SCENE}__[A-Z0-9]{{8}}\.mp4": 9,
        rf"csv/(original|DeepFakeDetection|{SWAPS})\.csv": 7,
        r"csv/(FF\+\+_Metadata|FF\+\+_Metadata_Shuffled|Mean_Data)\.csv": 3,
    },
    ("celebdf", "v2"): {
        r"Celeb-real/id\d+_\d{4}\.mp4": 18,
        r"YouTube-real/\d{5}\.mp4": 9,
        r"Celeb-synthesis/id\d+_id\d+_\d{4}\.mp4": 18,
        r"List_of_testing_videos\.txt": 1,
    },
    ("dfd", "official"): DFD,
    ("dfd", "beside_faceforensics"): {
        **DFD,
        r"original_sequences/youtube/c23/videos/\d{3}\.mp4": 1,
        r"manipulated_sequences/Deepfakes/c23/videos/\d{3}_\d{3}\.mp4": 1,
    },
    ("dfd", "kaggle"): {
        rf"DFD_original sequences/\d{{2}}__{SCENE}\.mp4": 18,
        rf"DFD_manipulated_sequences/DFD_manipulated_sequences/\d{{2}}_\d{{2}}__{SCENE}__[A-Z0-9]{{8}}\.mp4": 19,
    },
    ("deepfake_image", "drive_export"): {
        r"train-20250112T065955Z-001/train/real/[^/]+\.(jpg|png)": 18,
        r"train-20250112T065955Z-001/train/fake/[^/]+\.(jpg|png)": 9,
        r"test-20250112T065939Z-001/test/real/[^/]+\.(jpg|png)": 10,
        r"test-20250112T065939Z-001/test/fake/[^/]+\.(jpg|png)": 18,
        r"Sample_fake_images/Sample_fake_images/fake/[^/]+\.(jpg|png)": 2,
    },
    ("deepfake_image", "folders"): {
        r"Dataset/Train/(Fake/fake|Real/real)_\d+\.jpg": 16,
        r"Dataset/Validation/(Fake/fake|Real/real)_\d+\.jpg": 8,
        r"Dataset/Test/(Fake/fake|Real/real)_\d+\.jpg": 8,
    },
    ("deepfake_audio", "deep_voice"): {
        r"KAGGLE/AUDIO/REAL/(biden|linus|margot|musk|obama|ryan|taylor|trump)-original\.wav": 6,
        r"KAGGLE/AUDIO/FAKE/[A-Z][a-z]+-to-[A-Z][a-z]+\.wav": 30,
        r"KAGGLE/DATASET-balanced\.csv": 1,
        r"DEMONSTRATION/[a-z-]+\.mp3": 1,
    },
    ("deepfake_audio", "for_norm"): {
        rf"for-norm/for-norm/training/(real|fake)/{FOR_NAME}": 16,
        rf"for-norm/for-norm/(validation|testing)/(real|fake)/{FOR_NAME}": 16,
    },
    ("deepfake_audio", "for_2sec"): {
        rf"for-2sec/for-2seconds/training/(real|fake)/{FOR_NAME}_2sec\.wav": 16,
        rf"for-2sec/for-2seconds/(validation|testing)/(real|fake)/{FOR_NAME}_2sec\.wav": 16,
    },
    ("faces140k", "kaggle"): {
        r"real_vs_fake/real-vs-fake/(train|valid|test)/real/\d{5}\.jpg": 16,
        r"real_vs_fake/real-vs-fake/(train|valid|test)/fake/[A-Z0-9]{10}\.jpg": 16,
        r"(train|valid|test)\.csv": 3,
    },
    ("asvspoof2019", "la"): {
        r"ASVspoof2019_LA_train/flac/LA_T_\d{7}\.flac": 27,
        r"ASVspoof2019_LA_dev/flac/LA_D_\d{7}\.flac": 30,
        r"ASVspoof2019_LA_eval/flac/LA_E_\d{7}\.flac": 30,
        r"ASVspoof2019_LA_cm_protocols/ASVspoof2019\.LA\.cm\.(train\.trn|dev\.trl|eval\.trl)\.txt": 3,
        r"ASVspoof2019_LA_asv_protocols/ASVspoof2019\.LA\.asv\.(dev|eval)\.gi\.trn\.txt": 2,
        r"ASVspoof2019_LA_asv_scores/ASVspoof2019\.LA\.asv\.(dev|eval)\.gi\.trl\.scores\.txt": 2,
    },
    ("asvspoof2021_la", "la"): {
        r"ASVspoof2021_LA_eval/flac/LA_E_\d{7}\.flac": 27,
        r"ASVspoof2021_LA_eval/ASVspoof2021\.LA\.cm\.eval\.trl\.txt": 1,
        r"keys/LA/CM/trial_metadata\.txt": 1,
    },
    ("asvspoof2021_df", "df"): {
        r"ASVspoof2021_DF_eval/flac/DF_E_\d{7}\.flac": 27,
        r"ASVspoof2021_DF_eval/ASVspoof2021\.DF\.cm\.eval\.trl\.txt": 1,
        r"keys/DF/CM/trial_metadata\.txt": 1,
    },
    ("asvspoof5", "track_1"): {
        r"flac_T/T_\d{10}\.flac": 27,
        r"flac_D/D_\d{10}\.flac": 27,
        r"flac_E_eval/E_\d{10}\.flac": 27,
        r"ASVspoof5\.(train|dev\.track_1|eval\.track_1)\.tsv": 3,
    },
    ("wavefake", "with_reals"): {
        r"ljspeech_((multi_band_|full_band_)?melgan|melgan_large|parallel_wavegan)/LJ\d{3}-\d{4}_gen\.wav": 90,
        r"ljspeech_hifiGAN/LJ\d{3}-\d{4}_generated\.wav": 18,
        r"ljspeech_waveglow/LJ\d{3}-\d{4}\.wav": 18,
        r"jsut_(multi_band_melgan|parallel_wavegan)/BASIC5000_\d{4}_gen\.wav": 36,
        r"common_voices_prompts_from_conformer_fastspeech2_pwg_ljspeech/gen_\d+\.wav": 18,
        r"common_voices_prompts_from_conformer_fastspeech2_pwg_ljspeech/generated/gen_\d+\.wav": 18,
        r"LJSpeech-1\.1/wavs/LJ\d{3}-\d{4}\.wav": 18,
        r"LJSpeech-1\.1/metadata\.csv": 1,
        r"jsut_ver1\.1/basic5000/wav/BASIC5000_\d{4}\.wav": 18,
        r"jsut_ver1\.1/basic5000/transcript_utf8\.txt": 1,
    },
    ("lavdf", "full"): {r"(train|dev|test)/\d{6}\.mp4": 72, r"metadata(\.min)?\.json": 2},
    ("avdeepfake1m", "full"): {
        rf"(train|val)/{ID}/{YOUTUBE}/{CLIP}/real\.mp4": 18,
        rf"(train|val)/{ID}/{YOUTUBE}/{CLIP}/(fake_video_real|real_video_fake|fake_video_fake)_audio\.mp4": 54,
        rf"(train|val)_metadata/{ID}/{YOUTUBE}/{CLIP}/(real|(fake|real)_video_(fake|real)_audio)\.json": 72,
        r"(train|val)_metadata\.json": 2,
        r"test/\d{6}\.mp4": 3,
        r"test_files\.txt": 1,
    },
    ("dfdc", "full"): {
        r"dfdc_train_part_\d/[a-z]{10}\.mp4": 54,
        r"dfdc_train_part_\d/metadata\.json": 2,
        r"test/[a-z]{10}\.mp4": 4,
        r"test/labels\.csv": 1,
    },
    ("dfdc", "kaggle"): {
        r"dfdc_train_part_0(\d)/dfdc_train_part_\1/[a-z]{10}\.mp4": 54,
        r"dfdc_train_part_0(\d)/dfdc_train_part_\1/metadata\.json": 2,
    },
    ("dfdc_preview", "preview"): {
        r"original_videos/(\d+)/\1_[A-Z]_\d{3}\.mp4": 18,
        r"method_[AB]/(\d+)/\d+_\1_[A-Z]_\d{3}\.mp4": 36,
        r"dataset\.json": 1,
    },
    ("voxceleb2", "full"): {
        rf"(dev|test)/mp4/{ID}/{YOUTUBE}/{CLIP}\.mp4": 18,
        rf"(dev|test)/aac/{ID}/{YOUTUBE}/{CLIP}\.m4a": 18,
        rf"(dev|test)/txt/{ID}/{YOUTUBE}/{CLIP}\.txt": 18,
        r"vox2_meta\.csv": 1,
    },
    ("in_the_wild", "release"): {r"\d+\.wav": 36, r"meta\.csv": 1},
    ("kodf", "release"): {
        rf"original_videos/(?P<a>{KODF})/(?P=a)_\d{{3}}\.mp4": 18,
        rf"synthesized_videos/dfl/\d{{8}}/(?P<a>{KODF})/(?P=a)_{KODF}_1_\d{{4}}\.mp4": 6,
        rf"synthesized_videos/dffs/\d{{8}}/(?P<a>{KODF})/(?P=a)_{KODF}_2_\d{{4}}\.mp4": 6,
        rf"synthesized_videos/fsgan/\d{{8}}/(?P<a>{KODF})/(?P=a)_{KODF}_3_\d{{4}}\.mp4": 6,
        rf"synthesized_videos/fo/\d{{8}}/(?P<a>{KODF})/(?P=a)_{KODF}_4_\d{{4}}\.mp4": 6,
        rf"synthesized_videos/audio-driven/\d{{8}}/(?P<a>{KODF})/(?P=a)_{KODF}_5_\d{{4}}\.mp4": 6,
    },
    ("deeperforensics", "release"): {
        rf"manipulated_videos/({DISTORTED}|reenact_postprocess)/\d{{3}}_[MW]\d{{3}}\.mp4": 72,
        r"source_videos/(?P<a>[MW]\d{3})/light_uniform/neutral/camera_front/(?P=a)_\w+\.mp4": 6,
        r"lists/splits/(train|val|test)\.txt": 3,
        r"lists/manipulated_videos_lists/manipulated_videos_\w+_list\.txt": 4,
    },
    ("folder", "folders"): {
        r"real/person \d+/it's take \(\d+\)( silent)?\.(mp4|jpg|wav)": 72,
        r"fake/(lips and voice|face swap|voice)/person \d+'s take \(\d+\)\.(mp4|png|flac)": 72,
    },
}
LAYOUTS = {name: layout for name, layout in GENERATORS.items() if isinstance(layout, Layout)}
CASES = [(name, variant) for name, layout in LAYOUTS.items() for variant in layout.variants]


def test_the_grammar_is_stated_for_every_generated_layout() -> None:
    assert set(GRAMMAR) == set(CASES)


@pytest.mark.parametrize(("name", "variant"), CASES)
def test_every_path_follows_the_grammar(name: str, variant: str) -> None:
    paths = [file.path for file in LAYOUTS[name].variants[variant](OPTIONS).files]
    assert len(set(paths)) == len(paths)
    patterns = GRAMMAR[name, variant]
    counts = Counter(pattern for path in paths for pattern in patterns if re.fullmatch(pattern, path))
    assert dict(counts) == patterns
    assert sum(counts.values()) == len(paths)


@pytest.mark.parametrize(("name", "variant"), CASES)
@pytest.mark.parametrize(("identities", "clips"), [(3, 1), (30, 4)])
def test_no_size_of_a_tree_gives_a_path_twice(name: str, variant: str, identities: int, clips: int) -> None:
    options = LayoutOptions(identities=identities, clips=clips)
    paths = [file.path for file in LAYOUTS[name].variants[variant](options).files]
    assert len({path.lower() for path in paths}) == len(paths)
    assert not [
        path for path in paths if not any(re.fullmatch(pattern, path) for pattern in GRAMMAR[name, variant])
    ]


def test_as_many_people_as_a_layout_may_have_are_told_apart_by_their_ids() -> None:
    most = range(MOST_VOXCELEB2_IDS)
    ids = [voxceleb2_id(index, in_fakeavceleb=either) for either in (True, False) for index in most]
    assert len(set(ids)) == len(ids)
    assert not [one for one in ids if not re.fullmatch(ID, one)]
    assert max(layout.most_people for layout in LAYOUTS.values()) == MOST_VOXCELEB2_IDS


def test_more_people_than_the_names_of_a_layout_have_room_for_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="identities must be at most 90 in dfd; got 91"):
        LAYOUTS["dfd"](tmp_path, LayoutOptions(identities=91))
    assert not list(tmp_path.iterdir())
