"""`limner.network.upscaler`: what it sees, and that it begins as the plain enlargement."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from limner.network.upscaler import Upscaler, UpscalerConfig


def ready() -> Upscaler:
    """A small one whose last layer is not zero any more."""
    torch.manual_seed(0)
    network = Upscaler(UpscalerConfig(width=8, outer=1, inner=2))
    nn.init.normal_(network.leave.weight)
    return network.eval()


@pytest.mark.parametrize(("height", "width"), [(32, 32), (8, 8), (16, 56)])
def test_a_picture_becomes_twice_as_large(height: int, width: int) -> None:
    """Any multiple of 8 will do, each way."""
    assert ready()(torch.rand(2, 3, height, width)).shape == (2, 3, 2 * height, 2 * width)


def test_an_untrained_one_enlarges_plainly() -> None:
    """Training starts from the bicubic picture, to the bit."""
    pixels = torch.rand(1, 3, 16, 16)
    plain = nn.functional.interpolate(pixels, scale_factor=2, mode="bicubic")
    assert torch.equal(Upscaler(UpscalerConfig(width=8, outer=1, inner=1))(pixels), plain)


def test_a_part_is_enlarged_as_in_the_whole() -> None:
    """So far from where it was cut that nothing was missed: pictures can be enlarged in pieces."""
    network, pixels = ready(), torch.rand(1, 3, 16, 160)
    torch.testing.assert_close(network(pixels[..., :120])[..., :64], network(pixels)[..., :64])


def test_a_picture_does_not_depend_on_its_company() -> None:
    """There is no normalisation over the batch."""
    network, pixels = ready(), torch.rand(3, 3, 16, 16)
    torch.testing.assert_close(network(pixels)[1:2], network(pixels[1:2]))
