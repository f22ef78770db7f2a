"""Wide and high scenes: the square one with more at both sides, or more above it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from limner.errors import DataError
from limner.training.dataset import SceneStream, StreamConfig
from limner.training.scenes.art import Art
from limner.training.scenes.backdrop import paint_backdrop
from limner.training.scenes.canvas import GRID, SQUARE, Shape, blank, spare_cells
from limner.training.scenes.cells import things_in_cells
from limner.training.scenes.compose import compose, shade
from limner.training.scenes.facts import Numbers
from limner.training.scenes.layout import Box, arrange
from limner.training.scenes.places import SHELTERED
from limner.training.scenes.spec import SIDE, Scene, Vocabulary, scene_random
from tests.training.scenes.test_compose import staged

WIDE, HIGH = ((8, 12), (8, 14)), ((12, 8), (14, 8))
SHAPES = (*WIDE, *HIGH)

# How many scenes of each shape are looked at.
_MANY = 300


def laid(scenes: list[Scene], shape: Shape) -> list[tuple[Scene, list[Box], list[Box]]]:
    """Scenes with their boxes in the square picture and in that of another shape."""
    return [
        (scene, arrange(scene, scene_random(4, at)), arrange(scene, scene_random(4, at), shape))
        for at, scene in enumerate(scenes[:_MANY])
    ]


def conditions(setting: str) -> tuple[str, ...]:
    """Some that a place of this setting can be in."""
    return ("night",) if setting in SHELTERED else ("snowfall", "night")


@pytest.mark.parametrize("shape", SHAPES)
def test_a_picture_has_the_shape_that_is_asked_for(config: StreamConfig, shape: Shape, tiny_art: Art) -> None:
    """So many cells of 32 pixels, painted all over; so have the things in its cells."""
    stream = SceneStream(replace(config, shape=shape))
    for index in range(12):
        pixels_HWC = stream.picture(index)
        assert pixels_HWC.shape == (GRID * shape[0], GRID * shape[1], 3)
        assert pixels_HWC.dtype == np.uint8
        assert pixels_HWC.max(-1).min() > 0
        assert stream.things(index).shape == (3, *shape)
    large_HWC = compose(stream.scene(0), tiny_art, scene_random(0, 0), 2, shape)
    assert large_HWC.shape == (2 * GRID * shape[0], 2 * GRID * shape[1], 3)


@pytest.mark.parametrize("shape", [(8, 9), (8, 6), (10, 10), (0, 8)])
def test_other_shapes_are_refused(config: StreamConfig, shape: Shape) -> None:
    """One side is 8 cells, and the other as many or an even number more."""
    with pytest.raises(DataError, match="let one be 8"):
        replace(config, shape=shape)


@pytest.mark.parametrize("shape", WIDE)
def test_the_middle_of_a_wide_place_is_the_square_one(real: Vocabulary, shape: Shape) -> None:
    """But for curtains, which hang at the picture's own sides, and books and seats that do not end where it ends."""
    first = spare_cells(shape)[1] * GRID
    for place in real.places:
        if "curtains" in place.fittings:
            continue
        margin = 8 if {"shelves", "stands"} & set(place.fittings) else 0
        inside = slice(margin, SIDE - margin)
        for condition in conditions(place.setting):
            square_HWC = paint_backdrop(place, condition)[:, inside]
            wide_HWC = paint_backdrop(place, condition, shape=shape)
            assert np.allclose(wide_HWC[:, first : first + SIDE][:, inside], square_HWC, atol=1e-5)
            assert wide_HWC.max(-1).min() > 0


@pytest.mark.parametrize("shape", HIGH)
def test_the_ground_of_a_high_place_is_the_square_one(real: Vocabulary, shape: Shape) -> None:
    """All that it has more is sky, wall or water above."""
    for place in real.places:
        for condition in conditions(place.setting):
            square_HWC = paint_backdrop(place, condition)[place.horizon + 8 :]
            high_HWC = paint_backdrop(place, condition, shape=shape)
            assert np.allclose(high_HWC[shape[0] * GRID - len(square_HWC) :], square_HWC, atol=1e-5)
            assert high_HWC.max(-1).min() > 0


def test_curtains_hang_at_the_sides(real: Vocabulary) -> None:
    """Of a stage of any width, and from the top of one of any height."""
    [stage] = [place for place in real.places if place.name == "stage"]
    for shape in SHAPES:
        canvas_HWC = paint_backdrop(stage, "day", shape=shape)
        for part_HWC in (canvas_HWC[:160, :40], canvas_HWC[:160, -40:], canvas_HWC[:26]):
            red, green, _ = part_HWC.mean((0, 1))
            assert red > 3 * green


@pytest.mark.parametrize("shape", SHAPES)
def test_things_are_inside_the_picture(scenes: list[Scene], shape: Shape) -> None:
    """No box sticks out at any side, and each stands on a grid point."""
    above, aside = spare_cells(shape)
    for _, _, boxes in laid(scenes, shape):
        for box in boxes:
            assert -aside * GRID <= box.x - box.px // 2 < box.x + box.px // 2 <= SIDE + aside * GRID
            assert (box.x - box.px // 2) % GRID == 0
            assert box.foot is None or box.px - above * GRID <= box.foot <= SIDE
            assert (box.foot or 0) % GRID == 0


@pytest.mark.parametrize("shape", WIDE)
def test_as_a_rule_things_stand_in_the_middle_of_a_wide_picture(scenes: list[Scene], shape: Shape) -> None:
    """As in the square one; else all are moved by the same even number of cells."""
    shifts = []
    for scene, square, wide in laid(scenes, shape):
        moved = {(new.x - old.x) // GRID for old, new in zip(square, wide, strict=True)}
        if scene.relation != "far from" and all(box.concept.body != "cut" for box in square):
            [shift] = moved
            shifts.append(shift)
    assert 0.7 < shifts.count(0) / len(shifts) < 0.95
    assert {-2, 0, 2} <= set(shifts)
    assert all(shift % 2 == 0 for shift in shifts)


@pytest.mark.parametrize("shape", WIDE)
def test_ends_and_edges_are_those_of_the_wide_picture(scenes: list[Scene], shape: Shape) -> None:
    """What is far from another uses the room; what goes on outside the picture goes on at its right edge."""
    right = SIDE + spare_cells(shape)[1] * GRID
    far, cut = 0, 0
    for scene, square, wide in laid(scenes, shape):
        if scene.relation == "far from":
            far += 1
            assert abs(wide[0].x - wide[1].x) >= abs(square[0].x - square[1].x) + 4 * GRID
        for old, new in zip(square, wide, strict=True):
            if old.concept.body == "cut" and old.x + old.px // 2 == SIDE:
                cut += 1
                assert new.x + new.px // 2 == right
    assert far
    assert cut


@pytest.mark.parametrize("shape", HIGH)
def test_what_stands_stays_down_and_what_flies_goes_up(scenes: list[Scene], shape: Shape) -> None:
    """By half of the rows that a high picture has more; nothing moves to a side."""
    rise = (shape[0] - SQUARE[0]) // 2 * GRID
    raised = 0
    for scene, square, high in laid(scenes, shape):
        for old, new in zip(square, high, strict=True):
            assert old.x == new.x
            floats = old.foot != new.foot
            raised += floats
            assert not (floats and old.shadow)
            assert (
                floats or old.foot is None or old.shadow or scene.place.setting == "sea" or old.foot == SIDE
            )
            assert not floats or (old.foot or 0) - (new.foot or 0) == rise
    assert raised


@pytest.mark.parametrize("shape", SHAPES)
def test_cells_are_those_of_the_square_picture(scenes: list[Scene], real: Vocabulary, shape: Shape) -> None:
    """Where nothing was moved, with none at the sides and above."""
    numbers, (above, aside) = Numbers(real).things, spare_cells(shape)
    same = 0
    for _, square, other in laid(scenes, shape):
        if square == other:
            same += 1
            expected = np.pad(things_in_cells(square, numbers), ((0, 0), (above, 0), (aside, aside)))
            assert np.array_equal(things_in_cells(other, numbers, shape), expected)
    assert same > _MANY / 3


def test_trees_stand_at_the_sides_of_a_wide_park(stream_vocabulary: Vocabulary, tiny_art: Art) -> None:
    """In some pictures on the left of where the square one ends, in some on the right."""
    scene, shape = staged(stream_vocabulary, "ball", place="park"), (8, 12)
    empty_HWC, beside = paint_backdrop(scene.place, "day", shape=shape) * 255, np.zeros(2, dtype=np.int64)
    for index in range(20):
        pixels_HWC = compose(scene, tiny_art, scene_random(0, index), 1, shape)
        touched_HW = np.abs(pixels_HWC - empty_HWC).max(-1) > 1
        beside += [touched_HW[80:160, :32].any(), touched_HW[80:160, -32:].any()]
    assert beside.min() > 0


def test_sun_and_clouds_rise_with_the_sky(stream_vocabulary: Vocabulary, tiny_art: Art) -> None:
    """They are in the middle of what a high picture has more of it."""
    scene = staged(stream_vocabulary, "ball", place="beach")
    empty_HWC = paint_backdrop(scene.place, "day", shape=(14, 8)) * 255
    for index in range(5):
        pixels_HWC = compose(scene, tiny_art, scene_random(0, index), 1, (14, 8))
        rows = np.flatnonzero((np.abs(pixels_HWC - empty_HWC)[:280].max(-1) > 1).any(1))
        assert 96 < rows[0] < rows[-1] < 192


def test_shadows_fall_beyond_the_square(tiny_art: Art) -> None:
    """Under what stands in the outer columns, too."""
    canvas_HWC = blank(1, (8, 14)) + 1
    for middle in (-64, 320):
        shade(canvas_HWC, middle, 224, tiny_art.sprite("d1", 64))
    shaded_W = (canvas_HWC.min(-1) < 1).any(0)
    assert shaded_W[32]
    assert shaded_W[416]
    assert not shaded_W[96:352].any()
