"""The OpenAPI document, true to what the server does: its request bodies are made from the table of fields.

What it describes is lenient mode, the default; strict mode accepts less. Each operation names every status that it
can answer with, and every media type.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel

from limner.server.access.links import MAX_URL_CHARACTERS
from limner.server.contract.field import FORMS, Field, Route
from limner.server.contract.fields import fields_of
from limner.server.contract.schemas import (
    Completed,
    ErrorEnvelope,
    ErrorEvent,
    ImagesResponse,
    PartialImage,
)
from limner.server.contract.sizes import AUTO, WRITTEN

__all__ = ["FILE_BODY", "document", "documented", "errors", "file_answers", "json_body"]

_WHAT_WENT_WRONG = {
    400: "Something in the request is wrong; `param` names it.",
    401: "The server wants an API key, and there is none or a wrong one.",
    403: "The link has expired.",
    404: "There is no such thing.",
    409: "That is not possible any more.",
    413: "The body, or a file in it, is too large.",
    415: "The body has a content type that is not known here.",
    416: "The range begins beyond the end of the file.",
    429: "This key has asked for too many pictures, or too many wait.",
    500: "A fault of the server.",
    503: "The server is shutting down, or there is no room on its disk.",
    504: "The pictures were not drawn in time.",
}
_DRAWING = (400, 401, 413, 415, 429, 503, 504)

_REFERENCE: dict[str, Any] = {
    "type": "object",
    "description": "Exactly one of the two.",
    "properties": {
        "image_url": {"type": "string", "minLength": 1, "maxLength": MAX_URL_CHARACTERS},
        "file_id": {"type": "string"},
    },
    "oneOf": [{"required": ["image_url"]}, {"required": ["file_id"]}],
}
_FILE: dict[str, Any] = {"type": "string", "format": "binary"}
_TYPES = {"boolean": "boolean", "integer": "integer", "number": "number", "object": "object"}
_NAMES = {"json": "application/json", "form": "multipart/form-data"}

FILE_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file", "purpose"],
                    "properties": {
                        "file": _FILE,
                        "purpose": {"type": "string", "enum": ["vision", "batch"]},
                        "expires_after[anchor]": {"type": "string", "enum": ["created_at"]},
                        "expires_after[seconds]": {"type": "integer", "minimum": 3600, "maximum": 2_592_000},
                    },
                }
            }
        },
    }
}


def errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What FastAPI is told of the errors that a route can answer with."""
    return {status: {"model": ErrorEnvelope, "description": _WHAT_WENT_WRONG[status]} for status in statuses}


def file_answers(media_types: Iterable[str]) -> dict[int | str, dict[str, Any]]:
    """What FastAPI is told of a route that answers with a file, whole or in part."""
    content = {media_type: {"schema": _FILE} for media_type in media_types}
    return {
        200: {"content": content, "description": "The file."},
        206: {"content": content, "description": "The part of it that was asked for."},
        304: {"description": "The client has it already."},
    }


def json_body(model: type[BaseModel]) -> dict[str, Any]:
    """The request body of a route that takes this JSON."""
    content = {"application/json": {"schema": _inlined(model.model_json_schema())}}
    return {"requestBody": {"required": True, "content": content}}


def documented(route: Route, *further: int) -> dict[str, Any]:
    """What FastAPI is told of a route that draws: its bodies and its answers.

    Args:
        route: which.
        *further: statuses besides those of all of them.
    """
    content = {_NAMES[form]: {"schema": _body(route, form)} for form in FORMS[route]}
    answer: dict[str, Any] = {"model": ImagesResponse, "description": "The pictures."}
    if route != Route.VARIATIONS:
        answer["content"] = {"text/event-stream": {"itemSchema": _event()}}
    return {
        "response_model": None,
        "responses": {200: answer} | errors(*_DRAWING, *further),
        "openapi_extra": {"requestBody": {"required": True, "content": content}},
    }


def _event() -> dict[str, Any]:
    """One event of a stream, as OpenAPI 3.2 describes them; older readers pass over it."""
    payloads = [_inlined(each.model_json_schema()) for each in (PartialImage, Completed, ErrorEvent)]
    data = {"type": "string", "contentMediaType": "application/json", "contentSchema": {"anyOf": payloads}}
    return {
        "type": "object",
        "properties": {"event": {"type": "string"}, "data": data},
        "required": ["event", "data"],
    }


def _inlined(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema without definitions of its own, which have no place inside a document."""
    definitions = schema.pop("$defs", {})

    def resolve(part: Any) -> Any:
        if isinstance(part, list):
            return [resolve(item) for item in part]
        if not isinstance(part, dict):
            return part
        if "$ref" in part:
            return resolve(definitions[part["$ref"].rpartition("/")[2]])
        return {name: resolve(value) for name, value in part.items()}

    resolved: dict[str, Any] = resolve(schema)
    return resolved


def _body(route: Route, form: str) -> dict[str, Any]:
    fields = fields_of(route, form)
    body: dict[str, Any] = {
        "type": "object",
        "properties": {field.name: _property(field, form) for field in fields},
        "required": [field.name for field in fields if field.required],
    }
    if "image" in body["required"]:
        several = {"type": "array", "items": dict(_FILE), "maxItems": 1}
        body["properties"]["image[]"] = several | {"description": "The same as `image`."}
        body["required"].remove("image")
        body["anyOf"] = [{"required": ["image"]}, {"required": ["image[]"]}]
    return body


def _property(field: Field, form: str) -> dict[str, Any]:
    schema = _schema(field, form)
    # In a form, null can only be written as a word, and among words it is none.
    is_nullable = form == "json" or field.kind not in ("string", "identifier", "picture", "pictures")
    if is_nullable and not field.required and "type" in schema:
        schema |= {"type": [schema["type"], "null"]}
        schema |= {"enum": [*schema["enum"], None]} if "enum" in schema else {}
    origin = " limner's own." if field.extension else ""
    return schema | {"description": field.does + origin}


def _schema(field: Field, form: str) -> dict[str, Any]:
    if field.lenient == "set aside":
        # Whatever stands there is not even looked at.
        return {}
    if field.kind in ("picture", "pictures"):
        return _pictures(field, form)
    schema: dict[str, Any] = {"type": _TYPES.get(field.kind, "string")}
    if field.kind == "identifier" and form == "json":
        return {"anyOf": [{"type": "string"}, {"type": "number"}, {"type": "null"}]}
    if field.kind == "size":
        schema["pattern"] = f"^({AUTO}|{WRITTEN})$"
    if field.kind == "choice":
        schema["enum"] = list(field.all_choices)
    if field.bounds:
        low, high = _widest(field)
        names = ("minLength", "maxLength") if field.kind == "string" else ("minimum", "maximum")
        schema |= dict(zip(names, (low, high), strict=True))
    return schema


def _pictures(field: Field, form: str) -> dict[str, Any]:
    if form == "form":
        return dict(_FILE)
    if field.kind == "picture":
        return {"anyOf": [_REFERENCE, {"type": "null"}]}
    return {"type": "array", "items": _REFERENCE, "minItems": 1, "maxItems": 1}


def _widest(field: Field) -> tuple[float, float]:
    return min(low for low, _ in field.bounds.values()), max(high for _, high in field.bounds.values())


def document(app: FastAPI) -> dict[str, Any]:
    """The document, without the 422 that FastAPI believes in and this server never answers."""
    if app.openapi_schema is None:
        schema = get_openapi(
            title=app.title, version=app.version, description=app.description, routes=app.routes
        )
        for methods in schema["paths"].values():
            for operation in methods.values():
                operation["responses"].pop("422", None)
        for name in ("HTTPValidationError", "ValidationError"):
            schema.get("components", {}).get("schemas", {}).pop(name, None)
        _restore_bounds(schema)
        app.openapi_schema = schema
    return app.openapi_schema


def _restore_bounds(schema: dict[str, Any]) -> None:
    """FastAPI makes decimal numbers of all bounds; 2**63 - 1, the largest seed, is none."""
    forms = {kind: form for form, kind in _NAMES.items()}
    for path, methods in schema["paths"].items():
        route = path.rpartition("/images/")[2]
        if route in list(Route):
            for kind, content in methods["post"]["requestBody"]["content"].items():
                content["schema"] = _body(Route(route), forms[kind])
