"""Nine captions that are nearly right: each tells the scene with one thing changed that a picture can refute."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from limner.errors import DataError
from limner.training.scenes.captions import caption, tells_condition, tells_place
from limner.training.scenes.concepts import COLOURS, CONDITIONS, Concept
from limner.training.scenes.spec import (
    SHELTERED,
    Group,
    Scene,
    Vocabulary,
    can_be_seen,
    choose,
    fits_place,
)

__all__ = ["CHOICES", "KINDS", "Choice", "choices"]

CHOICES = 10
"""How many captions a question offers."""

KINDS = ("thing", "count", "colour", "swap", "relation", "place", "condition")
"""What a distractor can change."""

# Things make up most of what captions tell: they are asked for twice as often.
_DRAWN_KINDS = ("thing", *KINDS)
_SAME_KIND_SHARE = 0.5
_COUNTS = (1, 2, 3, 4)
# Questions from the project's own table take 17 tries on average, and at most 60 in 8,000 of them.
_MOST_TRIES = 1_000
_CONTRARY = {
    "left of": "right of",
    "right of": "left of",
    "in front of": "behind",
    "behind": "in front of",
    "above": "below",
    "below": "above",
}


@dataclass(frozen=True, slots=True)
class Choice:
    """A caption, what is changed in it, "" in the true one, and the scene that it tells of."""

    text: str
    kind: str
    scene: Scene


def choices(scene: Scene, vocabulary: Vocabulary, random: np.random.Generator) -> list[Choice]:
    """Ten captions in the same wording: the true one first, then nine of scenes that differ in one thing.

    What differs: a thing (half of the time by one of its own kind), a count, a colour, two things' colours
    and counts swapped, the relation turned round, the place, the condition. Only what the caption tells is
    changed, and to nothing that the picture shows besides.

    Raises:
        DataError: the vocabulary is too small for ten different captions of this scene.
    """
    wording = int(random.integers(2**31))
    found = [Choice(_worded(scene, wording), "", scene)]
    told = {found[0].text}
    for _ in range(_MOST_TRIES):
        kind = choose(random, _DRAWN_KINDS)
        changed = _EDITS[kind](scene, vocabulary, random) if _is_told(kind, found[0].text, scene) else None
        choice = Choice(_worded(changed, wording), kind, changed) if changed else found[0]
        if choice.text not in told:
            told.add(choice.text)
            found.append(choice)
        if len(found) == CHOICES:
            return found
    raise DataError(
        f"there are no {CHOICES} ways to tell {found[0].text!r} wrong: add things to the concept table"
    )


def _is_told(kind: str, text: str, scene: Scene) -> bool:
    if kind == "place":
        return tells_place(text, scene)
    return tells_condition(text, scene) if kind == "condition" else True


def _worded(scene: Scene, wording: int) -> str:
    return caption(scene, np.random.Generator(np.random.Philox(key=wording)))


def _change_thing(scene: Scene, vocabulary: Vocabulary, random: np.random.Generator) -> Scene | None:
    at = int(random.integers(len(scene.groups)))
    old = scene.groups[at].concept
    same_kind = random.random() < _SAME_KIND_SHARE
    seen = _seen(scene)
    possible = [c for c in vocabulary.concepts if can_be_seen(c, scene.condition) and not seen(c)]
    fitting = [c for c in possible if fits_place(c, scene.place)]
    if len(fitting) < CHOICES:
        fitting = possible  # so few things live under water that a question may run out of them
    kin = [c for c in fitting if c.group == old.group]
    pool = kin if same_kind and kin else fitting
    if not pool:
        return None
    return _with_group(scene, at, replace(scene.groups[at], concept=choose(random, pool)))


def _change_count(scene: Scene, _vocabulary: Vocabulary, random: np.random.Generator) -> Scene | None:
    at = int(random.integers(len(scene.groups)))
    if scene.groups[at].concept.is_plural:
        return None
    others = [count for count in _COUNTS if count != scene.groups[at].count]
    return _with_group(scene, at, replace(scene.groups[at], count=choose(random, others)))


def _change_colour(scene: Scene, _vocabulary: Vocabulary, random: np.random.Generator) -> Scene | None:
    painted = [at for at, group in enumerate(scene.groups) if group.colour]
    if not painted:
        return None
    at = choose(random, painted)
    others = [name for name in COLOURS if name != scene.groups[at].colour]
    return _with_group(scene, at, replace(scene.groups[at], colour=choose(random, others)))


def _swap(scene: Scene, _vocabulary: Vocabulary, _random: np.random.Generator) -> Scene | None:
    """A word-order trap: the colours of two things change places, or the counts do."""
    if len(scene.groups) == 1:
        return None
    first, second = scene.groups
    if first.colour == second.colour and first.count == second.count:
        return None
    swapped = (
        replace(first, colour=second.colour, count=second.count),
        replace(second, colour=first.colour, count=first.count),
    )
    return replace(scene, groups=swapped)


def _turn_round(scene: Scene, _vocabulary: Vocabulary, _random: np.random.Generator) -> Scene | None:
    contrary = _CONTRARY.get(scene.relation or "")
    return replace(scene, relation=contrary) if contrary else None


def _change_place(scene: Scene, vocabulary: Vocabulary, random: np.random.Generator) -> Scene | None:
    weathered = scene.condition not in {"day", "night"}
    others = [
        place
        for place in vocabulary.places
        if place != scene.place and not (weathered and place.setting in SHELTERED)
    ]
    return replace(scene, place=choose(random, others)) if others else None


def _change_condition(scene: Scene, _vocabulary: Vocabulary, random: np.random.Generator) -> Scene | None:
    """To anything but day, which captions rarely tell: silence would not be refuted by the picture."""
    told = ("night",) if scene.place.setting in SHELTERED else CONDITIONS[1:]
    possible = [condition for condition in told if condition != scene.condition]
    return replace(scene, condition=choose(random, possible)) if possible else None


_EDITS: dict[str, Callable[[Scene, Vocabulary, np.random.Generator], Scene | None]] = {
    "thing": _change_thing,
    "count": _change_count,
    "colour": _change_colour,
    "swap": _swap,
    "relation": _turn_round,
    "place": _change_place,
    "condition": _change_condition,
}


def _with_group(scene: Scene, at: int, group: Group) -> Scene:
    groups = list(scene.groups)
    groups[at] = group
    return replace(scene, groups=tuple(groups))


def _seen(scene: Scene) -> Callable[[Concept], bool]:
    """Whether a thing, or what could be called by its names, is in the scene: as what it is about or around it."""
    shown = {group.concept for group in scene.groups}
    called = frozenset[str]().union(*(concept.names | concept.also for concept in shown))
    clutter = {item.codepoint for item in scene.place.clutter}
    has_sky = not any(concept.group == "sky" for concept in shown)
    return lambda concept: (
        bool(concept.names & called) or concept.codepoint in clutter or (has_sky and concept.group == "sky")
    )
