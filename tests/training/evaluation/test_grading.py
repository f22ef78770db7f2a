"""`limner.training.evaluation.grading`: what the judge sees, and GenEval's rules for what is right."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from limner.network.judge import Judge, JudgeConfig
from limner.training.evaluation.grading import Found, Seen, features_of, is_right, look, scores
from limner.training.evaluation.prompts import TASKS, Prompt, build_prompts
from limner.training.scenes.cells import feet, paint_of
from limner.training.scenes.concepts import Concept
from limner.training.scenes.facts import Numbers
from limner.training.scenes.spec import Group, Scene, Vocabulary

Knower = Callable[[Scene], Seen]
Asker = Callable[..., Prompt]


@pytest.fixture
def ask(vocabulary: Vocabulary) -> Asker:
    """A prompt of a task, in the park."""

    def prompt(task: str, *groups: Group, relation: str | None = None) -> Prompt:
        scene = Scene(groups=groups, place=vocabulary.places[0], condition="day", relation=relation)
        return Prompt(task=task, text="", scene=scene, index=0)

    return prompt


def test_a_judge_that_is_never_wrong_finds_every_real_picture_right(
    vocabulary: Vocabulary, numbers: Numbers, know: Knower
) -> None:
    """What the composer has put there is what was asked for, in every task: all scores are 1."""
    prompts = build_prompts(vocabulary, 2, 4)
    told = scores(prompts, [know(prompt.scene) for prompt in prompts], numbers)
    assert told == dict.fromkeys([*TASKS, "overall"], 1.0)


def test_nothing_is_right_in_an_empty_picture(vocabulary: Vocabulary, numbers: Numbers) -> None:
    """Where the judge names nothing, nothing was drawn: no choice is forced."""
    prompts, empty = build_prompts(vocabulary, 2, 1), np.zeros((8, 8), dtype=np.int64)
    seen = Seen(things_hw=empty, parts_hw=empty, paints_hw=empty)
    assert scores(prompts, [seen] * len(prompts), numbers) == dict.fromkeys([*TASKS, "overall"], 0.0)


def test_overall_is_the_mean_of_the_tasks(vocabulary: Vocabulary, numbers: Numbers, know: Knower) -> None:
    """With one task all right and the others all wrong it is a sixth."""
    prompts, empty = build_prompts(vocabulary, 2, 1), np.zeros((8, 8), dtype=np.int64)
    blind = Seen(things_hw=empty, parts_hw=empty, paints_hw=empty)
    seen = [know(p.scene) if p.task == "counting" else blind for p in prompts]
    told = scores(prompts, seen, numbers)
    assert (told["counting"], told["colours"]) == (1, 0)
    assert told["overall"] == pytest.approx(1 / 6)


def test_counting_is_exact_and_all_else_is_at_least(
    ask: Asker, know: Knower, numbers: Numbers, concept: Callable[[str], Concept]
) -> None:
    """Three where two were asked for is wrong; three where one was asked for shows it."""
    three = know(ask("counting", Group(concept=concept("dog"), count=3)).scene)
    assert not is_right(ask("counting", Group(concept=concept("dog"), count=2)), three, numbers)
    assert is_right(ask("counting", Group(concept=concept("dog"), count=3)), three, numbers)
    assert not is_right(ask("counting", Group(concept=concept("dog"), count=4)), three, numbers)
    assert is_right(ask("single object", Group(concept=concept("dog"))), three, numbers)
    assert not is_right(ask("single object", Group(concept=concept("mouse"))), three, numbers)


def test_colours_belong_to_their_things(
    ask: Asker, know: Knower, numbers: Numbers, concept: Callable[[str], Concept]
) -> None:
    """A red dog and a blue ball are not a blue dog and a red ball."""
    dog, ball = Group(concept=concept("dog"), colour="red"), Group(concept=concept("ball"), colour="blue")
    prompt = ask("colour attribution", dog, ball, relation="next to")
    swapped = (replace(dog, colour="blue"), replace(ball, colour="red"))
    assert is_right(prompt, know(prompt.scene), numbers)
    assert not is_right(prompt, know(replace(prompt.scene, groups=swapped)), numbers)


@pytest.mark.parametrize(
    ("one", "other", "relation", "contrary"),
    [
        ("dog", "ball", "left of", "right of"),
        ("dog", "ball", "right of", "left of"),
        ("balloon", "dog", "above", "below"),
        ("dog", "balloon", "below", "above"),
    ],
)
def test_positions_hold_one_way_round(
    ask: Asker,
    know: Knower,
    numbers: Numbers,
    concept: Callable[[str], Concept],
    one: str,
    other: str,
    relation: str,
    contrary: str,
) -> None:
    """Two things stand as they were asked to, and not the other way."""
    groups = Group(concept=concept(one)), Group(concept=concept(other))
    seen = know(ask("position", *groups, relation=relation).scene)
    assert is_right(ask("position", *groups, relation=relation), seen, numbers)
    assert not is_right(ask("position", *groups, relation=contrary), seen, numbers)


def test_a_thing_counts_with_its_foot_and_half_of_its_box() -> None:
    """Less than half of it is a blot, and without a foot nobody can tell how many there are."""
    parts = dict(zip((2, 3, 4), feet(), strict=True))
    things, parts_hw, paints = (np.zeros((8, 8), dtype=np.int64) for _ in range(3))
    seen = Seen(things_hw=things, parts_hw=parts_hw, paints_hw=paints)
    things[5, 2], parts_hw[5, 2] = 9, parts[2]
    assert seen.find(9) == []
    things[4, 2] = 9
    paints[4:6, 2] = paint_of("blue")
    assert seen.find(9) == [Found(row=5, column=2, size=2, paint=paint_of("blue"))]
    assert seen.find(9)[0].middle == (4.5, 2.5)
    assert seen.find(8) == []
    parts_hw[5, 2] = parts[2] + 1
    assert seen.find(9) == []


def test_pictures_are_looked_at_in_any_number(numbers: Numbers) -> None:
    """What is seen of a picture, and its features, do not depend on how many there are."""
    torch.manual_seed(0)
    judge = Judge(JudgeConfig(width=16, heads=2, layers=1), numbers.classes).eval()
    random = np.random.default_rng(0)
    pictures = list(random.integers(0, 256, size=(52, 256, 256, 3), dtype=np.uint8))
    many, [last] = look(judge, pictures), look(judge, pictures[51:])
    assert len(many) == 52
    assert np.array_equal(many[51].things_hw, last.things_hw)
    assert last.parts_hw.shape == (8, 8)
    features = features_of(judge, pictures)
    assert features.shape == (52, 16)
    np.testing.assert_allclose(features[51:], features_of(judge, pictures[51:]), rtol=1e-4, atol=1e-5)
