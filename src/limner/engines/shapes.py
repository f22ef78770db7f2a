"""Wide and high pictures: which of the shapes that a model draws is the one for a size.

Axes in names: C channels, h and w the latent grid.
"""

from __future__ import annotations

import math

from limner.engines.base import Capabilities

__all__ = ["nearest_shape", "picture_size"]


def nearest_shape(able: Capabilities, size: tuple[int, int] | None) -> tuple[int, int, int]:
    """(C, h, w) of x for pictures of a size: the shape whose proportions are nearest, so that least is cut off.

    Twice as wide and half as wide are as near. Of two that are as near, the model's own is taken.

    Args:
        able: what the engine can do.
        size: (width, height) that was asked for; None is the model's own.
    """
    channels, *own = able.latent_shape
    shapes = [(channels, *grid) for grid in ((own[0], own[1]), *able.shapes)]
    if size is None:
        return shapes[0]
    return min(shapes, key=lambda shape: _away(picture_size(able, shape), size))


def picture_size(able: Capabilities, shape: tuple[int, ...]) -> tuple[int, int]:
    """(width, height) of the pictures that `decode` makes of x with these last two axes (h, w)."""
    (width, height), (_, h, w) = able.picture_size, able.latent_shape
    return shape[-1] * width // w, shape[-2] * height // h


def _away(one: tuple[int, int], other: tuple[int, int]) -> float:
    """The logarithm of how many times wider the one is at the same height, or higher at the same width."""
    return abs(math.log(one[0] * other[1] / (one[1] * other[0])))
