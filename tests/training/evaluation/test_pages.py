"""`limner.training.evaluation.pages`: drawn pictures beside real ones."""

from __future__ import annotations

import numpy as np

from limner.training.evaluation.pages import beside


def test_two_blocks_in_the_same_order() -> None:
    """Picture k of the right block is where picture k of the left one is; what is left over is white."""
    left = [np.full((8, 8, 3), 10 * k, dtype=np.uint8) for k in range(3)]
    right = [np.full((8, 8, 3), 10 * k + 100, dtype=np.uint8) for k in range(3)]
    page = beside(left, right, columns=2, side=4).pixels_HWC
    assert page.shape == (8, 8 + 16 + 8, 3)
    assert [int(page[y, x, 0]) for y, x in ((0, 0), (0, 4), (4, 0), (4, 4))] == [0, 10, 20, 255]
    assert [int(page[y, x, 0]) for y, x in ((0, 24), (0, 28), (4, 24), (4, 28))] == [100, 110, 120, 255]
