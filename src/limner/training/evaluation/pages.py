"""Pages of pictures for eyes: drawn ones beside real ones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image

from limner.imaging.picture import Picture
from limner.types import Pixels

__all__ = ["beside"]

_GAP = 16


def beside(left: Sequence[Pixels], right: Sequence[Pixels], *, columns: int = 8, side: int = 128) -> Picture:
    """Two blocks of pictures side by side, in the same order, row by row from the upper left corner.

    Args:
        left, right: as many of each.
        columns: pictures in a row of a block.
        side: pixels that a picture is shrunk to.
    """
    columns = min(columns, len(left))
    blocks = [_block(pictures, columns, side) for pictures in (left, right)]
    gap_HWC = np.full((len(blocks[0]), _GAP, 3), 255, dtype=np.uint8)
    page_HWC = np.concatenate([blocks[0], gap_HWC, blocks[1]], axis=1)
    return Picture(pixels_HWC=page_HWC, seed=0, prompt="drawn, and composed from the art", model="evaluation")


def _block(pictures: Sequence[Pixels], columns: int, side: int) -> Pixels:
    rows = -(-len(pictures) // columns)
    sheet = Image.new("RGB", (columns * side, rows * side), "white")
    for number, pixels in enumerate(pictures):
        small = Image.fromarray(pixels).resize((side, side), Image.Resampling.LANCZOS)
        sheet.paste(small, (number % columns * side, number // columns * side))
    return np.asarray(sheet)
