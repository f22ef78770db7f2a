"""`limner.imaging.resize`: the exact size, whatever came in."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from limner.errors import InvalidRequestError
from limner.imaging import fit
from limner.types import Pixels
from tests.imaging.samples import pictures, smooth, steady

sides = st.integers(1, 90)


@steady
@given(pictures(max_side=80), sides, sides)
def test_the_size_is_exact(pixels_HWC: Pixels, width: int, height: int) -> None:
    """Any picture fits any size to the pixel, and keeps its channels."""
    assert fit(pixels_HWC, (width, height)).shape == (height, width, pixels_HWC.shape[2])


def test_the_same_size_is_the_same_array() -> None:
    """A picture that has the size already is handed back untouched."""
    pixels_HWC = smooth()
    assert fit(pixels_HWC, (64, 48)) is pixels_HWC


@steady
@given(st.integers(0, 255), sides, sides)
def test_flat_stays_flat(value: int, width: int, height: int) -> None:
    """Scaling invents no colour: a flat picture stays flat."""
    assert (fit(np.full((20, 30, 3), value, np.uint8), (width, height)) == value).all()


@pytest.mark.parametrize("axis", [0, 1])
def test_the_overflow_is_cropped_on_both_sides(axis: int) -> None:
    """A picture three times too long keeps its middle third."""
    thirds = [np.full((32, 32, 3), value, np.uint8) for value in (0, 100, 200)]
    middle_HWC = fit(np.concatenate(thirds, axis=axis), (16, 16))
    assert (middle_HWC[4:-4, 4:-4] == 100).all()


def test_nothing_is_stretched() -> None:
    """A circle stays a circle when a wide picture becomes a tall one."""
    y_HW, x_HW = np.mgrid[0:100, 0:200]
    disc_HW = ((y_HW - 49.5) ** 2 + (x_HW - 99.5) ** 2 < 20**2).astype(np.uint8) * 255
    out_HW = fit(np.repeat(disc_HW[..., None], 3, axis=2), (100, 200))[..., 0] > 127
    assert out_HW.any(axis=0).sum() == pytest.approx(80, abs=2)
    assert out_HW.any(axis=1).sum() == pytest.approx(80, abs=2)


def test_hidden_colour_does_not_bleed() -> None:
    """The red of wholly transparent pixels does not tint the green beside them."""
    pixels_HWC = np.zeros((16, 16, 4), np.uint8)
    pixels_HWC[:, :8] = (255, 0, 0, 0)
    pixels_HWC[:, 8:] = (0, 255, 0, 255)
    out_HWC = fit(pixels_HWC, (7, 7))
    seen_HW = out_HWC[..., 3] > 0
    assert out_HWC[seen_HW][:, 0].max() == 0
    assert out_HWC[seen_HW][:, 1].min() > 250


def test_the_input_is_not_changed() -> None:
    """Scaling leaves its argument as it was, even one that is a view."""
    whole_HWC = smooth()
    before = whole_HWC.copy()
    fit(whole_HWC[::2, ::-1], (10, 10))
    assert np.array_equal(whole_HWC, before)


@pytest.mark.parametrize("size", [(0, 5), (5, 0), (-1, 5)])
def test_impossible_sizes_are_refused(size: tuple[int, int]) -> None:
    """A side below one pixel is refused by name."""
    with pytest.raises(InvalidRequestError, match="at least 1 x 1") as caught:
        fit(smooth(), size)
    assert caught.value.param == "size"
