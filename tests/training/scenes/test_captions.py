"""`limner.training.scenes.captions`: every word is known, and everything that is said is there."""

from __future__ import annotations

import pytest

from limner.training.scenes.captions import caption
from limner.training.scenes.concepts import data_folder
from limner.training.scenes.spec import Group, Scene, SceneSampler, Vocabulary, scene_random
from limner.training.scenes.wording import load_wording
from tests.training.scenes.oracle import Oracle, Thing, seen

WORDING = load_wording(data_folder() / "wording.toml")


def worded(scene: Scene, wordings: int) -> set[str]:
    """Many ways to say a scene, in small letters and without the full stop."""
    found = [caption(scene, WORDING, scene_random(9, wording)) for wording in range(wordings)]
    return {text.removesuffix(".")[0].lower() + text.removesuffix(".")[1:] for text in found}


def lone(real: Vocabulary, noun: str, count: int = 1, colour: str | None = None) -> Scene:
    """A scene with one kind of thing, in the park by day."""
    [concept] = [concept for concept in real.concepts if concept.noun == noun]
    group = Group(concept=concept, count=count, colour=colour)
    return Scene(groups=(group,), place=real.places[0], condition="day")


def test_captions_can_be_read_back(real: Vocabulary, scenes: list[Scene]) -> None:
    """Each caption follows the grammar, word by word, and has a reading that the scene does not contradict."""
    oracle = Oracle(real)
    for index, scene in enumerate(scenes):
        text = caption(scene, real.wording, scene_random(6, index))
        readings = [told for told in oracle.readings(text) if len(told.things) == len(scene.groups)]
        assert any(not told.differences(seen(scene)) for told in readings), text


def test_a_caption_names_every_thing(real: Vocabulary, scenes: list[Scene]) -> None:
    """No thing of a scene is left untold."""
    oracle = Oracle(real)
    for scene in scenes[:300]:
        text = caption(scene, real.wording, scene_random(1, 1))
        assert {len(told.things) for told in oracle.readings(text)} == {len(scene.groups)}, text


def test_the_oracle_refuses_nonsense(real: Vocabulary) -> None:
    """Unknown words, wrong order, a missing article and a wrong number have no reading."""
    oracle = Oracle(real)
    for text in ("a dog in the submarine", "dog a in the park", "dog in the park", "two dog in the park"):
        assert oracle.readings(text) == [], text
    [told] = oracle.readings("Two cute red dogs left of a cat at the park at dusk.")
    assert told.things == (Thing("dog", 2, "red"), Thing("cat"))
    assert (told.relation, told.place, told.condition) == ("left of", "park", "sunset")


@pytest.mark.parametrize(
    ("noun", "colour", "phrase", "wrong"),
    [
        ("apple", None, "an apple", "a apple"),
        ("unicorn", None, "a unicorn", "an unicorn"),
        ("ufo", None, "a ufo", "an ufo"),
        ("dog", "orange", "an orange dog", "a orange dog"),
        ("umbrella", "red", "a red umbrella", "an red umbrella"),
    ],
)
def test_articles_follow_the_sound(
    real: Vocabulary, noun: str, colour: str | None, phrase: str, wrong: str
) -> None:
    """`an` stands before a vowel that sounds like one, whatever word comes first."""
    texts = worded(lone(real, noun, colour=colour), 150)
    assert any(phrase in text for text in texts)
    assert not any(f"{wrong} " in f"{text} " for text in texts)


def test_what_is_plural_already_takes_no_article(real: Vocabulary) -> None:
    """Nobody says `a french fries`."""
    texts = worded(lone(real, "french fries"), 150)
    assert not any(f"{word} french fries" in text for text in texts for word in ("a", "the", "one"))


@pytest.mark.parametrize(
    ("noun", "plural"),
    [("mouse", "mice"), ("fox", "foxes"), ("strawberry", "strawberries"), ("sheep", "sheep")],
)
def test_plurals_are_those_of_the_language(real: Vocabulary, noun: str, plural: str) -> None:
    """Two of a thing, and more, stand in the plural, after their number."""
    two, three = worded(lone(real, noun, 2), 150), worded(lone(real, noun, 3), 150)
    for number in ("two", "2", "a pair of"):
        assert any(f"{number} {plural}" in text for text in two)
    assert any(f"three {plural}" in text for text in three)
    assert not any(f"three {noun}s" in text for text in three if noun != plural)


@pytest.mark.parametrize(
    ("noun", "plural"), [("bread", "loaves"), ("dancer", "dancing women"), ("pizza", "slices of pizza")]
)
def test_synonyms_have_their_own_plurals(real: Vocabulary, noun: str, plural: str) -> None:
    """Nobody says `three loafs`, `dancing womans` or `slice of pizzas`."""
    assert any(f"three {plural}" in text for text in worded(lone(real, noun, 3), 150))


def test_there_are_several_and_there_is_one(real: Vocabulary) -> None:
    """The verb agrees with what follows it."""
    for noun, count, right, wrong in (
        ("dog", 1, "is", "are"),
        ("dog", 2, "are", "is"),
        ("french fries", 1, "are", "is"),
    ):
        texts = worded(lone(real, noun, count), 150)
        assert any(f"there {right} " in text for text in texts)
        assert not any(f"there {wrong} " in text for text in texts)


def test_wordings_vary(real: Vocabulary) -> None:
    """One scene is told in many ways, also in short."""
    texts = worded(lone(real, "dog"), 200)
    assert len(texts) > 60
    assert {"dog", "dog, park"} & texts
    assert any("puppy" in text for text in texts)


def test_alike_scenes_are_worded_alike(real: Vocabulary) -> None:
    """The same random numbers make the same sentence of another thing, but for its name."""
    for wording in range(50):
        dog = caption(lone(real, "taco"), real.wording, scene_random(0, wording))
        assert dog.replace("taco", "pretzel") == caption(
            lone(real, "pretzel"), real.wording, scene_random(0, wording)
        )


def test_no_word_tells_what_was_not_drawn(stream_vocabulary: Vocabulary) -> None:
    """The same holds for any table: the tiny one's captions are read by an oracle that knows nothing else."""
    oracle, sampler = Oracle(stream_vocabulary), SceneSampler(stream_vocabulary)
    for index in range(500):
        scene = sampler.sample(0, index)
        told = oracle.readings(caption(scene, sampler.vocabulary.wording, scene_random(1, index)))
        assert len(told) == 1
        assert not told[0].differences(seen(scene))
