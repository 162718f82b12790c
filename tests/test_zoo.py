"""Published detectors by reference; files are their users' to get, so a stand-in of the right shape is one."""

import os
from pathlib import Path

import pytest
import torch

from encoders import create_encoder
from multimodal import zoo
from multimodal.zoo import ZOO, load_detector

#: A folder with the files as their authors publish them, for whoever has them.
PUBLISHED = os.environ.get("AASIST_WEIGHTS")


@pytest.fixture
def weights(tmp_path) -> Path:
    file = tmp_path / "AASIST-L.pth"
    torch.save(create_encoder("aasist", variant="AASIST-L").state_dict(), file)
    return file


@pytest.mark.parametrize("name", ZOO)
def test_a_detector_without_its_file_says_where_to_get_it_and_under_which_licence(name, tmp_path):
    want = rf"get {ZOO[name].file} from https://.*; licence {ZOO[name].licence}; then"
    with pytest.raises(ValueError, match=want):
        load_detector(name)
    with pytest.raises(ValueError, match="no such file"):
        load_detector(name, tmp_path)


def test_weights_of_the_same_architecture_are_not_taken_for_the_published_ones(weights):
    with pytest.raises(ValueError, match="is not aasist-l/asvspoof2019-la: its SHA-256 is"):
        load_detector("aasist-l/asvspoof2019-la", weights)
    encoder = create_encoder("aasist", variant="AASIST-L", weights=str(weights))
    assert encoder.trained_on.startswith("nobody knows what (no published file), weights of AASIST-L.pth")


def test_a_name_that_nobody_knows_offers_the_nearest():
    with pytest.raises(ValueError, match="aasist/asvspoof2019-la"):
        load_detector("aasist/asvspoof2019la")


def test_a_short_sound_is_repeated_and_the_score_is_spoof_less_bona_fide(weights, monkeypatch):
    name = "aasist-l/asvspoof2019-la"
    monkeypatch.setitem(ZOO, name, ZOO[name]._replace(sha256=zoo.sha256_of(weights)))
    detector = load_detector(name, weights.parent)
    sound = torch.randn(1, 20_000, generator=torch.Generator().manual_seed(0)) * 0.1
    logits = detector.encoder.logits(sound.repeat(1, 4)[:, :64_600])
    assert detector(sound).item() == pytest.approx((logits[0, 0] - logits[0, 1]).item(), abs=1e-5)


def test_meso_4_averages_over_the_crops_of_a_window(tmp_path, monkeypatch):
    name, file = "meso4/fakeavceleb", tmp_path / "Meso4_realA_fakeC.pt"
    torch.manual_seed(0)
    torch.save({"state_dict": zoo.Meso4().state_dict()}, file)
    monkeypatch.setitem(ZOO, name, ZOO[name]._replace(sha256=zoo.sha256_of(file)))
    detector = load_detector(name, tmp_path)
    crops = torch.rand(1, 2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    alone = torch.stack([detector(crops[:, [0]]), detector(crops[:, [1]])])
    assert alone[0] != alone[1]
    assert torch.allclose(detector(crops), alone.mean(dim=0), atol=1e-6)


@pytest.mark.skipif(PUBLISHED is None, reason="AASIST_WEIGHTS names no folder of published weights")
@pytest.mark.parametrize("name", [name for name, entry in ZOO.items() if entry.modality == "audio"])
def test_the_published_file_is_known_by_its_hash(name):
    detector = load_detector(name, Path(str(PUBLISHED)))
    assert detector.modality == "audio"
    assert ZOO[name].trained_on in detector.encoder.trained_on
