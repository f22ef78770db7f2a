"""What a memory begins with: how the parts of things look in the scenes, and how paint changes them.

Axes in names: K scenes, N cells, C latent channels, h, w latent grid, P a one and three primaries.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from limner.errors import TrainingError
from limner.network.memory import PRIMARIES, Memory
from limner.training.denoise import Scenes
from limner.training.scenes.cells import PAINTS, PARTS
from limner.training.scenes.colour import rgb
from limner.training.scenes.concepts import COLOURS

__all__ = ["begin_memory", "mean_looks", "mixed_colours", "paint_changes", "painted_things"]

_PORTION, _FEW = 1_000, 2.0


def begin_memory(memory: Memory, data: Scenes, deviation_C: Tensor, *, is_learned: bool) -> None:
    """Give a memory the looks of things, and how paint changes them.

    One that was learned already rests from now on, after things that come in several colours have got back their own:
    while it was learned, all their paints ran together in it.

    Args:
        memory: of a denoiser that is about to be trained.
        data: scenes, and what stands where in them.
        deviation_C: of the latents.
        is_learned: whether the memory is that of a trained denoiser.

    Raises:
        TrainingError: there are more things, or more that are painted, than the memory has entries for.
    """
    things = len(memory.looks) // PARTS - 1
    looks, which = mean_looks(data, deviation_C, things), painted_things(data.things_K3hw, things)
    painted = (which > 0).repeat_interleave(PARTS)
    memory.begin(looks, painted & looks.any(1) if is_learned else None)
    memory.looks.requires_grad_(not is_learned)
    if memory.tints is None:
        return
    own = memory.looks.detach()[:, : memory.channels]
    changes, rows = paint_changes(data, deviation_C, own, which), PARTS * PRIMARIES
    room = len(memory.tints.changes) // rows - 1
    if which.max() > room:
        raise TrainingError(
            f"{which.max()} things are painted, and the recipe's denoiser.painted is {room}: "
            "make it as many as the concept table has that can be"
        )
    missing = torch.zeros(len(memory.tints.changes) - len(changes), memory.channels)
    memory.tints.begin(which, mixed_colours(), torch.cat([changes, missing]))


def mean_looks(data: Scenes, deviation_C: Tensor, things: int) -> Tensor:
    """(entries, C): how the parts of things look on average, in latents of unit variance, as `Memory` keeps them.

    In their own colours: the mean of all paints is the look of none. What few scenes show is kept the nearer to 0, and
    what none shows is 0. Cells in which nothing stands have no looks.

    Raises:
        TrainingError: the scenes show more things than there are to be entries for.
    """
    if data.things_K3hw[:, 0].max() > things:
        raise TrainingError(
            f"the scenes show thing number {data.things_K3hw[:, 0].max()}, and the recipe's denoiser.things is "
            f"{things}: make it as many as the concept table has rows"
        )
    channels = data.latents_KChw.shape[1]
    total, count = torch.zeros((1 + things) * PARTS, channels), torch.zeros((1 + things) * PARTS)
    for x_NC, thing_N, part_N, paint_N in _cells(data):
        own_N = paint_N == 0
        entry_N = (thing_N * PARTS + part_N)[own_N]
        total.index_add_(0, entry_N, x_NC[own_N])
        count.index_add_(0, entry_N, torch.ones(len(entry_N)))
    total[:PARTS] = 0
    return total / (count[:, None] + _FEW) / deviation_C


def _cells(data: Scenes) -> Iterator[tuple[Tensor, Tensor, Tensor, Tensor]]:
    """Cells' latents (N, C), and (N,) thing, part and paint of each, a portion of the scenes at a time."""
    for at in range(0, len(data.latents_KChw), _PORTION):
        x_KCN = torch.from_numpy(data.latents_KChw[at : at + _PORTION].astype(np.float32)).flatten(2)
        things_K3N = torch.from_numpy(data.things_K3hw[at : at + _PORTION].astype(np.int64)).flatten(2)
        thing_N, part_N, paint_N = (number_KN.flatten() for number_KN in things_K3N.unbind(1))
        yield x_KCN.transpose(1, 2).flatten(0, 1), thing_N, part_N, paint_N


def painted_things(things_K3hw: NDArray[np.uint16], things: int) -> Tensor:
    """(1 + things,): the number of each thing among those that the scenes show in other colours, from 1; else 0."""
    thing_K1hw, _, paint_K1hw = np.split(things_K3hw, 3, axis=1)
    numbers = torch.from_numpy(np.unique(thing_K1hw[paint_K1hw > 0]).astype(np.int64))
    which = torch.zeros(1 + things, dtype=torch.int64)
    which[numbers] = torch.arange(1, 1 + len(numbers))
    return which


def mixed_colours() -> Tensor:
    """(PAINTS, P): a one, red, green and blue of each paint; nothing for things' own colours."""
    colours = torch.ones(PAINTS, PRIMARIES)
    colours[0] = 0
    colours[1:, 1:] = torch.from_numpy(np.stack([rgb(colour) for colour in COLOURS.values()]))
    return colours


def paint_changes(data: Scenes, deviation_C: Tensor, looks: Tensor, which: Tensor) -> Tensor:
    """((1 + painted) * parts * P, C): what each primary of a paint adds to the parts of things, as `Tints` keeps it.

    By least squares over all cells that show a part painted, and the nearer to 0 the fewer those are.

    Args:
        data: scenes, and what stands where in them.
        deviation_C: of the latents.
        looks: (entries, C) how parts look in their own colours.
        which: as from `painted_things`.
    """
    entries = (1 + int(which.max())) * PARTS
    channels = looks.shape[1]
    square, with_it = torch.zeros(entries, PRIMARIES**2), torch.zeros(entries, PRIMARIES * channels)
    colours = mixed_colours()
    for x_NC, thing_N, part_N, paint_N in _cells(data):
        seen = (paint_N > 0).nonzero()[:, 0]
        entry, mixed = which[thing_N[seen]] * PARTS + part_N[seen], colours[paint_N[seen]]
        own = looks[thing_N[seen] * PARTS + part_N[seen]]
        change = x_NC[seen] / deviation_C - own
        square.index_add_(0, entry, (mixed[:, :, None] * mixed[:, None]).flatten(1))
        with_it.index_add_(0, entry, (mixed[:, :, None] * change[:, None]).flatten(1))
    few = _FEW * torch.eye(PRIMARIES)
    changes: Tensor = torch.linalg.solve(
        square.view(-1, PRIMARIES, PRIMARIES) + few, with_it.view(-1, PRIMARIES, channels)
    )
    return changes.flatten(0, 1)
