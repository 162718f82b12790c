"""Changes of the lower face: what stays falls out, what lasts a moment stands in its own tokens."""

import pytest
import torch
from torchvision.transforms.v2.functional import gaussian_blur

from encoders import create_encoder


@pytest.fixture(scope="module")
def encoder():
    return create_encoder("changes", frame_size=96, embed_dim=4).eval()


@pytest.fixture(scope="module")
def still():
    """One noisy picture, twenty times."""
    picture = torch.rand(1, 1, 3, 96, 96, generator=torch.Generator().manual_seed(0))
    return picture.expand(1, 20, 3, 96, 96)


def softened(video, rows, columns):
    """The same with a part of frames 7 to 11 gone soft."""
    forged = video.clone()
    part = forged[0, 7:12, :, rows, columns]
    forged[0, 7:12, :, rows, columns] = gaussian_blur(part, [5, 5])
    return forged


def test_what_never_changes_is_nothing(encoder, still):
    assert encoder.statistics(still).abs().max() == 0


def test_a_mouth_that_is_softer_for_a_moment_shows_in_its_own_frames_alone(encoder, still):
    found = encoder.statistics(softened(still, slice(64, 88), slice(32, 64)))[0]
    assert found.abs().amax(dim=1).gt(0.5).nonzero().flatten().tolist() == [7, 8, 9, 10, 11]
    assert found.abs().amax(dim=1)[[*range(7), *range(12, 20)]].max() == 0


def test_the_area_of_a_mouth_leaves_the_eyes_out_and_the_whole_does_not(encoder, still):
    changed = softened(still, slice(8, 24), slice(24, 72))
    assert encoder.statistics(changed).abs().max() == 0
    whole = create_encoder("changes", frame_size=96, area="whole").statistics(changed)
    assert whole.shape[2] == 14 * 12 * 12
    assert whole.abs().max() > 0.5


def test_an_unknown_area_and_a_size_that_cells_do_not_fill_are_refused():
    with pytest.raises(ValueError, match="unknown area 'nose'; choose from mouth, whole"):
        create_encoder("changes", area="nose")
    with pytest.raises(ValueError, match="frame_size must be a multiple of 32; got 50"):
        create_encoder("changes", frame_size=50)
