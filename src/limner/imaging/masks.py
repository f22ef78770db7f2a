"""Which part of a picture is to be painted anew, and what its transparency means.

Axes in names: H height, W width; 4 channels, the last of them alpha.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from limner.errors import ImageInputError
from limner.imaging._arrays import check_pixels
from limner.types import Floats, Pixels

__all__ = ["mask_from_alpha", "on_white", "paste_back", "touched_cells"]


def mask_from_alpha(pixels_HW4: Pixels) -> NDArray[np.bool_]:
    """The mask that a picture's transparency draws, as in OpenAI's images API.

    Args:
        pixels_HW4: uint8 (H, W, 4).

    Returns:
        bool (H, W): True where alpha is 0, which is where new content goes; a half transparent pixel stays.

    Raises:
        ImageInputError: there is no alpha channel.
    """
    check_pixels(pixels_HW4)
    if pixels_HW4.shape[2] != 4:
        raise ImageInputError(
            "the mask has no alpha channel: save it as PNG, fully transparent where new content shall go"
        )
    mask_HW: NDArray[np.bool_] = pixels_HW4[..., 3] == 0
    return mask_HW


def touched_cells(mask_HW: NDArray[np.bool_], grid: tuple[int, int]) -> Floats:
    """(h, w) float32: 1 in the cells of a coarser grid in which any pixel is to be painted anew, else 0."""
    rows, columns = (
        (np.arange(cells) * side) // cells for cells, side in zip(grid, mask_HW.shape, strict=True)
    )
    touched_hw = np.logical_or.reduceat(np.logical_or.reduceat(mask_HW, rows, axis=0), columns, axis=1)
    return touched_hw.astype(np.float32)


def paste_back(drawn_HWC: Pixels, source_HWC: Pixels, mask_HW: NDArray[np.bool_]) -> Pixels:
    """What was drawn where the mask is True, the source to the bit where it is False.

    Args:
        drawn_HWC: uint8 (H, W, 3).
        source_HWC: uint8 (H, W, 3) or (H, W, 4); the result has as many channels.
        mask_HW: bool, of any size; it is stretched to the picture's.
    """
    height, width, channels = source_HWC.shape
    painted_HWC = np.full_like(source_HWC, 255)
    painted_HWC[..., :3] = drawn_HWC
    stretched = Image.fromarray(mask_HW).resize((width, height), Image.Resampling.NEAREST)
    return np.where(np.asarray(stretched)[..., None], painted_HWC, source_HWC[..., :channels])


def on_white(pixels_HWC: Pixels) -> Pixels:
    """Alpha blended over white: c a + 255 (1 - a), rounded."""
    if pixels_HWC.shape[2] == 3:
        return pixels_HWC
    colour_HW3 = pixels_HWC[..., :3].astype(np.uint32)
    alpha_HW1 = pixels_HWC[..., 3:].astype(np.uint32)
    blend_HW3 = (colour_HW3 * alpha_HW1 + 255 * (255 - alpha_HW1) + 127) // 255
    return blend_HW3.astype(np.uint8)
