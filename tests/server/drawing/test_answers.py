"""`limner.server.drawing.answers`: the bodies that both families send."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

import limner
from limner.imaging.picture import Picture
from limner.server.contract.calls import Call
from limner.server.contract.field import Route
from limner.server.drawing.answers import Drawn, images_response
from limner.server.http.pieces import Base64
from tests.server.helpers import NAMES, json_body, judge, noise

PICTURE = Picture(pixels_HWC=noise(32, 48), seed=7, prompt="a cat", model="m")


def call(family: str, **values: Any) -> Call:
    """A call of this family."""
    found = judge(Route.GENERATIONS, json_body(prompt="a cat", model=NAMES[family], **values), strict=False)
    assert isinstance(found, Call)
    return found


def test_the_newer_names_tell_what_was_drawn() -> None:
    """OpenAI's keys in OpenAI's order, nothing `auto`."""
    answer = images_response(call("G1"), [Drawn.of(PICTURE, b"file")], created=5)
    keys = ["created", "background", "data", "output_format", "quality", "size", "usage"]
    assert list(answer) == keys
    assert [answer[key] for key in ("background", "output_format", "quality", "size")] == [
        "opaque",
        "png",
        "medium",
        "48x32",
    ]
    [item] = answer["data"]
    assert isinstance(item.pop("b64_json"), Base64)
    assert item == {"seed": 7}


def test_dalle_tells_less() -> None:
    """Two keys; the revised prompt is DALL·E 3's alone."""
    drawn = [Drawn.of(PICTURE, b"file", "https://x/a.png")]
    assert images_response(call("D2"), drawn, created=5) == {
        "created": 5,
        "data": [{"url": "https://x/a.png", "seed": 7}],
    }
    [item] = images_response(call("D3"), drawn, created=5)["data"]
    assert item == {"revised_prompt": "a cat", "url": "https://x/a.png", "seed": 7}


def test_a_revised_prompt_is_the_one_that_was_drawn() -> None:
    """If the model does not know all words."""
    revised = replace(PICTURE, revised_prompt="a dog")
    [item] = images_response(call("D3"), [Drawn.of(revised, b"")], created=5)["data"]
    assert item["revised_prompt"] == "a dog"


def test_usage_counts_all_pictures_once() -> None:
    """One object, summed over n, with the picture that was handed in."""
    drawn = [Drawn.of(PICTURE, b"file")] * 3
    usage = images_response(call("G2", n=3), drawn, created=5, source=(64, 64))["usage"]
    assert usage["output_tokens"] == 3 * (2 * 1 + 1)
    assert usage["input_tokens_details"]["image_tokens"] == 6


def test_who_asked_is_told_back() -> None:
    """The safety identifier, in both families; without one there is no such key."""
    drawn = [Drawn.of(PICTURE, b"file")]
    for family in NAMES:
        assert images_response(call(family, user="u"), drawn, created=5)["safety_identifier"] == "u"
        assert "safety_identifier" not in images_response(call(family), drawn, created=5)


def test_a_trace_ends_in_the_file_that_is_handed_over() -> None:
    """Not in the one that the pipeline would have written."""
    [picture] = limner.load(engine="fake").generate("a cat", seed=1, trace=True)
    trace = Drawn.of(picture, b"file").extras()["trace"]
    assert trace["text_encoding"]["prompt"] == "a cat"
    assert trace["image_decoding"]["bytes"] == 4
    assert trace["image_decoding"]["sha256"] == hashlib.sha256(b"file").hexdigest()
