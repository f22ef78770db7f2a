"""What a scene shows, before anything is drawn: things, colours, counts, a relation, a place, a condition.

A `Scene` is drawn at random, but wholly determined by (seed, index).
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from limner.errors import DataError
from limner.training.scenes.concepts import COLOURS, CONDITIONS, Concept, Place

__all__ = [
    "PAINTED",
    "RELATIONS",
    "SHELTERED",
    "SIDE",
    "Group",
    "Scene",
    "SceneSampler",
    "Vocabulary",
    "can_be_seen",
    "choose",
    "fits_place",
    "flies",
    "is_held_out",
    "scene_random",
]

SIDE = 256
"""Height and width of a scene's picture in pixels."""

RELATIONS = (
    "left of",
    "right of",
    "next to",
    "playing with",
    "in front of",
    "behind",
    "above",
    "below",
    "on",
)
SHELTERED = frozenset({"indoor", "underwater"})
"""The settings without weather: there it is day or night."""

_CONDITION_SHARES = (0.55, 0.15, 0.15, 0.15)

# How often a scene shows one kind of thing only, and a thing is single.
_ALONE, _SINGLE = 0.35, 0.6

PAINTED = 0.35
"""How often a thing that can be painted is, unless the recipe says otherwise."""

_MOST_ALONE, _MOST_BESIDE = 4, 3
_ROWS = frozenset({"left of", "right of", "next to"})
_PLAYERS = frozenset({"animal", "bird", "person"})
_TOYS = frozenset({"sport", "toy"})
_SEATS = frozenset({"furniture", "vehicle", "animal"})
_NEVER_SIT = frozenset({"plant", "vehicle"})
_SUPPORT_OF_SETTING = {
    "outdoor": {"ground", "sky"},
    "sea": {"water", "sky"},
    "underwater": {"underwater"},
    "indoor": {"indoor"},
}

# Sizes: a medium thing can sit on another or stand before it, and seat a smaller one; from large on a thing
# still shows when another stands before it; a huge one comes alone and stays outdoors.
_MEDIUM, _LARGE, _HUGE = 3, 4, 5

_HELD_OUT_PERCENT = 5

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """One kind of thing in a scene: `count` of it, in `colour` if that differs from its own."""

    concept: Concept
    count: int = 1
    colour: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Scene:
    """What is to be seen; `relation` says how the first group stands to the second, None for a single group."""

    groups: tuple[Group, ...]
    place: Place
    condition: str
    relation: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Vocabulary:
    """All that scenes are made of."""

    concepts: tuple[Concept, ...]
    places: tuple[Place, ...]


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


def flies(concept: Concept) -> bool:
    """Whether a thing belongs into the air and cannot stand on the ground."""
    return "sky" in concept.support and "ground" not in concept.support


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

    def sample(self, seed: int, index: int, *, held_out: bool = False) -> Scene:
        """Scene `index` of the stream `seed`; from the held-out combinations, or from all others."""
        random = scene_random(seed, index)
        while True:
            scene = self._draw(random)
            if is_held_out(scene) == held_out:
                return scene

    def _draw(self, random: np.random.Generator) -> Scene:
        place = choose(random, self.vocabulary.places)
        first = choose(random, self._by_place[place.name])
        condition = CONDITIONS[random.choice(len(CONDITIONS), p=_CONDITION_SHARES)]
        if place.setting in SHELTERED and condition != "night":
            condition = "day"
        if not can_be_seen(first, condition):
            condition = choose(random, sorted(first.when))
        if random.random() < _ALONE:
            group = self._group(random, first, _MOST_ALONE)
            return Scene(groups=(group,), place=place, condition=condition)
        relation, second = self._pair(random, first, place, condition)
        groups = (self._group(random, first, 1), self._group(random, second, 1))
        if relation in _ROWS:
            groups = (groups[0], replace(groups[1], count=_count(random, second, _MOST_BESIDE)))
        return Scene(groups=groups, place=place, condition=condition, relation=relation)

    def _group(self, random: np.random.Generator, concept: Concept, most: int) -> Group:
        colour = None
        if concept.recolour and random.random() < self._painted:
            colour = choose(random, tuple(COLOURS))
        return Group(concept=concept, count=_count(random, concept, most), colour=colour)

    def _pair(
        self, random: np.random.Generator, first: Concept, place: Place, condition: str
    ) -> tuple[str, Concept]:
        """A relation that the two things can have, and the second thing."""
        others = [
            concept
            for concept in self._by_place[place.name]
            if concept is not first and can_be_seen(concept, condition)
        ]
        for relation in random.permutation(RELATIONS).tolist():
            fitting = [other for other in others if _can(first, relation, other)]
            if fitting:
                return relation, choose(random, fitting)
        raise DataError(
            f"nothing in the concept table can stand beside {first.noun!r} {place.phrases[0]}: add a thing"
        )


def _count(random: np.random.Generator, concept: Concept, most: int) -> int:
    if most == 1 or concept.size >= _HUGE or concept.is_plural or concept.when or random.random() < _SINGLE:
        return 1
    return int(random.integers(2, most + 1))


def _can(first: Concept, relation: str, second: Concept) -> bool:
    """Whether `first relation second` can be drawn so that a person would say it in these words."""
    up = (flies(first), flies(second))
    match relation:
        case "above":
            return up == (True, False)
        case "below":
            return up == (False, True)
        case "on":
            return not up[1] and _can_sit_on(first, second)
        case "playing with":
            return first.group in _PLAYERS and second.group in _TOYS and not any(up)
        case "in front of" | "behind":
            front, back = (first, second) if relation == "in front of" else (second, first)
            return front.size <= _MEDIUM and back.size >= _LARGE and not any(up)
        case _:
            return up[0] == up[1]


def _can_sit_on(top: Concept, seat: Concept) -> bool:
    small = top.size < seat.size and top.size <= _MEDIUM and "ground" in top.support
    return small and top.group not in _NEVER_SIT and seat.group in _SEATS and seat.size >= _MEDIUM
