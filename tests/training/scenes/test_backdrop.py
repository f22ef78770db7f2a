"""`limner.training.scenes.backdrop`: places under their sky, in textures that follow the grid."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from limner.training.scenes.backdrop import LIGHT, paint_backdrop
from limner.training.scenes.concepts import CONDITIONS
from limner.training.scenes.layout import GRID
from limner.training.scenes.places import SHELTERED, Place
from limner.training.scenes.spec import SIDE, Vocabulary
from limner.types import Floats


def place(real: Vocabulary, name: str) -> Place:
    """A place of the project's own table."""
    return next(place for place in real.places if place.name == name)


def _conditions(place: Place) -> tuple[str, ...]:
    if place.setting == "space":
        return ("night",)
    return ("day", "night") if place.setting in SHELTERED else CONDITIONS


def test_every_place_has_its_own_face(real: Vocabulary) -> None:
    """Places and conditions can be told apart, and are pictures with values from 0 to 1."""
    cases = [(place, condition) for place in real.places for condition in _conditions(place)]
    painted = [paint_backdrop(place, condition) for place, condition in cases]
    for canvas_HWC in painted:
        assert canvas_HWC.shape == (SIDE, SIDE, 3)
        assert canvas_HWC.dtype == np.float32
        assert canvas_HWC.min() >= 0
        assert canvas_HWC.max() <= 1
    assert all(np.abs(a - b).mean() > 0.01 for a, b in itertools.combinations(painted, 2))


def test_painting_on_a_backdrop_leaves_the_next_one_clean(real: Vocabulary) -> None:
    """Each call gives a canvas of its own."""
    first = paint_backdrop(place(real, "park"), "day")
    first[:] = 0
    assert paint_backdrop(place(real, "park"), "day").mean() > 0.3


def test_the_sky_is_brightest_by_day(real: Vocabulary) -> None:
    """Night is darker than rain, rain than day; the light says the same."""
    mean = {condition: paint_backdrop(place(real, "park"), condition).mean() for condition in CONDITIONS}
    assert mean["night"] < mean["rain"] < mean["day"]
    assert LIGHT["night"].mean() < LIGHT["rain"].mean() < LIGHT["sunset"].mean() < LIGHT["day"].mean()


def test_lamps_are_lit_after_dark(real: Vocabulary) -> None:
    """At night the middle of a room is warm and its corners are not; by day there is no such light."""
    day, night = (paint_backdrop(place(real, "bedroom"), condition) for condition in ("day", "night"))
    warmth = [
        float(canvas[y, x, 0] - canvas[y, x, 2]) for canvas in (day, night) for y, x in ((96, 112), (4, 250))
    ]
    assert warmth[2] - warmth[3] > 0.1 > abs(warmth[0] - warmth[1])


def test_weather_falls_outdoors(real: Vocabulary) -> None:
    """Snow and rain are seen before a meadow, and repeat with the grid's columns."""
    meadow = place(real, "meadow")
    for condition, period in (("rain", GRID), ("snowfall", 2 * GRID)):
        painted = paint_backdrop(meadow, condition)[meadow.horizon :]
        assert np.allclose(painted[:, :-period], painted[:, period:], atol=1e-6)
        assert np.abs(np.diff(painted, axis=1)).max() > 0.1


@pytest.mark.parametrize(
    ("name", "period"), [("sea", GRID), ("room", GRID), ("city", 2 * GRID), ("kitchen", 2 * GRID)]
)
def test_textures_repeat_with_the_grid(real: Vocabulary, name: str, period: int) -> None:
    """Waves, boards and dashes look the same one or two cells further on."""
    found = place(real, name)
    ground_HWC = paint_backdrop(found, "day")[found.horizon :]
    assert np.allclose(ground_HWC[:, :-period], ground_HWC[:, period:], atol=1e-6)


@pytest.mark.parametrize("scale", [2, 4])
def test_a_larger_backdrop_is_the_same_place(real: Vocabulary, scale: int) -> None:
    """So many times as large, and, made small again, what it is at its own size but for edges."""
    for place_ in real.places:
        # Painted at eight times the size, each place takes long.
        for condition in ("night",) if scale == 4 else _conditions(place_):
            plain = paint_backdrop(place_, condition)
            large = paint_backdrop(place_, condition, scale)
            assert large.shape == (SIDE * scale, SIDE * scale, 3)
            assert large.dtype == np.float32
            difference = large.reshape(SIDE, scale, SIDE, scale, 3).mean((1, 3)) - plain
            assert np.abs(difference).mean() < 0.006
            assert np.abs(_blocks(difference)).max() < 0.025


def _blocks(canvas_HWC: Floats) -> Floats:
    """The means of 16 x 16 pixels each: what has moved or is missing shows, edges do not."""
    blocks: Floats = canvas_HWC.reshape(SIDE // 16, 16, SIDE // 16, 16, 3).mean((1, 3))
    return blocks
