"""`limner.server.contract.references`: pictures in forms, behind links and uploaded before, or an error."""

from __future__ import annotations

from typing import Any

import pytest

from limner.server.contract.calls import Call, FileId, Link, Part
from limner.server.contract.field import Route
from tests.server.helpers import ICON, data_url, form, json_body, judge, refused, upload

TEXTS = {"model": "gpt-image-2", "prompt": "a"}


def edit(**values: Any) -> Any:
    """What becomes of a JSON edit."""
    return judge(Route.EDITS, json_body(**TEXTS | values), strict=True)


@pytest.mark.parametrize("name", ["image", "image[]", "image[0]"])
def test_all_ways_to_name_a_picture_are_one(name: str) -> None:
    """Errors call it as it was called."""
    call = judge(Route.EDITS, form(TEXTS, (name, upload())), strict=True)
    assert isinstance(call, Call)
    assert isinstance(call.picture, Part)
    assert call.picture.param == ("image" if name == "image" else "image[0]")


@pytest.mark.parametrize(
    ("images", "code", "param", "told"),
    [
        (None, "invalid_type", "images", "expected an array of objects, but got null instead."),
        ({}, "invalid_type", "images", "expected an array of objects, but got an object instead."),
        (["x"], "invalid_type", "images[0]", "expected an object, but got a string instead."),
        ([], "empty_array", "images", "Expected an array with minimum length 1"),
        ([{}], "missing_required_parameter", "images[0]", "exactly one of 'image_url' and 'file_id'"),
        ([{"image_url": "x", "file_id": "y"}], "invalid_value", "images[0]", "exactly one of"),
        ([{"image_url": 7}], "invalid_type", "images[0].image_url", "expected a string"),
    ],
)
def test_what_is_no_list_of_pictures_is_told(images: Any, code: str, param: str, told: str) -> None:
    """Each with its own code and the place where it is."""
    found = edit(images=images)
    assert (found.code, found.param) == (code, param)
    assert told in str(found)


def test_a_picture_must_be_there() -> None:
    """In both forms; DALL·E 2 had a sentence of its own."""
    assert str(edit()) == "Missing required parameter: 'images'."
    assert str(refused(Route.EDITS, form(TEXTS), strict=True)) == "Missing required parameter: 'image'."
    old = form({"model": "dall-e-2", "prompt": "a"})
    assert str(refused(Route.EDITS, old, strict=True)) == "'image' is a required property"


def test_references_keep_where_they_stood() -> None:
    """Links and ids, for the picture and the mask."""
    call = edit(images=[{"image_url": data_url(ICON)}], mask={"file_id": "file-1"})
    assert call.picture == Link(url=data_url(ICON), param="images[0].image_url")
    assert call.mask == FileId(id="file-1", param="mask.file_id")
    assert edit(images=[{"image_url": "x", "file_id": None}], mask=None).mask is None


def test_a_repeated_plain_name_is_refused_in_strict_mode() -> None:
    """The sentence says how to send a list."""
    found = refused(Route.EDITS, form(TEXTS, ("image", upload()), ("image", upload())), strict=True)
    assert str(found).startswith("Duplicate parameter: 'image'. You provided multiple values")
    assert str(found).endswith("use the array syntax instead e.g. 'image[]=<value>'.")


@pytest.mark.parametrize("strict", [True, False])
def test_more_than_one_picture_is_refused_by_name(*, strict: bool) -> None:
    """The model has eyes for one; leaving out the others would make another picture."""
    files = [("image[]", upload())] * 2
    found = refused(Route.EDITS, form(TEXTS, *files), strict=strict)
    assert (found.code, found.param) == ("unsupported_parameter", "image[1]")
    found = refused(Route.EDITS, form(TEXTS, *files * 9), strict=strict)
    assert (found.code, found.param) == ("array_above_max_length", "image")


def test_a_link_has_a_greatest_length() -> None:
    """20,971,520 characters, counted before anything is decoded."""
    found = edit(images=[{"image_url": "x" * 20_971_521}])
    assert (found.code, found.param) == ("string_above_max_length", "images[0].image_url")
