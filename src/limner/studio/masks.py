"""What was painted becomes a mask.

Axes in names: H height, W width; 4 channels, the last of them alpha.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from limner.errors import InvalidRequestError
from limner.imaging.codec import encode
from limner.types import Pixels

__all__ = ["mask_file", "painted"]

_SEEN = 32  # of 255: the brush's soft rim counts as painted only where it can be seen


def painted(layers_HW4: Sequence[Pixels], size: tuple[int, int]) -> NDArray[np.bool_]:
    """(H, W) of the picture: True where any layer is painted.

    Args:
        layers_HW4: what was painted, uint8 with alpha; they may be larger or smaller than the picture.
        size: the picture's (width, height).

    Raises:
        InvalidRequestError: nothing is painted.
    """
    width, height = size
    mask_HW = np.zeros((height, width), np.bool_)
    for layer_HW4 in layers_HW4:
        mask_HW |= _nearest(layer_HW4[..., 3] >= _SEEN, size)
    if not mask_HW.any():
        raise InvalidRequestError(
            "Nothing is painted: paint over what is to be drawn anew, or ask for variations.", param="mask"
        )
    return mask_HW


def _nearest(mask_HW: NDArray[np.bool_], size: tuple[int, int]) -> NDArray[np.bool_]:
    rows, columns = (
        (2 * np.arange(there) + 1) * here // (2 * there)
        for here, there in zip(mask_HW.shape, reversed(size), strict=True)
    )
    stretched_HW: NDArray[np.bool_] = mask_HW[rows][:, columns]
    return stretched_HW


def mask_file(mask_HW: NDArray[np.bool_]) -> bytes:
    """The mask as OpenAI's API wants it: a PNG that is transparent where new content goes."""
    pixels_HW4 = np.zeros((*mask_HW.shape, 4), np.uint8)
    pixels_HW4[..., 3] = np.where(mask_HW, 0, 255)
    return encode(pixels_HW4)
