"""A picture twice as large, with the edges that the scene has at that size; twice over, four times as large.

A residual network (He et al. 2016; without normalisation, as in EDSR, Lim et al. 2017) works at the small picture's
size and lays its pixels out at last (sub-pixel convolution, Shi et al. 2016). What it puts out is added to the plain
bicubic enlargement; its last layer starts at zero, so that before training that is all there is.

Axes in names: B batch, C channels, H, W pixels.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from limner.network.deblocking import Residual

__all__ = ["Upscaler", "UpscalerConfig"]

_CELL = 2
"""Pixels of the small picture across that one place of the network holds."""


@dataclass(frozen=True, kw_only=True, slots=True)
class UpscalerConfig:
    """Shapes of the upscaler.

    Attributes:
        width: channels at cells of 2 x 2 pixels.
        blocks: residual blocks; each sees 4 pixels further, each way.
    """

    width: int = 48
    blocks: int = 8


class Upscaler(nn.Module):
    """Pixels (B, 3, H, W) -> (B, 3, 2 H, 2 W), about -1 to 1, H and W even."""

    def __init__(self, config: UpscalerConfig) -> None:
        super().__init__()
        self.config = config
        self.enter = nn.Conv2d(3 * _CELL**2, config.width, 3, padding=1)
        self.body = nn.Sequential(*(Residual(config.width) for _ in range(config.blocks)))
        self.leave = nn.Conv2d(config.width, 3 * (2 * _CELL) ** 2, 3, padding=1)
        for parameter in self.leave.parameters():
            nn.init.zeros_(parameter)

    def forward(self, pixels_BCHW: Tensor) -> Tensor:
        """What it does."""
        plain_BCHW = nn.functional.interpolate(
            pixels_BCHW, scale_factor=2, mode="bicubic", align_corners=False
        )
        inner = self.body(self.enter(nn.functional.pixel_unshuffle(pixels_BCHW, _CELL)))
        finer_BCHW: Tensor = nn.functional.pixel_shuffle(self.leave(inner), 2 * _CELL)
        return plain_BCHW + finer_BCHW
