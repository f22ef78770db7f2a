"""How many tokens an answer counts, by OpenAI's own measure.

A picture is cut into square tiles, one token each, and each row of tiles ends with one more. Tiles are 64
pixels wide in low quality, 32 in medium and 16 in high, which gives exactly the numbers that OpenAI publishes
for gpt-image-1: 272, 1,056 and 4,160 for 1024x1024, 400, 1,568 and 6,208 for 1536x1024. A partial picture
counts 100. A picture that is handed in is counted in tiles of 32. Text counts a token for each word and each mark.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

__all__ = ["image_tokens", "text_tokens", "usage"]

_TILES: Mapping[str, int] = MappingProxyType({"low": 64, "medium": 32, "high": 16, "xhigh": 12, "max": 8})
_PARTIAL = 100
_TOKEN = re.compile(r"\w+|[^\w\s]")

Size = tuple[int, int]


def image_tokens(size: Size, quality: str = "medium") -> int:
    """The tokens of one picture of (width, height) pixels."""
    columns, rows = (-(-side // _TILES[quality]) for side in size)
    return columns * rows + rows


def text_tokens(prompt: str) -> int:
    """The words and marks of a prompt."""
    return len(_TOKEN.findall(prompt))


def usage(
    prompt: str, *, quality: str, size: Size, pictures: int = 1, source: Size | None = None, partials: int = 0
) -> dict[str, Any]:
    """The `usage` of an answer: one object for all its pictures, whose sums agree.

    Args:
        prompt: the words.
        quality: of the pictures, resolved.
        size: of each picture, (width, height).
        pictures: how many.
        source: the size of the picture that was handed in, or None.
        partials: how many previews were sent.
    """
    text, shown = text_tokens(prompt), image_tokens(source) if source else 0
    drawn = pictures * image_tokens(size, quality) + partials * _PARTIAL
    return {
        "input_tokens": text + shown,
        "input_tokens_details": {"image_tokens": shown, "text_tokens": text},
        "output_tokens": drawn,
        "output_tokens_details": {"image_tokens": drawn, "text_tokens": 0},
        "total_tokens": text + shown + drawn,
    }
