"""`limner.training.scenes.backdrop`: places under their sky, in textures that follow the grid."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from limner.training.scenes.backdrop import LIGHT, paint_backdrop
from limner.training.scenes.concepts import CONDITIONS, Place
from limner.training.scenes.layout import GRID
from limner.training.scenes.spec import SHELTERED, SIDE, Vocabulary


def place(real: Vocabulary, name: str) -> Place:
    """A place of the project's own table."""
    return next(place for place in real.places if place.name == name)


def test_every_place_has_its_own_face(real: Vocabulary) -> None:
    """Places and conditions can be told apart, and are pictures with values from 0 to 1."""
    cases = [
        (place, condition)
        for place in real.places
        for condition in (("day", "night") if place.setting in SHELTERED else CONDITIONS)
    ]
    painted = [paint_backdrop(place, condition, 0) for place, condition in cases]
    for canvas_HWC in painted:
        assert canvas_HWC.shape == (SIDE, SIDE, 3)
        assert canvas_HWC.dtype == np.float32
        assert canvas_HWC.min() >= 0
        assert canvas_HWC.max() <= 1
    assert all(np.abs(a - b).mean() > 0.01 for a, b in itertools.combinations(painted, 2))


def test_painting_on_a_backdrop_leaves_the_next_one_clean(real: Vocabulary) -> None:
    """Each call gives a canvas of its own."""
    first = paint_backdrop(place(real, "park"), "day", 0)
    first[:] = 0
    assert paint_backdrop(place(real, "park"), "day", 0).mean() > 0.3


def test_the_ridge_moves_the_hills_only(real: Vocabulary) -> None:
    """Four outlines, below which the ground is the same."""
    park = place(real, "park")
    outlines = [paint_backdrop(park, "day", ridge) for ridge in range(4)]
    for one, other in itertools.combinations(outlines, 2):
        assert (one[: park.horizon] != other[: park.horizon]).any()
        assert (one[park.horizon :] == other[park.horizon :]).all()


def test_the_sky_is_brightest_by_day(real: Vocabulary) -> None:
    """Night is darker than rain, rain than day; the light says the same."""
    mean = {condition: paint_backdrop(place(real, "park"), condition, 0).mean() for condition in CONDITIONS}
    assert mean["night"] < mean["rain"] < mean["day"]
    assert LIGHT["night"].mean() < LIGHT["rain"].mean() < LIGHT["sunset"].mean() < LIGHT["day"].mean()


@pytest.mark.parametrize(("name", "period"), [("sea", GRID), ("room", GRID), ("city", 2 * GRID)])
def test_textures_repeat_with_the_grid(real: Vocabulary, name: str, period: int) -> None:
    """Waves, boards and dashes look the same one or two cells further on."""
    found = place(real, name)
    ground_HWC = paint_backdrop(found, "day", 0)[found.horizon :]
    assert np.allclose(ground_HWC[:, :-period], ground_HWC[:, period:], atol=1e-6)


@pytest.mark.parametrize("scale", [2, 4])
def test_a_larger_backdrop_is_the_same_place(real: Vocabulary, scale: int) -> None:
    """So many times as large, and, made small again, what it is at its own size but for edges."""
    for place_ in real.places:
        for condition in ("day", "night"):
            plain = paint_backdrop(place_, condition, 1)
            large = paint_backdrop(place_, condition, 1, scale)
            assert large.shape == (SIDE * scale, SIDE * scale, 3)
            assert large.dtype == np.float32
            small = large.reshape(SIDE, scale, SIDE, scale, 3).mean((1, 3))
            assert np.abs(small - plain).mean() < 0.005
