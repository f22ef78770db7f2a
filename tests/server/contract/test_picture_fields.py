"""The fields that hold pictures x {absent, null, valid, wrong type, out of range} x both modes x both kinds of body.

Like `test_fields`, for the four fields that it leaves out: `image`, `images`, `mask` and `markup`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from limner.server.contract.calls import Call, FileId, Part
from limner.server.contract.field import Route
from limner.server.contract.fields import FIELDS
from limner.server.errors import ApiError
from tests.server.helpers import NAMES, form, json_body, judge, upload

GOOD = {"file_id": "file-1"}
MANY = ["file"] * 17

Told = tuple[str | None, str | None]
"""An error's code and param."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Expected:
    """What is sent for a field in each case, and the errors of those that have one.

    Attributes:
        body: "form" or "json".
        sent: by case; in a form, "file" stands for an uploaded one, and a list for several.
        errors: by case, in both modes; what is not in it is accepted.
    """

    body: str
    sent: Mapping[str, Any]
    errors: Mapping[str, Told] = field(default_factory=dict)


DOCUMENTED = {
    "image": Expected(
        body="form",
        sent={"null": "null", "valid": "file", "wrong type": "a cat", "out of range": MANY},
        errors={
            "absent": ("missing_required_parameter", "image"),
            "null": ("invalid_type", "image"),
            "wrong type": ("invalid_type", "image"),
            "out of range": ("array_above_max_length", "image"),
        },
    ),
    "images": Expected(
        body="json",
        sent={"null": None, "valid": [GOOD], "wrong type": GOOD, "out of range": [GOOD] * 17},
        errors={
            "absent": ("missing_required_parameter", "images"),
            "null": ("invalid_type", "images"),
            "wrong type": ("invalid_type", "images"),
            "out of range": ("array_above_max_length", "images"),
        },
    ),
    "mask of a form": Expected(
        body="form",
        sent={"null": "null", "valid": "file", "wrong type": "a cat", "out of range": ["file"] * 2},
        errors={
            "null": ("invalid_type", "mask"),
            "wrong type": ("invalid_type", "mask"),
            "out of range": ("duplicate_parameter", "mask"),
        },
    ),
    "mask": Expected(
        body="json",
        sent={"null": None, "valid": GOOD, "wrong type": "a cat", "out of range": GOOD | {"image_url": "a"}},
        errors={"wrong type": ("invalid_type", "mask"), "out of range": ("invalid_value", "mask")},
    ),
    "markup of a form": Expected(
        body="form",
        sent={"null": "null", "valid": "file", "wrong type": "a cat", "out of range": ["file"] * 2},
        errors={
            "null": ("invalid_type", "markup"),
            "valid": ("unsupported_parameter", "markup"),
            "wrong type": ("invalid_type", "markup"),
            "out of range": ("duplicate_parameter", "markup"),
        },
    ),
    "markup": Expected(
        body="json",
        sent={"null": None, "valid": GOOD, "wrong type": "a cat", "out of range": GOOD | {"image_url": "a"}},
        errors={
            "valid": ("unsupported_parameter", "markup"),
            "wrong type": ("invalid_type", "markup"),
            "out of range": ("invalid_value", "markup"),
        },
    ),
}

CASES = ("absent", "null", "valid", "wrong type", "out of range")


def ask(row: str, case: str, family: str, *, strict: bool) -> Call | ApiError:
    """What becomes of an edit in which one field is sent so."""
    expected, name = DOCUMENTED[row], row.partition(" ")[0]
    sent = {name: expected.sent[case]} if case != "absent" else {}
    texts = {"model": NAMES[family], "prompt": "a cat"}
    if expected.body == "json":
        other = {} if name == "images" else {"images": [GOOD]}
        return judge(Route.EDITS, json_body(**texts | other | sent), strict=strict)
    values = sent.get(name, [])
    files = [
        (f"{name}[]", upload())
        for value in (values if isinstance(values, list) else [values])
        if value == "file"
    ]
    words = {name: values} if isinstance(values, str) and values != "file" else {}
    pictures = [] if name == "image" else [("image", upload())]
    return judge(Route.EDITS, form(texts | words, *pictures, *files), strict=strict)


def told_by(row: str, case: str, family: str, *, strict: bool) -> Told | None:
    """The error that must come, or None."""
    if strict and row == "image" and case == "absent" and family == "D2":
        return None, None
    if strict and row.startswith("markup") and case != "absent" and family != "G2":
        return "unknown_parameter", "markup"
    return DOCUMENTED[row].errors.get(case)


@pytest.mark.parametrize("strict", [True, False], ids=["strict", "lenient"])
@pytest.mark.parametrize("family", ["D2", "G1", "G2"])
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("row", DOCUMENTED)
def test_each_case_of_each_field(row: str, case: str, family: str, *, strict: bool) -> None:
    """It is accepted and arrives, or is told of by code and param."""
    found, error = ask(row, case, family, strict=strict), told_by(row, case, family, strict=strict)
    if error is not None:
        assert isinstance(found, ApiError), found
        assert (found.code, found.param) == error
        return
    assert isinstance(found, Call), found
    assert found.set_aside == ()
    assert isinstance(found.picture, Part if DOCUMENTED[row].body == "form" else FileId)
    assert (found.mask is not None) == (row.startswith("mask") and case == "valid")


def test_no_field_of_pictures_is_left_out() -> None:
    """This table has those that the other has not."""
    assert {row.partition(" ")[0] for row in DOCUMENTED} == {
        known.name for known in FIELDS if known.kind in ("picture", "pictures")
    }
