"""The judge of the training trace: what is to be seen in a picture?

It reads pixels with its own eyes: nothing of the generator's networks is in it. What it says of a caption follows from
what it sees (`limner.training.weighing`), as in the detectors that grade text-to-image systems (Ghosh et al. 2023,
GenEval).

Axes in names: B pictures, N picture tokens, one for each cell of the grid, W width, P values of a patch, K classes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from limner.network.autoencoder import to_patches
from limner.network.layers import Block

__all__ = ["Judge", "JudgeConfig", "Sight"]


@dataclass(frozen=True, kw_only=True, slots=True)
class JudgeConfig:
    """Shapes of the judge."""

    patch: int = 16
    grid: int = 8
    width: int = 192
    heads: int = 3
    layers: int = 3


class Sight(NamedTuple):
    """What the judge sees, as logits: in each cell a thing, the part of it and its paint; the place; the light."""

    things_BNK: Tensor
    parts_BNK: Tensor
    paints_BNK: Tensor
    places_BK: Tensor
    conditions_BK: Tensor


class Judge(nn.Module):
    """Pictures -> what is to be seen in them.

    Args:
        config: its shapes.
        classes: how many things, parts, paints, places and conditions there are, in this order.
    """

    def __init__(self, config: JudgeConfig, classes: tuple[int, int, int, int, int]) -> None:
        super().__init__()
        self.config, self.classes = config, classes
        width = config.width
        self.patch_embed = nn.Linear(3 * config.patch**2, width)
        self.patch_places = nn.Parameter(torch.randn(config.grid**2, width) * 0.02)
        self.blocks = nn.ModuleList(Block(width, config.heads) for _ in range(config.layers))
        self.norm = nn.LayerNorm(width)
        self.heads = nn.ModuleList(nn.Linear(width, count) for count in classes)

    def forward(self, pixels_BCHW: Tensor) -> Sight:
        """Look at pictures (B, 3, 256, 256) from -1 to 1; they are halved in size first."""
        small = nn.functional.avg_pool2d(pixels_BCHW, 2)
        return self.look_at_patches(to_patches(small, self.config.patch))

    def features(self, pixels_BCHW: Tensor) -> Tensor:
        """(B, W): what it makes of whole pictures, before it names anything; to compare sets of pictures by."""
        small = nn.functional.avg_pool2d(pixels_BCHW, 2)
        return self._tokens(to_patches(small, self.config.patch)).mean(1)

    def look_at_patches(self, patches_BNP: Tensor) -> Sight:
        """The same, from the patches of the halved picture."""
        x_BNW = self._tokens(patches_BNP)
        whole_BW = x_BNW.mean(1)
        things, parts, paints, places, conditions = self.heads
        return Sight(things(x_BNW), parts(x_BNW), paints(x_BNW), places(whole_BW), conditions(whole_BW))

    def _tokens(self, patches_BNP: Tensor) -> Tensor:
        x_BNW: Tensor = self.patch_embed(patches_BNP) + self.patch_places
        for block in self.blocks:
            x_BNW = block(x_BNW)
        normed_BNW: Tensor = self.norm(x_BNW)
        return normed_BNW
