"""A ranking of detail learnt from blends."""

import numpy as np
import pytest
import torch
from torchvision.transforms.v2 import functional as transforms

from encoders.video.residuals import detail_statistics
from experiments.trials.ranking import Blends, Ranking, _coded, _statistics, learnt
from multimodal.data.pseudo_fakes import Pair


def pictures(count: int, seed: int) -> torch.Tensor:
    """Rough pictures, some rougher than others."""
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(count, 3, 64, 64, generator=generator) * torch.rand(count, 1, 1, 1, generator=generator)


def smoothed(rough: torch.Tensor) -> torch.Tensor:
    """The same with a smooth middle."""
    smooth = rough.clone()
    smooth[..., 16:48, 16:48] = transforms.gaussian_blur(rough, kernel_size=7)[..., 16:48, 16:48]
    return smooth


def blends(seed: int) -> Blends:
    rough = pictures(24, seed)
    return Blends(*(detail_statistics(one).double().numpy() for one in (rough, smoothed(rough))))


def test_a_ranking_tells_pictures_it_never_saw_from_their_own_blends():
    found = learnt(Ranking(blends(0)), blends(1))
    assert found["paired_accuracy"]["accuracy"] > 0.9
    assert found["paired_accuracy"]["num_pairs"] == 24


def test_a_ranking_learnt_the_wrong_way_round_ranks_the_wrong_way_round():
    known = blends(0)
    found = learnt(Ranking(Blends(known.forged, known.genuine)), blends(1))
    assert found["paired_accuracy"]["accuracy"] < 0.1


def test_both_of_a_pair_are_coded_alike():
    same = torch.rand(1, 3, 224, 224)
    for seed in range(4):
        genuine, forged = _coded(Pair(same, same.clone()), np.random.default_rng(seed))
        assert genuine.shape == (1, 3, 224, 224)
        assert torch.equal(genuine, forged)
        assert not torch.equal(genuine, same)


def test_detail_that_is_lost_lowers_the_statistics_where_it_was_lost():
    rough = pictures(1, 0)
    finest = [detail_statistics(one)[0, :4] for one in (rough, smoothed(rough))]
    assert (finest[1] < finest[0] - 0.1).all()


def test_octaves_twice_as_coarse_of_a_picture_twice_as_large_are_its_own():
    small = pictures(1, 2)[..., :32, :32]
    large = small.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)
    statistics = detail_statistics(large).view(4, 2, 3, 4)[1, 0].mean(dim=1)
    assert statistics.tolist() == pytest.approx(detail_statistics(small).view(4, 2, 3)[0, 0].tolist(), abs=0.15)


def test_where_in_the_face_detail_lies_does_not_count_and_what_lies_about_the_face_neither():
    picture = torch.rand(1, 3, 224, 224, generator=torch.Generator().manual_seed(0)) * 0.1 + 0.4
    smooth, moved, around = picture.clone(), picture.clone(), picture.clone()
    smooth[..., 64:128, 64:128] = 0.45
    moved[..., 128:192, 96:160] = 0.45
    around[..., :32, :] = 0.45
    found = _statistics(torch.cat([picture, smooth, moved, around]))
    assert found.shape == (4, 24)
    assert np.abs(found[1] - found[0]).max() > 0.3
    assert found[2] == pytest.approx(found[1], abs=0.1)
    assert found[3] == pytest.approx(found[0], abs=0.05)
