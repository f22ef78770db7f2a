"""Every documented field x {absent, null, valid, wrong type, out of range} x both modes x all families.

What is expected is written here by hand from OpenAI's contract; the table of fields only has to name the same
fields. `Expected.strict_for` says for which families OpenAI has a field.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from limner.server.contract.calls import Call
from limner.server.contract.field import Route
from limner.server.contract.fields import FIELDS
from limner.server.errors import ApiError
from tests.server.helpers import ICON, NAMES, data_url, json_body, judge

USER = "invalid_request_error"
IMAGE = "image_generation_user_error"
ALL = "D2 D3 G1 G2"
GPT = "G1 G2"

Told = tuple[str, str | None, str | None, str]
"""An error's type, code, param and message."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Expected:
    """What OpenAI documents of a field.

    Attributes:
        strict_for: families for which it exists; "" is none, for limner's own.
        valid: a value that is accepted, by family or for all.
        wrong: a value of a wrong type.
        wrong_told: how errors say what was expected and what came.
        beyond: a value out of range and its error, by family or for all; None is no range.
        null: what null does in strict mode.
        support: "yes", or what becomes of it: "set aside" in lenient and refused in strict mode.
        at: which value the call then has, if it is not the one that was sent.
        route: where it is sent.
    """

    strict_for: str
    valid: Any
    wrong: Any = 7
    wrong_told: str | Mapping[str, str] = "a string, but got an integer"
    beyond: tuple[Any, Told] | Mapping[str, tuple[Any, Told]] | None = None
    null: str = "absent"
    support: str = "yes"
    at: str = ""
    route: Route = Route.GENERATIONS

    def of(self, case: str, family: str) -> Any:
        """The value to send, and for `beyond` its error."""
        value = getattr(self, case)
        is_by_family = isinstance(value, dict) and set(value) <= set(NAMES)
        return value[family] if is_by_family else value


def choice(field: str, value: str, supported: str) -> tuple[str, Told]:
    """The error of a value that is not among the choices."""
    return value, (
        USER,
        "invalid_value",
        field,
        f"Invalid value: '{value}'. Supported values are: {supported}.",
    )


def above(field: str, value: float, most: float, kind: str = "integer") -> tuple[float, Told]:
    """The error of a number that is too large."""
    message = (
        f"Invalid '{field}': {kind} above maximum value. Expected a value <= {most}, but got {value} instead."
    )
    return value, (USER, f"{kind}_above_max_value", field, message)


def below(field: str, value: float, least: float, kind: str = "integer") -> tuple[float, Told]:
    """The error of a number that is too small."""
    message = f"Invalid '{field}': {kind} below minimum value. Expected a value >= {least}, but got {value} instead."
    return value, (USER, f"{kind}_below_min_value", field, message)


def too_long(field: str, most: int) -> tuple[str, Told]:
    """The error of a string that is too long."""
    message = (
        f"Invalid '{field}': string too long. Expected a string with maximum length {most}, "
        f"but got a string with length {most + 1} instead."
    )
    return "x" * (most + 1), (USER, "string_above_max_length", field, message)


def legacy_long(most: int) -> tuple[str, Told]:
    """How DALL·E told of a long prompt."""
    return "x" * (most + 1), (USER, None, None, f"'{'x' * (most + 1)}' is too long - 'prompt'")


QUALITIES = "'low', 'medium', 'high', and 'auto'"
FINER = "'low', 'medium', 'high', 'xhigh', 'max', and 'auto'"
G1_SIZES = "'1024x1024', '1024x1536', '1536x1024', and 'auto'"
NO_SIZE: Told = (USER, "invalid_size", None, "The size is not supported by this model.")
NOT_A_SIZE: Told = (
    IMAGE,
    "invalid_value",
    "size",
    "Invalid size '0x0'. Expected WIDTHxHEIGHT, for example '1824x1024'.",
)
NOT_A_BOOLEAN = "a boolean, but got a string"
NOT_AN_INTEGER = "an integer, but got a decimal number"

DOCUMENTED: dict[str, Expected] = {
    "model": Expected(
        strict_for=ALL,
        valid=NAMES,
        beyond=("dall-e-9", (IMAGE, "invalid_value", "model", "The model 'dall-e-9' does not exist.")),
        null="error",
    ),
    "prompt": Expected(
        strict_for=ALL,
        valid="a cat",
        beyond={
            "D2": legacy_long(1000),
            "D3": legacy_long(4000),
            "G1": too_long("prompt", 32_000),
            "G2": too_long("prompt", 32_000),
        },
        null="error",
    ),
    "n": Expected(
        strict_for=ALL,
        valid={"D2": 10, "D3": 1, "G1": 10, "G2": 10},
        wrong=1.5,
        wrong_told=NOT_AN_INTEGER,
        beyond={name: above("n", 11, 1 if name == "D3" else 10) for name in NAMES},
    ),
    "quality": Expected(
        strict_for=ALL,
        valid={"D2": "standard", "D3": "hd", "G1": "high", "G2": "xhigh"},
        wrong_told={
            "D2": "one of 'standard', but got an integer",
            "D3": "one of 'standard' or 'hd', but got an integer",
            "G1": "one of 'low', 'medium', 'high', or 'auto', but got an integer",
            "G2": "one of 'low', 'medium', 'high', 'xhigh', 'max', or 'auto', but got an integer",
        },
        beyond={
            "D2": choice("quality", "best", "'standard'"),
            "D3": choice("quality", "best", "'standard' and 'hd'"),
            "G1": choice("quality", "best", QUALITIES),
            "G2": choice("quality", "best", FINER),
        },
    ),
    "background": Expected(
        strict_for=GPT,
        valid="opaque",
        wrong_told="one of 'transparent', 'opaque', or 'auto', but got an integer",
        beyond=choice("background", "red", "'transparent', 'opaque', and 'auto'"),
    ),
    "moderation": Expected(
        strict_for=GPT,
        valid="low",
        wrong_told="one of 'auto' or 'low', but got an integer",
        beyond=choice("moderation", "off", "'auto' and 'low'"),
    ),
    "output_format": Expected(
        strict_for=GPT,
        valid="webp",
        wrong_told="one of 'png', 'webp', or 'jpeg', but got an integer",
        beyond=choice("output_format", "gif", "'png', 'webp', and 'jpeg'"),
    ),
    "output_compression": Expected(
        strict_for=GPT,
        valid=100,
        wrong="2",
        wrong_told="an integer, but got a string",
        beyond=above("output_compression", 101, 100),
    ),
    "size": Expected(
        strict_for=ALL,
        valid={"D2": "256x256", "D3": "1792x1024", "G1": "1536x1024", "G2": "816x816"},
        beyond={
            "D2": ("0x0", NO_SIZE),
            "D3": ("0x0", NO_SIZE),
            "G1": choice("size", "0x0", G1_SIZES),
            "G2": ("0x0", NOT_A_SIZE),
        },
    ),
    "stream": Expected(strict_for=GPT, valid=True, wrong="true", wrong_told=NOT_A_BOOLEAN),
    "partial_images": Expected(
        strict_for=GPT,
        valid=0,
        wrong=True,
        wrong_told="an integer, but got a boolean",
        beyond=above("partial_images", 4, 3),
    ),
    "input_fidelity": Expected(
        strict_for="G1",
        valid="high",
        wrong_told="one of 'high' or 'low', but got an integer",
        beyond=choice("input_fidelity", "best", "'high' and 'low'"),
        route=Route.EDITS,
    ),
    "response_format": Expected(
        strict_for="D2 D3",
        valid="b64_json",
        wrong_told="one of 'url' or 'b64_json', but got an integer",
        beyond=choice("response_format", "file", "'url' and 'b64_json'"),
        null="error",
    ),
    "style": Expected(
        strict_for="D3",
        valid="natural",
        wrong_told="one of 'vivid' or 'natural', but got an integer",
        beyond=choice("style", "loud", "'vivid' and 'natural'"),
        null="error",
    ),
    "safety_identifier": Expected(strict_for=ALL, valid="someone", beyond=too_long("safety_identifier", 128)),
    "user": Expected(
        strict_for=ALL,
        valid="someone",
        wrong=True,
        wrong_told="a string, but got a boolean",
        at="safety_identifier",
    ),
    "complexity": Expected(
        strict_for="G2",
        valid="low",
        wrong_told="one of 'low', 'medium', or 'high', but got an integer",
        beyond=choice("complexity", "best", "'low', 'medium', and 'high'"),
        support="set aside",
    ),
    "frame_count": Expected(
        strict_for="G2",
        valid=9,
        wrong=True,
        wrong_told="an integer, but got a boolean",
        beyond=above("frame_count", 17, 16),
        support="set aside",
    ),
    "frame_duration_ms": Expected(
        strict_for="G2",
        valid=200,
        wrong=[1],
        wrong_told="an integer, but got an array",
        beyond=below("frame_duration_ms", 19, 20),
        support="set aside",
    ),
    "svg": Expected(
        strict_for="G2",
        valid={"model": "m"},
        wrong="m",
        wrong_told="an object, but got a string",
        support="set aside",
    ),
    "seed": Expected(
        strict_for="",
        valid=7,
        wrong="7",
        wrong_told="an integer, but got a string",
        beyond=below("seed", -1, 0),
    ),
    "steps": Expected(
        strict_for="", valid=3, wrong=2.0, wrong_told=NOT_AN_INTEGER, beyond=below("steps", 0, 1)
    ),
    "guidance_scale": Expected(
        strict_for="",
        valid=2.5,
        wrong="2",
        wrong_told="a number, but got a string",
        beyond=above("guidance_scale", 51, 50.0, "decimal"),
    ),
    "negative_prompt": Expected(
        strict_for="",
        valid="a tree",
        wrong={},
        wrong_told="a string, but got an object",
        beyond=too_long("negative_prompt", 32_000),
    ),
    "strength": Expected(
        strict_for="",
        valid=0.5,
        wrong="1",
        wrong_told="a number, but got a string",
        beyond=above("strength", 2, 1, "decimal"),
        route=Route.EDITS,
    ),
    "trace": Expected(strict_for="", valid=True, wrong=1, wrong_told="a boolean, but got an integer"),
}

OF_PICTURES = {"image", "images", "mask", "markup"}
"""Fields with files in them have a table of their own: test_picture_fields."""

MODES = pytest.mark.parametrize("strict", [True, False], ids=["strict", "lenient"])
# In strict mode no edit can name dall-e-3: test_validate.
CASES = pytest.mark.parametrize(
    ("name", "family"),
    [
        (name, family)
        for name, expected in DOCUMENTED.items()
        for family in NAMES
        if (expected.route, family) != (Route.EDITS, "D3")
    ],
)


def ask(name: str, family: str, *, strict: bool, **value: Any) -> Call | ApiError:
    """What becomes of a request of this family in which one field has a value, or none."""
    route = DOCUMENTED[name].route
    body: dict[str, Any] = {"model": NAMES[family], "prompt": "a cat"}
    if route == Route.EDITS:
        body["images"] = [{"image_url": data_url(ICON)}]
    body.pop(name, None)
    return judge(route, json_body(**body | value), strict=strict)


def told(error: Call | ApiError) -> Told:
    """An error's type, code, param and message."""
    assert isinstance(error, ApiError), error
    return error.type, error.code, error.param, str(error)


def accepted(call: Call | ApiError, *set_aside: str) -> Call:
    """The call, of which just these fields were set aside."""
    assert isinstance(call, Call), call
    assert call.set_aside == set_aside
    return call


def refused_at_once(name: str, family: str, *, strict: bool) -> Told | None:
    """The error of a field that strict mode does not know for this family, whatever stands in it."""
    expected = DOCUMENTED[name]
    if not strict or family in expected.strict_for.split() or (name, family) == ("input_fidelity", "G2"):
        return None
    return USER, "unknown_parameter", name, f"Unknown parameter: '{name}'."


def is_set_aside(name: str, *, strict: bool) -> bool:
    """Whether lenient mode takes the field without looking at it."""
    return DOCUMENTED[name].support == "set aside" and not strict


def test_the_same_fields_are_documented_and_known() -> None:
    """No field is in the table without being tested here, and none is documented without being in the table."""
    assert {field.name for field in FIELDS} == set(DOCUMENTED) | OF_PICTURES


@MODES
@CASES
def test_absent(name: str, family: str, *, strict: bool) -> None:
    """All but the prompt may be left out, and the model in lenient mode."""
    found = ask(name, family, strict=strict)
    if name == "prompt" or (name == "model" and strict):
        message = f"Missing required parameter: '{name}'."
        assert told(found) == (USER, "missing_required_parameter", name, message)
    else:
        accepted(found)


@MODES
@CASES
def test_null(name: str, family: str, *, strict: bool) -> None:
    """Null is as if absent, but for the fields for which OpenAI says otherwise, and always for the prompt."""
    found = ask(name, family, strict=strict, **{name: None})
    if (error := refused_at_once(name, family, strict=strict)) is not None:
        assert told(found) == error
    elif name == "prompt" or (strict and DOCUMENTED[name].null == "error"):
        kind, code, param, message = told(found)
        assert (kind, code, param) == (USER, "invalid_type", name)
        assert message.endswith("but got null instead.")
    else:
        accepted(found)


@MODES
@CASES
def test_valid(name: str, family: str, *, strict: bool) -> None:
    """What is documented is accepted and arrives, or strict mode says that this server cannot do it."""
    value = DOCUMENTED[name].of("valid", family)
    found = ask(name, family, strict=strict, **{name: value})
    if (error := refused_at_once(name, family, strict=strict)) is not None:
        assert told(found) == error
    elif is_set_aside(name, strict=strict):
        accepted(found, name)
    elif strict and (DOCUMENTED[name].support != "yes" or name == "input_fidelity") and family == "G2":
        code = "invalid_input_fidelity_model" if name == "input_fidelity" else "unsupported_parameter"
        message = f"The model '{NAMES[family]}' does not support the '{name}' parameter."
        assert told(found) == (IMAGE, code, name, message)
    else:
        assert arrived(accepted(found), name) == value


def arrived(call: Call, name: str) -> object:
    """The field's value in the call, written as it is sent."""
    value = getattr(call, DOCUMENTED[name].at or name)
    if name == "model":
        return value.id
    return "x".join(map(str, value)) if name == "size" else value


@MODES
@CASES
def test_wrong_type(name: str, family: str, *, strict: bool) -> None:
    """A value of another JSON type is refused in both modes, in the same words."""
    expected = DOCUMENTED[name]
    found = ask(name, family, strict=strict, **{name: expected.wrong})
    if (error := refused_at_once(name, family, strict=strict)) is not None:
        assert told(found) == error
    elif is_set_aside(name, strict=strict):
        accepted(found, name)
    else:
        message = f"Invalid type for '{name}': expected {expected.of('wrong_told', family)} instead."
        assert told(found) == (USER, "invalid_type", name, message)


@MODES
@CASES
def test_out_of_range(name: str, family: str, *, strict: bool) -> None:
    """A value that no family has is refused; in strict mode also one that only other families have."""
    if DOCUMENTED[name].beyond is None:
        return
    value, error = DOCUMENTED[name].of("beyond", family)
    found = ask(name, family, strict=strict, **{name: value})
    if (unknown := refused_at_once(name, family, strict=strict)) is not None:
        assert told(found) == unknown
    elif is_set_aside(name, strict=strict):
        accepted(found, name)
    elif not strict and (name, family) in LENIENT:
        if (other := LENIENT[name, family]) is None:
            accepted(found)
        else:
            assert told(found) == other
    else:
        assert told(found) == error


LENIENT: dict[tuple[str, str], Told | None] = {
    ("prompt", "D2"): None,
    ("prompt", "D3"): None,
    ("n", "D3"): above("n", 11, 10)[1],
    ("size", "D2"): NOT_A_SIZE,
    ("size", "D3"): NOT_A_SIZE,
    ("size", "G1"): NOT_A_SIZE,
}
"""Where lenient mode differs: all names have the widest bounds of all families."""
