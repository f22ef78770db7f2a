"""`limner.training.scenes.colour`: another colour, the same shape, light and shade."""

from __future__ import annotations

import colorsys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from limner.training.scenes.colour import recolour, rgb
from limner.training.scenes.concepts import COLOURS
from limner.types import Pixels

GRAYS = {"black", "gray", "white"}
RED, BLUE = (200, 40, 40), (40, 60, 200)


def painted(*colours: tuple[int, int, int], alpha: int = 255) -> Pixels:
    """One row with eight pixels of each colour."""
    row_WC = [[*colour, alpha] for colour in colours for _ in range(8)]
    return np.array([row_WC], dtype=np.uint8)


def hue(pixel: Pixels) -> float:
    """The hue in degrees."""
    return 360 * colorsys.rgb_to_hsv(*(pixel[:3] / 255))[0]


def test_hexadecimal_colours_are_read() -> None:
    """`#rrggbb` becomes three float32 from 0 to 1."""
    assert rgb("#ff0033").tolist() == pytest.approx([1, 0, 0.2])
    assert rgb("#ff0033").dtype == np.float32


@pytest.mark.parametrize("colour", sorted(set(COLOURS) - GRAYS))
@pytest.mark.parametrize("source", [RED, BLUE, (60, 170, 60)])
def test_the_hue_becomes_that_of_the_colour(colour: str, source: tuple[int, int, int]) -> None:
    """A plain thing of any hue has the target's after painting, within five degrees."""
    found = hue(recolour(painted(source), colour)[0, 0])
    wanted = 360 * colorsys.rgb_to_hsv(*rgb(COLOURS[colour]).tolist())[0]
    assert abs((found - wanted + 180) % 360 - 180) < 5


@pytest.mark.parametrize("colour", sorted(GRAYS))
def test_grays_have_no_colour_left(colour: str) -> None:
    """Black, gray and white things have the brightness of their name."""
    pixel = recolour(painted(RED), colour)[0, 0, :3].astype(int)
    assert np.abs(pixel - rgb(COLOURS[colour]) * 255).max() <= 2


def test_light_and_shade_are_kept() -> None:
    """What was darker is darker after painting, what was lighter is lighter."""
    dark, plain, light = (120, 20, 20), (200, 40, 40), (250, 110, 110)
    luma = recolour(painted(dark, plain, plain, light), "blue")[0, ::8, :3].astype(int).sum(-1)
    assert luma[0] < luma[1] == luma[2] < luma[3]


def test_other_hues_and_grays_stay() -> None:
    """A blue window and a black wheel of a red car are left as they are."""
    before = painted(RED, RED, BLUE, (30, 30, 30))
    after = recolour(before, "green")
    assert (after[0, 16:] == before[0, 16:]).all()
    assert (after[0, :16, :3] != before[0, :16, :3]).any(-1).all()


@settings(deadline=None, max_examples=50)
@given(arrays(np.uint8, (6, 5, 4)), st.sampled_from(sorted(COLOURS)))
def test_alpha_never_changes(pixels: Pixels, colour: str) -> None:
    """Whatever the sprite, its outline and the array handed in stay as they were."""
    before = pixels.copy()
    after = recolour(pixels, colour)
    assert after.dtype == np.uint8
    assert (after[..., 3] == before[..., 3]).all()
    assert (pixels == before).all()
