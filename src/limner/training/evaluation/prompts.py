"""The prompts of the composition test: GenEval's six tasks (Ghosh et al. 2023) in this model's vocabulary.

Each asks for a combination of things and a place that training never saw. It has a scene beside it, so that the
same prompt can be composed from the real art.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from limner.errors import DataError
from limner.training.scenes.captions import indefinite
from limner.training.scenes.concepts import COLOURS, Concept
from limner.training.scenes.spec import (
    Group,
    Scene,
    SceneSampler,
    Vocabulary,
    can_be_seen,
    choose,
    scene_random,
)

__all__ = ["TASKS", "Prompt", "build_prompts", "worded"]

_MOST_SCENES = 500
"""How many scenes are looked through for each prompt, at most."""

_COUNTS = (2, 3, 4)
_NUMBERS = ("no", "one", "two", "three", "four")
_HUGE = 5
_BESIDE = frozenset({"left of", "right of", "next to"})
_PLACED = MappingProxyType(
    {"left of": "to the left of", "right of": "to the right of", "above": "above", "below": "below"}
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Prompt:
    """What is asked for.

    Attributes:
        task: one of `TASKS`.
        text: the words.
        scene: what they say.
        index: of the scene in its stream, which also seeds its real picture.
    """

    task: str
    text: str
    scene: Scene
    index: int


def build_prompts(vocabulary: Vocabulary, seed: int, count: int) -> list[Prompt]:
    """`count` prompts for each task, task by task, from the held-out scenes of the stream `seed`.

    Raises:
        DataError: the vocabulary is too small for so many.
    """
    sampler, found = SceneSampler(vocabulary), {task: list[Prompt]() for task in TASKS}
    wanted = list(TASKS)
    for index in range(_MOST_SCENES * count):
        prompt = _prompt(sampler.sample(seed, index, held_out=True), wanted, seed, index)
        if prompt is not None:
            found[prompt.task].append(prompt)
            wanted = [task for task in TASKS if len(found[task]) < count]
        if not wanted:
            return [prompt for prompts in found.values() for prompt in prompts]
    raise DataError(f"too few held-out scenes for {wanted[0]!r}: ask for fewer pictures")


def worded(scene: Scene) -> str:
    """A scene in plain words: "two red apples to the left of a dog in the park"."""
    words = [_named(scene.groups[0])]
    if scene.relation is not None:
        words += [_PLACED.get(scene.relation, "and"), _named(scene.groups[1])]
    return " ".join([*words, scene.place.phrases[0]])


def _prompt(scene: Scene, tasks: list[str], seed: int, index: int) -> Prompt | None:
    """The scene, made into the rarest of the tasks that it can serve; by day, which needs no word."""
    if not all(can_be_seen(group.concept, "day") for group in scene.groups):
        return None
    things = tuple(Group(concept=group.concept) for group in scene.groups)
    plain = replace(scene, condition="day", groups=things, style="3d")
    for task in reversed(tasks):
        changed = TASKS[task](plain, scene_random(seed + (3 << 32), index))
        if changed is not None:
            return Prompt(task=task, text=worded(changed), scene=changed, index=index)
    return None


def _named(group: Group) -> str:
    concept, many = group.concept, group.count > 1
    words = [group.colour] if group.colour else []
    words.append(concept.plural if many else concept.noun)
    if many:
        return " ".join([_NUMBERS[group.count], *words])
    if concept.is_plural:
        return " ".join(words)
    return indefinite(" ".join(words))


def _single(scene: Scene, _random: np.random.Generator) -> Scene | None:
    return scene if scene.relation is None else None


def _two(scene: Scene, _random: np.random.Generator) -> Scene | None:
    return replace(scene, relation="next to") if scene.relation in _BESIDE else None


def _counted(scene: Scene, random: np.random.Generator) -> Scene | None:
    concept = scene.groups[0].concept
    if scene.relation is not None or concept.size >= _HUGE or concept.is_plural:
        return None
    return replace(scene, groups=(Group(concept=concept, count=choose(random, _COUNTS)),))


def _coloured(scene: Scene, random: np.random.Generator) -> Scene | None:
    return _painted(scene, random) if scene.relation is None else None


def _placed(scene: Scene, _random: np.random.Generator) -> Scene | None:
    return scene if scene.relation in _PLACED else None


def _both_coloured(scene: Scene, random: np.random.Generator) -> Scene | None:
    return _painted(replace(scene, relation="next to"), random) if scene.relation in _BESIDE else None


def _painted(scene: Scene, random: np.random.Generator) -> Scene | None:
    """Every thing in a colour of its own; None if one cannot be painted."""
    concepts: list[Concept] = [group.concept for group in scene.groups]
    if not all(concept.recolour for concept in concepts):
        return None
    colours = random.permutation(list(COLOURS))[: len(concepts)].tolist()
    groups = tuple(Group(concept=c, colour=colour) for c, colour in zip(concepts, colours, strict=True))
    return replace(scene, groups=groups)


TASKS: Mapping[str, Callable[[Scene, np.random.Generator], Scene | None]] = MappingProxyType(
    {
        "single object": _single,
        "two objects": _two,
        "counting": _counted,
        "colours": _coloured,
        "position": _placed,
        "colour attribution": _both_coloured,
    }
)
"""GenEval's tasks; each makes a plain scene into one of its own, or says None if it cannot. The rarest come last."""
