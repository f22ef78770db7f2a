"""`limner.safety._readings`: words without their disguises."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from limner.safety._readings import plain_words, readings


@pytest.mark.parametrize(
    "trick",
    [
        "NUDE",
        "nüdé",
        "n\u200bu\u200dd\u2060e",  # zero-width space, joiner, word joiner
        "nu\u00adde",  # soft hyphen
        "nu\ufe0fde",  # variation selector
        "\u202enude",  # right-to-left override
        "nu\u3164de",  # Hangul filler
        "\uff4e\uff55\uff44\uff45",  # full-width letters
        "\U0001d4f7\U0001d4fe\U0001d4ed\U0001d4ee",  # mathematical ones
        "ⓝⓤⓓⓔ",
        "nudе",  # noqa: RUF001  a Cyrillic letter
        "n u d e",
        "n.u.d.e",
        "n_u_d_e",
        "nud3",
        "nude's",
    ],
)
def test_a_disguised_word_is_read(trick: str) -> None:
    """At least one reading has the plain word, alone and in a sentence."""
    assert ["nude"] in readings(trick)
    assert ["paint", "nude", "art"] in readings(f"Paint, {trick} art!")


def test_an_invisible_character_may_stand_between_words() -> None:
    """Two words that a zero-width space holds together are read apart, too."""
    assert ["red", "dog"] in readings("red\u200bdog")
    assert ["reddog"] in readings("red\u200bdog")


def test_digits_are_digits_and_letters() -> None:
    """A number before a word leaves the word as it is; a number alone is never a word."""
    assert ["1", "girl"] in readings("1girl")
    assert readings("13 37") == [["13", "37"]]


@pytest.mark.parametrize(
    "age", ["aged 9", "age 17", "twelve years old", "12-year-old", "12yo", "16 y/o", "a 15 yr old", "3 y.o"]
)
def test_ages_of_children_are_read(age: str) -> None:
    """However it is written, an age below 18 is "underage"."""
    assert "underage" in plain_words(f"a person {age}")


@pytest.mark.parametrize("age", ["aged 18", "aged 90", "21 years old", "180-year-old", "1200 yo", "page 9"])
def test_other_ages_are_not(age: str) -> None:
    """Neither those of adults nor numbers that only end in one of a child."""
    assert "underage" not in plain_words(f"a person {age}")


@settings(deadline=None, derandomize=True)
@given(st.text())
def test_any_text_can_be_read(text: str) -> None:
    """Whatever a prompt holds, there are one to four readings of words in lower case."""
    found = readings(text)
    assert 1 <= len(found) <= 4
    assert all(word and not word.isspace() for words in found for word in words)
