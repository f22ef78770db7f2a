"""`limner.server.contract.values`: one value at a time, as JSON or as the text of a form."""

from __future__ import annotations

from typing import Any

import pytest

from limner.server.contract.fields import FIELDS
from limner.server.contract.models import OPENAI_NAMES
from limner.server.contract.values import Reading, json_type, listed
from limner.server.errors import ApiError
from tests.server.helpers import upload

BY_NAME = {field.name: field for field in FIELDS}


def read(name: str, raw: Any, *, form: bool, strict: bool = False) -> Any:
    """The value of a field for the newest name."""
    return Reading(OPENAI_NAMES[0], strict=strict, form=form).read(BY_NAME[name], raw)


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (None, "null"),
        (True, "a boolean"),
        (1, "an integer"),
        (1.5, "a decimal number"),
        ("1", "a string"),
        ({}, "an object"),
        ([], "an array"),
        (upload(), "a file"),
    ],
)
def test_types_have_openais_names(value: Any, name: str) -> None:
    """Errors call the JSON types what OpenAI calls them."""
    assert json_type(value) == name


def test_choices_are_listed_as_openai_lists_them() -> None:
    """One alone, two with a word between, more with a comma before it."""
    assert listed(["a"], "and") == "'a'"
    assert listed(["a", "b"], "or") == "'a' or 'b'"
    assert listed(["a", "b", "c"], "and") == "'a', 'b', and 'c'"


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("n", "3", 3),
        ("seed", "0", 0),
        ("stream", "true", True),
        ("stream", "False", False),
        ("guidance_scale", "2.5", 2.5),
        ("quality", "high", "high"),
        ("user", "123", "123"),
    ],
)
def test_a_form_writes_values_as_text(name: str, text: str, value: Any) -> None:
    """Numbers and booleans are read from strings; "false" is false."""
    assert read(name, text, form=True) == value
    assert read(name, text, form=True, strict=name not in ("seed", "guidance_scale")) == value


@pytest.mark.parametrize(
    ("name", "text", "kind"),
    [
        ("n", "abc", "an integer"),
        ("n", "2.5", "an integer"),
        ("n", "", "an integer"),
        ("n", "9" * 30, "an integer"),
        ("stream", "yes", "a boolean"),
        ("guidance_scale", "nan", "a number"),
        ("guidance_scale", "big", "a number"),
    ],
)
def test_text_that_is_no_such_value_is_refused(name: str, text: str, kind: str) -> None:
    """The sentence is OpenAI's."""
    with pytest.raises(ApiError) as caught:
        read(name, text, form=True)
    assert caught.value.code == "invalid_type"
    assert str(caught.value) == (
        f"Invalid type for '{name}': expected {kind}, but got a string value that could not be converted "
        f"into {kind}."
    )


def test_an_empty_choice_in_a_form_is_a_wrong_one() -> None:
    """`quality=` is not the same as no quality."""
    with pytest.raises(ApiError) as caught:
        read("quality", "", form=True)
    assert caught.value.code == "invalid_value"


def test_the_word_null_in_a_form_is_null_in_lenient_mode() -> None:
    """So writes OpenAI's Node client what was null; a prompt may still be the word."""
    assert read("n", "null", form=True) == 1
    assert read("prompt", "null", form=True) == "null"
    with pytest.raises(ApiError):
        read("n", "null", form=True, strict=True)


def test_a_user_may_be_a_number() -> None:
    """OpenAI tolerates it."""
    assert read("user", 123, form=False, strict=True) == "123"


def test_numbers_without_end_are_out_of_range() -> None:
    """1e999 and an integer of many digits are told, not computed with."""
    for value in (float("inf"), 10**400):
        with pytest.raises(ApiError) as caught:
            read("guidance_scale", value, form=False)
        assert caught.value.code == "decimal_above_max_value"


def test_a_prompt_is_measured_in_utf_16() -> None:
    """A letter outside the basic plane counts twice, as it does at OpenAI; a lone surrogate does no harm."""
    assert read("prompt", "\U0001f436" * 16_000, form=False) == "\U0001f436" * 16_000
    with pytest.raises(ApiError, match="got a string with length 32002"):
        read("prompt", "\U0001f436" * 16_001, form=False)
    assert read("prompt", "\ud800", form=False) == "\ud800"


def test_an_empty_prompt_has_a_code_of_its_own() -> None:
    """The text is OpenAI's, word for word."""
    with pytest.raises(ApiError) as caught:
        read("prompt", "", form=False)
    assert caught.value.code == "empty_string"
    assert str(caught.value) == (
        "Invalid 'prompt': empty string. Expected a string with minimum length 1, but got an empty string instead."
    )
