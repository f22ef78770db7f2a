"""What is seen in each cell of a scene's grid: which thing, which part of it, in which paint."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from limner.training.scenes.canvas import GRID, SQUARE, Shape, spare_cells
from limner.training.scenes.concepts import COLOURS
from limner.training.scenes.layout import Box

__all__ = ["PAINTS", "PARTS", "feet", "paint_of", "things_in_cells"]

_SMALLEST = 2

PARTS = 1 + sum(cells * cells for cells in (2, 3, 4))
"""How many parts things have, over all sizes: one for each cell of their boxes, and 0 for no thing."""

PAINTS = 1 + len(COLOURS)
"""How many paints things have: their own colours, which is 0, and the twelve."""


def things_in_cells(
    boxes: Sequence[Box], numbers: Mapping[str, int], shape: Shape = SQUARE
) -> NDArray[np.uint16]:
    """(3, rows, columns): for each cell, the number of the thing seen there, of its part, of its paint; 0 for none.

    Args:
        boxes: the scene's things, the furthest first.
        numbers: each concept's, from 1.
        shape: the picture's.
    """
    cells_3hw, (above, aside) = np.zeros((3, *shape), dtype=np.uint16), spare_cells(shape)
    foot = 0
    for box in boxes:
        foot = foot if box.foot is None else box.foot
        thing, paint = numbers[box.concept.noun], paint_of(box.group.colour)
        top, left, size = (
            (foot - box.px) // GRID + above,
            (box.x - box.px // 2) // GRID + aside,
            box.px // GRID,
        )
        bottom, right = -(-foot // GRID) + above, -(-(box.x + box.px // 2) // GRID) + aside
        for row in range(max(0, top), min(bottom, shape[0])):
            for column in range(max(0, left), min(right, shape[1])):
                part = min(row - top, size - 1) * size + min(column - left, size - 1)
                cells_3hw[:, row, column] = thing, _first_part(size) + part, paint
        foot -= int(box.px * box.concept.seat)
    return cells_3hw


def feet() -> list[int]:
    """The parts in things' lower left corners: each thing has one, and nothing before it ever covers that."""
    return [_first_part(size) + (size - 1) * size for size in (2, 3, 4)]


def paint_of(colour: str | None) -> int:
    """The number of a paint, from 1; 0 is a thing's own colour."""
    return 1 + tuple(COLOURS).index(colour) if colour else 0


def _first_part(size: int) -> int:
    """The number of the upper left part of a thing of `size` x `size` cells."""
    return 1 + sum(cells * cells for cells in range(_SMALLEST, size))
