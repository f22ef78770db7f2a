"""Reads captions back, from a grammar of its own: what a person would take a caption to say."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from limner.training.scenes.concepts import COLOURS
from limner.training.scenes.spec import Scene, Vocabulary

__all__ = ["Oracle", "Thing", "Told", "seen"]

Thing: TypeAlias = tuple[str, int, str | None]
"""Noun, count, colour."""

_NUMBERS = {"two": 2, "2": 2, "a pair of": 2, "three": 3, "3": 3, "four": 4, "4": 4}
_RELATIONS = {
    "to the left of": "left of",
    "left of": "left of",
    "on the left of": "left of",
    "to the right of": "right of",
    "right of": "right of",
    "on the right of": "right of",
    "next to": "next to",
    "beside": "next to",
    "and": "next to",
    "with": "next to",
    "playing with": "playing with",
    "is playing with": "playing with",
    "chasing": "playing with",
    "in front of": "in front of",
    "standing in front of": "in front of",
    "behind": "behind",
    "standing behind": "behind",
    "above": "above",
    "over": "above",
    "high above": "above",
    "below": "below",
    "under": "below",
    "underneath": "below",
    "on": "on",
    "on top of": "on",
    "sitting on": "on",
}
_CONDITIONS = {
    "on a sunny day": "day",
    "in the sunshine": "day",
    "during the day": "day",
    "by day": "day",
    "sunny": "day",
    "at sunset": "sunset",
    "in the evening": "sunset",
    "at dusk": "sunset",
    "sunset": "sunset",
    "at night": "night",
    "under the stars": "night",
    "by night": "night",
    "night": "night",
    "in the rain": "rain",
    "on a rainy day": "rain",
    "in rainy weather": "rain",
    "rain": "rain",
}
_OPENINGS = ("a picture of", "an illustration of", "a drawing of", "there is", "there are", "an image of")
_ADJECTIVES = ("cute", "little", "happy", "lovely", "nice")


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """What a caption says; None for what it leaves open."""

    things: tuple[Thing, ...]
    relation: str | None = None
    place: str | None = None
    condition: str | None = None

    def differences(self, other: Told) -> set[str]:
        """In which respects two captions contradict each other; silence contradicts nothing."""
        found: set[str] = set()
        for mine, yours in zip(self.things, other.things, strict=True):
            names = ("thing", "count", "colour")
            found |= {name for name, a, b in zip(names, mine, yours, strict=True) if a != b}
        for name in ("relation", "place", "condition"):
            a, b = getattr(self, name), getattr(other, name)
            found |= {name} if a and b and a != b else set()
        return found


def seen(scene: Scene) -> Told:
    """Everything that could be told of a scene."""
    return Told(
        things=tuple((group.concept.noun, group.count, group.colour) for group in scene.groups),
        relation=scene.relation,
        place=scene.place.name,
        condition=scene.condition,
    )


class Oracle:
    """Knows the words of a vocabulary."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._one: dict[str, str] = {}
        self._many: dict[str, str] = {}
        for concept in vocabulary.concepts:
            for one, many in ((concept.noun, concept.plural), *concept.synonyms):
                self._one[one], self._many[many] = concept.noun, concept.noun
        self._never_single = {c.noun for c in vocabulary.concepts if c.noun == c.plural}
        self._places = {phrase: place.name for place in vocabulary.places for phrase in place.phrases}
        for place in vocabulary.places:
            self._places[re.sub(r"^(in|on) (the|a) ", "", place.phrases[0])] = place.name
        # With and without a colour before each noun: "white flower" may be one word or two.
        self._patterns = [
            re.compile(self._pattern(first=first, second=second))
            for first in (False, True)
            for second in (False, True)
        ]

    def readings(self, caption: str) -> list[Told]:
        """All ways to understand a caption; none if it holds a word or a turn that nobody would say."""
        text = (caption[0].lower() + caption[1:]).removesuffix(".")
        return list(dict.fromkeys([*self._telegrams(text), *self._sentences(text)]))

    def _sentences(self, text: str) -> Iterator[Told]:
        for pattern in self._patterns:
            match = pattern.fullmatch(text)
            parts = match.groupdict() if match else {}
            things = [self._thing(parts, at) for at in (1, 2) if parts.get(f"noun{at}")]
            told = tuple(thing for thing in things if thing)
            if told and len(told) == len(things):
                yield Told(
                    things=told,
                    relation=_RELATIONS.get(parts["relation"] or ""),
                    place=self._places.get(parts["place"] or ""),
                    condition=_CONDITIONS.get(parts["condition"] or ""),
                )

    def _thing(self, parts: dict[str, str | None], at: int) -> Thing | None:
        """What was said of one thing, unless article, number and noun do not go together."""
        number, noun, colour = (parts.get(f"{part}{at}") for part in ("number", "noun", "colour"))
        thing = self._count(number, noun or "", colour)
        if thing and not number and not parts[f"article{at}"] and thing[0] not in self._never_single:
            return None
        return thing

    def _count(self, number: str | None, noun: str, colour: str | None) -> Thing | None:
        nouns = self._many if number else self._one
        return (nouns[noun], _NUMBERS.get(number or "", 1), colour) if noun in nouns else None

    def _telegrams(self, text: str) -> Iterator[Told]:
        parts = text.split(", ")
        condition = _CONDITIONS[parts.pop()] if parts[-1] in _CONDITIONS else None
        place = self._places[parts.pop()] if parts and parts[-1] in self._places else None
        for things in itertools.product(*(list(self._keywords(part)) for part in parts)) if parts else ():
            yield Told(things=things, place=place, condition=condition)

    def _keywords(self, part: str) -> Iterator[Thing]:
        match = re.fullmatch(f"(?:{_any(_NUMBERS, 'number')} )?(?P<rest>.*)", part)
        number, rest = match.group("number", "rest") if match else (None, part)
        first, _, others = rest.partition(" ")
        if plain := self._count(number, rest, None):
            yield plain
        if first in COLOURS and (coloured := self._count(number, others, first)):
            yield coloured

    def _pattern(self, *, first: bool, second: bool) -> str:
        one, other = self._thing_pattern(1, coloured=first), self._thing_pattern(2, coloured=second)
        rest = f"(?: {_any(self._places, 'place')})?(?: {_any(_CONDITIONS, 'condition')})?"
        return f"(?:(?:{'|'.join(_OPENINGS)}) )?{one}(?: {_any(_RELATIONS, 'relation')} {other})?{rest}"

    def _thing_pattern(self, at: int, *, coloured: bool) -> str:
        start = f"(?:{_any(_NUMBERS, f'number{at}')} |(?P<article{at}>an?|the|one) )?"
        colour = f"{_any(COLOURS, f'colour{at}')} " if coloured else ""
        noun = _any(self._one | self._many, f"noun{at}")
        return f"{start}(?:(?:{'|'.join(_ADJECTIVES)}) )?{colour}{noun}"


def _any(words: Iterable[str], name: str) -> str:
    """A pattern for any of `words`, the longest first."""
    return f"(?P<{name}>{'|'.join(map(re.escape, sorted(words, key=len, reverse=True)))})"
