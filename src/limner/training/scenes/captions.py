"""Scenes in people's words: full sentences, telegrams, paraphrases. Every word can be seen in the picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from limner.training.scenes.spec import SHELTERED, Group, Scene

__all__ = ["caption", "tells_condition", "tells_place"]

T = TypeVar("T")

_NUMBERS = {2: ("two", "2", "a pair of"), 3: ("three", "3"), 4: ("four", "4")}
_RELATION_PHRASES = {
    "left of": ("to the left of", "left of", "on the left of"),
    "right of": ("to the right of", "right of", "on the right of"),
    "next to": ("next to", "beside", "and", "with"),
    "playing with": ("playing with", "chasing", "is playing with"),
    "in front of": ("in front of", "standing in front of"),
    "behind": ("behind", "standing behind"),
    "above": ("above", "over", "high above"),
    "below": ("below", "under", "underneath"),
    "on": ("on", "on top of", "sitting on"),
}
_CONDITION_PHRASES = {
    "day": ("on a sunny day", "in the sunshine", "during the day"),
    "sunset": ("at sunset", "in the evening", "at dusk"),
    "night": ("at night", "under the stars", "by night"),
    "rain": ("in the rain", "on a rainy day", "in rainy weather"),
}
_SHELTERED_CONDITION_PHRASES = {"day": ("during the day", "by day"), "night": ("at night", "by night")}
_KEYWORDS = {"day": "sunny", "sunset": "sunset", "night": "night", "rain": "rain"}
_ADJECTIVES = ("cute", "little", "happy", "lovely", "nice")
_ARTICLES = ("a", "a", "a", "the", "one")
_OPENINGS = ("a picture of", "an illustration of", "a drawing of", "there is", "an image of")
_MANY = "there are"
_ADORABLE = frozenset({"animal", "bird", "sea", "bug"})

_SHARES = {"telegram": 0.12, "place": 0.9, "condition": 0.9, "opening": 0.15, "capital": 0.5, "stop": 0.2}
"""How often a caption is a telegram, tells the place, tells the condition, ..."""

# Nobody says that it is day, unless it matters.
_DAY_SHARE = 0.25
_ADJECTIVE_SHARE, _SYNONYM_SHARE = 0.2, 0.35


def caption(scene: Scene, random: np.random.Generator) -> str:
    """One way to say what the scene shows.

    However the dice fall, the same number of them is thrown: the same generator words another scene alike.
    """
    style = _style(scene, random)
    if "telegram" in style:
        return _telegram(scene, style, random)
    words = [_noun_phrase(scene.groups[0], random)]
    if scene.relation is not None:
        words.append(_choose(random, _RELATION_PHRASES[scene.relation]))
        words.append(_noun_phrase(scene.groups[1], random))
    place, condition = _choose(random, scene.place.phrases), _choose(random, _condition_phrases(scene))
    if "place" in style:
        words.append(place)
    if "condition" in style:
        words.append(condition)
    opening = _choose(random, _OPENINGS)
    if opening == "there is" and _is_many(scene.groups[0]):
        opening = _MANY
    text = " ".join([opening, *words] if "opening" in style else words)
    text = text[0].upper() + text[1:] if "capital" in style else text
    return text + ("." if "stop" in style else "")


def _style(scene: Scene, random: np.random.Generator) -> set[str]:
    """Which of `_SHARES` this caption does."""
    shares = _SHARES | ({"condition": _DAY_SHARE} if scene.condition == "day" else {})
    dice = random.random(len(shares))
    return {what for (what, share), die in zip(shares.items(), dice, strict=True) if die < share}


def _telegram(scene: Scene, style: set[str], random: np.random.Generator) -> str:
    """Keywords with commas: "dog, ball, park"."""
    parts = [_bare(group, random) for group in scene.groups]
    if "place" in style:
        parts.append(_place_keyword(scene))
    if "condition" in style:
        parts.append(_KEYWORDS[scene.condition])
    return ", ".join(parts)


def tells_place(text: str, scene: Scene) -> bool:
    """Whether a caption of the scene says where it is set."""
    return _says(text, [*scene.place.phrases, _place_keyword(scene)])


def tells_condition(text: str, scene: Scene) -> bool:
    """Whether a caption of the scene says in what light and weather."""
    return _says(text, [*_condition_phrases(scene), _KEYWORDS[scene.condition]])


def _says(text: str, phrases: list[str]) -> bool:
    said = f" {text.lower().rstrip('.').replace(',', '')} "
    return any(f" {phrase} " in said for phrase in phrases)


def _place_keyword(scene: Scene) -> str:
    return scene.place.phrases[0].removeprefix("in the ").removeprefix("on the ").removeprefix("in a ")


def _condition_phrases(scene: Scene) -> tuple[str, ...]:
    sheltered = scene.place.setting in SHELTERED
    return (_SHELTERED_CONDITION_PHRASES if sheltered else _CONDITION_PHRASES)[scene.condition]


def _noun_phrase(group: Group, random: np.random.Generator) -> str:
    adjective = random.random() < _ADJECTIVE_SHARE and group.concept.group in _ADORABLE
    words = _bare(group, random, adjective=adjective)
    article = _choose(random, _ARTICLES)
    if _is_many(group):
        return words
    if article == "a" and words[0].lower() in "aeiou" and not words.startswith(("uni", "ufo")):
        article = "an"
    return f"{article} {words}"


def _bare(group: Group, random: np.random.Generator, *, adjective: bool = False) -> str:
    """Count, adjective, colour and noun, without an article."""
    names = group.concept.noun, group.concept.plural
    synonyms = _choose(random, group.concept.synonyms or (names,))
    name, plural = synonyms if random.random() < _SYNONYM_SHARE else names
    number, praise = _choose(random, _NUMBERS.get(group.count, ("",))), _choose(random, _ADJECTIVES)
    words = [number] if number else []
    if adjective:
        words.append(praise)
    if group.colour:
        words.append(group.colour)
    return " ".join([*words, plural if group.count > 1 else name])


def _is_many(group: Group) -> bool:
    return group.count > 1 or group.concept.is_plural


def _choose(random: np.random.Generator, options: Sequence[T]) -> T:
    """Like `spec.choose`, but throws one die whatever the number of options."""
    return options[int(random.random() * len(options))]
