"""`limner.studio.asking`: what was filled in becomes what the API is asked for."""

from __future__ import annotations

import pytest

from limner.errors import InvalidRequestError
from limner.studio.asking import Ask, lines, whole


def test_every_field_reaches_the_api() -> None:
    """Under the API's own names, and limner's own fields beside OpenAI's."""
    ask = Ask.of([" two cats ", "512x256", 3.0, 8.0, 2, "7", "natural", "dogs"])
    assert ask.body("limner-2") == {
        "model": "limner-2",
        "prompt": "two cats",
        "n": 3,
        "size": "512x256",
        "style": "natural",
        "seed": 7,
        "steps": 8,
        "guidance_scale": 2.0,
        "negative_prompt": "dogs",
    }


def test_empty_fields_are_left_out() -> None:
    """An empty seed is any seed, and an empty size the model's own."""
    body = Ask(prompt="two cats", size="", seed="  ").body("limner-2")
    assert body == {"model": "limner-2", "prompt": "two cats", "n": 1, "size": "auto", "style": "vivid"}


def test_an_edit_has_no_style_and_a_variation_no_words() -> None:
    """Their calls have no such fields."""
    ask = Ask(prompt="two cats", negative_prompt="dogs", seed="1")
    assert ask.picture_body("m") == {
        "model": "m",
        "prompt": "two cats",
        "n": 1,
        "size": "auto",
        "seed": 1,
        "negative_prompt": "dogs",
    }
    assert ask.picture_body("m", variation=True) == {"model": "m", "n": 1, "size": "auto", "seed": 1}


def test_a_picture_without_words_is_refused() -> None:
    """In a sentence of the page's own; a variation needs none."""
    for body in (Ask(prompt=" ").body, Ask(prompt=" ").picture_body):
        with pytest.raises(InvalidRequestError, match="There is no prompt: say in words what to draw"):
            body("m")


@pytest.mark.parametrize("text", ["four", "-1", "1.5", "1e3", "٣", "9" * 20])
def test_a_seed_that_is_no_whole_number_is_refused(text: str) -> None:
    """In a sentence that says what to write."""
    with pytest.raises(InvalidRequestError, match="must be a whole number such as 42"):
        whole(text, "seed")


def test_a_large_seed_is_not_rounded() -> None:
    """Numbers above 2**53 lose digits where they pass through JavaScript; text does not."""
    assert whole(str(2**63 - 1), "seed") == 2**63 - 1


def test_lines_are_taken_without_the_empty_ones() -> None:
    """And without the blanks around them."""
    assert lines(" a\n\n b b \n") == ["a", "b b"]
