"""`limner.bulk.wishes`: every field of a line is honoured or refused by name."""

from __future__ import annotations

from typing import Any

import pytest

from limner import load
from limner.bulk.wishes import object_of, wish_of
from limner.errors import InvalidRequestError


def test_every_field_is_honoured() -> None:
    """What `limner generate` has an option for, a line has a field for."""
    wish = wish_of(
        {
            "prompt": "a cat",
            "n": 2,
            "seed": 3,
            "size": "64x32",
            "steps": 5,
            "guidance": 2,
            "sampler": "dpmpp_2m",
            "negative_prompt": "dogs",
            "format": "jpeg",
            "quality": 50,
            "id": 7,
        }
    )
    asked = wish.request
    assert (asked.prompt, asked.n, asked.seed, asked.size, asked.steps) == ("a cat", 2, 3, (64, 32), 5)
    assert (asked.guidance, asked.sampler, asked.negative_prompt) == (2, "dpmpp_2m", "dogs")
    assert (wish.id, wish.format) == ("7", "jpeg")


def test_the_file_is_that_of_the_library() -> None:
    """Same prompt and seed: same bytes as `Picture.to_bytes`."""
    [picture] = load(engine="fake").generate("a cat", seed=3)
    wish = wish_of({"prompt": "a cat", "seed": 3, "format": "webp", "quality": 40})
    assert wish.encode(picture) == picture.to_bytes("webp", quality=40)


def test_null_is_as_if_absent_and_without_a_seed_there_is_one() -> None:
    """Two lines without seeds have different ones."""
    seeds = {wish_of({"prompt": "a cat", "seed": None, "size": None}).request.seed for _ in range(2)}
    assert len(seeds) == 2


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"colour": 1}, "colour"),
        ({"prompt": None}, "prompt"),
        ({"prompt": 3}, "prompt"),
        ({"prompt": ""}, "prompt"),
        ({"n": 11}, "n"),
        ({"n": True}, "n"),
        ({"seed": -1}, "seed"),
        ({"seed": 1.5}, "seed"),
        ({"size": "large"}, "size"),
        ({"size": 256}, "size"),
        ({"size": [1, 2, 3]}, "size"),
        ({"size": ["a", 2]}, "size"),
        ({"size": "1x256"}, "size"),
        ({"steps": "4"}, "steps"),
        ({"guidance": 0}, "guidance"),
        ({"sampler": "ddim"}, "sampler"),
        ({"format": "gif"}, "format"),
        ({"format": []}, "format"),
        ({"quality": 50}, "quality"),
        ({"format": "jpeg", "quality": 0}, "quality"),
        ({"id": ""}, "id"),
        ({"id": True}, "id"),
    ],
)
def test_what_cannot_be_is_refused_by_name(more: dict[str, Any], param: str) -> None:
    """The error names the field."""
    with pytest.raises(InvalidRequestError) as refused:
        wish_of({"prompt": "a cat"} | more)
    assert refused.value.param == param


@pytest.mark.parametrize("line", [b"nonsense", b"[]", b'{"seed": NaN}', b"\xff", b"[" * 100_000])
def test_what_is_no_object_is_told(line: bytes) -> None:
    """In an error, whatever it is."""
    with pytest.raises(InvalidRequestError):
        object_of(line)
