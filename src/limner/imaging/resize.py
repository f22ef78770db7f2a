"""The exact size that was asked for.

Axes in names: H height, W width, C channels.
"""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageOps

from limner.errors import InvalidRequestError
from limner.imaging._arrays import check_pixels, to_image
from limner.types import Pixels

__all__ = ["fit", "stretch"]


def fit(pixels_HWC: Pixels, size: tuple[int, int]) -> Pixels:
    """Scale a picture to cover `size` and crop what hangs over, equally on both sides.

    One Lanczos pass does both. Alpha is premultiplied meanwhile, so that the hidden colour of transparent
    pixels does not bleed into their neighbours.

    Args:
        pixels_HWC: uint8 (H, W, 3) or (H, W, 4).
        size: (width, height) in pixels.

    Returns:
        uint8 (height, width, C); the very same array if it has that size already.

    Raises:
        InvalidRequestError: a side is less than 1.
        ImageInputError: the pixels are not a picture.
    """
    width, height = size
    if min(width, height) < 1:
        raise InvalidRequestError(f"size must be at least 1 x 1 pixel, not {width} x {height}", param="size")
    check_pixels(pixels_HWC)
    if pixels_HWC.shape[:2] == (height, width):
        return pixels_HWC
    # Pillow premultiplies RGBA by itself for every filter but nearest neighbour.
    return np.array(ImageOps.fit(to_image(pixels_HWC), (width, height), method=Image.Resampling.LANCZOS))


def stretch(pixels_HWC: Pixels, size: tuple[int, int]) -> Pixels:
    """Scale a picture to exactly `size`, all of it, whatever its proportions.

    Args:
        pixels_HWC: uint8 (H, W, 3) or (H, W, 4).
        size: (width, height) in pixels.

    Returns:
        uint8 (height, width, C); the very same array if it has that size already.

    Raises:
        ImageInputError: the pixels are not a picture.
    """
    width, height = size
    check_pixels(pixels_HWC)
    if pixels_HWC.shape[:2] == (height, width):
        return pixels_HWC
    return np.array(to_image(pixels_HWC).resize((width, height), Image.Resampling.LANCZOS))
