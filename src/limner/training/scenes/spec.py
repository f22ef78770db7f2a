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
from limner.training.scenes.concepts import COLOURS, Concept, Place

__all__ = [
    "CONDITIONS",
    "RELATIONS",
    "Group",
    "Scene",
    "SceneSampler",
    "Vocabulary",
    "fits_place",
    "flies",
    "is_held_out",
    "scene_random",
]

CONDITIONS = ("day", "sunset", "night", "rain")
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
_PLAYERS = ("animal", "bird", "person")
_SEATS = ("furniture", "vehicle", "animal")
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
    """What is to be seen. `relation` says how the first group stands to the second, None for a single group."""

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
    """The generator of scene `index`: counter-based, so that any scene can be made without the ones before it."""
    return np.random.Generator(np.random.Philox(key=np.array([seed, index], dtype=np.uint64)))


def fits_place(concept: Concept, place: Place) -> bool:
    """Whether a thing can be met in a place without looking lost there."""
    allowed = {
        "outdoor": {"ground", "sky"},
        "sea": {"water", "sky"},
        "underwater": {"underwater"},
        "indoor": {"ground", "indoor"},
    }[place.setting]
    if place.setting == "indoor" and (concept.size >= 5 or concept.group in {"vehicle", "building", "sky"}):
        return False
    return bool(concept.support & allowed)


def flies(concept: Concept) -> bool:
    """Whether a thing belongs into the air and cannot stand on the ground."""
    return "sky" in concept.support and "ground" not in concept.support


def is_held_out(scene: Scene) -> bool:
    """Whether the scene's combination of first thing, second thing and place is kept from training."""
    key = "|".join([group.concept.noun for group in scene.groups] + [scene.place.name])
    return zlib.crc32(key.encode()) % 100 < _HELD_OUT_PERCENT


class SceneSampler:
    """Draws scenes from a vocabulary: scene (seed, index) is always the same one."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        self._by_place = {
            place.name: [c for c in vocabulary.concepts if fits_place(c, place)]
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
        place = _choose(random, self.vocabulary.places)
        first = _choose(random, self._by_place[place.name])
        condition = CONDITIONS[random.choice(4, p=(0.55, 0.15, 0.15, 0.15))]
        if place.setting in {"underwater", "indoor"}:
            condition = "night" if condition == "night" else "day"
        if random.random() < 0.35:
            group = self._group(random, first, most=4)
            return Scene(groups=(group,), place=place, condition=condition)
        relation, second = self._pair(random, first, place)
        groups = (self._group(random, first, most=1), self._group(random, second, most=1))
        if relation in {"left of", "right of", "next to"}:
            groups = (groups[0], replace(groups[1], count=self._count(random, second, most=3)))
        return Scene(groups=groups, place=place, condition=condition, relation=relation)

    def _group(self, random: np.random.Generator, concept: Concept, most: int) -> Group:
        colour = None
        if concept.recolour and random.random() < 0.35:
            colour = _choose(random, tuple(COLOURS))
        return Group(concept=concept, count=self._count(random, concept, most), colour=colour)

    def _count(self, random: np.random.Generator, concept: Concept, most: int) -> int:
        if most == 1 or concept.size >= 5 or random.random() < 0.6:
            return 1
        return int(random.integers(2, most + 1))

    def _pair(self, random: np.random.Generator, first: Concept, place: Place) -> tuple[str, Concept]:
        """A relation that the two things can have, and the second thing."""
        others = [c for c in self._by_place[place.name] if c is not first]
        for relation in random.permutation(RELATIONS):
            fitting = [other for other in others if _can(first, str(relation), other)]
            if fitting:
                return str(relation), _choose(random, fitting)
        raise DataError(f"nothing in the table can stand beside {first.noun!r} {place.phrases[0]}")


def _can(first: Concept, relation: str, second: Concept) -> bool:
    """Whether `first relation second` can be drawn so that a person would say it in these words."""
    up = (flies(first), flies(second))
    if relation == "above":
        return up == (True, False)
    if relation == "below":
        return up == (False, True)
    if relation == "on":
        small = first.size < second.size and first.size <= 3 and "ground" in first.support
        return (
            small and second.group in _SEATS and second.size >= 3 and first.group not in {"plant", "vehicle"}
        )
    if relation == "playing with":
        return first.group in _PLAYERS and second.group in {"sport", "toy"} and up == (False, False)
    if relation in {"in front of", "behind"}:
        front, back = (first, second) if relation == "in front of" else (second, first)
        return up == (False, False) and back.size >= 4 and front.size <= 3
    return up[0] == up[1]


def _choose(random: np.random.Generator, options: Sequence[T]) -> T:
    return options[int(random.integers(len(options)))]
