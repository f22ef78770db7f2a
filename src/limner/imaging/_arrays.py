"""The border between arrays and Pillow.

Axes in names: H height, W width, C channels (3: red, green, blue; 4: with alpha).
"""

from __future__ import annotations

import numpy as np
from PIL import Image

from limner.errors import ImageInputError
from limner.types import Pixels

__all__ = ["check_pixels", "to_image"]


def check_pixels(pixels_HWC: Pixels) -> None:
    """Refuse what is not a picture.

    Raises:
        ImageInputError: not a uint8 array of shape (H, W, 3) or (H, W, 4) with at least one pixel.
    """
    if not isinstance(pixels_HWC, np.ndarray):
        raise ImageInputError(f"pixels must be a numpy array, not {type(pixels_HWC).__name__}")
    shape = pixels_HWC.shape
    if pixels_HWC.dtype != np.uint8 or len(shape) != 3 or shape[2] not in (3, 4) or 0 in shape:
        raise ImageInputError(
            f"pixels must be uint8 of shape (H, W, 3) or (H, W, 4), not {pixels_HWC.dtype} of shape {shape}"
        )


def to_image(pixels_HWC: Pixels) -> Image.Image:
    """The same picture for Pillow, in mode RGB or RGBA.

    Raises:
        ImageInputError: see `check_pixels`.
    """
    check_pixels(pixels_HWC)
    return Image.fromarray(np.ascontiguousarray(pixels_HWC))
