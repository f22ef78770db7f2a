"""Which sizes may be asked for, by family.

======  ==========================================================================================
family  strict mode
======  ==========================================================================================
D2, D3  three sizes each
G1      three sizes, and `auto`
G2      `auto`, or any W x H whose sides are multiples of 16 and at most 3840, no longer than three
        times the other, and which has 655,360 to 8,294,400 pixels
======  ==========================================================================================

Lenient mode takes `auto` and any W x H from 16 to 4096 a side, for every family. What is drawn has exactly the
pixels that were asked for.
"""

from __future__ import annotations

import re

from limner.server.contract.field import Field
from limner.server.contract.models import Family, ModelName
from limner.server.contract.values import invalid_choice
from limner.server.errors import BAD_PICTURE, refuse
from limner.types import MAX_SIDE, MIN_SIDE

__all__ = ["AUTO", "WRITTEN", "parse_size"]

AUTO = "auto"
WRITTEN = "([0-9]{1,5})x([0-9]{1,5})"
"""The pattern of all others."""

_MULTIPLE, _LONGEST, _RATIO = 16, 3840, 3
_FEWEST, _MOST = 655_360, 8_294_400


def parse_size(field: Field, text: str, model: ModelName, *, strict: bool) -> tuple[int, int] | None:
    """'1024x768' -> (1024, 768); 'auto' -> None.

    Args:
        field: the row of `size` in the table.
        text: as it was sent.
        model: the name that was asked for.
        strict: whether its family's sizes are the only ones.

    Raises:
        ApiError: there is no such size.
    """
    if strict and model.family != Family.G2 and text not in field.choices[model.family]:
        _refuse_fixed(field, text, model)
    if text == AUTO:
        return None
    size = _sides(text)
    complaint = _complaint(size) if strict and model.family == Family.G2 else _out_of_bounds(size)
    if complaint:
        refuse(f"Invalid size '{text}'. {complaint}", "invalid_value", "size", BAD_PICTURE)
    return size


def _refuse_fixed(field: Field, text: str, model: ModelName) -> None:
    if model.family.is_dalle:
        refuse("The size is not supported by this model.", "invalid_size", None)
    invalid_choice("size", text, field.choices[model.family])


def _sides(text: str) -> tuple[int, int]:
    found = re.fullmatch(WRITTEN, text)
    sides = (int(found[1]), int(found[2])) if found else (0, 0)
    if 0 in sides:
        message = f"Invalid size '{text}'. Expected WIDTHxHEIGHT, for example '1824x1024'."
        refuse(message, "invalid_value", "size", BAD_PICTURE)
    return sides


def _complaint(size: tuple[int, int]) -> str | None:
    width, height = size
    rules = (
        (width % _MULTIPLE or height % _MULTIPLE, "Width and height must both be divisible by 16."),
        (max(size) > _LONGEST, "The longest edge must be less than or equal to 3840."),
        (max(size) > _RATIO * min(size), "The aspect ratio must be between 1:3 and 3:1."),
        (width * height < _FEWEST, "Requested resolution is below the current minimum pixel budget."),
        (width * height > _MOST, "Requested resolution exceeds the current pixel budget."),
    )
    return next((sentence for broken, sentence in rules if broken), None)


def _out_of_bounds(size: tuple[int, int]) -> str | None:
    if min(size) >= MIN_SIDE and max(size) <= MAX_SIDE:
        return None
    return f"Each side must be from {MIN_SIDE} to {MAX_SIDE} pixels."
