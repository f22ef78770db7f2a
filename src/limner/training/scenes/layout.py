"""Where everything in a scene goes: boxes on a grid of 32 pixels.

The grid is the denoiser's own (8 x 8 tokens of 32 x 32 pixels). A thing drawn at a grid point looks
the same, token by token, wherever it stands, so a small network learns it once instead of in every
sub-token position (docs/decisions/0003-scenes-on-the-token-grid.md).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from limner.training.scenes.concepts import Concept
from limner.training.scenes.spec import Group, Scene, flies

__all__ = ["GRID", "PIXELS_OF_SIZE", "Box", "arrange", "covered"]

GRID = 32
SIDE = 256
PIXELS_OF_SIZE = {1: 48, 2: 64, 3: 96, 4: 128, 5: 160}
_FRONT, _BACK, _AIR = 224, 192, 96


@dataclass(frozen=True, kw_only=True, slots=True)
class Box:
    """One thing in the picture: a square of `px` pixels standing on (`x` = its middle, `foot` = its lower edge)."""

    group: Group
    px: int
    x: int
    foot: int
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
    cells_hw = np.zeros((SIDE // GRID, SIDE // GRID), dtype=np.bool_)
    foot = 0
    for box in boxes:
        # What stands on another thing stands at about four fifths of its height.
        foot = box.foot if box.foot > 0 else foot
        left, right = (box.x - box.px // 2) // GRID, -(-(box.x + box.px // 2) // GRID)
        cells_hw[max(0, (foot - box.px) // GRID) : -(-foot // GRID), max(0, left) : right] = True
        foot -= box.px * 4 // 5
    return cells_hw


def _alone(scene: Scene, random: np.random.Generator) -> list[Box]:
    (group,) = scene.groups
    if group.count == 1:
        px = PIXELS_OF_SIZE[min(5, max(3, group.concept.size + 1))]
        return [_box(scene, group, px, _random_x(random, _cells(px)), random)]
    px = PIXELS_OF_SIZE[min(max(group.concept.size, 2), 3 if group.count == 2 else 2)]
    return list(_row(scene, group, px, 0, SIDE // GRID, random))


def _row(
    scene: Scene, group: Group, px: int, left: int, width: int, random: np.random.Generator
) -> Iterator[Box]:
    """`count` copies beside each other in the cells [left, left + width), all facing the same way."""
    cells = _cells(px)
    start = left + int(random.integers(width - cells * group.count + 1))
    mirrored = _mirrored(group.concept, random)
    for number in range(group.count):
        x = (start + number * cells) * GRID + cells * GRID // 2
        yield _box(scene, group, px, x, random, mirrored=mirrored)


def _side_by_side(scene: Scene, random: np.random.Generator) -> list[Box]:
    first, second = scene.groups
    sizes = _shrink_to_fit(first, second)
    first_is_left = {"left of": True, "right of": False}.get(scene.relation or "", bool(random.integers(2)))
    order = ((first, sizes[0]), (second, sizes[1]))
    left, right = order if first_is_left else order[::-1]
    width = [_cells(px) * group.count for group, px in (left, right)]
    gap = int(random.integers(SIDE // GRID - sum(width) + 1)) if scene.relation != "playing with" else 0
    start = int(random.integers(SIDE // GRID - sum(width) - gap + 1))
    boxes: list[Box] = []
    for (group, px), cell, faces_right in (
        (left, start, True),
        (right, start + width[0] + gap, False),
    ):
        mirrored = _mirrored(
            group.concept, random, faces_right=faces_right if scene.relation == "playing with" else None
        )
        for number in range(group.count):
            x = (cell + number * _cells(px)) * GRID + _cells(px) * GRID // 2
            boxes.append(_box(scene, group, px, x, random, mirrored=mirrored))
    return boxes


def _shrink_to_fit(first: Group, second: Group) -> tuple[int, int]:
    """Sizes in pixels of both groups, the larger one made smaller until all stand in one row."""
    sizes = [max(first.concept.size, 2), max(second.concept.size, 1)]
    if first.concept.size == second.concept.size == 1:
        sizes = [2, 2]
    counts = [first.count, second.count]
    while sum(_cells(PIXELS_OF_SIZE[s]) * n for s, n in zip(sizes, counts, strict=True)) > SIDE // GRID:
        sizes[int(np.argmax(sizes))] -= 1
    return PIXELS_OF_SIZE[sizes[0]], PIXELS_OF_SIZE[sizes[1]]


def _one_before_the_other(scene: Scene, random: np.random.Generator) -> list[Box]:
    first, second = scene.groups
    front, back = (first, second) if scene.relation == "in front of" else (second, first)
    back_px, front_px = PIXELS_OF_SIZE[back.concept.size], PIXELS_OF_SIZE[max(2, front.concept.size)]
    x = _random_x(random, _cells(back_px))
    aside = GRID * int(random.choice((-1, 0, 1)))
    near = int(np.clip(x + aside, _cells(front_px) * GRID // 2, SIDE - _cells(front_px) * GRID // 2))
    near = _on_grid(near, _cells(front_px))
    return [
        _box(scene, back, back_px, x, random, foot=_BACK),
        _box(scene, front, front_px, near, random, foot=_FRONT),
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
    return [
        _box(scene, second, seat_px, x, random),
        _box(scene, first, top_px, _on_grid(x, _cells(top_px)), random, foot=-1),
    ]


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
    """A box at `x`; unless told otherwise it stands, swims or flies where its kind does.

    A foot of -1 means: on top of the box before it; the composer knows how high that is.
    """
    setting, concept = scene.place.setting, group.concept
    floating = (flies(concept) and setting in {"outdoor", "sea"}) or setting == "underwater"
    if foot is None:
        foot = _FRONT
        if setting == "underwater":
            foot = 192 if px < PIXELS_OF_SIZE[5] else _FRONT
        elif floating:
            foot = max(_AIR, _cells(px) * GRID)
    return Box(
        group=group,
        px=px,
        x=x,
        foot=foot,
        mirrored=_mirrored(concept, random) if mirrored is None else mirrored,
        shadow=not floating and foot > 0 and setting != "sea",
    )


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
    left = int(random.integers(SIDE // GRID - cells + 1))
    return left * GRID + cells * GRID // 2


def _on_grid(x: int, cells: int) -> int:
    """The nearest x at which a box of `cells` cells begins at a grid line and stays in the picture."""
    left = round((x - cells * GRID / 2) / GRID)
    return int(np.clip(left, 0, SIDE // GRID - cells)) * GRID + cells * GRID // 2
