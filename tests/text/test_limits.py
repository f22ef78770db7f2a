"""`limner.text.limits`: what one picture cannot show is left out of its prompt, and told."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limner.text.lexicon import Lexicon
from limner.text.limits import within_limits

THINGS = {
    name: noun
    for noun, names in {
        "dog": "dog dogs puppy puppies",
        "cat": "cat cats",
        "car": "car cars",
        "ball": "ball balls",
        "horse": "horse horses",
        "umbrella": "umbrella umbrellas",
    }.items()
    for name in names.split()
} | {"polar bear": "polar bear", "star": "star", "stars": "star"}

LEXICON = Lexicon(
    words=frozenset(),
    names=(("dog", "dogs"),),
    things=THINGS,
    unpaintable={"horse": "", "polar bear": "orange"},
    qualities={"red": "colour", "blue": "colour", "orange": "colour", "big": "size", "tiny": "size"},
    relations=frozenset({"and", "with", "on", "playing with", "next to", "in front of", "chasing", "riding"}),
    settings=frozenset({"park", "in the park", "on the beach", "at night", "under the stars", "rain"}),
)


def read(prompt: str) -> tuple[str, list[str]]:
    """What is left of a prompt, and what is left out."""
    reading = within_limits(LEXICON, prompt)
    return reading.text, [swap.word for swap in reading.swaps]


@pytest.mark.parametrize(
    "prompt",
    [
        "a cute puppy playing with a ball in the park",
        "dog, ball, park, rain",
        "a dog and a puppy next to two dogs and a cat",
        "a red car and a blue ball",
        "a red ball, and a blue one",
        "a big red car and a tiny blue dog",
        "a dog and a cat under the stars",
        "red, blue",
        "not",
        "",
        "?",
    ],
)
def test_what_can_be_drawn_is_left_as_it_was_written(prompt: str) -> None:
    """Two kinds of things, a colour and a size for each, a place and a light."""
    assert read(prompt) == (prompt, [])


@pytest.mark.parametrize(
    ("prompt", "text", "left_out"),
    [
        ("a red blue car", "a blue car", ["red"]),
        ("A red, blue car!", "A blue car!", ["red"]),
        ("a red and blue car in the park", "a blue car in the park", ["red"]),
        ("an orange blue car", "a blue car", ["orange"]),
        ("a blue orange car", "an orange car", ["blue"]),
        ("red blue orange balls", "orange balls", ["red", "blue"]),
        ("a big red tiny shiny dog", "a red tiny shiny dog", ["big"]),
    ],
)
def test_a_thing_has_one_colour_and_one_size(prompt: str, text: str, left_out: list[str]) -> None:
    """The last that is told, which stands nearest to it."""
    assert read(prompt) == (text, left_out)


@pytest.mark.parametrize(
    ("prompt", "text", "left_out"),
    [
        ("a blue horse", "a horse", ["blue"]),
        ("an orange horse and a red dog", "a horse and a red dog", ["orange"]),
        ("two big red tiny horses", "two tiny horses", ["big", "red"]),
        ("a red and blue horse", "a horse", ["red", "blue"]),
        ("a red polar bear", "a polar bear", ["red"]),
        ("an orange polar bear", "an orange polar bear", []),
        ("a big horse on a blue car", "a big horse on a blue car", []),
        ("a red odd horse", "a red odd horse", []),
    ],
)
def test_a_thing_is_drawn_in_colours_that_it_is_known_in(prompt: str, text: str, left_out: list[str]) -> None:
    """Its own ones may be told; a colour that belongs to another word is left alone."""
    assert read(prompt) == (text, left_out)


@pytest.mark.parametrize(
    ("prompt", "text", "left_out"),
    [
        ("a park with no dog", "a park", ["with no dog"]),
        ("a dog playing with no ball in the park", "a dog in the park", ["playing with no ball"]),
        ("a dog and no cat on the beach", "a dog on the beach", ["no cat"]),
        ("a dog, not a cat", "a dog", ["not a cat"]),
        ("a dog without a red ball on the beach", "a dog on the beach", ["without a red ball"]),
        ("a dog not on the beach", "a dog", ["not on the beach"]),
        ("a park without any people", "a park", ["without any people"]),
        ("no wizard on the beach", "on the beach", ["no wizard"]),
        ("no dogs or cats in the park, a ball", "in the park, a ball", ["no dogs or cats"]),
        ("a ball, neither a dog nor a cat", "a ball", ["neither a dog", "nor a cat"]),
        ("no dog", "", ["no dog"]),
    ],
)
def test_what_is_denied_is_not_drawn(prompt: str, text: str, left_out: list[str]) -> None:
    """Nor what belongs to it; the rest of the sentence stays."""
    assert read(prompt) == (text, left_out)


@pytest.mark.parametrize(
    ("prompt", "text", "left_out"),
    [
        (
            "a dog, a cat, a horse, a ball and a car in the park",
            "a dog, a cat in the park",
            ["a horse", "a ball", "a car"],
        ),
        ("dog, cat, horse, park, rain", "dog, cat, park, rain", ["horse"]),
        ("a dog on a horse next to a cat at night", "a dog on a horse at night", ["next to a cat"]),
        (
            "a dog chasing a cat eating a big red umbrella",
            "a dog chasing a cat",
            ["eating a big red umbrella"],
        ),
        ("a cat, three dogs, two blue cars. Rain.", "a cat, three dogs. Rain.", ["two blue cars"]),
        ("a cat and a dog by the pond with a ball", "a cat and a dog by the pond", ["with a ball"]),
        ("a cat, a dog and a polar bear, and the dog", "a cat, a dog and the dog", ["a polar bear"]),
    ],
)
def test_there_is_room_for_two_kinds_of_things(prompt: str, text: str, left_out: list[str]) -> None:
    """The first two that are told; places and lights are no things."""
    assert read(prompt) == (text, left_out)


def test_each_says_why() -> None:
    """In words that a person can act on."""
    reading = within_limits(LEXICON, "a red blue car, a dog, a cat, no horse")
    repainted = within_limits(LEXICON, "a blue horse")
    assert [str(swap) for swap in reading.swaps + repainted.swaps] == [
        "red: left out (a thing has one colour, here blue)",
        "a cat: left out (a picture has room for 2 kinds of things)",
        "no horse: left out (it is not to be seen)",
        "blue: left out (horse: known in its own colours only)",
    ]


@given(
    st.text(max_size=60)
    | st.lists(
        st.sampled_from([*THINGS, *LEXICON.qualities, *LEXICON.relations, "a", "an", "no", "or", ",", "odd"])
    ).map(" ".join)
)
def test_what_is_left_is_within_the_limits(prompt: str) -> None:
    """Once is enough; only what was left out is told."""
    text, left_out = read(prompt)
    assert bool(left_out) == (text != prompt)
    assert read(text) == (text, [])
