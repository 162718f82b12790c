"""Networks and suppression of our own are held against the libraries that have them, too."""

import pytest
import torch
from facenet_pytorch import ONet, PNet, RNet
from torchvision.ops import nms as wanted_nms

from multimodal.media.mtcnn import nms
from multimodal.media.mtcnn_networks import output, propose, refine


@pytest.mark.parametrize(("ours", "theirs", "side"), [(propose, PNet, 37), (refine, RNet, 24), (output, ONet, 48)])
def test_networks_say_what_facenet_pytorchs_say(ours, theirs, side):
    pictures = torch.rand(3, 3, side, side, generator=torch.Generator().manual_seed(0)) * 2 - 1
    with torch.inference_mode():
        said, wanted = ours().eval()(pictures), theirs().eval()(pictures)
    assert len(said) == len(wanted)
    assert all(torch.equal(one, other) for one, other in zip(said, wanted, strict=True))


@pytest.mark.parametrize("count", [0, 1, 30, 200])
def test_suppression_leaves_what_torchvisions_leaves(count):
    generator = torch.Generator().manual_seed(count)
    for most in (0.5, 0.7):
        corners = (torch.rand(count, 2, generator=generator) * 30).floor()
        boxes = torch.cat([corners, corners + 8 + torch.rand(count, 2, generator=generator) * 8], dim=1)
        scores = (torch.rand(count, generator=generator) * 20).round() / 20  # some are alike
        assert torch.equal(nms(boxes, scores, most), wanted_nms(boxes, scores, most))
