"""What is seen in each cell of a scene's grid: which thing, which part of it, in which paint."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from limner.training.scenes.canvas import GRID, SQUARE, Shape, spare_cells
from limner.training.scenes.concepts import COLOURS
from limner.training.scenes.layout import Box, seat_of

__all__ = ["PAINTS", "PARTS", "feet", "paint_of", "things_in_cells"]

_SMALLEST = 2

PARTS = 1 + sum(cells * cells for cells in (2, 3, 4))
"""How many parts things have, over all sizes: one for each cell of their boxes, and 0 for no thing."""

PAINTS = 1 + len(COLOURS)
"""How many paints things have: their own colours, which is 0, and the twelve."""


def things_in_cells(
    boxes: Sequence[Box],
    numbers: Mapping[str, int],
    shape: Shape = SQUARE,
    sizes: Sequence[tuple[int, int]] = (),
) -> NDArray[np.uint16]:
    """(3, rows, columns): for each cell, the number of the thing seen there, of its part, of its paint; 0 for none.

    Where a thing's box is empty, the thing behind it is seen, or else its own emptiness.

    Args:
        boxes: the scene's things, the furthest first.
        numbers: each concept's, from 1.
        shape: the picture's.
        sizes: widths and heights of their sprites; none if they fill their boxes.
    """
    cells_3hw, (above, aside) = np.zeros((3, *shape), dtype=np.uint16), spare_cells(shape)
    seat = 0
    for box, (width, height) in zip(boxes, sizes or [(box.px, box.px) for box in boxes], strict=True):
        foot = seat if box.foot is None else box.foot
        thing, paint = numbers[box.concept.noun], paint_of(box.group.colour)
        top, left, size = (
            foot // GRID + above - box.px // GRID,
            (box.x - box.px // 2) // GRID + aside,
            box.px // GRID,
        )
        bare_above, bare_aside = (box.px - height) // GRID, (box.px - width) // 2 // GRID
        for row, column in np.ndindex(size, size):
            y, x = top + row, left + column
            bare = row < bare_above or not bare_aside <= column < size - bare_aside
            if 0 <= y < shape[0] and 0 <= x < shape[1] and not (bare and cells_3hw[0, y, x]):
                cells_3hw[:, y, x] = thing, _first_part(size) + row * size + column, paint
        seat = foot - seat_of(box, height)
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
