"""`limner.server.drawing.stream`: bytes that every client of server-sent events can read."""

from __future__ import annotations

import json
from typing import Any

import pytest

from limner.server.contract.calls import Call
from limner.server.contract.field import Route
from limner.server.drawing.answers import Drawn
from limner.server.drawing.stream import comment, completed, error_event, partial_image
from limner.server.errors import ApiError
from tests.server.helpers import events_of, json_body, judge

DRAWN = Drawn(file=b"file", size=(1024, 1024), seed=7, prompt="a cat")


def call(**values: Any) -> Call:
    """A call that streams."""
    body = json_body(model="gpt-image-1", prompt="a cat", stream=True, **values)
    found = judge(Route.GENERATIONS, body, strict=False)
    assert isinstance(found, Call)
    return found


def test_a_preview_has_the_documented_keys() -> None:
    """In the documented order."""
    text = b"".join(partial_image(call(), b"file", 1, size=(1024, 1024), created=5)).decode()
    [(name, told)] = events_of(text)
    assert name == "image_generation.partial_image"
    assert told == {
        "type": "image_generation.partial_image",
        "partial_image_index": 1,
        "b64_json": "ZmlsZQ==",
        "created_at": 5,
        "background": "opaque",
        "output_format": "png",
        "quality": "medium",
        "size": "1024x1024",
    }


def test_the_picture_counts_its_previews() -> None:
    """OpenAI's own example: 4,160 and three times 100."""
    text = b"".join(completed(call(quality="high", user="u"), DRAWN, created=5, partials=3)).decode()
    [(name, told)] = events_of(text)
    assert name == told["type"] == "image_generation.completed"
    assert told["usage"]["output_tokens"] == 4460
    assert (told["seed"], told["safety_identifier"]) == (7, "u")


def test_an_error_is_nested() -> None:
    """A flat one would be taken for a preview by OpenAI's Python client."""
    [(name, told)] = events_of(error_event(ApiError("x", code="c")).decode())
    assert name == told["type"] == "error"
    assert told["error"] == {"message": "x", "type": "invalid_request_error", "param": None, "code": "c"}


@pytest.mark.parametrize(
    "data",
    [
        b"".join(completed(call(), DRAWN, created=5, partials=0)),
        error_event(ApiError("a\nb")),
        comment("keep-alive"),
    ],
)
def test_every_block_ends_in_a_blank_line(data: bytes) -> None:
    """And has one line of data at most, no id and no retry: what clients were seen to choke on."""
    assert data.endswith(b"\n\n")
    lines = data.decode().rstrip("\n").split("\n")
    assert all(line.startswith((":", "event: ", "data: ")) for line in lines)
    assert sum(line.startswith("data: ") for line in lines) <= 1
    for line in lines:
        if line.startswith("data: "):
            json.loads(line[6:])
