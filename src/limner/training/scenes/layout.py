"""Where everything in a scene goes: boxes on a grid of 32 pixels.

The grid is the denoiser's own (tokens of 32 x 32 pixels). A thing drawn at a grid point looks
the same, token by token, wherever it stands, so a small network learns it once instead of in every
sub-token position. For the same reason there are three sizes, no sprite is mirrored, and what a scene is about
stands in the middle as a rule (docs/decisions/0003-scenes-on-the-token-grid.md).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from limner.training.scenes.canvas import CELLS, GRID, SQUARE, Shape, spare_cells
from limner.training.scenes.concepts import Concept, flies
from limner.training.scenes.relations import CUT_BELOW
from limner.training.scenes.spec import SIDE, Group, Scene

__all__ = ["CELLS", "GRID", "PIXELS_OF_SIZE", "Box", "arrange", "seat_of"]

PIXELS_OF_SIZE = {1: 64, 2: 64, 3: 96, 4: 128, 5: 128}
"""How many pixels the box of a thing of each size takes."""

# The size that several of a kind are drawn in at most, so that they fit beside each other.
_LARGEST_OF_COUNT = {2: 3, 3: 2, 4: 2, 5: 2}

# Five stand in two rows: the cells at which they begin, the two at the back first, seen through the gaps.
_FIVE = ((2, True), (5, True), (0, False), (3, False), (6, False))

_PIXELS_OF_UNUSUAL = {"big": 128, "small": 64}

# Most pictures put what they are about in the middle. A network that must find out from the noise where things stand
# needs several times the training; a few elsewhere keep it from believing that there is one picture to a caption.
_CENTRED_SHARE = 0.75

_SMALL, _MEDIUM = 2, 3

# The rows that things stand on: in front, behind, in mid-water; the highest foot of what flies; in mid-air where
# there is nothing else; at the picture's lower edge, which cuts people off as their art does.
_FRONT, _BACK, _WATER, _AIR, _SKY, _EDGE = 224, 192, 192, 96, 160, 256

# The settings in which nothing stands.
_FOOT_OF_FLOATING = {"underwater": _WATER, "space": _WATER, "sky": _SKY}

_CLOSE = frozenset({"near", "chasing", "running from"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Box:
    """One thing in the picture: a square of `px` pixels.

    Attributes:
        group: what it is, and in which colour.
        px: its side; the longer side of its sprite.
        x: its middle.
        foot: its lower edge; None on top of the box before it (the composer knows how high that is).
        shadow: whether it touches a ground that it throws a shadow on.
    """

    group: Group
    px: int
    x: int
    foot: int | None
    shadow: bool

    @property
    def concept(self) -> Concept:
        """What it is."""
        return self.group.concept


def arrange(scene: Scene, random: np.random.Generator, shape: Shape = SQUARE) -> list[Box]:
    """The scene's things, the furthest first, in a picture of this shape."""
    place = _ARRANGE.get(scene.relation, _side_by_side) if scene.relation else _alone
    above, aside = spare_cells(shape)
    boxes = _raised(scene, place(scene, random), above // 2 * GRID)
    return _spread(scene, boxes, aside, random) if aside else boxes


def seat_of(box: Box, height: int) -> int:
    """How many pixels above its foot what is on a thing stands, if its sprite is so high: at least one cell."""
    return max(1, round(height * box.concept.seat / GRID)) * GRID


def _raised(scene: Scene, boxes: list[Box], rise: int) -> list[Box]:
    """What floats, half as much higher as the picture is, unless it is beside somebody at the lower edge."""
    beside = scene.relation not in {"above", "below"}
    if beside and any(box.foot == _EDGE for box in boxes):
        return boxes
    return [
        replace(box, foot=box.foot - rise) if box.foot is not None and _floats(scene, box.concept) else box
        for box in boxes
    ]


def _spread(scene: Scene, boxes: list[Box], aside: int, random: np.random.Generator) -> list[Box]:
    """Things in a wide picture: as a rule in its middle as in a square one, or moved by an even number of cells.

    What is far from another goes to the picture's ends. What is cut off at its right stays at the right edge.
    """
    left = min(box.x - box.px // 2 for box in boxes) // GRID
    right = -(-max(box.x + box.px // 2 for box in boxes) // GRID)
    even, shift = aside // 2 * 2, 0
    if any(box.concept.body == "cut" and box.x + box.px // 2 == SIDE for box in boxes):
        shift = aside
    elif scene.relation == "far from":
        shift = even
    elif random.random() >= _CENTRED_SHARE:
        shift = 2 * int(random.integers(-((left + aside) // 2), (CELLS + aside - right) // 2 + 1))
    apart = even + shift if scene.relation == "far from" else 0
    return [replace(box, x=box.x + (shift - apart * (box.x < SIDE // 2)) * GRID) for box in boxes]


def _alone(scene: Scene, random: np.random.Generator) -> list[Box]:
    (group,) = scene.groups
    if group.count == max(_LARGEST_OF_COUNT):
        return list(_two_rows(scene, group))
    px = _px(group)
    if group.count > 1:
        px = min(px, PIXELS_OF_SIZE[_LARGEST_OF_COUNT[group.count]])
    return list(_row(scene, group, px, _random_start(random, _cells(px) * group.count, group)))


def _two_rows(scene: Scene, group: Group) -> Iterator[Box]:
    px = PIXELS_OF_SIZE[_SMALL]
    for start, is_back in _FIVE:
        box = _box(scene, group, px, start)
        yield replace(box, foot=(box.foot or 0) - GRID) if is_back else box


def _px(group: Group) -> int:
    """The side of a thing's box, if nothing beside it needs the room."""
    return _PIXELS_OF_UNUSUAL[group.size] if group.size else PIXELS_OF_SIZE[group.concept.size]


def _row(scene: Scene, group: Group, px: int, start: int) -> Iterator[Box]:
    """`count` copies beside each other from the cell `start` on."""
    for number in range(group.count):
        yield _box(scene, group, px, start + number * _cells(px))


def _side_by_side(scene: Scene, random: np.random.Generator) -> list[Box]:
    first, second = scene.groups
    sizes = _shrink_to_fit(first, second)
    first_is_left = scene.relation not in {"right of", "chasing"}
    # Those who play stand close together, and on the side from which they look at each other.
    playing = scene.relation == "playing with"
    if playing:
        first_is_left = _looks_right(first.concept, second.concept, otherwise=first_is_left)
    order = ((first, sizes[0]), (second, sizes[1]))
    left, right = order if first_is_left else order[::-1]
    left_width, right_width = (_cells(px) * group.count for group, px in (left, right))
    gap = 0 if playing or scene.relation in _CLOSE or left_width + right_width == CELLS else 1
    start = _random_start(random, left_width + gap + right_width, right[0])
    return [*_row(scene, *left, start), *_row(scene, *right, start + left_width + gap)]


def _far_apart(scene: Scene, _random: np.random.Generator) -> list[Box]:
    """At the two ends, and not so large that they come near each other."""
    first, second = (min(_px(group), PIXELS_OF_SIZE[_MEDIUM]) for group in scene.groups)
    return [
        _box(scene, scene.groups[0], first, 0),
        _box(scene, scene.groups[1], second, CELLS - _cells(second)),
    ]


def _in_between(scene: Scene, random: np.random.Generator) -> list[Box]:
    first, second = scene.groups
    px, side = _px(first), PIXELS_OF_SIZE[_SMALL]
    start = _random_start(random, _cells(px) + 2 * _cells(side), second)
    return [
        _box(scene, second, side, start),
        _box(scene, first, px, start + _cells(side)),
        _box(scene, second, side, start + _cells(side) + _cells(px)),
    ]


def _looks_right(first: Concept, second: Concept, *, otherwise: bool) -> bool:
    """Whether the first thing is to stand on the left, to look at the second, or be looked at by it."""
    if first.facing != "front":
        return first.facing == "right"
    return otherwise if second.facing == "front" else second.facing == "left"


def _shrink_to_fit(first: Group, second: Group) -> tuple[int, int]:
    """Sizes in pixels of both groups, the larger one made smaller until all stand in one row."""
    if first.size or second.size:
        return _px(first), _px(second)  # single ones, and so they fit
    sizes = [first.concept.size, second.concept.size]
    counts = [first.count, second.count]
    while sum(_cells(PIXELS_OF_SIZE[s]) * n for s, n in zip(sizes, counts, strict=True)) > CELLS:
        sizes[int(np.argmax(sizes))] -= 1
    return PIXELS_OF_SIZE[sizes[0]], PIXELS_OF_SIZE[sizes[1]]


def _one_before_the_other(scene: Scene, random: np.random.Generator) -> list[Box]:
    first, second = scene.groups
    front, back = (first, second) if scene.relation == "in front of" else (second, first)
    back_px, front_px = PIXELS_OF_SIZE[back.concept.size], PIXELS_OF_SIZE[front.concept.size]
    start = _random_start(random, _cells(back_px), back)
    aside = min(start + 2, CELLS - _cells(front_px))
    return [
        _box(scene, back, back_px, start, foot=_BACK),
        _box(scene, front, front_px, aside, foot=_FRONT),
    ]


def _one_over_the_other(scene: Scene, random: np.random.Generator) -> list[Box]:
    first, second = scene.groups
    upper, lower = (first, second) if scene.relation == "above" else (second, first)
    lower_px = PIXELS_OF_SIZE[lower.concept.size]
    upper_px = PIXELS_OF_SIZE[min(_MEDIUM, upper.concept.size)]
    start = _random_start(random, max(_cells(lower_px), _cells(upper_px)), lower)
    return [_box(scene, upper, upper_px, start, foot=_AIR), _box(scene, lower, lower_px, start)]


def _one_on_the_other(scene: Scene, random: np.random.Generator) -> list[Box]:
    first, second = scene.groups if scene.relation != "carrying" else scene.groups[::-1]
    seat_px, top_px = PIXELS_OF_SIZE[second.concept.size], PIXELS_OF_SIZE[min(_SMALL, first.concept.size)]
    start = _random_start(random, _cells(seat_px), second)
    seat = _box(scene, second, seat_px, start)
    aside = (_cells(seat_px) - _cells(top_px)) // 2
    top = _box(scene, first, top_px, start + aside)
    return [seat, replace(top, foot=None, shadow=False)]


def _one_within_the_other(scene: Scene, random: np.random.Generator) -> list[Box]:
    """A small thing in the lower part of a large one: under a tree, in somebody's hands."""
    small, large = scene.groups if scene.relation == "under" else scene.groups[::-1]
    large_px, small_px = PIXELS_OF_SIZE[large.concept.size], PIXELS_OF_SIZE[_SMALL]
    start = _random_start(random, _cells(large_px), large)
    around = _box(scene, large, large_px, start)
    held = scene.relation == "holding"
    within = _box(scene, small, small_px, start + (2 if held else 1), foot=around.foot)
    return [around, replace(within, shadow=within.shadow and not held)]


def _box(scene: Scene, group: Group, px: int, start: int, *, foot: int | None = None) -> Box:
    """A box from the cell `start` on; unless told otherwise it stands, swims or flies where its kind does."""
    return Box(
        group=group,
        px=px,
        x=start * GRID + _cells(px) * GRID // 2,
        foot=_own_foot(scene, group.concept, px) if foot is None else foot,
        shadow=not _floats(scene, group.concept)
        and scene.place.setting != "sea"
        and group.concept.body not in CUT_BELOW,
    )


def _floats(scene: Scene, concept: Concept) -> bool:
    """Whether a thing flies, or swims below the surface."""
    setting = scene.place.setting
    if setting in _FOOT_OF_FLOATING:
        return concept.body not in CUT_BELOW
    return flies(concept) and setting in {"outdoor", "sea"}


def _own_foot(scene: Scene, concept: Concept, px: int) -> int:
    if concept.body in CUT_BELOW:
        return _EDGE
    if scene.place.setting in _FOOT_OF_FLOATING:
        return _FOOT_OF_FLOATING[scene.place.setting]
    return max(_AIR, _cells(px) * GRID) if _floats(scene, concept) else _FRONT


def _cells(px: int) -> int:
    """How many grid cells a box of `px` pixels takes."""
    return -(-px // GRID)


def _random_start(random: np.random.Generator, cells: int, last: Group) -> int:
    """The first of so many cells in a row: the row stands in the middle, or begins in any even column.

    What is cut off at its right stands at the picture's right edge.
    """
    room = CELLS - cells
    if last.concept.body == "cut":
        return room
    return room // 2 if random.random() < _CENTRED_SHARE else 2 * int(random.integers(room // 2 + 1))


_ARRANGE: dict[str, Callable[[Scene, np.random.Generator], list[Box]]] = {
    "in front of": _one_before_the_other,
    "behind": _one_before_the_other,
    "above": _one_over_the_other,
    "below": _one_over_the_other,
    "on": _one_on_the_other,
    "riding": _one_on_the_other,
    "carrying": _one_on_the_other,
    "under": _one_within_the_other,
    "holding": _one_within_the_other,
    "between": _in_between,
    "far from": _far_apart,
}
