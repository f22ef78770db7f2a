"""Nine captions that are nearly right: each tells the scene with one thing changed that a picture can refute."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from limner.errors import DataError
from limner.training.scenes.captions import caption, tells_condition, tells_place
from limner.training.scenes.concepts import COLOURS, Concept
from limner.training.scenes.places import SHELTERED
from limner.training.scenes.spec import (
    Group,
    Scene,
    Vocabulary,
    can_be_seen,
    choose,
    fits_place,
)
from limner.training.scenes.wording import Wording

__all__ = ["CHOICES", "KINDS", "Choice", "choices"]

CHOICES = 10
"""How many captions a question offers."""

KINDS = ("thing", "count", "colour", "swap", "relation", "place", "condition", "size")
"""What a distractor can change."""

# Things make up most of what captions tell: they are asked for twice as often.
_DRAWN_KINDS = ("thing", *(kind for kind in KINDS if kind != "size"))
_SAME_KIND_SHARE = 0.5
# Questions from the project's own table take 17 tries on average, and at most 60 in 8,000 of them.
_MOST_TRIES = 1_000
_CONTRARY = {
    "left of": "right of",
    "right of": "left of",
    "in front of": "behind",
    "behind": "in front of",
    "above": "below",
    "below": "above",
    "near": "far from",
    "far from": "near",
    "riding": "carrying",
    "carrying": "riding",
    "chasing": "running from",
    "running from": "chasing",
}
# A word-order trap: what stands so to the other is not stood so to by it.
_ONE_WAY = frozenset({*_CONTRARY, "under", "holding"} - {"near", "far from"})


@dataclass(frozen=True, slots=True)
class Choice:
    """A caption, what is changed in it, "" in the true one, and the scene that it tells of."""

    text: str
    kind: str
    scene: Scene


def choices(scene: Scene, vocabulary: Vocabulary, random: np.random.Generator) -> list[Choice]:
    """Ten captions in the same wording: the true one first, then nine of scenes that differ in one thing.

    What differs: a thing (half of the time by one of its own kind), a count, a colour, a size, two things' colours
    and counts swapped, the relation turned round, the place, the condition. Only what the caption tells is
    changed, and to nothing that the picture shows besides.

    Raises:
        DataError: the vocabulary is too small for ten different captions of this scene.
    """
    dice, wording = int(random.integers(2**31)), vocabulary.wording
    found = [Choice(_worded(scene, wording, dice), "", scene)]
    told = {found[0].text}
    kinds = (*_DRAWN_KINDS, "size") if wording.sizes else _DRAWN_KINDS
    for _ in range(_MOST_TRIES):
        kind = choose(random, kinds)
        is_told = _is_told(kind, found[0].text, scene, wording)
        changed = _EDITS[kind](scene, vocabulary, random) if is_told else None
        choice = Choice(_worded(changed, wording, dice), kind, changed) if changed else found[0]
        if choice.text not in told:
            told.add(choice.text)
            found.append(choice)
        if len(found) == CHOICES:
            return found
    raise DataError(
        f"there are no {CHOICES} ways to tell {found[0].text!r} wrong: add things to the concept table"
    )


def _is_told(kind: str, text: str, scene: Scene, wording: Wording) -> bool:
    if kind == "place":
        return tells_place(text, scene)
    if kind == "relation":
        return scene.relation is not None and any(
            f" {words} " in text for words in wording.relations[scene.relation]
        )
    return tells_condition(text, scene, wording) if kind == "condition" else True


def _worded(scene: Scene, wording: Wording, dice: int) -> str:
    return caption(scene, wording, np.random.Generator(np.random.Philox(key=dice)))


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


def _change_count(scene: Scene, vocabulary: Vocabulary, random: np.random.Generator) -> Scene | None:
    at = int(random.integers(len(scene.groups)))
    if scene.groups[at].concept.is_plural or (scene.relation == "between" and at == 1):
        return None
    others = [count for count in (1, *vocabulary.wording.numbers) if count != scene.groups[at].count]
    return _with_group(scene, at, replace(scene.groups[at], count=choose(random, others)))


def _change_colour(scene: Scene, _vocabulary: Vocabulary, random: np.random.Generator) -> Scene | None:
    painted = [at for at, group in enumerate(scene.groups) if group.colour]
    if not painted:
        return None
    at = choose(random, painted)
    others = [name for name in COLOURS if name != scene.groups[at].colour]
    return _with_group(scene, at, replace(scene.groups[at], colour=choose(random, others)))


def _swap(scene: Scene, _vocabulary: Vocabulary, _random: np.random.Generator) -> Scene | None:
    """A word-order trap: the colours, counts and sizes of two things change places."""
    if len(scene.groups) == 1 or scene.relation == "between":
        return None
    first, second = scene.groups
    if first.colour == second.colour and first.count == second.count:
        return None
    swapped = (
        replace(first, colour=second.colour, count=second.count, size=second.size),
        replace(second, colour=first.colour, count=first.count, size=first.size),
    )
    return replace(scene, groups=swapped)


def _turn_round(scene: Scene, vocabulary: Vocabulary, random: np.random.Generator) -> Scene | None:
    """The contrary relation, or the same of the two things the other way round."""
    contrary, order = _CONTRARY.get(scene.relation or ""), vocabulary.wording.shares.order
    if order and scene.relation in _ONE_WAY and (not contrary or random.random() < order):
        return replace(scene, groups=scene.groups[::-1])
    return replace(scene, relation=contrary) if contrary else None


def _change_size(scene: Scene, _vocabulary: Vocabulary, random: np.random.Generator) -> Scene | None:
    sized = [at for at, group in enumerate(scene.groups) if group.size]
    if not sized:
        return None
    at = choose(random, sized)
    contrary = "small" if scene.groups[at].size == "big" else "big"
    return _with_group(scene, at, replace(scene.groups[at], size=contrary))


def _change_place(scene: Scene, vocabulary: Vocabulary, random: np.random.Generator) -> Scene | None:
    weathered = scene.condition not in {"day", "night"}
    others = [
        place
        for place in vocabulary.places
        if place != scene.place and not (weathered and place.setting in SHELTERED)
    ]
    return replace(scene, place=choose(random, others)) if others else None


def _change_condition(scene: Scene, vocabulary: Vocabulary, random: np.random.Generator) -> Scene | None:
    """To anything but day, which captions rarely tell: silence would not be refuted by the picture."""
    weathers = [name for name in vocabulary.wording.conditions if name != "day"]
    told = ["night"] if scene.place.setting in SHELTERED else weathers
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
    "size": _change_size,
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
