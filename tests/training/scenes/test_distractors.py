"""`limner.training.scenes.distractors`: nine captions that are nearly right, and wrong."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from limner.errors import DataError
from limner.training.scenes.distractors import CHOICES, KINDS, Choice, choices
from limner.training.scenes.spec import Group, Scene, Vocabulary, scene_random
from tests.training.scenes.oracle import Oracle, Told, seen

Question = tuple[Scene, list[Choice]]


@pytest.fixture(scope="module")
def oracle(real: Vocabulary) -> Oracle:
    """Reads the project's own captions."""
    return Oracle(real)


@pytest.fixture(scope="module")
def asked(real: Vocabulary, scenes: list[Scene]) -> list[Question]:
    """Three hundred questions."""
    return [(scene, choices(scene, real, scene_random(2, at))) for at, scene in enumerate(scenes[:300])]


@pytest.fixture(scope="module")
def questions(asked: list[Question], oracle: Oracle) -> list[Question]:
    """Those whose captions have one reading each; a yellow banana may be painted, or as it is."""
    clear = [q for q in asked if all(len(oracle.readings(choice.text)) == 1 for choice in q[1])]
    assert len(clear) > 0.6 * len(asked)
    return clear


def is_silent(choice: Choice, told: Told) -> bool:
    """Whether another place was to be told, but the caption tells none."""
    return choice.kind == "place" and told.place is None


def swapped(told: Told) -> Told:
    """The colours and counts of two things have changed places."""
    one, other = told.things
    return replace(told, things=(other._replace(thing=one.thing), one._replace(thing=other.thing)))


def test_ten_captions_and_no_two_alike(asked: list[Question]) -> None:
    """Ten different texts, of which only the first is said to be true."""
    for _, found in asked:
        assert len({choice.text for choice in found}) == len(found) == CHOICES
        assert [choice.kind for choice in found].count("") == 1
        assert found[0].kind == ""


def test_the_first_is_true(questions: list[Question], oracle: Oracle) -> None:
    """Nothing that the first caption says contradicts the scene."""
    for scene, found in questions:
        [told] = oracle.readings(found[0].text)
        assert not told.differences(seen(scene))


def test_each_other_differs_in_what_its_kind_says(questions: list[Question], oracle: Oracle) -> None:
    """A distractor contradicts the scene in one respect, at one of the things."""
    for scene, found in questions:
        [truth] = oracle.readings(found[0].text)
        for choice in found[1:]:
            [told] = oracle.readings(choice.text)
            if is_silent(choice, told):
                continue
            if choice.kind == "swap":
                assert told == swapped(truth), choice
                continue
            if choice.kind == "relation" and told.relation == scene.relation:
                assert told.things == truth.things[::-1], choice
                continue
            assert told.differences(seen(scene)) == {choice.kind}, choice
            assert sum(a != b for a, b in zip(told.things, truth.things, strict=True)) <= 1


def test_the_scene_refutes_each_other(questions: list[Question], oracle: Oracle) -> None:
    """What a distractor says is not what is seen."""
    for scene, found in questions:
        shown = {group.concept.noun for group in scene.groups}
        for choice in found[1:]:
            [told] = oracle.readings(choice.text)
            assert is_silent(choice, told) or told.differences(seen(scene)), choice
            if choice.kind == "thing":
                assert {thing.thing for thing in told.things} - shown


def test_contraries_are_contrary(questions: list[Question], oracle: Oracle) -> None:
    """A relation is turned round, never replaced by one that may hold as well."""
    turned = {
        frozenset(pair)
        for pair in (
            ("left of", "right of"),
            ("in front of", "behind"),
            ("above", "below"),
            ("near", "far from"),
            ("riding", "carrying"),
            ("chasing", "running from"),
        )
    }
    for scene, found in questions:
        for choice in (choice for choice in found if choice.kind == "relation"):
            [told] = oracle.readings(choice.text)
            nouns = [thing.thing for thing in told.things]
            exchanged = nouns == [group.concept.noun for group in scene.groups[::-1]]
            assert exchanged or frozenset((told.relation, scene.relation)) in turned


def test_all_kinds_come_up(questions: list[Question]) -> None:
    """Every kind of mistake is made, things most often."""
    kinds = Counter(choice.kind for _, found in questions for choice in found[1:])
    assert set(kinds) == set(KINDS)
    assert kinds.most_common(1)[0][0] == "thing"


def test_no_reading_of_a_distractor_is_true(asked: list[Question], oracle: Oracle) -> None:
    """Also where a distractor can be read in two ways, the scene refutes both."""
    for scene, found in asked:
        for choice in found[1:]:
            readings = [
                told for told in oracle.readings(choice.text) if len(told.things) == len(scene.groups)
            ]
            assert readings, choice
            assert all(is_silent(choice, told) or told.differences(seen(scene)) for told in readings), choice


def test_a_place_that_is_not_told_is_not_changed(asked: list[Question], oracle: Oracle) -> None:
    """Where the caption does not tell the place, no distractor is made by changing it."""
    for _, found in asked:
        for choice in found[1:]:
            assert not any(is_silent(choice, told) for told in oracle.readings(choice.text)), choice


def test_choices_are_the_same_for_the_same_random_numbers(real: Vocabulary, scenes: list[Scene]) -> None:
    """A question is determined by the scene and the generator."""
    one, other = (choices(scenes[0], real, scene_random(0, 3)) for _ in range(2))
    assert one == other


def test_a_table_that_is_too_small_is_an_error(real: Vocabulary) -> None:
    """Where no ten different captions can be told, the search ends and says what to do."""
    [fish] = [concept for concept in real.concepts if concept.noun == "fish"]
    [sea] = [place for place in real.places if place.name == "underwater"]
    scene = Scene(groups=(Group(concept=fish),), place=sea, condition="day")
    few = replace(real, concepts=(fish, *real.concepts[:1]), places=(sea, real.places[0]))
    short = next(at for at in range(99) if "," not in choices(scene, real, scene_random(0, at))[0].text)
    with pytest.raises(DataError, match="add things to the concept table"):
        choices(scene, few, scene_random(0, short))


def test_where_few_things_live_any_other_will_do(real: Vocabulary) -> None:
    """Two sharks at night, no place told: a dozen things live under water, and all questions find their nine."""
    [shark] = [concept for concept in real.concepts if concept.noun == "shark"]
    [sea] = [place for place in real.places if place.name == "underwater"]
    scene = Scene(groups=(Group(concept=shark, count=2),), place=sea, condition="night")
    assert all(len(choices(scene, real, scene_random(4, at))) == CHOICES for at in range(60))


def test_no_true_name_is_offered_as_wrong(real: Vocabulary, oracle: Oracle) -> None:
    """A basketball is a ball and a parrot is a bird: to say so would be no mistake."""
    for noun, also in (("basketball", "soccer ball"), ("parrot", "bird"), ("pine tree", "tree")):
        [shown] = [concept for concept in real.concepts if concept.noun == noun]
        scene = Scene(groups=(Group(concept=shown),), place=real.places[0], condition="day")
        wrong = [choice.text for at in range(20) for choice in choices(scene, real, scene_random(3, at))[1:]]
        named = {told.things[0][0] for text in wrong for told in oracle.readings(text)}
        assert len(named) > 5
        assert also not in named
