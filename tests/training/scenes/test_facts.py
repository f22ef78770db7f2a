"""`limner.training.scenes.facts`: a scene in numbers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from limner.training.scenes.cells import PAINTS, PARTS
from limner.training.scenes.facts import Facts, Numbers
from limner.training.scenes.spec import Group, Scene, Vocabulary


def test_facts_are_the_scenes(stream_vocabulary: Vocabulary) -> None:
    """Place, condition, relation, and each thing with number and paint, by their place in their lists."""
    dog, ball = (next(c for c in stream_vocabulary.concepts if c.noun == noun) for noun in ("dog", "ball"))
    groups = (Group(concept=dog, count=1), Group(concept=ball, count=3, colour="orange"))
    scene = Scene(groups=groups, place=stream_vocabulary.places[2], condition="night", relation="right of")
    facts = Facts(*Numbers(stream_vocabulary).facts(scene).tolist())
    assert (facts.place, facts.condition, facts.relation) == (2, 2, 2)
    assert (facts.thing, facts.number, facts.paint) == (stream_vocabulary.concepts.index(dog) + 1, 1, 0)
    assert (facts.other, facts.others, facts.other_paint) == (
        stream_vocabulary.concepts.index(ball) + 1,
        3,
        2,
    )
    alone = Facts(
        *Numbers(stream_vocabulary).facts(replace(scene, groups=groups[:1], relation=None)).tolist()
    )
    assert (alone.relation, alone.other, alone.others, alone.other_paint) == (0, 0, 0, 0)


def test_scenes_that_differ_have_other_facts(real: Vocabulary, scenes: list[Scene]) -> None:
    """No two scenes that show different things have the same numbers; the style is not among them."""
    numbers = Numbers(real)
    told = {tuple(numbers.facts(scene).tolist()) for scene in scenes}
    assert len(told) == len({replace(scene, style="3d") for scene in scenes})


def test_classes_hold_all_numbers(real: Vocabulary, scenes: list[Scene]) -> None:
    """No scene's numbers reach the counts that the judge is built with."""
    numbers = Numbers(real)
    highest = Facts(*np.max([numbers.facts(scene) for scene in scenes], axis=0).tolist())
    things, parts, paints, places, conditions = numbers.classes
    assert max(highest.thing, highest.other) == things - 1
    assert max(highest.paint, highest.other_paint) == paints - 1
    assert (highest.place, highest.condition) == (places - 1, conditions - 1)
    assert (parts, paints) == (PARTS, PAINTS)
