"""`limner.network.judge`: it looks at each cell, and at the whole."""

from __future__ import annotations

import torch

from limner.network.autoencoder import to_patches
from limner.network.judge import Judge, JudgeConfig

CLASSES = (5, 4, 3, 6, 2)


def tiny() -> Judge:
    """An untrained judge of pictures of 64 x 64."""
    torch.manual_seed(0)
    return Judge(JudgeConfig(grid=2, width=32, heads=2, layers=1), CLASSES).eval()


def test_every_cell_and_the_whole_are_named() -> None:
    """Things, parts and paints for each of 2 x 2 cells, place and condition for the picture."""
    sight = tiny()(torch.rand(3, 3, 64, 64) * 2 - 1)
    shapes = [tuple(logits.shape) for logits in sight]
    assert shapes == [(3, 4, 5), (3, 4, 4), (3, 4, 3), (3, 6), (3, 2)]


def test_pictures_are_seen_at_half_their_size() -> None:
    """Patches of the halved picture are all that it looks at."""
    pixels = torch.rand(2, 3, 64, 64)
    patches = to_patches(torch.nn.functional.avg_pool2d(pixels, 2), 16)
    for one, other in zip(tiny()(pixels), tiny().look_at_patches(patches), strict=True):
        assert torch.equal(one, other)


def test_a_picture_is_seen_by_itself() -> None:
    """Others beside it change nothing; other pixels in one cell change what is seen there."""
    pixels = torch.rand(2, 3, 64, 64)
    together, alone = tiny()(pixels), tiny()(pixels[:1])
    torch.testing.assert_close(together.things_BNK[:1], alone.things_BNK)
    pixels[0, :, :32, 32:] = 0
    changed = (tiny()(pixels[:1]).things_BNK - alone.things_BNK).abs().amax(-1)[0]
    assert changed.argmax().item() == 1
