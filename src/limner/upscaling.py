"""Stage 4, for pictures larger than the model's own: twice or four times as large by the engine's upscaler.

What is left to the exact size is resampled, as all of it is where the engine has no upscaler.

Axes in names: H height, W width, C channels.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TypeVar

import numpy as np

from limner.engines.base import Engine
from limner.types import Pixels

__all__ = ["completed", "enlarging", "factor"]

T = TypeVar("T")

_LARGEST = 4
_GRID = 8
"""Sides of what is made larger are multiples of it."""

_PIECE = 2 * 256 * 256
"""Pixels that are made larger in one call at most, beside the halo: some 0.1 s on two cores."""

_HALO = 32
"""Rows around a piece that are looked at and not kept."""

_MARGIN = 8
"""Rows and columns beyond the visible ones that resampling may look at."""


def factor(engine: Engine, pixels: tuple[int, int], size: tuple[int, int]) -> int:
    """How many times as large pictures become before they are resampled: 1, 2 or 4, the first that reaches the size.

    Args:
        engine: whose upscaler it is.
        pixels: (width, height) of the pictures.
        size: (width, height) that was asked for.
    """
    times = 1
    while (
        engine.capabilities.upscales
        and times < _LARGEST
        and max(size[0] / pixels[0], size[1] / pixels[1]) > times
    ):
        times *= 2
    return times


def enlarging(
    engine: Engine, pixels_HWC: Pixels, size: tuple[int, int], *, cropped: bool
) -> Generator[None, None, Pixels]:
    """Make a picture `factor` times as large.

    In pieces, after each of which its thread may do other work first: see `completed`.

    Args:
        engine: its upscaler is used.
        pixels_HWC: uint8 (H, W, 3), sides multiples of 8.
        size: (width, height) that was asked for.
        cropped: what hangs over the size's proportions will be cut off, as `imaging.resize.fit` does, so that it
            need not be made larger. Its middle stays the middle.

    Returns:
        uint8; the very same array if it is large enough.
    """
    height, width = pixels_HWC.shape[:2]
    times = factor(engine, (width, height), size)
    if times > 1 and cropped:
        pixels_HWC = _visible(pixels_HWC, size)
    for pass_ in range(times.bit_length() - 1):
        if pass_:
            yield
        pixels_HWC = yield from _doubling(engine, pixels_HWC)
    return pixels_HWC


def completed(work: Generator[None, None, T]) -> T:
    """Do work that comes in pieces without a pause."""
    while True:
        try:
            next(work)
        except StopIteration as end:
            result: T = end.value
            return result


def _doubling(engine: Engine, pixels_HWC: Pixels) -> Generator[None, None, Pixels]:
    """Twice as large, some rows at a time."""
    height, width = pixels_HWC.shape[:2]
    rows = max(_GRID, _PIECE // width // _GRID * _GRID)
    parts: list[Pixels] = []
    for top in range(0, height, rows):
        if parts:
            yield
        above, bottom = min(top, _HALO), min(top + rows, height)
        [part_HWC] = engine.upscale(pixels_HWC[None, top - above : bottom + _HALO])
        parts.append(part_HWC[2 * above : 2 * (above + bottom - top)])
    return np.concatenate(parts)


def _visible(pixels_HWC: Pixels, size: tuple[int, int]) -> Pixels:
    """The middle of the picture that shows at the proportions of `size`, with a margin."""
    height, width = pixels_HWC.shape[:2]
    scale = max(size[0] / width, size[1] / height)
    cut = [
        max(0, int(side - asked / scale) // 2 - _MARGIN) // _GRID * _GRID
        for side, asked in ((height, size[1]), (width, size[0]))
    ]
    return pixels_HWC[cut[0] : height - cut[0], cut[1] : width - cut[1]]
