"""A picture twice as large, with the edges that the scene has at that size; twice over, four times as large.

A residual U-Net (Ronneberger et al. 2015; without normalisation, as in EDSR, Lim et al. 2017) works at the small
picture's size and lays its pixels out at last (sub-pixel convolution, Shi et al. 2016). Its lower level looks far
enough to tell the seams that are left between patches from the edges of things. What it puts out is added to the plain
bicubic enlargement; its last layer starts at zero, so that before training that is all there is.

Axes in names: B batch, C channels, H, W pixels.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from limner.network.deblocking import Residual

__all__ = ["Upscaler", "UpscalerConfig"]

_CELL, _LOWER = 2, 4
"""Pixels of the small picture across that one place of the upper level holds; places of that in one of the lower."""


_SMALL = 1 / 16
"""About how far, from black to white as 2, the plain enlargement is off: so the network's own numbers are about 1."""


@dataclass(frozen=True, kw_only=True, slots=True)
class UpscalerConfig:
    """Shapes of the upscaler.

    Attributes:
        width: channels at cells of 2 x 2 pixels; twice as many at cells of 8 x 8.
        outer, inner: residual blocks on each side of the U, and at its bottom.
    """

    width: int = 32
    outer: int = 3
    inner: int = 2


class Upscaler(nn.Module):
    """Pixels (B, 3, H, W) -> (B, 3, 2 H, 2 W), about -1 to 1, H and W multiples of 8."""

    def __init__(self, config: UpscalerConfig) -> None:
        super().__init__()
        self.config = config
        width = config.width
        self.enter = nn.Conv2d(3 * _CELL**2, width, 3, padding=1)
        self.down = nn.Sequential(*(Residual(width) for _ in range(config.outer)))
        self.narrow = nn.Conv2d(width, 2 * width, _LOWER, stride=_LOWER)
        self.bottom = nn.Sequential(*(Residual(2 * width) for _ in range(config.inner)))
        self.widen = nn.Conv2d(2 * width, width * _LOWER**2, 1)
        self.up = nn.Sequential(*(Residual(width) for _ in range(config.outer)))
        self.leave = nn.Conv2d(width, 3 * (2 * _CELL) ** 2, 3, padding=1)
        for parameter in self.leave.parameters():
            nn.init.zeros_(parameter)

    def forward(self, pixels_BCHW: Tensor) -> Tensor:
        """What it does."""
        plain_BCHW = nn.functional.interpolate(
            pixels_BCHW, scale_factor=2, mode="bicubic", align_corners=False
        )
        upper = self.down(self.enter(nn.functional.pixel_unshuffle(pixels_BCHW, _CELL)))
        lower = self.bottom(self.narrow(upper))
        upper = self.up(upper + nn.functional.pixel_shuffle(self.widen(lower), _LOWER))
        finer_BCHW: Tensor = nn.functional.pixel_shuffle(self.leave(upper), 2 * _CELL)
        return plain_BCHW + _SMALL * finer_BCHW
