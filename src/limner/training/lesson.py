"""A lesson on the side, for tokens in the middle of a network: to name what stands in each cell.

Squared error alone teaches a small network the average of all pictures that could be meant. Asked, halfway
through, which thing stands in each cell, which part of it and in which paint, it must decide. Supervising inner
layers goes back to Lee et al. 2015; giving a diffusion transformer's inner tokens a meaning, to Yu et al. 2025
(REPA), who take it from another network. Here the composer knows it. The lesson's weights are not part of the network.

Axes in names: B batch, N picture tokens, W width, K classes, h, w latent grid.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from limner.errors import TrainingError
from limner.network.memory import Named
from limner.training.scenes.cells import PAINTS, PARTS

__all__ = ["Lesson", "cell_weights", "mean_looks", "naming_loss", "painted_entries"]

_PORTION, _FEW = 1_000, 2.0


class Lesson(nn.Module):
    """Reads things, parts and paints from the tokens, and tells how wrong it was.

    Args:
        width: of the tokens.
        things: how many there are to tell; 0 if the network's memory tells things and parts, so that only the paint
            is left.
    """

    def __init__(self, width: int, things: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.thing = nn.Linear(width, 1 + things) if things else None
        self.part = nn.Linear(width, PARTS) if things else None
        self.paint = nn.Linear(width, PAINTS)

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
        if named is None:
            raise TrainingError("somebody has to tell things and parts: the lesson, or the network's memory")
        return naming_loss([*named, self.paint(tokens_BNW)], things_B3hw, weight_B1hw)


def mean_looks(
    latents_KChw: NDArray[np.float16], things_K3hw: NDArray[np.uint16], deviation_C: Tensor, things: int
) -> Tensor:
    """(entries, C): how the parts of things look on average, in latents of unit variance, as `Memory` keeps them.

    In their own colours: the mean of all paints is the look of none. What few scenes show is kept the nearer to 0, and
    what none shows is 0. Cells in which nothing stands have no looks.

    Raises:
        TrainingError: the scenes show more things than there are to be entries for.
    """
    if things_K3hw[:, 0].max() > things:
        raise TrainingError(
            f"the scenes show thing number {things_K3hw[:, 0].max()}, and the recipe's denoiser.things is {things}: "
            "make it as many as the concept table has rows"
        )
    channels = latents_KChw.shape[1]
    total, count = torch.zeros((1 + things) * PARTS, channels), torch.zeros((1 + things) * PARTS)
    for at in range(0, len(latents_KChw), _PORTION):
        x_NC = torch.from_numpy(latents_KChw[at : at + _PORTION].astype(np.float32)).flatten(2)
        things_N3 = torch.from_numpy(things_K3hw[at : at + _PORTION].astype(np.int64)).flatten(2)
        x_NC, things_N3 = (tensor.transpose(1, 2).flatten(0, 1) for tensor in (x_NC, things_N3))
        own_N = things_N3[:, 2] == 0
        entry_N = (things_N3[:, 0] * PARTS + things_N3[:, 1])[own_N]
        total.index_add_(0, entry_N, x_NC[own_N])
        count.index_add_(0, entry_N, torch.ones(len(entry_N)))
    total[:PARTS] = 0
    return total / (count[:, None] + _FEW) / deviation_C


def painted_entries(things_K3hw: NDArray[np.uint16], things: int) -> Tensor:
    """(entries,): which belong to things that the scenes show in other colours than their own."""
    painted = torch.zeros(1 + things, dtype=torch.bool)
    thing_K1hw, _, paint_K1hw = np.split(things_K3hw, 3, axis=1)
    painted[np.unique(thing_K1hw[paint_K1hw > 0]).astype(np.int64)] = True
    return painted.repeat_interleave(PARTS)


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
