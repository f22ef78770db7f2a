"""What a changed prompt changed in the picture.

Axes in names: H height, W width, C channels; h and w the grid of the attention.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from limner.studio.shown import Shown
from limner.types import Floats, Pixels

__all__ = ["Change", "WordChange", "change_of"]

_SEEN = 16  # of 255: a smaller difference is hardly seen


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class WordChange:
    """A word that only the second prompt has.

    Attributes:
        word: it.
        map_hw: where it drew; sums to 1.
        times: how much the picture changed where the word drew, in times of the average change; 0 where
            nothing changed.
    """

    word: str
    map_hw: Floats
    times: float


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Change:
    """From one picture to another of the same seed.

    Attributes:
        difference_HW: by how many levels, 0 to 255, each pixel's most changed colour changed.
        share: how many of the pixels changed by more than 16 levels, 0 to 1.
        words: the words that only the second prompt has.
    """

    difference_HW: Floats
    share: float
    words: tuple[WordChange, ...]


def change_of(first: Shown, second: Shown) -> Change:
    """Compare two pictures of one size; the words' maps come from the second one's trace."""
    difference_HW = _difference(first.picture.pixels_HWC, second.picture.pixels_HWC)
    return Change(
        difference_HW=difference_HW,
        share=float((difference_HW > _SEEN).mean()),
        words=tuple(_new_words(first, second, difference_HW)),
    )


def _difference(first_HWC: Pixels, second_HWC: Pixels) -> Floats:
    signed_HWC = first_HWC[..., :3].astype(np.float32) - second_HWC[..., :3].astype(np.float32)
    difference_HW: Floats = np.abs(signed_HWC).max(axis=2)
    return difference_HW


def _new_words(first: Shown, second: Shown, difference_HW: Floats) -> Iterator[WordChange]:
    if second.picture.trace is None:
        return
    known = {word.casefold() for word in first.prompt.split()}
    for word, map_hw in second.picture.trace.attention.items():
        if word.casefold() not in known:
            yield WordChange(word=word, map_hw=map_hw, times=_times(map_hw, difference_HW))


def _times(map_hw: Floats, difference_HW: Floats) -> float:
    """The mean change, weighted by where the word drew, over the plain mean."""
    rows, columns = (
        np.arange(side) * cells // side for side, cells in zip(difference_HW.shape, map_hw.shape, strict=True)
    )
    weight_HW = map_hw[rows][:, columns]
    plain = float(difference_HW.mean())
    return float((weight_HW * difference_HW).sum() / weight_HW.sum()) / plain if plain else 0.0
