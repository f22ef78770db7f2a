"""Prompts that were encoded before are not encoded again."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from limner.types import TextFeatures

__all__ = ["FeatureCache"]


class FeatureCache:
    """The features of the prompts that were used last, by the exact text and the model.

    It is used by the device's thread alone.

    Args:
        capacity: how many it keeps; the one unused for longest goes first. One takes some 100 kB.

    Attributes:
        hits: how often an answer was here.
        misses: how often it had to be made.
    """

    def __init__(self, capacity: int = 256) -> None:
        self._capacity = capacity
        self._kept: OrderedDict[tuple[str, ...], TextFeatures] = OrderedDict()
        self.hits = 0
        self.misses = 0

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: tuple[str, ...], encode: Callable[[], TextFeatures]) -> TextFeatures:
        """The features kept under `key`, else those that `encode` makes, which are kept from then on.

        Args:
            key: everything that they depend on: the model's name, the prompt, the negative prompt.
            encode: makes them; what it raises is raised, and nothing is kept.
        """
        if key in self._kept:
            self.hits += 1
            self._kept.move_to_end(key)
            return self._kept[key]
        self.misses += 1
        features = encode()
        self._kept[key] = features
        if len(self._kept) > self._capacity:
            self._kept.popitem(last=False)
        return features
