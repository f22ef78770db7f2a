"""LiteLLM: generate, edit and vary, each from plain and from asynchronous code, and the errors of each.

Its `image_variation` sends the picture and nothing else: size and number stay the server's defaults.
Only the asynchronous one translates what goes wrong.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import litellm
import openai

PHOTO = Path("photo.png").read_bytes()
DRAW = {"model": "openai/gpt-image-1", "prompt": "a red boat", "size": "64x32", "n": 2}
EDIT = {
    "model": "openai/gpt-image-1",
    "prompt": "a red boat",
    "image": PHOTO,
    "mask": Path("mask.png").read_bytes(),
}
VARY = {"model": "openai/dall-e-2", "image": PHOTO}
UNKNOWN = {"model": "openai/dall-e-9"}


def plain() -> dict[str, Any]:
    """The calls that wait."""
    return {
        "generate": litellm.image_generation(**DRAW).model_dump(),
        "edit": litellm.image_edit(**EDIT).model_dump(),
        "vary": litellm.image_variation(**VARY).model_dump(),
    }


async def at_once() -> dict[str, Any]:
    """The same asynchronously, all at the same time."""
    calls = (litellm.aimage_generation(**DRAW), litellm.aimage_edit(**EDIT), litellm.aimage_variation(**VARY))
    answers = [answer.model_dump() for answer in await asyncio.gather(*calls)]
    return dict(zip(("agenerate", "aedit", "avary"), answers, strict=True))


def vary_at_once(**fields: Any) -> Any:
    """The asynchronous variation, from plain code."""
    return asyncio.run(litellm.aimage_variation(**fields))


def error_of(call: Callable[..., Any], **fields: Any) -> dict[str, Any]:
    """What the call raises: one of its own errors, which are kin to those of OpenAI's client."""
    try:
        call(**fields)
    except openai.APIStatusError as error:
        return {"name": type(error).__name__, "status": error.status_code, "message": str(error)}
    return {}


def main() -> None:
    """One JSON object: what each call came back with."""
    litellm.suppress_debug_info = True
    errors = {
        "error": error_of(litellm.image_generation, **DRAW | UNKNOWN),
        "edit_error": error_of(litellm.image_edit, **EDIT | UNKNOWN),
        "vary_error": error_of(vary_at_once, **VARY | {"image": b"no picture"}),
        "stranger": error_of(litellm.image_generation, **DRAW, api_key="wrong"),
    }
    json.dump(plain() | asyncio.run(at_once()) | errors, sys.stdout)


main()
