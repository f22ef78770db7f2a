"""Reads captions back, by a grammar of its own: what a person would take a caption to say."""

from __future__ import annotations

import itertools
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from limner.training.scenes.concepts import COLOURS, Concept
from limner.training.scenes.spec import Scene, Vocabulary

__all__ = ["Oracle", "Thing", "Told", "seen"]

_ARTICLES = ("a", "an", "the", "one", "some")
_SINGULAR_ONLY = {"a", "an", "one"}


class Thing(NamedTuple):
    """What is said of one kind of thing."""

    thing: str
    number: int = 1
    colour: str | None = None
    size: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """What a caption says; None for what it leaves open."""

    things: tuple[Thing, ...]
    relation: str | None = None
    place: str | None = None
    condition: str | None = None
    style: str | None = None

    def differences(self, other: Told) -> set[str]:
        """In which respects two captions contradict each other; silence contradicts nothing."""
        found: set[str] = set()
        for mine, yours in zip(self.things, other.things, strict=True):
            names = ("thing", "count", "colour", "size")
            found |= {name for name, a, b in zip(names, mine, yours, strict=True) if a != b}
        for name in ("relation", "place", "condition", "style"):
            a, b = getattr(self, name), getattr(other, name)
            found |= {name} if a and b and a != b else set()
        return found


def seen(scene: Scene) -> Told:
    """Everything that could be told of a scene."""
    return Told(
        things=tuple(Thing(g.concept.noun, g.count, g.colour, g.size) for g in scene.groups),
        relation=scene.relation,
        place=scene.place.name,
        condition=scene.condition,
        style=scene.style,
    )


class Oracle:
    """Knows the words of a vocabulary."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        wording = vocabulary.wording
        self._nouns: dict[str, list[tuple[str, Concept, bool, bool]]] = defaultdict(list)
        for concept in vocabulary.concepts:
            for one, many in ((concept.noun, concept.plural), *concept.synonyms):
                for word, is_one, is_many in ((one, True, False), (many, False, True)):
                    plural = is_many or (one == many and one.endswith("s"))
                    self._nouns[word.split()[0]].append((word, concept, is_one, plural))
        self._numbers = {word: number for number, words in wording.numbers.items() for word in words}
        self._sizes = {word: size for size, words in wording.sizes.items() for word in words}
        self._looks = {look for concept in vocabulary.concepts for look in concept.looks}
        self._praise = wording.adjectives
        self._openings = dict.fromkeys(wording.openings, "") | {"there are": ""}
        self._endings: dict[str, str] = {}
        for name, style in wording.styles.items():
            self._openings |= dict.fromkeys(style.openings, name)
            self._endings |= dict.fromkeys(style.endings, name)
        self._styles = {style.keyword: name for name, style in wording.styles.items() if style.keyword}
        self._relations = {word: name for name, words in wording.relations.items() for word in words}
        self._conditions, self._weather = dict[str, str](), dict[str, str]()
        for name, condition in wording.conditions.items():
            self._conditions |= dict.fromkeys((*condition.phrases, *condition.sheltered), name)
            self._weather[condition.keyword] = name
        self._places = {phrase: place.name for place in vocabulary.places for phrase in place.phrases}
        self._keywords = {
            re.sub(r"^(in|on) (the|a) ", "", place.phrases[0]): place.name for place in vocabulary.places
        }

    def readings(self, caption: str) -> list[Told]:
        """All ways to understand a caption; none if it holds a word or a turn that nobody would say."""
        text = (caption[0].lower() + caption[1:]).removesuffix(".")
        return list(dict.fromkeys([*self._telegrams(text), *self._sentences(text)]))

    def _sentences(self, text: str) -> Iterator[Told]:
        front, comma, rest = text.partition(", ")
        if comma:
            for place, condition, last in self._where(front):
                if not last:
                    yield from self._clauses(rest, place, condition)
        else:
            yield from self._clauses(text, None, None)

    def _clauses(self, text: str, place: str | None, condition: str | None) -> Iterator[Told]:
        """[opening] thing [is] [relation thing] [place] [condition] [style]."""
        for opening, rest in _eaten(text, {**self._openings, "": ""}):
            if (begun := self._openings.get(opening)) and (place or condition):
                continue
            for things, relation, after in self._relate(rest, opening):
                for found, weather, last in (
                    self._where(after) if not (place or condition) else [(None, None, after)]
                ):
                    if last in {**self._endings, "": ""}:
                        yield Told(
                            things=things,
                            relation=relation,
                            place=place or found,
                            condition=condition or weather,
                            style=begun or self._endings.get(last) or None,
                        )

    def _relate(self, text: str, opening: str) -> Iterator[tuple[tuple[Thing, ...], str | None, str]]:
        for first, many, rest in self._things(text):
            if opening in {"there is", "there are"} and (opening == "there are") != many:
                continue
            for verb, after in _eaten(rest, {"is": "", "are": "", "": ""}):
                if verb and (verb == "are") != many:
                    continue
                yield (first,), None, after
                for words, left in _eaten(after, self._relations):
                    for second, _, last in self._things(left):
                        joined = words == "and"
                        if not (verb and joined):
                            yield (
                                (first, second),
                                self._relations[words],
                                last.removeprefix("are ") if joined else last,
                            )

    def _where(self, text: str) -> Iterator[tuple[str | None, str | None, str]]:
        for place, rest in _eaten(text, {**self._places, "": ""}):
            for condition, last in _eaten(rest, {**self._conditions, "": ""}):
                yield self._places.get(place), self._conditions.get(condition), last

    def _things(self, text: str) -> Iterator[tuple[Thing, bool, str]]:
        """A thing at the beginning, unless article, number and noun do not go together; if it is many; the rest."""
        for number, rest in _eaten(text, {**self._numbers, "": ""}):
            for article, after in _eaten(rest, dict.fromkeys(() if number else _ARTICLES, "") | {"": ""}):
                for thing, many, last in self._named(after, self._numbers.get(number, 1)):
                    if (
                        number
                        or (many and not article)
                        or (article and not (many and article in _SINGULAR_ONLY))
                    ):
                        yield thing, many, last

    def _named(self, text: str, count: int) -> Iterator[tuple[Thing, bool, str]]:
        """[size] [praise] [look] [colour] noun."""
        for size, one in _eaten(text, {**self._sizes, "": ""}):
            for _, two in _eaten(one, dict.fromkeys((*self._praise, ""), "")):
                for look, three in _eaten(two, dict.fromkeys((*self._looks, ""), "")):
                    for colour, rest in _eaten(three, dict.fromkeys((*COLOURS, ""), "")):
                        for noun, concept, is_one, many in self._nouns.get(rest.partition(" ")[0], ()):
                            told = rest == noun or rest.startswith(f"{noun} ")
                            if told and is_one == (count == 1) and (not look or look in concept.looks):
                                thing = Thing(concept.noun, count, colour or None, self._sizes.get(size))
                                yield thing, many, rest[len(noun) + 1 :]

    def _telegrams(self, text: str) -> Iterator[Told]:
        parts = text.split(", ")
        style = self._styles[parts.pop()] if parts[-1] in self._styles else None
        condition = self._weather[parts.pop()] if parts and parts[-1] in self._weather else None
        place = self._keywords[parts.pop()] if parts and parts[-1] in self._keywords else None
        for things in itertools.product(*(list(self._bare(part)) for part in parts)) if parts else ():
            yield Told(things=things, place=place, condition=condition, style=style)

    def _bare(self, part: str) -> Iterator[Thing]:
        for number, rest in _eaten(part, {**self._numbers, "": ""}):
            for thing, _, last in self._named(rest, self._numbers.get(number, 1)):
                if not last:
                    yield thing


def _eaten(text: str, words: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Each of `words` that the text begins with, and the rest."""
    for word in words:
        if not word:
            yield "", text
        elif text == word or text.startswith(f"{word} "):
            yield word, text[len(word) + 1 :]
