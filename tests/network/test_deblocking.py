"""`limner.network.deblocking`: what it sees, and that it begins by changing nothing."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from limner.network.deblocking import Deblocking


def ready() -> Deblocking:
    """A small one whose last layer is not zero any more."""
    torch.manual_seed(0)
    network = Deblocking(width=8, outer=1, inner=2)
    nn.init.normal_(network.leave.weight)
    return network.eval()


@pytest.mark.parametrize(("height", "width"), [(32, 32), (8, 8), (64, 24)])
def test_a_picture_keeps_its_shape(height: int, width: int) -> None:
    """Any multiple of 8 will do, each way."""
    pixels = torch.rand(2, 3, height, width)
    assert ready()(pixels).shape == pixels.shape


def test_an_untrained_one_changes_nothing() -> None:
    """Training starts from the linear decoder's picture, to the bit."""
    pixels = torch.rand(1, 3, 16, 16)
    assert torch.equal(Deblocking(width=8, outer=1, inner=1)(pixels), pixels)


def test_it_sees_across_the_border_of_a_patch() -> None:
    """What stands beyond the border at column 32 changes what is put on this side of it."""
    network, pixels = ready(), torch.rand(1, 3, 64, 64)
    other = pixels.clone()
    other[..., 32:] = 0
    changed = (network(pixels) - network(other)).abs().amax(dim=(0, 1, 2))
    assert changed[24:32].min() > 0


def test_a_picture_does_not_depend_on_its_company() -> None:
    """There is no normalisation over the batch."""
    network, pixels = ready(), torch.rand(3, 3, 16, 16)
    torch.testing.assert_close(network(pixels)[1:2], network(pixels[1:2]))
