"""`limner.studio.masks`: what was painted, and nothing else, becomes the mask.

Axes in names: H height, W width; 4 channels, the last of them alpha.
"""

from __future__ import annotations

import numpy as np
import pytest

from limner.errors import InvalidRequestError
from limner.imaging.masks import mask_from_alpha
from limner.imaging.reader import read_pixels
from limner.studio.masks import mask_file, painted
from limner.types import Pixels


def layer(height: int, width: int) -> Pixels:
    """(H, W, 4): painted in the left half."""
    layer_HW4 = np.zeros((height, width, 4), np.uint8)
    layer_HW4[:, : width // 2] = (225, 29, 72, 255)
    return layer_HW4


def test_what_is_painted_is_masked() -> None:
    """At the picture's own size it is the same pixels."""
    mask_HW = painted([layer(6, 4)], (4, 6))
    assert mask_HW.shape == (6, 4)
    assert mask_HW[:, :2].all()
    assert not mask_HW[:, 2:].any()


@pytest.mark.parametrize("size", [(8, 12), (2, 3), (40, 7)])
def test_a_canvas_of_another_size_is_stretched(size: tuple[int, int]) -> None:
    """The left half stays the left half."""
    width, height = size
    mask_HW = painted([layer(6, 4)], size)
    assert mask_HW.shape == (height, width)
    assert mask_HW[:, : width // 2].all()
    assert not mask_HW[:, (width + 1) // 2 :].any()


def test_layers_add_up_and_a_faint_rim_does_not_count() -> None:
    """A brush's edge fades out; what cannot be seen is not painted."""
    faint_HW4 = np.full((2, 2, 4), 9, np.uint8)
    first_HW4, second_HW4 = np.zeros((2, 2, 4), np.uint8), np.zeros((2, 2, 4), np.uint8)
    first_HW4[0, 0, 3] = second_HW4[1, 1, 3] = 255
    assert painted([faint_HW4, first_HW4, second_HW4], (2, 2)).tolist() == [[True, False], [False, True]]


def test_nothing_painted_is_told() -> None:
    """With what to do instead."""
    with pytest.raises(InvalidRequestError, match="Nothing is painted"):
        painted([np.zeros((2, 2, 4), np.uint8)], (2, 2))
    with pytest.raises(InvalidRequestError, match="Nothing is painted"):
        painted([], (2, 2))


def test_the_file_means_the_same_to_the_api() -> None:
    """Transparent is where new content goes."""
    mask_HW = painted([layer(6, 4)], (4, 6))
    assert np.array_equal(mask_from_alpha(read_pixels(mask_file(mask_HW))), mask_HW)
