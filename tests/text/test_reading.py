"""`limner.text.reading`: a prompt in a model's own words, and an account of what became of the others."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from limner.text.lexicon import Lexicon, Name
from limner.text.reading import FARTHEST, SOMEWHERE, read_with
from limner.text.vocabulary import Vocabulary
from limner.types import Floats, Reading

NAMES: tuple[Name, ...] = (
    ("dog", "dogs"),
    ("umbrella", "umbrellas"),
    ("car", "cars"),
    ("red", "red"),
    ("sea", "sea"),
)
WORDS = (
    "three dog dogs umbrella umbrellas car cars red sea cute "  # noqa: SIM905 (words read better in a row)
    "t rex woman beach green".split()
)
# Where texts lie: along the axis of a name, or, the last two, along none.
AXES = {"hound": 0, "hounds": 0, "parasol": 1, "ferrari": 2, "crimson": 3, "lake": 4, "gadget": 2, "photo": 0}


def vectors(texts: Sequence[str]) -> Floats:
    """Vectors of single words with their article; one that nobody knows lies away from everything."""
    rows = np.zeros((len(texts), 6), np.float32)
    for row, text in zip(rows, texts, strict=True):
        word = text.removeprefix("a ")
        names = [one for one, _ in NAMES]
        row[names.index(word) if word in names else AXES.get(word, 5)] = 1
        row[5] += 0.1
    return rows


LEXICON = Lexicon(
    words=frozenset(WORDS),
    names=NAMES,
    things={name: one for one, several in NAMES[:3] for name in (one, several)},
    qualities={"red": "colour", "green": "colour"},
)
VOCABULARY = Vocabulary.of(LEXICON, vectors([f"a {one}" for one, _ in NAMES]))


def read(prompt: str) -> Reading:
    """A prompt as the little model reads it."""
    return read_with(VOCABULARY, prompt, vectors)


@pytest.mark.parametrize(
    "prompt",
    [
        "a cute dog, on the beach!",
        "A Dog and a CAR",
        "7 dogs",
        "a T-Rex  by the  sea",
        "the woman's umbrella",
        "",
        "?",
    ],
)
def test_a_prompt_of_known_words_is_taken_to_the_letter(prompt: str) -> None:
    """Nothing is encoded for it, and nothing of it is mended."""
    assert read_with(VOCABULARY, prompt, lambda _: pytest.fail("nothing is to be looked for")) == Reading(
        text=prompt
    )


@pytest.mark.parametrize(
    ("prompt", "text"),
    [
        ("a hound on the beach", "a dog on the beach"),
        ("Three hounds", "Three dogs"),
        ("a parasol", "an umbrella"),
        ("an umbrella and a ferrari", "an umbrella and a car"),
        ("a crimson car", "a red car"),
        ("a car by the lake", "a car by the sea"),
        ("a wizard and a dog", "a dog"),
        ("a dog with a wizard", "a dog"),
        ("a dog, a wizard, a car", "a dog, a car"),
        ("a majestic dog", "a dog"),
        ("an old dog", "a dog"),
        ("a shiny umbrella", "an umbrella"),
        ("a photo of a dog", "a dog"),
        ("a dog wearing a red umbrella", "a dog with a red umbrella"),
        ("a dog sleeping on the beach", "a dog on the beach"),
        ("a gadget dog", "a dog"),
    ],
)
def test_other_words_become_the_nearest_or_are_left_out(prompt: str, text: str) -> None:
    """What is left reads like a sentence, with the right articles."""
    assert read(prompt).text == text


def test_what_became_of_each_word_is_told() -> None:
    """The word, what is drawn for it, the nearest name, and how far that is."""
    hound, wizard = read("a hound and a wizard and a hound").swaps
    assert (hound.word, hound.read_as, hound.nearest) == ("hound", "dog", "dog")
    assert hound.distance <= FARTHEST
    assert (wizard.word, wizard.read_as) == ("wizard", "")
    assert wizard.distance > FARTHEST
    assert str(hound).startswith("hound: read as dog (nearest is dog")
    assert str(wizard).startswith("wizard: left out (nearest is ")


@pytest.mark.parametrize("prompt", ["wizard", "ein Zauberer", "a wizard and an elf", "魔法使い", "no dog"])
def test_where_nothing_is_left_there_is_a_place(prompt: str) -> None:
    """A meadow, rather than a blur that stands for words that the model does not know, or the dog of "no dog"."""
    reading = read(prompt)
    assert reading.text == SOMEWHERE
    assert reading.swaps
    assert all(": left out" in str(swap) for swap in reading.swaps)


def test_what_no_picture_can_show_is_left_out_first() -> None:
    """One account of it, and of the words that the model does not know."""
    reading = read("a red green ferrari and a wizard, not a hound")
    assert reading.text == "a green car"
    assert [swap.word for swap in reading.swaps] == ["red", "not a hound", "ferrari", "wizard"]


def test_a_long_prompt_costs_no_more_than_what_is_read_of_it() -> None:
    """Ten thousand different words are not ten thousand texts to encode."""
    asked: list[int] = []

    def count(texts: Sequence[str]) -> Floats:
        asked.append(len(texts))
        return vectors(texts)

    read_with(VOCABULARY, " ".join(f"word{number}" for number in range(10_000)), count)
    assert asked == [48]


@pytest.mark.parametrize("filler", ["and ", "a" * 31_000, "a-", "ing, ", "' ", " , "])
def test_what_is_not_read_is_left_alone(filler: str) -> None:
    """The rest of a long prompt follows as it was written, and no prompt takes long to look at."""
    prompt = f"a hound, {filler * (31_000 // len(filler))}"
    assert read(prompt).text.startswith("a dog")
    rest = " and" * 7_000
    assert read("a hound" + " dog" * 46 + rest).text == "a" + " dog" * 46 + rest


@given(
    st.text(max_size=60)
    | st.lists(st.sampled_from([*WORDS, *AXES, "a", "an", "the", "of", "and", ","])).map(" ".join)
)
def test_every_text_can_be_read(prompt: str) -> None:
    """It never ends up empty, and what was read once is read no further."""
    reading = read(prompt)
    assert reading.text or not prompt.strip()
    assert bool(reading.swaps) or reading.text == prompt
