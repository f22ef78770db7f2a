"""A lesson on the side, for tokens in the middle of a network: to name what stands in each cell.

Squared error alone teaches a small network the average of all pictures that could be meant. Asked, halfway
through, which thing stands in each cell, which part of it and in which paint, it must decide. Supervising inner
layers goes back to Lee et al. 2015; giving a diffusion transformer's inner tokens a meaning, to Yu et al. 2025
(REPA), who take it from another network. Here the composer knows it. The lesson's weights are not part of the network.

Axes in names: B batch, N picture tokens, W width, K classes, h, w latent grid.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from limner.errors import TrainingError
from limner.network.memory import Named
from limner.training.scenes.cells import PAINTS, PARTS

__all__ = ["Lesson", "cell_weights", "naming_loss"]


class Lesson(nn.Module):
    """Reads things, parts and paints from the tokens, and tells how wrong it was.

    Args:
        width: of the tokens.
        things: how many there are to tell; 0 if the network's memory tells things and parts.
        paints: how many there are to tell; 0 if the network's memory does.
    """

    def __init__(self, width: int, things: int, paints: int = PAINTS) -> None:
        super().__init__()
        # Weights that nobody uses would keep several processes waiting for their gradients.
        self.norm = nn.LayerNorm(width) if things or paints else nn.Identity()
        self.thing = nn.Linear(width, 1 + things) if things else None
        self.part = nn.Linear(width, PARTS) if things else None
        self.paint = nn.Linear(width, paints) if paints else None

    def forward(
        self, middle_BNW: Tensor, things_B3hw: Tensor, weight_B1hw: Tensor, named: Named | None = None
    ) -> Tensor:
        """(B,) cross-entropies in nats, of thing, part and paint together, each cell by its weight.

        Args:
            middle_BNW: the tokens.
            things_B3hw: what stands where.
            weight_B1hw: of each cell.
            named: what the network's memory says of them.
        """
        tokens_BNW = self.norm(middle_BNW)
        if self.thing is not None and self.part is not None:
            named = Named(self.thing(tokens_BNW), self.part(tokens_BNW))
        if named is not None and self.paint is not None:
            named = named._replace(paint_BNK=self.paint(tokens_BNW))
        if named is None or named.paint_BNK is None:
            raise TrainingError(
                "somebody has to tell things, parts and paints: the lesson, or the network's memory"
            )
        return naming_loss([named.thing_BNK, named.part_BNK, named.paint_BNK], things_B3hw, weight_B1hw)


def cell_weights(things_B3hw: Tensor, thing_weight: float) -> Tensor:
    """(B, 1, h, w): how much each cell counts, `thing_weight` times as much where a thing stands; 1 on average."""
    weight_B1hw = 1 + (thing_weight - 1) * (things_B3hw[:, :1] > 0)
    return weight_B1hw / weight_B1hw.mean()


def naming_loss(named: Sequence[Tensor], things_B3hw: Tensor, weight_B1hw: Tensor) -> Tensor:
    """(B,) cross-entropies in nats of the logits (B, N, K) of things, parts and paints, each cell by its weight."""
    truths = things_B3hw.flatten(2).unbind(1)
    wrong_BN = torch.stack(
        [_surprise(logits, truth) for logits, truth in zip(named, truths, strict=True)]
    ).sum(0)
    return (wrong_BN * weight_B1hw.flatten(1)).mean(1)


def _surprise(logits_BNK: Tensor, truth_BN: Tensor) -> Tensor:
    return nn.functional.cross_entropy(logits_BNK.transpose(1, 2), truth_BN, reduction="none")
