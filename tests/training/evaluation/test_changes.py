"""`limner.training.evaluation.changes`: edits and variations, on cases known by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from limner.training.evaluation.changes import found_inside, plan_edit, unchanged_outside, variations_told
from limner.training.evaluation.grading import Seen
from limner.training.evaluation.prompts import Prompt
from limner.training.scenes.concepts import Concept
from limner.training.scenes.facts import Numbers
from limner.training.scenes.layout import arrange
from limner.training.scenes.spec import Group, Scene, Vocabulary, scene_random


@pytest.fixture
def prompt(vocabulary: Vocabulary, concept: Callable[[str], Concept]) -> Prompt:
    """A dog in the park."""
    scene = Scene(groups=(Group(concept=concept("dog")),), place=vocabulary.places[0], condition="day")
    return Prompt(task="single object", text="a dog in the park", scene=scene, index=5)


def test_an_edit_puts_another_thing_of_the_same_size_in_its_place(
    prompt: Prompt,
    vocabulary: Vocabulary,
    numbers: Numbers,
    know: Callable[[Scene], Seen],
) -> None:
    """The mask is the dog's box, the prompt tells the new picture, and what is found is found in there."""
    [box] = arrange(prompt.scene, scene_random(0, 0))
    edit = plan_edit(prompt, box, vocabulary)
    assert edit is not None
    assert edit.concept.noun in {"unicorn", "chair"}
    assert edit.text == f"a {edit.concept.noun} in the park"
    assert edit.mask_HW.sum() == 96 * 96
    assert np.argwhere(edit.mask_HW).max(0).tolist() == [223, box.x + 47]
    after = know(replace(prompt.scene, groups=(Group(concept=edit.concept),)))
    assert found_inside(after, numbers.things[edit.concept.noun], edit.mask_HW)
    assert not found_inside(after, numbers.things[edit.concept.noun], ~edit.mask_HW)
    assert not found_inside(after, numbers.things["dog"], edit.mask_HW)


def test_without_another_of_its_size_there_is_no_edit(
    prompt: Prompt, vocabulary: Vocabulary, concept: Callable[[str], Concept]
) -> None:
    """A vocabulary with one medium thing has nothing to put in its place."""
    [box] = arrange(prompt.scene, scene_random(0, 0))
    alone = replace(vocabulary, concepts=(concept("dog"), concept("ball"), concept("ufo")))
    assert plan_edit(prompt, box, alone) is None


def test_one_changed_bit_outside_the_mask_is_seen() -> None:
    """Inside it anything may change."""
    source = np.zeros((4, 4, 3), dtype=np.uint8)
    mask = np.zeros((4, 4), dtype=np.bool_)
    mask[:2] = True
    edited = source.copy()
    edited[0] = 255
    assert unchanged_outside(edited, source, mask)
    edited[3, 3, 2] = 1
    assert not unchanged_outside(edited, source, mask)


def test_variations_are_told_by_their_cosines_and_by_how_they_differ() -> None:
    """Of two sources one has twins for variations: half of them differ."""
    sources = np.array([[1, 0], [0, 1]], dtype=np.float32)
    variations = np.array([[[1, 0], [0.6, 0.8]], [[0, 1], [0, 1]]], dtype=np.float32)
    gray, white = np.full((2, 2, 3), 55, dtype=np.uint8), np.full((2, 2, 3), 255, dtype=np.uint8)
    told = variations_told(sources, variations, [(gray, white), (gray, gray)])
    assert told == pytest.approx({"cosine": 0.9, "cosine_least": 0.6, "differ": 0.5, "apart": 100})
