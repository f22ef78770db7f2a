"""A line of a list -> what is to be drawn."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NoReturn, TypeAlias, get_args

from limner.errors import InvalidRequestError
from limner.imaging.codec import FileOptions
from limner.imaging.picture import Picture
from limner.types import FileFormat, ImageRequest

__all__ = ["Read", "Wish", "numbered_lines", "object_of", "wish_of"]

_FIELDS = (
    "prompt",
    "n",
    "seed",
    "size",
    "steps",
    "guidance",
    "sampler",
    "negative_prompt",
    "format",
    "quality",
    "id",
)
_MAX_ID = 512


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """What one line asks for.

    Attributes:
        id: how the line calls itself, or None.
        request: what is to be drawn.
        format: of the files.
        encode: a finished picture -> its file.
        set_aside: names of fields that were taken and are not honoured.
    """

    id: str | None
    request: ImageRequest
    format: FileFormat
    encode: Callable[[Picture], bytes]
    set_aside: tuple[str, ...] = ()


Read: TypeAlias = Callable[[Mapping[str, Any]], Wish]
"""Raises a `LimnerError` where the line cannot be honoured as it stands."""


def numbered_lines(source: Path) -> Generator[tuple[int, bytes]]:
    """The lines of a file that are not empty, with their numbers; a byte order mark is no part of the first."""
    with source.open("rb") as file:
        for number, line in enumerate(file, start=1):
            bare = line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line
            if bare.strip():
                yield number, bare


def object_of(line: bytes) -> dict[str, Any]:
    """The JSON object that a line is.

    Raises:
        InvalidRequestError: it is none.
    """
    try:
        value = json.loads(line, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise InvalidRequestError(f"this is not JSON ({error}): write one object on each line") from error
    if not isinstance(value, dict):
        raise InvalidRequestError('this is no JSON object: write {"prompt": "..."}')
    return value


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")


def wish_of(line: Mapping[str, Any]) -> Wish:
    """Read a line of limner's own: a prompt, and what `limner generate` has options for.

    A null is as if absent. Without a seed, the operating system gives one.

    Raises:
        InvalidRequestError: a field is unknown, or its value cannot be; `param` names it.
    """
    given = {name: value for name, value in line.items() if value is not None}
    for name in given:
        if name not in _FIELDS:
            _refuse(f"unknown field {name[:100]!r}: there are {', '.join(_FIELDS)}", name)
    if "prompt" not in given:
        _refuse("prompt is missing: say in words what the picture shows", "prompt")
    file_format, options = _format(given)
    return Wish(
        id=_id(given),
        request=_request(given),
        format=file_format,
        encode=partial(Picture.to_bytes, format=file_format, **options),
    )


def _request(given: dict[str, Any]) -> ImageRequest:
    names = ("n", "steps", "guidance", "sampler", "negative_prompt")
    return ImageRequest(
        prompt=given["prompt"],
        seed=given.get("seed", secrets.randbits(63)),
        size=_size(given.get("size")),
        **{name: given[name] for name in names if name in given},
    )


def _id(given: Mapping[str, Any]) -> str | None:
    found = given.get("id")
    if isinstance(found, int) and not isinstance(found, bool):
        return str(found)
    if found is None or (isinstance(found, str) and 0 < len(found) <= _MAX_ID):
        return found
    return _refuse(f"id must be a string of 1 to {_MAX_ID} characters, or a whole number", "id")


def _size(given: Any) -> tuple[int, int] | None:
    if given is None:
        return None
    if isinstance(given, str):
        given = [int(side) if _is_side(side) else -1 for side in given.lower().split("x")]
    if not isinstance(given, list) or len(given) != 2 or -1 in given:
        return _refuse(f"size must be written like 512x256, not {str(given)[:40]}", "size")
    return given[0], given[1]


def _is_side(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 10


def _format(given: Mapping[str, Any]) -> tuple[FileFormat, FileOptions]:
    found = given.get("format", "png")
    if found not in get_args(FileFormat):
        _refuse(f"format must be png, jpeg or webp, not {str(found)[:40]!r}", "format")
    if "quality" not in given:
        return found, {}
    quality = given["quality"]
    if found == "png" or isinstance(quality, bool) or not isinstance(quality, int) or not 1 <= quality <= 100:
        _refuse(
            "quality must be a whole number from 1 to 100, and PNG has none: leave it out there", "quality"
        )
    return found, {"quality": quality}


def _refuse(message: str, param: str) -> NoReturn:
    raise InvalidRequestError(message, param=param)
