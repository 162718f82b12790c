"""Maps of detail: what is done to a whole picture hardly shows, what is done to its middle does."""

import pytest
import torch
from torchvision.transforms.v2.functional import gaussian_blur

from encoders import create_encoder


@pytest.fixture(scope="module")
def encoder():
    return create_encoder("residuals", frame_size=64, embed_dim=8, width=4).eval()


@pytest.fixture(scope="module")
def picture():
    return torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))


def test_a_smooth_middle_has_less_detail_than_its_surroundings(encoder, picture):
    swapped = picture.clone()
    swapped[..., 16:48, 16:48] = gaussian_blur(picture, [5, 5])[..., 16:48, 16:48]
    middle = encoder.maps(swapped)[:, 3:, 3:5, 3:5].mean(dim=(0, 2, 3))
    assert (middle[:5] < encoder.maps(picture)[0, 3:8, 3:5, 3:5].mean(dim=(1, 2)) - 0.3).all()


def test_what_is_darker_everywhere_has_the_same_maps_of_detail(encoder, picture):
    assert torch.allclose(encoder.maps(0.5 * picture)[:, 3:], encoder.maps(picture)[:, 3:], atol=0.05)


def test_a_size_that_cells_do_not_fill_is_refused():
    with pytest.raises(ValueError, match="frame_size must be a multiple of 32; got 50"):
        create_encoder("residuals", frame_size=50)
