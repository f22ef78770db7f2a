"""A canvas: (height, width, 3) float32 from 0 to 1, its shorter side a multiple of 256.

Painters tell all places in pixels of 256 x 256; here those become the canvas's own. A picture has a shape: so many
rows and columns of cells. A wide one is the square one with more at both sides, a high one has more above it, so
that y runs from the square's 0 or less to 256, and x from 0 or less to 256 or more.
"""

from __future__ import annotations

from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from limner.errors import DataError
from limner.training.scenes.colour import rgb
from limner.training.scenes.concepts import SIDE
from limner.types import Floats

__all__ = [
    "CELLS",
    "GRID",
    "SQUARE",
    "Edges",
    "Shape",
    "area",
    "blank",
    "check_shape",
    "column_middles",
    "columns",
    "edges",
    "halved",
    "row_middles",
    "rows",
    "scale_of",
    "spare_cells",
    "wash",
]

T = TypeVar("T", bound=np.generic)

GRID = 32
"""Pixels of a grid cell's side."""

CELLS = SIDE // GRID
"""Cells in a row of a square picture, and in a column."""

Shape = tuple[int, int]
"""Rows and columns of cells."""

SQUARE: Shape = (CELLS, CELLS)


class Edges(NamedTuple):
    """Where a canvas begins and ends, in pixels of 256 x 256; its lower edge is at 256, whatever its shape."""

    top: int
    left: int
    right: int


def check_shape(shape: Shape) -> None:
    """Raise DataError unless one side has 8 cells, and the other as many or an even number more."""
    if min(shape) != CELLS or sum(shape) % 2:
        raise DataError(
            f"no scene has {shape[0]} rows and {shape[1]} columns: "
            f"let one be {CELLS}, and the other {CELLS} or an even number more"
        )


def spare_cells(shape: Shape) -> tuple[int, int]:
    """How many rows a picture has above the square one, and how many columns at each of its sides."""
    return shape[0] - CELLS, (shape[1] - CELLS) // 2


def blank(scale: int, shape: Shape = SQUARE) -> Floats:
    """A black canvas, so many times 256 pixels wide and high if it is square."""
    return np.zeros((shape[0] * GRID * scale, shape[1] * GRID * scale, 3), dtype=np.float32)


def scale_of(canvas: NDArray[Any]) -> int:
    """How many pixels of the canvas one of 256 x 256 is across."""
    return int(min(canvas.shape[:2])) // SIDE


def edges(canvas: NDArray[Any]) -> Edges:
    """Where a canvas, or a mask of its size, begins and ends."""
    height, width = (side // scale_of(canvas) for side in canvas.shape[:2])
    left = (SIDE - width) // 2
    return Edges(SIDE - height, left, SIDE - left)


def area(
    canvas: NDArray[T], top: int | None, bottom: int, left: int | None = None, right: int | None = None
) -> NDArray[T]:
    """The part of a canvas, or of a mask of its size, between these rows and columns, to paint on.

    None is the canvas's own edge; what lies outside the canvas is left out.
    """
    scale, edge = scale_of(canvas), edges(canvas)
    y0, y1 = edge.top if top is None else top, bottom
    x0, x1 = edge.left if left is None else left, edge.right if right is None else right
    rows, columns = (
        slice(max(0, start - first) * scale, max(0, end - first) * scale)
        for start, end, first in ((y0, y1, edge.top), (x0, x1, edge.left))
    )
    return canvas[rows, columns]


def rows(canvas: Floats) -> NDArray[np.int64]:
    """(height,): in which row of 256 each one of the canvas lies; above those they are negative."""
    return np.arange(len(canvas)) // scale_of(canvas) + edges(canvas).top


def columns(canvas: Floats) -> NDArray[np.int64]:
    """(width,): in which column of 256 each one of the canvas lies, or how far to their left or right."""
    return np.arange(canvas.shape[1]) // scale_of(canvas) + edges(canvas).left


def row_middles(canvas: Floats) -> NDArray[np.float64]:
    """(height,): where the middle of each row is among the middles of those of 256."""
    return (np.arange(len(canvas)) + 0.5) / scale_of(canvas) - 0.5 + edges(canvas).top


def column_middles(canvas: Floats) -> NDArray[np.float64]:
    """(width,): where the middle of each column is among the middles of those of 256."""
    return (np.arange(canvas.shape[1]) + 0.5) / scale_of(canvas) - 0.5 + edges(canvas).left


def wash(part: Floats, top: str, bottom: str, light: Floats | float = 1) -> None:
    """Fill a part of a canvas from one colour to another, downwards, in this light."""
    mix_H11 = np.linspace(0, 1, len(part), dtype=np.float32)[:, None, None]
    part[:] = (rgb(top) * (1 - mix_H11) + rgb(bottom) * mix_H11) * light


def halved(canvas: Floats) -> Floats:
    """Half as large: each pixel is the mean of four."""
    height, width = canvas.shape[0] // 2, canvas.shape[1] // 2
    smaller: Floats = canvas.reshape(height, 2, width, 2, 3).mean((1, 3), dtype=np.float32)
    return smaller
