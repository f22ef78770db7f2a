"""`limner.imaging.masks`: transparency says where to paint."""

from __future__ import annotations

import numpy as np
import pytest

from limner.errors import ImageInputError
from limner.imaging import encode, mask_from_alpha, read_pixels
from tests.imaging.samples import smooth


def test_only_full_transparency_is_repainted() -> None:
    """Alpha 0 is to be repainted; 1 and up stays."""
    pixels_HW4 = smooth(1, 3, channels=4)
    pixels_HW4[..., 3] = [[0, 1, 255]]
    assert mask_from_alpha(pixels_HW4).tolist() == [[True, False, False]]


def test_a_mask_survives_its_file() -> None:
    """A mask that is saved as PNG and read again is the same mask."""
    pixels_HW4 = smooth(channels=4)
    pixels_HW4[10:20, 5:30, 3] = 0
    mask_HW = mask_from_alpha(read_pixels(encode(pixels_HW4)))
    assert mask_HW.dtype == np.bool_
    assert mask_HW[10:20, 5:30].all()
    assert mask_HW.sum() == 10 * 25


def test_a_picture_without_alpha_is_refused() -> None:
    """An RGB picture is no mask, and the error says how to save one."""
    with pytest.raises(ImageInputError, match="no alpha channel: save it as PNG"):
        mask_from_alpha(smooth())
