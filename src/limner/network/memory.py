"""What the parts of things look like, looked up by what a network says stands in each cell.

A patch of a thing is always nearly the same, and there are tens of thousands of them. Layers learn them by heart only
slowly; a table, with an entry for each part of each thing, learns each from the first picture that shows it. Networks
with such tables go back to Lample et al. 2019 ("Large memory layers with product keys"). Here an entry has a name,
that of the thing and of its part, since the network is taught to tell them (see `training.lesson`).

Axes in names: B batch, N picture tokens, W width, C latent channels, K classes.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

__all__ = ["Memory", "Named"]

_FREE = 64
"""Numbers of an entry, beside its looks, that only the layers after it read: how much of it is transparent, say."""


class Named(NamedTuple):
    """Logits of what stands in each cell: no thing, 0, or which, (B, N, K), and which part of it, (B, N, K)."""

    thing_BNK: Tensor
    part_BNK: Tensor


class Memory(nn.Module):
    """Recalls what the tokens say that they show, and as strongly as they are sure of it."""

    def __init__(self, width: int, channels: int, things: int, parts: int) -> None:
        super().__init__()
        self.channels, self.parts = channels, parts
        self.norm = nn.LayerNorm(width)
        self.thing = nn.Linear(width, 1 + things)
        self.part = nn.Linear(width, parts)
        self.looks = nn.Parameter(torch.zeros((1 + things) * parts, channels + _FREE))
        self.recall = nn.Linear(channels + _FREE, width, bias=False)

    @torch.no_grad()
    def begin(self, looks: Tensor, entries: Tensor | None = None) -> None:
        """Start from known looks, (entries, C), entry thing * parts + part; all, or where `entries` is true."""
        chosen = slice(None) if entries is None else entries
        self.looks[chosen, : self.channels] = looks[chosen]

    def names(self, x_BNW: Tensor) -> Named:
        """What stands in each cell."""
        tokens_BNW = self.norm(x_BNW)
        return Named(self.thing(tokens_BNW), self.part(tokens_BNW))

    def forward(self, x_BNW: Tensor) -> tuple[Tensor, Tensor]:
        """The tokens (B, N, W) with what is recalled, and that as clean latents of unit variance, (B, N, C).

        Only the most probable entry is looked up. It counts by how much more probable than the next it is, so that
        nothing jumps where another becomes the most probable.
        """
        (thing_BN, sure_BN1), (part_BN, certain_BN1) = map(_leading, self.names(x_BNW))
        entry_BNM = self.looks[thing_BN * self.parts + part_BN] * (sure_BN1 * certain_BN1)
        return x_BNW + self.recall(entry_BNM), entry_BNM[..., : self.channels]


def _leading(logits_BNK: Tensor) -> tuple[Tensor, Tensor]:
    """(B, N) the most probable class, and (B, N, 1) by how much it is more probable than the next."""
    first, classes = logits_BNK.float().softmax(-1).topk(2)
    return classes[..., 0], first[..., :1] - first[..., 1:]
