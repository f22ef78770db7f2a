"""`limner.server.http.pieces`: the same JSON as with the files in it as text, and never whole."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from limner.server.http.pieces import Base64, JsonPieces


@pytest.mark.parametrize("length", [0, 1, 2, 3, 500_001])
def test_files_stand_as_base64(length: int) -> None:
    """The pieces join into what json.dumps would have written, and their length is known before."""
    data = bytes(range(256)) * (length // 256) + b"x" * (length % 256)
    value: dict[str, Any] = {"a": [{"b64_json": Base64(data)}, {"b64_json": Base64(b"second")}], "b": "ö"}
    pieces = JsonPieces(value, indent=2)
    text = b"".join(pieces)
    assert len(text) == len(pieces)
    expected = {
        "a": [{"b64_json": base64.b64encode(part).decode()} for part in (data, b"second")],
        "b": "ö",
    }
    assert text.decode() == json.dumps(expected, indent=2)


def test_no_piece_is_large() -> None:
    """A file of megabytes comes a quarter of one at a time."""
    assert max(map(len, JsonPieces({"f": Base64(bytes(3_000_000))}))) <= 262_144


def test_what_has_no_json_form_is_an_error() -> None:
    """A fault in the caller must not become a wrong answer."""
    with pytest.raises(TypeError, match="object has no JSON form"):
        JsonPieces({"a": object()})
