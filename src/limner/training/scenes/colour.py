"""Painting a sprite in another colour, with its light and shade kept.

Axes in names: H height, W width, C channels.
"""

from __future__ import annotations

import numpy as np

from limner.training.scenes.concepts import COLOURS
from limner.types import Floats, Pixels

__all__ = ["recolour", "rgb"]

_LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)


def rgb(hexadecimal: str) -> Floats:
    """'#rrggbb' -> (3,) float32 from 0 to 1."""
    levels = np.frombuffer(bytes.fromhex(hexadecimal[1:]), dtype=np.uint8)
    return levels.astype(np.float32) / np.float32(255)


def recolour(pixels_HWC: Pixels, colour: str) -> Pixels:
    """Paint the sprite's dominant colour, and what is near it in hue, in one of the twelve colours.

    Each painted pixel gets the target colour, lightened or darkened as far as it was lighter or darker
    than the dominant colour. What is far from it in hue (a wheel, an eye, a window) stays as it was.

    Args:
        pixels_HWC: (H, W, 4) uint8, RGBA.
        colour: one of `COLOURS`.
    """
    rgb_HWC: Floats = pixels_HWC[..., :3].astype(np.float32) / np.float32(255)
    alpha_HW: Floats = pixels_HWC[..., 3].astype(np.float32) / np.float32(255)
    paint_HW = _paint_mask(rgb_HWC, alpha_HW)
    luma_HW = rgb_HWC @ _LUMA
    weight = paint_HW * alpha_HW
    middle = float((luma_HW * weight).sum() / max(float(weight.sum()), 1e-6))
    shade_HW1 = np.clip(luma_HW / max(middle, 1e-3), 0.35, 1.75)[..., None]
    target = rgb(COLOURS[colour])
    lighter_HWC = target + (1 - target) * np.clip(shade_HW1 - 1, 0, 1) * 0.7
    painted_HWC = np.where(shade_HW1 < 1, target * shade_HW1**0.9, lighter_HWC)
    mixed_HWC = rgb_HWC + paint_HW[..., None] * (painted_HWC - rgb_HWC)
    out = pixels_HWC.copy()
    out[..., :3] = np.clip(mixed_HWC * 255 + 0.5, 0, 255).astype(np.uint8)
    return out


def _paint_mask(rgb_HWC: Floats, alpha_HW: Floats) -> Floats:
    """(H, W) from 0 to 1: how much each pixel belongs to the dominant hue."""
    high_HW, low_HW = rgb_HWC.max(-1), rgb_HWC.min(-1)
    chroma_HW = high_HW - low_HW
    hue_HW = _hue(rgb_HWC, chroma_HW)
    weight_HW = chroma_HW * alpha_HW
    histogram, edges = np.histogram(hue_HW, bins=36, range=(0, 1), weights=weight_HW)
    smooth = histogram + np.roll(histogram, 1) + np.roll(histogram, -1)
    dominant = edges[int(smooth.argmax())] + 0.5 / 36
    distance_HW = np.abs((hue_HW - dominant + 0.5) % 1 - 0.5)
    near_HW = np.clip((0.14 - distance_HW) / 0.04, 0, 1)
    coloured_HW = np.clip((chroma_HW - 0.06) / 0.08, 0, 1)
    mask_HW: Floats = (near_HW * coloured_HW).astype(np.float32)
    return mask_HW


def _hue(rgb_HWC: Floats, chroma_HW: Floats) -> Floats:
    """(H, W) hue from 0 to 1, as in the HSV model (Smith 1978)."""
    red, green, blue = (rgb_HWC[..., channel] for channel in range(3))
    safe = np.maximum(chroma_HW, 1e-6)
    high = rgb_HWC.max(-1)
    sector = np.where(
        high == red,
        (green - blue) / safe % 6,
        np.where(high == green, (blue - red) / safe + 2, (red - green) / safe + 4),
    )
    return np.asarray(sector / 6, dtype=np.float32)
