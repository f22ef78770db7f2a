"""`limner.training.scenes.layout`: what a relation says holds in the picture."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from limner.training.scenes.cells import PARTS, feet, paint_of, things_in_cells
from limner.training.scenes.concepts import flies
from limner.training.scenes.layout import GRID, PIXELS_OF_SIZE, Box, arrange, seat_of
from limner.training.scenes.spec import SIDE, Scene, scene_random
from limner.training.scenes.wording import RELATIONS

FIVE = 5
_SIDE_BY_SIDE = {
    None,
    "left of",
    "right of",
    "next to",
    "near",
    "far from",
    "between",
    "playing with",
    "chasing",
}

Laid = tuple[Scene, list[Box]]


def left(box: Box) -> int:
    """The x at which a box begins."""
    return box.x - box.px // 2


def right(box: Box) -> int:
    """The x at which a box ends."""
    return box.x + box.px // 2


def overlap(one: Box, other: Box) -> bool:
    """Whether two boxes share columns."""
    return left(one) < right(other) and left(other) < right(one)


def top_of_pile(boxes: list[Box]) -> int:
    """The y at which the second thing begins if it stood on the very top of the first."""
    seat, top = boxes
    return (seat.foot or 0) - seat.px - top.px


@pytest.fixture(scope="module")
def laid(scenes: list[Scene]) -> list[Laid]:
    """All scenes with their boxes."""
    return [(scene, arrange(scene, scene_random(4, at))) for at, scene in enumerate(scenes)]


def having(laid: list[Laid], *relations: str) -> Iterator[tuple[list[Box], list[Box]]]:
    """The boxes of the first and of the second thing of all scenes with one of `relations`."""
    for scene, boxes in laid:
        if scene.relation in relations:
            first, second = ([box for box in boxes if box.group == group] for group in scene.groups)
            yield first, second


def test_as_a_rule_what_a_scene_is_about_stands_in_the_middle(laid: list[Laid]) -> None:
    """Of rows that could stand elsewhere, most have as much room on the left as on the right, to a cell."""
    rows = [
        boxes for scene, boxes in laid if scene.relation is None and boxes[-1].px * len(boxes) <= SIDE // 2
    ]
    centred = [boxes for boxes in rows if abs(left(boxes[0]) - (SIDE - right(boxes[-1]))) <= GRID]
    assert 0.7 < len(centred) / len(rows) < 0.95


def test_boxes_stay_inside_the_picture(laid: list[Laid]) -> None:
    """No box sticks out at any side; one on another cannot reach the top either."""
    for _, boxes in laid:
        for box in boxes:
            assert 0 <= left(box) < right(box) <= SIDE
            assert box.foot is None or box.px <= box.foot <= SIDE
        if boxes[-1].foot is None and not flies(boxes[0].concept):
            assert top_of_pile(boxes) >= 0


def test_nothing_sits_on_what_flies(laid: list[Laid]) -> None:
    """A pile stays inside the picture, because it stands on the ground or floats on the sea."""
    piles = [boxes for _, boxes in laid if boxes[-1].foot is None]
    assert not any(flies(boxes[0].concept) for boxes in piles)


def test_boxes_stand_on_the_grid(laid: list[Laid]) -> None:
    """Feet are grid lines, and the cells that a box takes begin at one; so a thing always looks the same."""
    for _, boxes in laid:
        for box in boxes:
            cells = -(-box.px // GRID)
            assert box.px in PIXELS_OF_SIZE.values()
            assert (box.x - cells * GRID // 2) % GRID == 0
            assert (box.foot or 0) % GRID == 0


def test_as_many_boxes_as_were_told(laid: list[Laid]) -> None:
    """There is one box for each thing of each group."""
    for scene, boxes in laid:
        drawn = Counter(box.group.concept.noun for box in boxes)
        assert drawn == {group.concept.noun: group.count for group in scene.groups}


def test_things_in_a_row_do_not_overlap(laid: list[Laid]) -> None:
    """Several of a kind, and things beside each other, can be counted."""
    for scene, boxes in laid:
        if scene.relation in _SIDE_BY_SIDE and len(boxes) != FIVE:
            ordered = sorted(boxes, key=left)
            assert all(right(a) <= left(b) for a, b in itertools.pairwise(ordered))


def test_left_is_left_and_right_is_right(laid: list[Laid]) -> None:
    """All of the first thing is on the side that is said."""
    for first, second in having(laid, "left of"):
        assert max(map(right, first)) <= min(map(left, second))
    for first, second in having(laid, "right of"):
        assert min(map(left, first)) >= max(map(right, second))


def test_above_is_above_and_below_is_below(laid: list[Laid]) -> None:
    """The upper thing's foot is not lower than the lower one's top, and they share columns."""
    pairs = [*having(laid, "above"), *((b, a) for a, b in having(laid, "below"))]
    for (upper,), (lower,) in pairs:
        assert upper.foot is not None
        assert lower.foot is not None
        assert upper.foot <= lower.foot - lower.px
        assert overlap(upper, lower)


def test_in_front_is_drawn_later_and_stands_lower(laid: list[Laid]) -> None:
    """What is in front covers what is behind, which is larger and looks out above it."""
    for scene, boxes in laid:
        if scene.relation in {"in front of", "behind"}:
            back, front = boxes
            assert front.group is scene.groups[0 if scene.relation == "in front of" else 1]
            assert back.foot is not None
            assert front.foot is not None
            assert front.foot > back.foot
            assert front.foot - front.px > back.foot - back.px
            assert overlap(front, back)


def test_on_is_on(laid: list[Laid]) -> None:
    """What sits on another comes right after it, without a place and a shadow of its own."""
    for scene, boxes in laid:
        if scene.relation == "on":
            seat, top = boxes
            assert (seat.group, top.group) == (scene.groups[1], scene.groups[0])
            assert top.foot is None
            assert not top.shadow
            assert left(seat) <= top.x <= right(seat)
        elif scene.relation not in {"riding", "carrying"}:
            assert all(box.foot is not None for box in boxes)


def test_riders_sit_on_what_carries_them(laid: list[Laid]) -> None:
    """The mount comes first, the rider on top of it, whoever is named first."""
    for scene, boxes in laid:
        if scene.relation in {"riding", "carrying"}:
            mount, rider = boxes
            assert rider.group is scene.groups[0 if scene.relation == "riding" else 1]
            assert (mount.foot is None, rider.foot is None) == (False, True)


def test_near_is_near_and_far_is_far(laid: list[Laid]) -> None:
    """Near things touch; between far ones there is room for another."""
    for relation, least, most in (("near", 0, 0), ("far from", 2 * GRID, SIDE)):
        for first, second in having(laid, relation):
            one, other = sorted([*first, *second], key=left)
            assert least <= left(other) - right(one) <= most


def test_between_is_between(laid: list[Laid]) -> None:
    """One of the two others stands on each side."""
    for first, second in having(laid, "between"):
        one, other = sorted(second, key=left)
        assert right(one) <= left(first[0])
        assert right(first[0]) <= left(other)


def test_what_is_held_or_under_a_tree_is_inside_the_other(laid: list[Laid]) -> None:
    """Its box is part of the larger one's, drawn after it, and leaves its foot to be seen."""
    pairs = [*having(laid, "under"), *((b, a) for a, b in having(laid, "holding"))]
    for (small,), (large,) in pairs:
        assert left(large) < left(small) < right(small) <= right(large)
        assert small.foot == large.foot


def test_who_runs_away_is_ahead(laid: list[Laid]) -> None:
    """All who run look to the left: there is the pursued."""
    for first, second in having(laid, "chasing"):
        assert left(second[0]) < left(first[0])
    for first, second in having(laid, "running from"):
        assert left(first[0]) < left(second[0])


def test_what_is_cut_off_meets_the_edge_that_cuts_it(laid: list[Laid]) -> None:
    """Half people stand at the lower edge; a train that goes on to the right goes on outside the picture."""
    for scene, box, count in [(scene, box, len(boxes)) for scene, boxes in laid for box in boxes]:
        if box.concept.body in {"waist", "head"}:
            is_behind = count == FIVE and box.foot == SIDE - GRID
            assert is_behind or box.foot == SIDE
            assert not box.shadow
        if box.concept.body == "cut" and scene.relation not in {"above", "below"}:
            assert right(box) == SIDE


def test_big_is_large_and_small_is_small(laid: list[Laid]) -> None:
    """The largest box, and the smallest."""
    for _, boxes in laid:
        for box in boxes:
            assert box.group.size is None or box.px == {"big": 128, "small": 64}[box.group.size]


def test_those_who_play_look_at_each_other(laid: list[Laid]) -> None:
    """Player and toy touch, and the player stands on the side from which it sees the toy."""
    for first, second in having(laid, "playing with"):
        one, other = sorted([first[0], second[0]], key=left)
        assert right(one) == left(other)
        assert {"left": other, "right": one}.get(first[0].concept.facing, first[0]) is first[0]
        if first[0].concept.facing == "front":
            assert {"left": other, "right": one}.get(second[0].concept.facing, second[0]) is second[0]


def test_every_relation_was_seen(laid: list[Laid]) -> None:
    """The samples above leave no relation out."""
    seen = Counter(scene.relation for scene, _ in laid)
    assert all(seen[relation] >= 20 for relation in RELATIONS)


def test_a_thing_is_in_the_cells_of_its_box(laid: list[Laid]) -> None:
    """A lone box covers exactly the cells that it touches; each cell of it is another part of the thing."""
    for _, boxes in laid:
        if len(boxes) == 1 and (foot := boxes[0].foot):
            things_hw, parts_hw, paints_hw = things_in_cells(boxes, {boxes[0].concept.noun: 7})
            expected = np.zeros((8, 8), dtype=np.bool_)
            rows = slice((foot - boxes[0].px) // GRID, foot // GRID)
            expected[rows, left(boxes[0]) // GRID : -(-right(boxes[0]) // GRID)] = True
            assert np.array_equal(things_hw == 7, expected)
            assert np.array_equal(things_hw > 0, expected)
            assert (paints_hw[expected] == paint_of(boxes[0].group.colour)).all()
            parts = parts_hw[expected].tolist()
            assert parts == list(range(parts[0], parts[0] + len(parts)))
            assert parts[-1] < PARTS
            assert parts_hw[foot // GRID - 1, left(boxes[0]) // GRID] in feet()


def test_every_thing_shows_its_foot(laid: list[Laid]) -> None:
    """However things cover each other, each kind has as many columns with a lower left corner as there are of it."""
    for scene, boxes in laid:
        numbers = {group.concept.noun: number for number, group in enumerate(scene.groups, 1)}
        things_hw, parts_hw, _ = things_in_cells(boxes, numbers)
        for number, group in enumerate(scene.groups, 1):
            feet_hw = (things_hw == number) & np.isin(parts_hw, feet())
            assert feet_hw.any(0).sum() == group.count


def test_what_an_empty_box_hides_is_seen(laid: list[Laid]) -> None:
    """A flat thing before a high one leaves its upper cells to it; its foot is its own."""
    _, boxes = next(each for each in laid if each[0].relation == "in front of")
    back, front = boxes
    numbers = {back.concept.noun: 1, front.concept.noun: 2}
    whole_hw, _, _ = things_in_cells(boxes, numbers)
    flat_hw, parts_hw, _ = things_in_cells(boxes, numbers, sizes=[(back.px, back.px), (front.px, GRID)])
    foot = (front.foot or 0) // GRID - 1
    assert np.array_equal(flat_hw[foot], whole_hw[foot])
    assert (flat_hw == 1).sum() > (whole_hw == 1).sum()
    assert not ((flat_hw[:foot] == 2) & (whole_hw[:foot] == 1)).any()
    assert parts_hw[foot, left(front) // GRID] in feet()


@pytest.mark.parametrize(
    ("height", "seat", "cells"), [(96, 0.8, 2), (64, 0.8, 2), (128, 0.5, 2), (20, 0.5, 1)]
)
def test_what_stands_on_another_stands_in_whole_cells(
    laid: list[Laid], height: int, seat: float, cells: int
) -> None:
    """As high as its seat is, to the nearest cell; never on the ground before it."""
    box = laid[0][1][0]
    concept = replace(box.concept, seat=seat)
    on = replace(box, group=replace(box.group, concept=concept))
    assert seat_of(on, height) == cells * GRID
