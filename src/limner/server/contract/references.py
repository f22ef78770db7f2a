"""Where the pictures of an edit or a variation are: in the form, behind a link, or uploaded before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

from starlette.datastructures import UploadFile

from limner.server.access.links import MAX_URL_CHARACTERS
from limner.server.contract.calls import FileId, Link, Part, PictureSource
from limner.server.contract.field import Field
from limner.server.contract.models import Family, ModelName
from limner.server.contract.values import ABSENT, invalid_type, json_type
from limner.server.errors import BAD_PICTURE, refuse
from limner.server.http.bodies import MAX_FILES, Body, duplicate

__all__ = ["read_picture", "read_pictures"]


def read_pictures(
    field: Field, raw: Any, body: Body, model: ModelName, *, strict: bool
) -> tuple[PictureSource, ...]:
    """The pictures of `image` or `images`: one, for now.

    Raises:
        ApiError: there is none, too many, or something else in its place.
    """
    found = (
        _from_json(field, raw) if body.form == "json" else _from_form(field, raw, body, model, strict=strict)
    )
    if len(found) > MAX_FILES:
        refuse(
            f"Invalid '{field.name}': array too long. Expected an array with maximum length {MAX_FILES}, but got "
            f"an array with length {len(found)} instead.",
            "array_above_max_length",
            field.name,
        )
    if len(found) > 1:
        refuse(
            f"The model '{model.id}' works on one picture at a time, and got {len(found)}: send only the first.",
            "unsupported_parameter",
            f"{field.name}[1]",
            BAD_PICTURE,
        )
    return found


def _from_form(
    field: Field, raw: Any, body: Body, model: ModelName, *, strict: bool
) -> tuple[PictureSource, ...]:
    if raw is ABSENT:
        _missing(field, model, strict=strict)
    _expect_files(field, raw)
    if strict and body.names.count(field.name) > 1:
        duplicate(field.name)
    is_array = any(name.startswith(f"{field.name}[") for name in body.names)
    return tuple(
        Part(file=file, param=f"{field.name}[{index}]" if is_array else field.name)
        for index, file in enumerate(raw)
    )


def _missing(field: Field, model: ModelName, *, strict: bool) -> NoReturn:
    if strict and model.family == Family.D2:
        refuse(f"'{field.name}' is a required property", None, None)
    refuse(f"Missing required parameter: '{field.name}'.", "missing_required_parameter", field.name)


def _expect_files(field: Field, raw: Any) -> None:
    if not isinstance(raw, tuple):
        invalid_type(field.name, "a file", json_type(raw))


def _from_json(field: Field, raw: Any) -> tuple[PictureSource, ...]:
    if raw is ABSENT:
        refuse(f"Missing required parameter: '{field.name}'.", "missing_required_parameter", field.name)
    if not isinstance(raw, list):
        invalid_type(field.name, "an array of objects", json_type(raw))
    if not raw:
        refuse(
            f"Invalid '{field.name}': empty array. Expected an array with minimum length 1, "
            "but got an empty array instead.",
            "empty_array",
            field.name,
        )
    return tuple(_reference(value, f"{field.name}[{index}]") for index, value in enumerate(raw))


def read_picture(field: Field, raw: Any, form: str) -> PictureSource | None:
    """The picture of a field that takes one; None where it is absent or null.

    Raises:
        ApiError: there is something else in its place.
    """
    if raw is ABSENT or raw is None:
        return None
    if form == "json":
        return _reference(raw, field.name)
    _expect_files(field, raw)
    if len(raw) > 1:
        duplicate(field.name)
    file: UploadFile = raw[0]
    return Part(file=file, param=field.name)


def _reference(value: Any, param: str) -> PictureSource:
    """`{"image_url": ...}` or `{"file_id": ...}`, exactly one of them."""
    if not isinstance(value, Mapping):
        invalid_type(param, "an object", json_type(value))
    given = [name for name in ("image_url", "file_id") if value.get(name) is not None]
    if len(given) != 1:
        message = f"Invalid '{param}': expected exactly one of 'image_url' and 'file_id'."
        refuse(message, "invalid_value" if given else "missing_required_parameter", param)
    [name] = given
    text = value[name]
    if not isinstance(text, str):
        invalid_type(f"{param}.{name}", "a string", json_type(text))
    if name == "file_id":
        return FileId(id=text, param=f"{param}.file_id")
    if len(text) > MAX_URL_CHARACTERS:
        refuse(
            f"Invalid '{param}.image_url': string too long. Expected a string with maximum length "
            f"{MAX_URL_CHARACTERS}, but got a string with length {len(text)} instead.",
            "string_above_max_length",
            f"{param}.image_url",
        )
    return Link(url=text, param=f"{param}.image_url")
