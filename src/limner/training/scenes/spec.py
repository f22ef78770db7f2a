"""What a scene shows, before anything is drawn: things, colours, counts, a relation, a place, a condition.

A `Scene` is drawn at random, but wholly determined by (seed, index).
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from limner.errors import DataError
from limner.training.scenes.concepts import COLOURS, SIDE, Concept
from limner.training.scenes.places import SHELTERED, Place
from limner.training.scenes.relations import PASSIVE, can_be_many, can_stand
from limner.training.scenes.wording import Condition, Style, Wording

__all__ = [
    "PAINTED",
    "SIDE",
    "Group",
    "Scene",
    "SceneSampler",
    "Vocabulary",
    "can_be_seen",
    "choose",
    "fits_place",
    "is_held_out",
    "scene_random",
]

# How often a scene shows one kind of thing only, and a thing is single.
_ALONE, _SINGLE = 0.35, 0.6

PAINTED = 0.35
"""How often a thing that can be painted is, unless the recipe says otherwise."""

_MOST_BESIDE = 3
_ROWS = frozenset({"left of", "right of", "next to"})
_SUPPORT_OF_SETTING = {
    "outdoor": {"ground", "sky"},
    "sea": {"water", "sky"},
    "sky": {"sky"},
    "space": {"space"},
    "underwater": {"underwater"},
    "indoor": {"indoor"},
}

_SMALL, _LARGE = 2, 4

_HELD_OUT_PERCENT = 5

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """One kind of thing in a scene: `count` of it, in `colour` and `size` if these differ from its own."""

    concept: Concept
    count: int = 1
    colour: str | None = None
    size: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Scene:
    """What is to be seen; `relation` says how the first group stands to the second, None for a single group."""

    groups: tuple[Group, ...]
    place: Place
    condition: str
    relation: str | None = None
    style: str = "3d"


@dataclass(frozen=True, kw_only=True, slots=True)
class Vocabulary:
    """All that scenes are made of."""

    concepts: tuple[Concept, ...]
    places: tuple[Place, ...]
    wording: Wording


def scene_random(seed: int, index: int) -> np.random.Generator:
    """The generator of scene `index`: counter-based (Philox), so that no scene needs the ones before it."""
    return np.random.Generator(np.random.Philox(key=np.array([seed, index], dtype=np.uint64)))


def choose(random: np.random.Generator, options: Sequence[T]) -> T:
    """One of `options`, each as likely as the others."""
    return options[int(random.integers(len(options)))]


def fits_place(concept: Concept, place: Place) -> bool:
    """Whether a thing can be met in a place without looking lost there."""
    return bool(concept.support & _SUPPORT_OF_SETTING[place.setting])


def can_be_seen(concept: Concept, condition: str) -> bool:
    """Whether a thing shows in this light and weather: no sun at night."""
    return not concept.when or condition in concept.when


def is_held_out(scene: Scene) -> bool:
    """Whether the scene's combination of things, in either order, and place is kept from training."""
    key = "|".join([*sorted(group.concept.noun for group in scene.groups), scene.place.name])
    return zlib.crc32(key.encode()) % 100 < _HELD_OUT_PERCENT


class SceneSampler:
    """Draws scenes from a vocabulary: scene (seed, index) is always the same one.

    Args:
        vocabulary: what there is.
        painted: how often a thing that can be painted is.
    """

    def __init__(self, vocabulary: Vocabulary, painted: float = PAINTED) -> None:
        self.vocabulary, self._painted = vocabulary, painted
        self._by_place = {
            place.name: [concept for concept in vocabulary.concepts if fits_place(concept, place)]
            for place in vocabulary.places
        }
        self._found: dict[tuple[str, str, str], tuple[Concept, ...]] = {}

    def sample(self, seed: int, index: int, *, held_out: bool = False) -> Scene:
        """Scene `index` of the stream `seed`; from the held-out combinations, or from all others."""
        random = scene_random(seed, index)
        while True:
            scene = self._draw(random)
            if is_held_out(scene) == held_out:
                return scene

    def _draw(self, random: np.random.Generator) -> Scene:
        wording, place = self.vocabulary.wording, choose(random, self.vocabulary.places)
        first = self._one_of(random, self._by_place[place.name])
        condition = self._condition(random, first, place)
        style = _by_share(random, wording.styles) if len(wording.styles) > 1 else "3d"
        if random.random() < _ALONE:
            groups: tuple[Group, ...] = (self._group(random, first, max(wording.numbers)),)
            relation = None
        else:
            relation, second = self._pair(random, first, place, condition)
            groups = (self._group(random, first, 1), self._group(random, second, 1))
        if relation in _ROWS:
            groups = (groups[0], replace(groups[1], count=_count(random, groups[1].concept, _MOST_BESIDE)))
        elif relation == "between":
            groups = (groups[0], replace(groups[1], count=2))
        if wording.shares.sized:
            groups = _sized(random, groups, relation, wording)
        return Scene(groups=groups, place=place, condition=condition, relation=relation, style=style)

    def _one_of(self, random: np.random.Generator, things: Sequence[Concept]) -> Concept:
        """One of the things; now and then, one of those that come in several colours."""
        share = self.vocabulary.wording.shares.varied
        if share and random.random() < share:
            things = [thing for thing in things if thing.recolour] or things
        return choose(random, things)

    def _condition(self, random: np.random.Generator, first: Concept, place: Place) -> str:
        condition = _by_share(random, self.vocabulary.wording.conditions)
        if place.setting in SHELTERED and condition != "night":
            condition = "day"
        if place.setting == "space":
            condition = "night"
        return condition if can_be_seen(first, condition) else choose(random, sorted(first.when))

    def _group(self, random: np.random.Generator, concept: Concept, most: int) -> Group:
        colour = None
        if concept.recolour and random.random() < self._painted:
            colour = choose(random, tuple(COLOURS))
        return Group(concept=concept, count=_count(random, concept, most), colour=colour)

    def _pair(
        self, random: np.random.Generator, first: Concept, place: Place, condition: str
    ) -> tuple[str, Concept]:
        """A relation that the two things can have, and the second thing."""
        wording = self.vocabulary.wording
        relations: list[str] = random.permutation(tuple(wording.relations)).tolist()
        if wording.shares.acting and random.random() < wording.shares.acting:
            relations.sort(key=PASSIVE.__contains__)
        for relation in relations:
            fitting = self._fitting(first, relation, place)
            if seen := [other for other in fitting if not other.when or condition in other.when]:
                return relation, self._one_of(random, seen)
        raise DataError(
            f"nothing in the concept table can stand beside {first.noun!r} {place.phrases[0]}: add a thing"
        )

    def _fitting(self, first: Concept, relation: str, place: Place) -> tuple[Concept, ...]:
        """All that `first` can have the relation to in such a place; found once, for it takes long."""
        key = first.noun, relation, place.setting
        if key not in self._found:
            others = (one for one in self._by_place[place.name] if one is not first)
            self._found[key] = tuple(one for one in others if can_stand(first, relation, one))
        return self._found[key]


def _by_share(random: np.random.Generator, options: Mapping[str, Condition] | Mapping[str, Style]) -> str:
    """One of the names, as often as its share says."""
    return tuple(options)[random.choice(len(options), p=[option.share for option in options.values()])]


def _count(random: np.random.Generator, concept: Concept, most: int) -> int:
    if most == 1 or not can_be_many(concept) or random.random() < _SINGLE:
        return 1
    return int(random.integers(2, most + 1))


def _sized(
    random: np.random.Generator, groups: tuple[Group, ...], relation: str | None, wording: Wording
) -> tuple[Group, ...]:
    """Single things, alone or beside each other, now and then larger or smaller than usual."""
    if not (relation is None or relation in _ROWS) or any(group.count > 1 for group in groups):
        return groups
    return tuple(
        replace(group, size=choose(random, unusual))
        if random.random() < wording.shares.sized and (unusual := _unusual(group.concept))
        else group
        for group in groups
    )


def _unusual(concept: Concept) -> list[str]:
    """The sizes that a thing has not as a rule."""
    return ["big"] * (concept.size < _LARGE) + ["small"] * (concept.size > _SMALL)
