"""Arrays as pictures inside the page.

Axes in names: D embedding, H height, W width, C channels, h and w the grid of the attention.
"""

from __future__ import annotations

import base64

import numpy as np

from limner.imaging.codec import encode
from limner.imaging.resize import fit, stretch
from limner.types import FileFormat, Floats, Pixels

__all__ = ["STRIP_COLUMNS", "data_url", "heat_map", "map_size", "place", "small", "strip"]

STRIP_COLUMNS = 128

_WARM_C, _COOL_C = np.array([208, 84, 40]), np.array([92, 124, 160])
_MAP_SIDE = 128
_SMALL = 512


def data_url(data: bytes, file_format: FileFormat) -> str:
    """A file as an address that holds it."""
    return f"data:image/{file_format};base64,{base64.b64encode(data).decode()}"


def small(pixels_HWC: Pixels) -> str:
    """The picture's address, made smaller if a side is over 512 pixels."""
    height, width = pixels_HWC.shape[:2]
    scale = min(1.0, _SMALL / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return data_url(encode(fit(pixels_HWC, size), "webp"), "webp")


def strip(vector_D: Floats) -> str:
    """One pixel a number, in rows of 128: warm above 0, cool below, the stronger the farther from 0.

    The zero is transparent, so that it is the page's own colour, light or dark. A last row that is not full
    ends in zeros.
    """
    rows = -(-len(vector_D) // STRIP_COLUMNS)
    padded = np.zeros(rows * STRIP_COLUMNS, np.float32)
    padded[: len(vector_D)] = vector_D
    values_HW = padded.reshape(rows, STRIP_COLUMNS)
    pixels_HW4 = np.empty((rows, STRIP_COLUMNS, 4), np.uint8)
    pixels_HW4[..., :3] = np.where(values_HW[..., None] > 0, _WARM_C, _COOL_C)
    farthest = max(float(np.abs(values_HW).max()), float(np.finfo(np.float32).tiny))
    pixels_HW4[..., 3] = np.rint(255 * np.abs(values_HW) / farthest)
    return data_url(encode(pixels_HW4), "png")


def heat_map(preview_HWC: Pixels, map_hw: Floats) -> str:
    """Where a word drew, over the picture in grey: from its least cell, none, to its most, full colour."""
    least, most = float(map_hw.min()), float(map_hw.max())
    levels_hw = np.rint(255 * (map_hw - least) / (most - least)) if most > least else np.zeros_like(map_hw)
    levels_hwC = np.repeat(levels_hw.astype(np.uint8)[..., None], 3, axis=2)
    size = map_size(preview_HWC)
    heat_HW1 = 0.85 * stretch(levels_hwC, size)[..., :1] / 255
    grey_HW1 = stretch(preview_HWC, size)[..., :3].mean(axis=2, keepdims=True)
    blend_HWC = (1 - heat_HW1) * grey_HW1 + heat_HW1 * _WARM_C
    return data_url(encode(np.rint(blend_HWC).astype(np.uint8), "jpeg"), "jpeg")


def map_size(preview_HWC: Pixels) -> tuple[int, int]:
    """(width, height) of a heat map over such a picture."""
    height, width = preview_HWC.shape[:2]
    scale = _MAP_SIDE / max(height, width)
    return round(width * scale), round(height * scale)


def place(map_hw: Floats) -> str:
    """The strongest cell's place in words: "top left", "centre"."""
    row, column = np.unravel_index(int(map_hw.argmax()), map_hw.shape)
    down = ("top", "middle", "bottom")[3 * int(row) // map_hw.shape[0]]
    across = ("left", "centre", "right")[3 * int(column) // map_hw.shape[1]]
    return "centre" if (down, across) == ("middle", "centre") else f"{down} {across}"
