"""The image's way into the text-image space: clean latents -> one unit vector of length 1024.

Axes in names: B batch, C channels, h, w latent grid, N = h * w tokens, V vector length.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from limner.network.layers import Block
from limner.types import EMBEDDING_LENGTH

__all__ = ["ImageTower", "ImageTowerConfig"]


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageTowerConfig:
    """Shapes of the image tower."""

    channels: int = 192
    tokens: int = 64
    width: int = 192
    layers: int = 2
    heads: int = 3
    vector: int = EMBEDDING_LENGTH


class ImageTower(nn.Module):
    """A small vision transformer (Dosovitskiy et al. 2020) over latent tokens."""

    def __init__(self, config: ImageTowerConfig) -> None:
        super().__init__()
        self.config = config
        self.embed = nn.Linear(config.channels, config.width)
        self.places = nn.Parameter(torch.randn(config.tokens, config.width) * 0.02)
        self.blocks = nn.ModuleList(Block(config.width, config.heads) for _ in range(config.layers))
        self.norm = nn.LayerNorm(config.width)
        self.to_vector = nn.Linear(config.width, config.vector, bias=False)

    def forward(self, x_BChw: Tensor) -> Tensor:
        """(B, C, h, w) -> (B, V) of unit length."""
        x_BNW = self.embed(x_BChw.flatten(2).transpose(1, 2)) + self.places
        for block in self.blocks:
            x_BNW = block(x_BNW)
        return nn.functional.normalize(self.to_vector(self.norm(x_BNW).mean(1)), dim=-1)
