"""The OpenAPI document, true to what validation does: its request bodies are made from the table of fields.

What it describes is lenient mode, the default; strict mode accepts less.
"""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel

from limner.server.field import Field, Route
from limner.server.fields import fields_of
from limner.server.schemas import Completed, ErrorEnvelope, ImagesResponse, PartialImage

__all__ = ["ERRORS", "FILE_BODY", "document", "documented", "json_body"]

ERRORS: dict[int | str, dict[str, Any]] = {
    "4XX": {"model": ErrorEnvelope, "description": "What is wrong with the request."},
    "5XX": {"model": ErrorEnvelope, "description": "What is wrong with the server."},
}

_REFERENCE: dict[str, Any] = {
    "type": "object",
    "description": "Exactly one of the two.",
    "properties": {"image_url": {"type": "string"}, "file_id": {"type": "string"}},
}
_FILE: dict[str, Any] = {"type": "string", "format": "binary"}
_TYPES = {"boolean": "boolean", "integer": "integer", "number": "number", "object": "object"}
_NAMES = {"json": "application/json", "form": "multipart/form-data"}
_FORMS: dict[Route, tuple[str, ...]] = {
    Route.GENERATIONS: ("json",),
    Route.EDITS: ("form", "json"),
    Route.VARIATIONS: ("form",),
}

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


def json_body(model: type[BaseModel]) -> dict[str, Any]:
    """The request body of a route that takes this JSON."""
    content = {"application/json": {"schema": model.model_json_schema()}}
    return {"requestBody": {"required": True, "content": content}}


def documented(route: Route) -> dict[str, Any]:
    """What FastAPI is told of a route that draws: its bodies and its answers."""
    content = {_NAMES[form]: {"schema": _body(route, form)} for form in _FORMS[route]}
    answer: dict[str, Any] = {"model": ImagesResponse, "description": "The pictures."}
    if route != Route.VARIATIONS:
        events = [PartialImage.model_json_schema(), Completed.model_json_schema()]
        answer["content"] = {"text/event-stream": {"schema": {"anyOf": [_inlined(each) for each in events]}}}
    return {
        "response_model": None,
        "responses": {200: answer},
        "openapi_extra": {"requestBody": {"required": True, "content": content}},
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
    properties = {field.name: _property(field, form) for field in fields}
    if form == "form" and "image" in properties:
        properties["image[]"] = {"type": "array", "items": _FILE, "description": "The same as `image`."}
    required = [field.name for field in fields if field.required and field.kind != "pictures"]
    return {"type": "object", "properties": properties, "required": required}


def _property(field: Field, form: str) -> dict[str, Any]:
    schema = _schema(field, form)
    is_nullable = not field.required and form == "json"
    if is_nullable and "type" in schema:
        schema |= {"type": [schema["type"], "null"]}
        schema |= {"enum": [*schema["enum"], None]} if "enum" in schema else {}
    origin = " limner's own." if field.extension else ""
    return schema | {"description": field.does + origin}


def _schema(field: Field, form: str) -> dict[str, Any]:
    if field.kind in ("picture", "pictures"):
        one = dict(_FILE if form == "form" else _REFERENCE)
        return {"type": "array", "items": one} if field.kind == "pictures" and form == "json" else one
    schema: dict[str, Any] = {"type": _TYPES.get(field.kind, "string")}
    if field.kind == "identifier" and form == "json":
        return {"anyOf": [{"type": "string"}, {"type": "number"}, {"type": "null"}]}
    if field.kind == "choice":
        schema["enum"] = list(field.all_choices)
    if field.bounds:
        low, high = _widest(field)
        names = ("minLength", "maxLength") if field.kind == "string" else ("minimum", "maximum")
        schema |= dict(zip(names, (low, high), strict=True))
    return schema


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
        app.openapi_schema = schema
    return app.openapi_schema
