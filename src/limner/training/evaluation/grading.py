"""What stands in a picture, as the judge sees it, and whether that is what was asked for.

No choice is forced: the judge names each cell, "nothing" among the names, and a thing counts where it names its foot
and at least half of its box. The rules are GenEval's (Ghosh et al. 2023): at least what was asked for, exactly so many
where the task is counting, and a relation holds between all that were found.

Axes in names: K pictures, H, W pixels, C colours, N cells in a row, h, w cells of the grid, F features.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from limner.network.judge import Judge
from limner.training.cache import to_unit
from limner.training.evaluation.prompts import TASKS, Prompt
from limner.training.scenes.cells import feet, paint_of
from limner.training.scenes.facts import Numbers
from limner.types import Floats, Pixels

__all__ = ["Found", "Seen", "features_of", "is_right", "look", "scores"]

_BATCH = 50
_SIZE_OF_FOOT = dict(zip(feet(), (2, 3, 4), strict=True))
_NAMED_SHARE = 0.5


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """One thing in a picture: the cell of its lower left corner, its side in cells, and its paint."""

    row: int
    column: int
    size: int
    paint: int

    @property
    def middle(self) -> tuple[float, float]:
        """Row and column of its middle."""
        half = (self.size - 1) / 2
        return self.row - half, self.column + half


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Seen:
    """The likeliest thing, part and paint of each cell, as numbers."""

    things_hw: NDArray[np.int64]
    parts_hw: NDArray[np.int64]
    paints_hw: NDArray[np.int64]

    def find(self, thing: int) -> list[Found]:
        """All of a kind."""
        feet_hw = (self.things_hw == thing) & np.isin(self.parts_hw, list(_SIZE_OF_FOOT))
        found = [self._at(thing, int(row), int(column)) for row, column in np.argwhere(feet_hw)]
        return [one for one in found if one is not None]

    def _at(self, thing: int, row: int, column: int) -> Found | None:
        """The thing whose foot is here, if enough of its box is named so."""
        size = _SIZE_OF_FOOT[int(self.parts_hw[row, column])]
        box = slice(max(0, row + 1 - size), row + 1), slice(column, column + size)
        named_hw = self.things_hw[box] == thing
        if named_hw.mean() < _NAMED_SHARE:
            return None
        paint = int(np.bincount(self.paints_hw[box][named_hw]).argmax())
        return Found(row=row, column=column, size=size, paint=paint)


@torch.no_grad()
def look(judge: Judge, pictures: Sequence[Pixels]) -> list[Seen]:
    """What the judge sees in pictures, each uint8 (256, 256, 3)."""
    seen: list[Seen] = []
    for first in range(0, len(pictures), _BATCH):
        sight = judge(to_unit(np.stack(pictures[first : first + _BATCH])))
        side = judge.config.grid
        named = [logits.argmax(-1).unflatten(1, (side, side)).numpy() for logits in sight[:3]]
        seen += [
            Seen(things_hw=things, parts_hw=parts, paints_hw=paints)
            for things, parts, paints in zip(*named, strict=True)
        ]
    return seen


@torch.no_grad()
def features_of(judge: Judge, pictures: Sequence[Pixels]) -> Floats:
    """The judge's features of pictures, (K, F)."""
    batches = [pictures[first : first + _BATCH] for first in range(0, len(pictures), _BATCH)]
    return np.concatenate([judge.features(to_unit(np.stack(batch))).numpy() for batch in batches])


def is_right(prompt: Prompt, seen: Seen, numbers: Numbers) -> bool:
    """Whether the picture shows what the prompt asks for."""
    groups = prompt.scene.groups
    found = [seen.find(numbers.things[group.concept.noun]) for group in groups]
    for group, those in zip(groups, found, strict=True):
        if group.colour is not None:
            those = [one for one in those if one.paint == paint_of(group.colour)]  # noqa: PLW2901
        exactly = prompt.task == "counting"
        if len(those) < group.count or (exactly and len(those) > group.count):
            return False
    if prompt.task != "position":
        return True
    return all(_stands(one, prompt.scene.relation, other) for one in found[0] for other in found[1])


def _stands(one: Found, relation: str | None, other: Found) -> bool:
    (row, column), (other_row, other_column) = one.middle, other.middle
    match relation:
        case "left of":
            return column < other_column
        case "right of":
            return column > other_column
        case "above":
            return row < other_row
        case _:
            return row > other_row


def scores(prompts: Sequence[Prompt], seen: Sequence[Seen], numbers: Numbers) -> dict[str, float]:
    """The share of right pictures for each task, and "overall", the mean of the tasks."""
    right: dict[str, list[bool]] = {task: [] for task in TASKS}
    for prompt, picture in zip(prompts, seen, strict=True):
        right[prompt.task].append(is_right(prompt, picture, numbers))
    shares = {task: float(np.mean(of_task)) for task, of_task in right.items()}
    return shares | {"overall": float(np.mean(list(shares.values())))}
