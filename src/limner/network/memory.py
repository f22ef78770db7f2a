"""What the parts of things look like, looked up by what a network says stands in each cell.

A patch of a thing is always nearly the same, and there are tens of thousands of them. Layers learn them by heart only
slowly; a table, with an entry for each part of each thing, learns each from the first picture that shows it. Networks
with such tables go back to Lample et al. 2019 ("Large memory layers with product keys"). Here an entry has a name,
that of the thing and of its part, since the network is taught to tell them (see `training.lesson`).

Axes in names: B batch, N picture tokens, W width, C latent channels, K classes, P a one and three primaries.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

__all__ = ["PRIMARIES", "Memory", "Named", "Tints"]

PRIMARIES = 4
"""A one, red, green, blue: what paints are mixed of."""

_FREE = 64
"""Numbers of an entry, beside its looks, that only the layers after it read: how much of it is transparent, say."""

# A logit: before paints are learned, things are nearly surely in their own colours.
_AS_THEY_ARE = 6.0


class Named(NamedTuple):
    """Logits of what stands in each cell: no thing, 0, or which, which part of it, and in which paint, each (B, N, K).

    Without a table of paints nothing is said of them.
    """

    thing_BNK: Tensor
    part_BNK: Tensor
    paint_BNK: Tensor | None = None


class Memory(nn.Module):
    """Recalls what the tokens say that they show, and as strongly as they are sure of it.

    Args:
        width: of the tokens.
        channels: of the latents.
        things, parts: how many there are.
        painted: how many of the things come in several colours; 0 without a table of paints.
        paints: how many there are, things' own colours included.
    """

    def __init__(
        self, width: int, channels: int, things: int, parts: int, painted: int = 0, paints: int = 0
    ) -> None:
        super().__init__()
        self.channels, self.parts = channels, parts
        self.norm = nn.LayerNorm(width)
        self.thing = nn.Linear(width, 1 + things)
        self.part = nn.Linear(width, parts)
        self.looks = nn.Parameter(torch.zeros((1 + things) * parts, channels + _FREE))
        self.recall = nn.Linear(channels + _FREE, width, bias=False)
        self.tints = Tints(width, channels, things, parts, painted, paints) if painted else None

    @torch.no_grad()
    def begin(self, looks: Tensor, entries: Tensor | None = None) -> None:
        """Start from known looks, (entries, C), entry thing * parts + part; all, or where `entries` is true."""
        chosen = slice(None) if entries is None else entries
        self.looks[chosen, : self.channels] = looks[chosen]

    def names(self, x_BNW: Tensor) -> Named:
        """What stands in each cell."""
        tokens_BNW = self.norm(x_BNW)
        paint_BNK = None if self.tints is None else self.tints.paint(tokens_BNW)
        return Named(self.thing(tokens_BNW), self.part(tokens_BNW), paint_BNK)

    def forward(self, x_BNW: Tensor) -> tuple[Tensor, Tensor]:
        """The tokens (B, N, W) with what is recalled, and that as clean latents of unit variance, (B, N, C).

        Only the most probable entry is looked up. It counts by how much more probable than the next it is, so that
        nothing jumps where another becomes the most probable.
        """
        named = self.names(x_BNW)
        (thing_BN, sure_BN1), (part_BN, certain_BN1) = _leading(named.thing_BNK), _leading(named.part_BNK)
        entry_BNM = self.looks[thing_BN * self.parts + part_BN]
        if self.tints is not None and named.paint_BNK is not None:
            entry_BNM = entry_BNM + self.tints(thing_BN, part_BN, named.paint_BNK, entry_BNM.shape[-1])
        entry_BNM = entry_BNM * (sure_BN1 * certain_BN1)
        return x_BNW + self.recall(entry_BNM), entry_BNM[..., : self.channels]


class Tints(nn.Module):
    """How paint changes what things look like: latents for each part, mixed as each paint is of its primaries.

    Paint covers some of a part's pixels with its colour, lighter or darker. So the change is linear in the colour, and
    a one and three primaries say it for every paint.
    """

    which: Tensor

    def __init__(self, width: int, channels: int, things: int, parts: int, painted: int, paints: int) -> None:
        super().__init__()
        self.parts = parts
        self.paint = nn.Linear(width, paints)
        self.colours = nn.Parameter(torch.zeros(paints, PRIMARIES), requires_grad=False)
        # Flat, since matrices are what is stored in 8 bits.
        self.changes = nn.Parameter(
            torch.zeros((1 + painted) * parts * PRIMARIES, channels), requires_grad=False
        )
        self.register_buffer("which", torch.zeros(1 + things))
        with torch.no_grad():
            self.paint.weight.zero_()
            self.paint.bias.zero_()
            self.paint.bias[0] = _AS_THEY_ARE

    @torch.no_grad()
    def begin(self, which: Tensor, colours: Tensor, changes: Tensor) -> None:
        """Start from known paints.

        Args:
            which: (1 + things,) the number of each thing among those that come in several colours, from 1, or 0.
            colours: (paints, P) what each is mixed of; nothing for things' own colours.
            changes: ((1 + painted) * parts * P, C) what each primary adds to each part.
        """
        self.which.copy_(which)
        self.colours.copy_(colours)
        self.changes.copy_(changes)

    def forward(self, thing_BN: Tensor, part_BN: Tensor, paint_BNK: Tensor, length: int) -> Tensor:
        """What is to be added to entries, (B, N, `length`): the expected one, for it is linear in the paint."""
        mixed_BNP = paint_BNK.float().softmax(-1) @ self.colours
        entry_BN = self.which[thing_BN].long() * self.parts + part_BN
        rows_P = torch.arange(PRIMARIES, device=entry_BN.device)
        changes_BNPC = self.changes[entry_BN[..., None] * PRIMARIES + rows_P]
        change_BNC = (mixed_BNP[..., None] * changes_BNPC).sum(-2)
        return nn.functional.pad(change_BNC, (0, length - change_BNC.shape[-1]))


def _leading(logits_BNK: Tensor) -> tuple[Tensor, Tensor]:
    """(B, N) the most probable class, and (B, N, 1) by how much it is more probable than the next."""
    first, classes = logits_BNK.float().softmax(-1).topk(2)
    return classes[..., 0], first[..., :1] - first[..., 1:]
