"""A canvas: (side, side, 3) float32 from 0 to 1, `side` a multiple of 256.

Painters tell all places in pixels of 256 x 256; here those become the canvas's own.
"""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from limner.training.scenes.colour import rgb
from limner.training.scenes.concepts import SIDE
from limner.types import Floats

__all__ = ["area", "blank", "halved", "middles", "scale_of", "wash", "whole"]

T = TypeVar("T", bound=np.generic)


def blank(scale: int) -> Floats:
    """A black canvas, so many times 256 pixels wide and high."""
    return np.zeros((SIDE * scale, SIDE * scale, 3), dtype=np.float32)


def scale_of(canvas: NDArray[Any]) -> int:
    """How many pixels of the canvas one of 256 x 256 is across."""
    return len(canvas) // SIDE


def area(canvas: NDArray[T], top: int, bottom: int, left: int = 0, right: int = SIDE) -> NDArray[T]:
    """The part of a canvas, or of a mask of its size, between these rows and columns, to paint on."""
    scale = scale_of(canvas)
    return canvas[top * scale : bottom * scale, left * scale : right * scale]


def whole(canvas: Floats) -> NDArray[np.int64]:
    """(side,): in which row (or column) of 256 each one of the canvas lies."""
    return np.arange(len(canvas)) // scale_of(canvas)


def middles(canvas: Floats) -> NDArray[np.float64]:
    """(side,): where the middle of each row (or column) is among the middles of those of 256."""
    return (np.arange(len(canvas)) + 0.5) / scale_of(canvas) - 0.5


def wash(part: Floats, top: str, bottom: str, light: Floats | float = 1) -> None:
    """Fill a part of a canvas from one colour to another, downwards, in this light."""
    mix_H11 = np.linspace(0, 1, len(part), dtype=np.float32)[:, None, None]
    part[:] = (rgb(top) * (1 - mix_H11) + rgb(bottom) * mix_H11) * light


def halved(canvas: Floats) -> Floats:
    """Half as large: each pixel is the mean of four."""
    side = len(canvas) // 2
    smaller: Floats = canvas.reshape(side, 2, side, 2, 3).mean((1, 3), dtype=np.float32)
    return smaller
