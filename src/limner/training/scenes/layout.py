"""Where everything in a scene goes: boxes on a grid of 32 pixels.

The grid is the denoiser's own (8 x 8 tokens of 32 x 32 pixels). A thing drawn at a grid point looks
the same, token by token, wherever it stands, so a small network learns it once instead of in every
sub-token position. For the same reason there are three sizes, no sprite is mirrored, and what a scene is about
stands in the middle as a rule (docs/decisions/0003-scenes-on-the-token-grid.md).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from limner.training.scenes.concepts import COLOURS, Concept
from limner.training.scenes.spec import SIDE, Group, Scene, flies

__all__ = [
    "GRID",
    "PAINTS",
    "PARTS",
    "PIXELS_OF_SIZE",
    "Box",
    "arrange",
    "feet",
    "paint_of",
    "things_in_cells",
]

GRID = 32
"""Pixels of a grid cell's side."""

PIXELS_OF_SIZE = {1: 64, 2: 64, 3: 96, 4: 128, 5: 128}
"""How many pixels the box of a thing of each size takes."""

# The size that several of a kind are drawn in at most, so that they fit beside each other.
_LARGEST_OF_COUNT = {2: 3, 3: 2, 4: 2}

_CELLS = SIDE // GRID

# Most pictures put what they are about in the middle. A network that must find out from the noise where things stand
# needs several times the training; a few elsewhere keep it from believing that there is one picture to a caption.
_CENTRED_SHARE = 0.75

_SMALL, _MEDIUM = 2, 3

PARTS = 1 + sum(cells * cells for cells in (2, 3, 4))
"""How many parts things have, over all sizes: one for each cell of their boxes, and 0 for no thing."""

PAINTS = 1 + len(COLOURS)
"""How many paints things have: their own colours, which is 0, and the twelve."""

# The rows that things stand on: in front, behind, in mid-water; the highest foot of what flies.
_FRONT, _BACK, _WATER, _AIR = 224, 192, 192, 96


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


def arrange(scene: Scene, random: np.random.Generator) -> list[Box]:
    """The scene's things, the furthest first."""
    if scene.relation is None:
        return _alone(scene, random)
    if scene.relation in {"in front of", "behind"}:
        return _one_before_the_other(scene, random)
    if scene.relation in {"above", "below"}:
        return _one_over_the_other(scene, random)
    if scene.relation == "on":
        return _one_on_the_other(scene, random)
    return _side_by_side(scene, random)


def things_in_cells(boxes: Sequence[Box], numbers: Mapping[str, int]) -> NDArray[np.uint16]:
    """(3, 8, 8): for each grid cell, the number of the thing seen there, of its part, and of its paint; 0 for none.

    Args:
        boxes: the scene's things, the furthest first.
        numbers: each concept's, from 1.
    """
    cells_3hw = np.zeros((3, _CELLS, _CELLS), dtype=np.uint16)
    foot = 0
    for box in boxes:
        # What stands on another thing stands at about four fifths of its height.
        foot = foot if box.foot is None else box.foot
        thing, paint = numbers[box.concept.noun], paint_of(box.group.colour)
        top, left, size = (foot - box.px) // GRID, (box.x - box.px // 2) // GRID, box.px // GRID
        for row in range(max(0, top), min(-(-foot // GRID), _CELLS)):
            for column in range(max(0, left), min(-(-(box.x + box.px // 2) // GRID), _CELLS)):
                part = min(row - top, size - 1) * size + min(column - left, size - 1)
                cells_3hw[:, row, column] = thing, _first_part(size) + part, paint
        foot -= box.px * 4 // 5
    return cells_3hw


def feet() -> list[int]:
    """The parts in things' lower left corners: each thing has one, and nothing before it ever covers that."""
    return [_first_part(size) + (size - 1) * size for size in (2, 3, 4)]


def paint_of(colour: str | None) -> int:
    """The number of a paint, from 1; 0 is a thing's own colour."""
    return 1 + tuple(COLOURS).index(colour) if colour else 0


def _first_part(size: int) -> int:
    """The number of the upper left part of a thing of `size` x `size` cells."""
    return 1 + sum(cells * cells for cells in range(_SMALL, size))


def _alone(scene: Scene, random: np.random.Generator) -> list[Box]:
    (group,) = scene.groups
    if group.count == 1:
        px = PIXELS_OF_SIZE[group.concept.size]
    else:
        px = PIXELS_OF_SIZE[min(group.concept.size, _LARGEST_OF_COUNT[group.count])]
    return list(_row(scene, group, px, _random_start(random, _cells(px) * group.count)))


def _row(scene: Scene, group: Group, px: int, start: int) -> Iterator[Box]:
    """`count` copies beside each other from the cell `start` on."""
    for number in range(group.count):
        yield _box(scene, group, px, start + number * _cells(px))


def _side_by_side(scene: Scene, random: np.random.Generator) -> list[Box]:
    first, second = scene.groups
    sizes = _shrink_to_fit(first, second)
    first_is_left = scene.relation != "right of"
    # Those who play stand close together, and on the side from which they look at each other.
    playing = scene.relation == "playing with"
    if playing:
        first_is_left = _looks_right(first.concept, second.concept, otherwise=first_is_left)
    order = ((first, sizes[0]), (second, sizes[1]))
    left, right = order if first_is_left else order[::-1]
    left_width, right_width = (_cells(px) * group.count for group, px in (left, right))
    gap = 0 if playing or left_width + right_width == _CELLS else 1
    start = _random_start(random, left_width + gap + right_width)
    return [*_row(scene, *left, start), *_row(scene, *right, start + left_width + gap)]


def _looks_right(first: Concept, second: Concept, *, otherwise: bool) -> bool:
    """Whether the first thing is to stand on the left, to look at the second, or be looked at by it."""
    if first.facing != "front":
        return first.facing == "right"
    return otherwise if second.facing == "front" else second.facing == "left"


def _shrink_to_fit(first: Group, second: Group) -> tuple[int, int]:
    """Sizes in pixels of both groups, the larger one made smaller until all stand in one row."""
    sizes = [first.concept.size, second.concept.size]
    counts = [first.count, second.count]
    while sum(_cells(PIXELS_OF_SIZE[s]) * n for s, n in zip(sizes, counts, strict=True)) > _CELLS:
        sizes[int(np.argmax(sizes))] -= 1
    return PIXELS_OF_SIZE[sizes[0]], PIXELS_OF_SIZE[sizes[1]]


def _one_before_the_other(scene: Scene, random: np.random.Generator) -> list[Box]:
    first, second = scene.groups
    front, back = (first, second) if scene.relation == "in front of" else (second, first)
    back_px, front_px = PIXELS_OF_SIZE[back.concept.size], PIXELS_OF_SIZE[front.concept.size]
    start = _random_start(random, _cells(back_px))
    aside = min(start + 2, _CELLS - _cells(front_px))
    return [
        _box(scene, back, back_px, start, foot=_BACK),
        _box(scene, front, front_px, aside, foot=_FRONT),
    ]


def _one_over_the_other(scene: Scene, random: np.random.Generator) -> list[Box]:
    first, second = scene.groups
    upper, lower = (first, second) if scene.relation == "above" else (second, first)
    lower_px = PIXELS_OF_SIZE[lower.concept.size]
    upper_px = PIXELS_OF_SIZE[min(_MEDIUM, upper.concept.size)]
    start = _random_start(random, max(_cells(lower_px), _cells(upper_px)))
    return [_box(scene, upper, upper_px, start, foot=_AIR), _box(scene, lower, lower_px, start)]


def _one_on_the_other(scene: Scene, random: np.random.Generator) -> list[Box]:
    first, second = scene.groups
    seat_px, top_px = PIXELS_OF_SIZE[second.concept.size], PIXELS_OF_SIZE[min(_SMALL, first.concept.size)]
    start = _random_start(random, _cells(seat_px))
    seat = _box(scene, second, seat_px, start)
    aside = (_cells(seat_px) - _cells(top_px)) // 2
    top = _box(scene, first, top_px, start + aside)
    return [seat, replace(top, foot=None, shadow=False)]


def _box(scene: Scene, group: Group, px: int, start: int, *, foot: int | None = None) -> Box:
    """A box from the cell `start` on; unless told otherwise it stands, swims or flies where its kind does."""
    return Box(
        group=group,
        px=px,
        x=start * GRID + _cells(px) * GRID // 2,
        foot=_own_foot(scene, group.concept, px) if foot is None else foot,
        shadow=not _floats(scene, group.concept) and scene.place.setting != "sea",
    )


def _floats(scene: Scene, concept: Concept) -> bool:
    """Whether a thing flies, or swims below the surface."""
    setting = scene.place.setting
    return setting == "underwater" or (flies(concept) and setting in {"outdoor", "sea"})


def _own_foot(scene: Scene, concept: Concept, px: int) -> int:
    if scene.place.setting == "underwater":
        return _WATER
    return max(_AIR, _cells(px) * GRID) if _floats(scene, concept) else _FRONT


def _cells(px: int) -> int:
    """How many grid cells a box of `px` pixels takes."""
    return -(-px // GRID)


def _random_start(random: np.random.Generator, cells: int) -> int:
    """The first of so many cells in a row: the row stands in the middle, or begins in any even column."""
    room = _CELLS - cells
    return room // 2 if random.random() < _CENTRED_SHARE else 2 * int(random.integers(room // 2 + 1))
