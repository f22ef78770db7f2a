"""JSON with whole files in it, written piece by piece, so that no file is ever held as text."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Iterator
from typing import Any

__all__ = ["Base64", "JsonPieces"]

# A multiple of 3: only so do the pieces of base64 join into the whole.
_PIECE_BYTES = 3 * 64 * 1024


class Base64:
    """A file that stands in an answer as base64."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def __len__(self) -> int:
        return 4 * -(-len(self.data) // 3)

    def __iter__(self) -> Iterator[bytes]:
        for start in range(0, len(self.data), _PIECE_BYTES):
            yield base64.b64encode(self.data[start : start + _PIECE_BYTES])


class JsonPieces:
    """A JSON value in which `Base64` objects may stand where strings may.

    Args:
        value: what to write.
        indent: as `json.dumps` has it.
    """

    def __init__(self, value: Any, *, indent: int | None = None) -> None:
        files: list[Base64] = []
        # Nobody can guess the mark, so nobody can put it into a prompt.
        mark = secrets.token_hex(16)

        def stand_in(item: object) -> str:
            if not isinstance(item, Base64):
                raise TypeError(f"{type(item).__name__} has no JSON form")
            files.append(item)
            return mark

        texts = json.dumps(value, indent=indent, default=stand_in, allow_nan=False).split(mark)
        self._texts = [text.encode() for text in texts]
        self._files = files

    def __len__(self) -> int:
        """How many bytes there will be."""
        return sum(map(len, self._texts)) + sum(map(len, self._files))

    def __iter__(self) -> Iterator[bytes]:
        yield self._texts[0]
        for file, text in zip(self._files, self._texts[1:], strict=True):
            yield from file
            yield text
