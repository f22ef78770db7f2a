"""`limner.training.evaluation.prompts`: six tasks, all of combinations that training never saw."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import pytest

from limner.errors import DataError
from limner.training.evaluation.prompts import TASKS, Prompt, build_prompts, worded
from limner.training.scenes.concepts import Concept
from limner.training.scenes.spec import Group, Scene, Vocabulary, is_held_out

COUNT = 3


@pytest.fixture(scope="module")
def prompts(vocabulary: Vocabulary) -> list[Prompt]:
    """Three of each task."""
    return build_prompts(vocabulary, 2, COUNT)


def test_every_task_has_its_prompts_of_scenes_that_are_held_out(prompts: list[Prompt]) -> None:
    """As many as asked for, task by task, each from a scene of its own."""
    assert Counter(prompt.task for prompt in prompts) == dict.fromkeys(TASKS, COUNT)
    assert all(is_held_out(prompt.scene) for prompt in prompts)
    assert len({prompt.index for prompt in prompts}) == len(prompts)
    assert all(prompt.text == worded(prompt.scene) for prompt in prompts)


def test_the_same_seed_asks_the_same(prompts: list[Prompt], vocabulary: Vocabulary) -> None:
    """Models can be compared; another seed asks for other things."""
    assert build_prompts(vocabulary, 2, COUNT) == prompts
    assert build_prompts(vocabulary, 3, COUNT) != prompts


def test_each_task_asks_for_its_own_and_nothing_else(prompts: list[Prompt]) -> None:
    """How many things, how many of each, in a colour or not, and how they stand."""
    asked = {
        task: [
            ([group.count for group in p.scene.groups], [bool(group.colour) for group in p.scene.groups])
            for p in prompts
            if p.task == task
        ]
        for task in TASKS
    }
    assert all(one == ([1], [False]) for one in asked["single object"])
    assert all(one == ([1, 1], [False, False]) for one in asked["two objects"] + asked["position"])
    assert all(counts[0] in {2, 3, 4} and painted == [False] for counts, painted in asked["counting"])
    assert all(one == ([1], [True]) for one in asked["colours"])
    assert all(one == ([1, 1], [True, True]) for one in asked["colour attribution"])
    pairs = [p.scene.groups for p in prompts if p.task == "colour attribution"]
    assert all(first.colour != second.colour for first, second in pairs)
    placed = {p.scene.relation for p in prompts if p.task == "position"}
    assert placed <= {"left of", "right of", "above", "below"}


def test_a_vocabulary_that_is_too_small_is_refused(vocabulary: Vocabulary) -> None:
    """With nothing that can be painted there is nothing to ask colours of."""
    plain = replace(vocabulary, concepts=tuple(replace(one, recolour=False) for one in vocabulary.concepts))
    with pytest.raises(DataError, match="too few held-out scenes for 'colours': ask for fewer pictures"):
        build_prompts(plain, 2, 1)


def test_a_scene_is_worded_plainly(vocabulary: Vocabulary, concept: Callable[[str], Concept]) -> None:
    """Articles, numbers, colours, plurals and where it is."""
    dog, apple, fries = concept("dog"), concept("apple"), concept("fries")
    park = vocabulary.places[0]

    def said(*groups: Group, relation: str | None = None) -> str:
        return worded(Scene(groups=groups, place=park, condition="day", relation=relation))

    assert said(Group(concept=apple)) == "an apple in the park"
    assert said(Group(concept=dog, count=3)) == "three dogs in the park"
    assert said(Group(concept=fries), Group(concept=dog), relation="next to") == "fries and a dog in the park"
    both = Group(concept=apple, colour="red"), Group(concept=dog)
    assert said(*both, relation="left of") == "a red apple to the left of a dog in the park"
    assert said(Group(concept=concept("unicorn"))) == "a unicorn in the park"
    assert said(Group(concept=apple, colour="orange")) == "an orange apple in the park"
