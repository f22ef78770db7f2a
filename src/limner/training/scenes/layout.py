"""Where everything in a scene goes: boxes on a grid of 32 pixels.

The grid is the denoiser's own (8 x 8 tokens of 32 x 32 pixels). A thing drawn at a grid point looks
the same, token by token, wherever it stands, so a small network learns it once instead of in every
sub-token position (docs/decisions/0003-scenes-on-the-token-grid.md).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from limner.training.scenes.concepts import Concept
from limner.training.scenes.spec import SIDE, Group, Scene, flies

__all__ = ["GRID", "PIXELS_OF_SIZE", "Box", "arrange", "covered"]

GRID = 32
"""Pixels of a grid cell's side."""

PIXELS_OF_SIZE = {1: 48, 2: 64, 3: 96, 4: 128, 5: 160}
"""How many pixels the box of a thing of each size takes."""

# The size that several of a kind are drawn in at most, so that they fit beside each other.
_LARGEST_OF_COUNT = {2: 3, 3: 2, 4: 2}

_CELLS = SIDE // GRID

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
        mirrored: whether its sprite is flipped.
        shadow: whether it touches a ground that it throws a shadow on.
    """

    group: Group
    px: int
    x: int
    foot: int | None
    mirrored: bool
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


def covered(boxes: Sequence[Box]) -> NDArray[np.bool_]:
    """(8, 8): the grid cells in which one of the things stands."""
    cells_hw = np.zeros((_CELLS, _CELLS), dtype=np.bool_)
    foot = 0
    for box in boxes:
        # What stands on another thing stands at about four fifths of its height.
        foot = foot if box.foot is None else box.foot
        left, right = (box.x - box.px // 2) // GRID, -(-(box.x + box.px // 2) // GRID)
        cells_hw[max(0, (foot - box.px) // GRID) : -(-foot // GRID), max(0, left) : right] = True
        foot -= box.px * 4 // 5
    return cells_hw


def _alone(scene: Scene, random: np.random.Generator) -> list[Box]:
    (group,) = scene.groups
    if group.count == 1:
        larger = 0 if flies(group.concept) else 1
        px = PIXELS_OF_SIZE[min(5, max(3, group.concept.size + larger))]
        return [_box(scene, group, px, _random_x(random, _cells(px)), random)]
    px = PIXELS_OF_SIZE[min(max(group.concept.size, 2), _LARGEST_OF_COUNT[group.count])]
    start = int(random.integers(_CELLS - _cells(px) * group.count + 1))
    return list(_row(scene, group, px, start, random))


def _row(
    scene: Scene,
    group: Group,
    px: int,
    start: int,
    random: np.random.Generator,
    *,
    faces_right: bool | None = None,
) -> Iterator[Box]:
    """`count` copies beside each other from the cell `start` on, all facing the same way."""
    mirrored = _mirrored(group.concept, random, faces_right=faces_right)
    for number in range(group.count):
        x = _middle(start + number * _cells(px), _cells(px))
        yield _box(scene, group, px, x, random, mirrored=mirrored)


def _side_by_side(scene: Scene, random: np.random.Generator) -> list[Box]:
    first, second = scene.groups
    sizes = _shrink_to_fit(first, second)
    first_is_left = {"left of": True, "right of": False}.get(scene.relation or "", bool(random.integers(2)))
    order = ((first, sizes[0]), (second, sizes[1]))
    left, right = order if first_is_left else order[::-1]
    left_width, right_width = (_cells(px) * group.count for group, px in (left, right))
    free = _CELLS - left_width - right_width
    # Those who play stand close together and face each other.
    playing = scene.relation == "playing with"
    gap = 0 if playing else int(random.integers(free + 1))
    start = int(random.integers(free - gap + 1))
    return [
        *_row(scene, *left, start, random, faces_right=True if playing else None),
        *_row(scene, *right, start + left_width + gap, random, faces_right=False if playing else None),
    ]


def _shrink_to_fit(first: Group, second: Group) -> tuple[int, int]:
    """Sizes in pixels of both groups, the larger one made smaller until all stand in one row."""
    sizes = [max(first.concept.size, 2), max(second.concept.size, 1)]
    if first.concept.size == second.concept.size == 1:
        sizes = [2, 2]
    counts = [first.count, second.count]
    while sum(_cells(PIXELS_OF_SIZE[s]) * n for s, n in zip(sizes, counts, strict=True)) > _CELLS:
        sizes[int(np.argmax(sizes))] -= 1
    return PIXELS_OF_SIZE[sizes[0]], PIXELS_OF_SIZE[sizes[1]]


def _one_before_the_other(scene: Scene, random: np.random.Generator) -> list[Box]:
    first, second = scene.groups
    front, back = (first, second) if scene.relation == "in front of" else (second, first)
    back_px, front_px = PIXELS_OF_SIZE[back.concept.size], PIXELS_OF_SIZE[max(2, front.concept.size)]
    x = _random_x(random, _cells(back_px))
    aside = GRID * int(random.choice((-1, 0, 1)))
    return [
        _box(scene, back, back_px, x, random, foot=_BACK),
        _box(scene, front, front_px, _on_grid(x + aside, _cells(front_px)), random, foot=_FRONT),
    ]


def _one_over_the_other(scene: Scene, random: np.random.Generator) -> list[Box]:
    first, second = scene.groups
    upper, lower = (first, second) if scene.relation == "above" else (second, first)
    lower_px = PIXELS_OF_SIZE[min(4, max(2, lower.concept.size))]
    upper_px = PIXELS_OF_SIZE[min(3, max(2, upper.concept.size))]
    x = _random_x(random, max(_cells(lower_px), _cells(upper_px)))
    return [
        _box(scene, upper, upper_px, _on_grid(x, _cells(upper_px)), random, foot=_AIR),
        _box(scene, lower, lower_px, _on_grid(x, _cells(lower_px)), random),
    ]


def _one_on_the_other(scene: Scene, random: np.random.Generator) -> list[Box]:
    first, second = scene.groups
    seat_px = PIXELS_OF_SIZE[min(4, second.concept.size)]
    top_px = PIXELS_OF_SIZE[min(2, first.concept.size)]
    x = _random_x(random, _cells(seat_px))
    seat = _box(scene, second, seat_px, x, random)
    top = _box(scene, first, top_px, _on_grid(x, _cells(top_px)), random)
    return [seat, replace(top, foot=None, shadow=False)]


def _box(
    scene: Scene,
    group: Group,
    px: int,
    x: int,
    random: np.random.Generator,
    *,
    foot: int | None = None,
    mirrored: bool | None = None,
) -> Box:
    """A box at `x`; unless told otherwise it stands, swims or flies where its kind does."""
    return Box(
        group=group,
        px=px,
        x=x,
        foot=_own_foot(scene, group.concept, px) if foot is None else foot,
        mirrored=_mirrored(group.concept, random) if mirrored is None else mirrored,
        shadow=not _floats(scene, group.concept) and scene.place.setting != "sea",
    )


def _floats(scene: Scene, concept: Concept) -> bool:
    """Whether a thing flies, or swims below the surface."""
    setting = scene.place.setting
    return setting == "underwater" or (flies(concept) and setting in {"outdoor", "sea"})


def _own_foot(scene: Scene, concept: Concept, px: int) -> int:
    if scene.place.setting == "underwater":
        return _WATER if px < PIXELS_OF_SIZE[5] else _FRONT
    return max(_AIR, _cells(px) * GRID) if _floats(scene, concept) else _FRONT


def _mirrored(concept: Concept, random: np.random.Generator, *, faces_right: bool | None = None) -> bool:
    """Whether to flip the sprite: at random, or so that it looks to the right (or left) as asked."""
    if concept.facing == "front":
        return False
    if faces_right is None:
        return bool(random.integers(2))
    return (concept.facing == "right") != faces_right


def _cells(px: int) -> int:
    """How many grid cells a box of `px` pixels takes."""
    return -(-px // GRID)


def _random_x(random: np.random.Generator, cells: int) -> int:
    return _middle(int(random.integers(_CELLS - cells + 1)), cells)


def _middle(left: int, cells: int) -> int:
    """The x in the middle of `cells` cells that begin with the cell `left`."""
    return left * GRID + cells * GRID // 2


def _on_grid(x: int, cells: int) -> int:
    """The nearest x at which a box of `cells` cells begins at a grid line and stays in the picture."""
    left = round((x - cells * GRID / 2) / GRID)
    return _middle(min(max(left, 0), _CELLS - cells), cells)
