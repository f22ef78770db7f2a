"""A scene's facts as numbers: all that a caption of it can say, without the words."""

from __future__ import annotations

from typing import Generic, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from limner.training.scenes.cells import PAINTS, PARTS, paint_of
from limner.training.scenes.spec import Group, Scene, Vocabulary
from limner.training.scenes.wording import RELATIONS, SIZES

__all__ = ["Facts", "Numbers"]


T = TypeVar("T")


class Facts(NamedTuple, Generic[T]):
    """What a scene shows; things, relations and paints are counted from 1, and 0 is none.

    Attributes:
        place, condition: their numbers, from 0.
        relation: how the first thing stands to the second.
        thing, number, paint: what it is about.
        other, others, other_paint: the same of the second thing.
        size, other_size: whether they are told to be big or small.
    """

    place: T
    condition: T
    relation: T
    thing: T
    number: T
    paint: T
    other: T
    others: T
    other_paint: T
    size: T
    other_size: T


class Numbers:
    """The numbers of a vocabulary's things and places."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.things = {concept.noun: number for number, concept in enumerate(vocabulary.concepts, 1)}
        self._places = {place.name: number for number, place in enumerate(vocabulary.places)}
        self._conditions = {name: number for number, name in enumerate(vocabulary.wording.conditions)}

    @property
    def classes(self) -> tuple[int, int, int, int, int]:
        """How many things (with none), parts, paints, places and conditions there are."""
        return 1 + len(self.things), PARTS, PAINTS, len(self._places), len(self._conditions)

    def facts(self, scene: Scene) -> NDArray[np.int64]:
        """A scene's `Facts`, as an array."""
        groups = [number for group in scene.groups for number in self._group(group)] + [0, 0, 0]
        sizes = [SIZES.index(group.size) + 1 if group.size else 0 for group in scene.groups] + [0]
        relation = RELATIONS.index(scene.relation) + 1 if scene.relation else 0
        place, condition = self._places[scene.place.name], self._conditions[scene.condition]
        return np.array(Facts(place, condition, relation, *groups[:6], *sizes[:2]), dtype=np.int64)

    def _group(self, group: Group) -> tuple[int, int, int]:
        return self.things[group.concept.noun], group.count, paint_of(group.colour)
