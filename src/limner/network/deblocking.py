"""The seams between patches, mended: a small U-Net over the picture that the linear decoder gives.

A patch that is decoded by itself does not meet its neighbours, so that errors of the denoiser show as a grid. A
residual U-Net (Ronneberger et al. 2015; without normalisation, as in EDSR, Lim et al. 2017) sees three patches across.
Its last layer starts at zero: before training it changes nothing.

Axes in names: B batch, C channels, H, W pixels.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["Deblocking", "Residual"]

_CELL = 4
"""Pixels across that one place of the U-Net's upper level holds."""


class Deblocking(nn.Module):
    """Pixels with seams -> pixels; both (B, 3, H, W), about -1 to 1, H and W multiples of 8.

    Args:
        width: channels at cells of 4 x 4 pixels; twice as many at cells of 8 x 8.
        outer, inner: residual blocks on each side of the U, and at its bottom.
    """

    def __init__(self, width: int, outer: int, inner: int) -> None:
        super().__init__()
        values = 3 * _CELL**2
        self.enter = nn.Conv2d(values, width, 3, padding=1)
        self.down = nn.Sequential(*(Residual(width) for _ in range(outer)))
        self.narrow = nn.Conv2d(width, 2 * width, 2, stride=2)
        self.bottom = nn.Sequential(*(Residual(2 * width) for _ in range(inner)))
        self.widen = nn.Conv2d(2 * width, 4 * width, 1)
        self.up = nn.Sequential(*(Residual(width) for _ in range(outer)))
        self.leave = nn.Conv2d(width, values, 3, padding=1)
        for parameter in self.leave.parameters():
            nn.init.zeros_(parameter)

    def forward(self, pixels_BCHW: Tensor) -> Tensor:
        """What it does."""
        upper = self.down(self.enter(nn.functional.pixel_unshuffle(pixels_BCHW, _CELL)))
        lower = self.bottom(self.narrow(upper))
        upper = self.up(upper + nn.functional.pixel_shuffle(self.widen(lower), 2))
        return pixels_BCHW + nn.functional.pixel_shuffle(self.leave(upper), _CELL)


class Residual(nn.Module):
    """x + conv(silu(conv(x))); the second convolution starts small, so that deep stacks start calm."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        with torch.no_grad():
            self.second.weight.mul_(0.1)

    def forward(self, x: Tensor) -> Tensor:
        """What it does."""
        change: Tensor = self.second(nn.functional.silu(self.first(x)))
        return x + change
