"""Scenes in people's words: full sentences, telegrams, paraphrases. Every word can be seen in the picture."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple, TypeVar

import numpy as np

from limner.training.scenes.concepts import is_many, is_mass
from limner.training.scenes.places import SHELTERED
from limner.training.scenes.spec import Group, Scene
from limner.training.scenes.wording import Shares, Wording

__all__ = ["caption", "indefinite", "tells_condition", "tells_place"]

T = TypeVar("T")

# Letters and sounds part here: a unicorn, a ufo, an hourglass.
_LIKE_CONSONANTS, _LIKE_VOWELS = ("uni", "ufo"), ("hour", "suv")
_ADORABLE = frozenset({"animal", "bird", "sea", "bug"})
_ALWAYS_THROWN = ("telegram", "place", "condition", "opening", "capital", "stop")
_THROWN_IF_EVER = ("front", "verb")
_THERE_IS, _THERE_ARE = "there is", "there are"
_JOINING = "and"


class _Named(NamedTuple):
    """Words for a group of things; whether a verb after them is in the plural; whether they go without "a"."""

    words: str
    many: bool = False
    mass: bool = False


def caption(scene: Scene, wording: Wording, random: np.random.Generator) -> str:
    """One way to say what the scene shows.

    However the dice fall, the same number of them is thrown: the same generator words another scene alike.
    """
    said = _said(scene, wording.shares, random)
    if "telegram" in said:
        return _telegram(scene, wording, said, random)
    first, relation = _noun_phrase(scene.groups[0], wording, random), ""
    second = _Named("")
    if scene.relation is not None:
        relation = _choose(random, wording.relations[scene.relation])
        second = _noun_phrase(scene.groups[1], wording, random)
    where = _where(scene, wording, said, random)
    opening = _choose(random, wording.openings)
    opening = _agreeing(opening, first) if "opening" in said else ""
    before, after = _style_words(scene, wording, random)
    begins = before or opening
    front = where if "front" in said and begins in {"", _THERE_IS, _THERE_ARE} else ""
    verb, verb_of_both = (
        _verbs(first, relation, where and not front) if "verb" in said and not begins else ("", "")
    )
    words = [begins, first.words, verb, relation, second.words, verb_of_both, "" if front else where, after]
    text = (f"{front}, " if front else "") + _joined(words)
    text = text[0].upper() + text[1:] if "capital" in said else text
    return text + ("." if "stop" in said else "")


def _verbs(first: _Named, relation: str, place_follows: object) -> tuple[str, str]:
    """The verb after the first thing, and the one after both, if they are joined by "and"."""
    if relation == _JOINING:
        return "", "are" if place_follows else ""
    if not (relation or place_follows):
        return "", ""
    return "are" if first.many else "is", ""


def _said(scene: Scene, shares: Shares, random: np.random.Generator) -> set[str]:
    """Which of its shares this caption does."""
    names = [*_ALWAYS_THROWN, *(name for name in _THROWN_IF_EVER if getattr(shares, name))]
    odds = {name: getattr(shares, name) for name in names}
    if scene.condition == "day":
        odds["condition"] = shares.day
    dice = random.random(len(odds))
    return {what for (what, share), die in zip(odds.items(), dice, strict=True) if die < share}


def _telegram(scene: Scene, wording: Wording, said: set[str], random: np.random.Generator) -> str:
    """Keywords with commas: "dog, ball, park"."""
    parts = [_bare(group, wording, random).words for group in scene.groups]
    if "place" in said:
        parts.append(_place_keyword(scene))
    if "condition" in said and _condition_phrases(scene, wording) != ("",):
        parts.append(wording.conditions[scene.condition].keyword)
    if any(_style_words(scene, wording, random)):
        parts.append(wording.styles[scene.style].keyword)
    return ", ".join(parts)


def _where(scene: Scene, wording: Wording, said: set[str], random: np.random.Generator) -> str:
    place = _choose(random, scene.place.phrases)
    condition = _choose(random, _condition_phrases(scene, wording))
    return _joined([place if "place" in said else "", condition if "condition" in said else ""])


def _style_words(scene: Scene, wording: Wording, random: np.random.Generator) -> tuple[str, str]:
    """What tells the style, before the sentence or after it; nothing if it is not told."""
    if len(wording.styles) == 1:
        return "", ""
    style, told = wording.styles[scene.style], random.random()
    if (at := int(random.random() * len(style.openings + style.endings))) < len(style.openings):
        words = style.openings[at], ""
    else:
        words = "", style.endings[at - len(style.openings)]
    return words if told < style.told else ("", "")


def _agreeing(opening: str, first: _Named) -> str:
    return _THERE_ARE if opening == _THERE_IS and first.many else opening


def tells_place(text: str, scene: Scene) -> bool:
    """Whether a caption of the scene says where it is set."""
    return _says(text, [*scene.place.phrases, _place_keyword(scene)])


def tells_condition(text: str, scene: Scene, wording: Wording) -> bool:
    """Whether a caption of the scene says in what light and weather."""
    return _says(text, [*_condition_phrases(scene, wording), wording.conditions[scene.condition].keyword])


def _says(text: str, phrases: list[str]) -> bool:
    said = f" {text.lower().rstrip('.').replace(',', '')} "
    return any(phrase and f" {phrase} " in said for phrase in phrases)


def _place_keyword(scene: Scene) -> str:
    return scene.place.phrases[0].removeprefix("in the ").removeprefix("on the ").removeprefix("in a ")


def _condition_phrases(scene: Scene, wording: Wording) -> tuple[str, ...]:
    condition = wording.conditions[scene.condition]
    if scene.place.setting == "space":
        return ("",)
    return condition.sheltered if scene.place.setting in SHELTERED else condition.phrases


def _noun_phrase(group: Group, wording: Wording, random: np.random.Generator) -> _Named:
    adjective = random.random() < wording.shares.adjective and group.concept.group in _ADORABLE
    named = _bare(group, wording, random, adjective=adjective)
    article = _choose(random, wording.articles)
    if named.many:
        return named
    if named.mass and wording.mass:
        article = wording.mass.get(article, article)
    return named._replace(words=indefinite(named.words) if article == "a" else f"{article} {named.words}")


def indefinite(words: str) -> str:
    """The words after "a" or "an", as they sound."""
    first = words.lower()
    vowel = first[0] in "aeiou" and not first.startswith(_LIKE_CONSONANTS)
    return f"{'an' if vowel or first.startswith(_LIKE_VOWELS) else 'a'} {words}"


def _bare(group: Group, wording: Wording, random: np.random.Generator, *, adjective: bool = False) -> _Named:
    """Count, size, adjectives, colour and noun, without an article."""
    names = group.concept.noun, group.concept.plural
    synonyms = _choose(random, group.concept.synonyms or (names,))
    name, plural = synonyms if random.random() < wording.shares.synonym else names
    number, praise = (
        _choose(random, wording.numbers.get(group.count, ("",))),
        _choose(random, wording.adjectives),
    )
    size = _choose(random, wording.sizes.get(group.size or "", ("",))) if wording.sizes else ""
    look = _look(group, random, wording.shares.looks) if wording.shares.looks else ""
    words = [number, size, praise if adjective else "", look, group.colour or ""]
    return _Named(
        _joined([*words, plural if group.count > 1 else name]),
        many=group.count > 1 or is_many(name, plural),
        mass=is_mass(name, plural),
    )


def _look(group: Group, random: np.random.Generator, share: float) -> str:
    """What can be seen of a thing in its own colour, now and then."""
    told, look = random.random() < share, _choose(random, group.concept.looks or ("",))
    return look if told and not group.colour else ""


def _joined(words: Iterable[str]) -> str:
    return " ".join(word for word in words if word)


def _choose(random: np.random.Generator, options: Sequence[T]) -> T:
    """Like `spec.choose`, but throws one die whatever the number of options."""
    return options[int(random.random() * len(options))]
