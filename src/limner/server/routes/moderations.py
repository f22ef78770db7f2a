"""`/moderations`: what the prompt guard thinks of a text."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

import anyio.to_thread
from fastapi import APIRouter, Request

from limner.safety.prompts import PromptGuard
from limner.server.contract.openapi import errors, json_body
from limner.server.contract.schemas import MAX_INPUTS, Moderation, ModerationRequest
from limner.server.contract.values import invalid_type, json_type
from limner.server.errors import refuse
from limner.server.http.bodies import read_body
from limner.server.routes.dependencies import CallerOf, ServicesOf

__all__ = ["create_moderation", "router"]

router = APIRouter(tags=["Moderations"])

_MODEL = "omni-moderation-latest"
_MOST_CHARACTERS = 1_000_000


@router.post(
    "/moderations",
    response_model=Moderation,
    responses=errors(400, 401, 413, 415),
    openapi_extra=json_body(ModerationRequest),
)
async def create_moderation(request: Request, services: ServicesOf, caller: CallerOf) -> dict[str, Any]:
    """Judge texts by lists of words. Pictures cannot be judged and are refused."""
    del caller
    async with read_body(request) as body:
        texts = _texts(body.values.get("input"))
    _check_length(texts)
    return {
        "id": f"modr-{secrets.token_hex(12)}",
        "model": _MODEL,
        "results": [await anyio.to_thread.run_sync(_judged, services.guard, text) for text in texts],
    }


def _texts(given: Any) -> list[str]:
    """One text for each result: a string, strings, or the parts of one multi-modal input, joined."""
    if isinstance(given, str):
        return [given]
    if given is None:
        refuse("Missing required parameter: 'input'.", "missing_required_parameter", "input")
    if not isinstance(given, list):
        invalid_type("input", "a string or an array", json_type(given))
    if not 0 < len(given) <= MAX_INPUTS:
        refuse(f"Invalid 'input': expected an array of 1 to {MAX_INPUTS} items.", "invalid_value", "input")
    if all(isinstance(item, str) for item in given):
        return given
    return ["\n".join(_part(item, index) for index, item in enumerate(given))]


def _check_length(texts: list[str]) -> None:
    length = sum(map(len, texts))
    if length > _MOST_CHARACTERS:
        refuse(
            f"Invalid 'input': string too long. Expected at most {_MOST_CHARACTERS} characters in all, but got "
            f"{length} instead.",
            "string_above_max_length",
            "input",
        )


def _part(item: Any, index: int) -> str:
    param = f"input[{index}]"
    if not isinstance(item, Mapping):
        invalid_type(param, "an object", json_type(item))
    if item.get("type") != "text":
        refuse(f"Invalid '{param}': this server can judge parts of type 'text' only.", "invalid_value", param)
    if not isinstance(item.get("text"), str):
        invalid_type(f"{param}.text", "a string", json_type(item.get("text")))
    return str(item["text"])


def _judged(guard: PromptGuard, text: str) -> dict[str, Any]:
    verdict = guard.check(text)
    return {
        "flagged": verdict.flagged,
        "categories": dict(verdict.categories),
        "category_scores": dict(verdict.scores),
        "category_applied_input_types": {category: ["text"] for category in verdict.categories},
    }
