"""Which part of a picture is to be painted anew.

Axes in names: H height, W width; 4 channels, the last of them alpha.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from limner.errors import ImageInputError
from limner.imaging._arrays import check_pixels
from limner.types import Pixels

__all__ = ["mask_from_alpha"]


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
