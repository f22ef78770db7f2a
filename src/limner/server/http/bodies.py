"""The body of a request, read but not judged: JSON, or a multipart form with files.

Files of a form are spooled to disk by the parser and closed when the request is over.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, NoReturn

import anyio.to_thread
from python_multipart.exceptions import FormParserError
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from limner.server.errors import ApiError, refuse

__all__ = ["MAX_FILES", "MAX_PART_BYTES", "Body", "check_size", "duplicate", "read_body"]

MAX_PART_BYTES = 50 * 1024 * 1024
MAX_FILES = 16
# The parser's own limit: above MAX_FILES, so that too many pictures are told of by the name of their field.
_PARSED_FILES = 2 * MAX_FILES
_MAX_TEXTS = 200
_PARSED_AT_ONCE = 256 * 1024

_UNPARSABLE = (
    "We could not parse the JSON body of your request. (HINT: This likely means you aren't using your HTTP "
    "library correctly. The API expects a JSON payload, but what was sent was not valid JSON.)"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Body:
    """What was sent.

    Attributes:
        form: "json" or "form" (multipart).
        values: the fields by name, in the order in which they came; in a form, strings.
        files: a form's files by the name of their field, without its brackets.
        names: a form's field names as they were written, as often as they came.
    """

    form: str
    values: Mapping[str, Any]
    files: Mapping[str, tuple[UploadFile, ...]] = field(default_factory=dict)
    names: tuple[str, ...] = ()


@asynccontextmanager
async def read_body(
    request: Request, *, forms: tuple[str, ...] = ("json",), largest: int = MAX_PART_BYTES
) -> AsyncIterator[Body]:
    """Read a request's body.

    Args:
        request: whose.
        forms: what this route accepts: "json", "form" or both.
        largest: bytes that a file may have.

    Raises:
        ApiError: another content type, not JSON, not a form, or a file that is too large.
    """
    kind = request.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    if kind == "multipart/form-data" and "form" in forms:
        async with _parsed(request) as form:
            yield _form_body(form, largest)
    elif "json" in forms and (kind in ("", "text/plain", "application/json") or kind.endswith("+json")):
        yield Body(form="json", values=await _json_values(await request.body()))
    else:
        _unsupported(kind, forms)


def _unsupported(kind: str, forms: tuple[str, ...]) -> NoReturn:
    known = {"json": "'application/json'", "form": "'multipart/form-data'"}
    accepted = " and ".join(known[form] for form in forms)
    raise ApiError(
        f"Unsupported content type: '{kind}'. This API method only accepts {accepted} requests, but you "
        f"specified the header 'Content-Type: {kind}'. Please try again with a supported content type.",
        status=415,
        code="unsupported_content_type",
    )


async def _json_values(data: bytes) -> dict[str, Any]:
    # A picture as a data URL takes long enough to parse that others would notice.
    if len(data) > _PARSED_AT_ONCE:
        return await anyio.to_thread.run_sync(_json_object, data)
    return _json_object(data)


def _json_object(data: bytes) -> dict[str, Any]:
    try:
        value = json.loads(data, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        refuse(_UNPARSABLE, None, None)
    if not isinstance(value, dict):
        refuse(_UNPARSABLE, None, None)
    return value


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


@asynccontextmanager
async def _parsed(request: Request) -> AsyncIterator[FormData]:
    parser = _FormParser(request.headers, request.stream(), max_files=_PARSED_FILES, max_fields=_MAX_TEXTS)
    try:
        form = await parser.parse()
    except (MultiPartException, FormParserError) as error:
        # A part without a name, a missing boundary, too many parts: the parser's sentence says which.
        refuse(f"Invalid multipart form: {getattr(error, 'message', 'it cannot be read.')}", None, None)
    try:
        if not parser.is_complete:
            refuse("Invalid multipart form: it ends before its closing boundary.", None, None)
        yield form
    finally:
        parser.close()


class _FormParser(MultiPartParser):
    """Knows whether the form came to its end, and lets go of the files of one that did not."""

    is_complete = False

    def on_end(self) -> None:
        self.is_complete = True

    def close(self) -> None:
        for file in self._files_to_close_on_error:
            file.close()


def _form_body(form: FormData, largest: int) -> Body:
    values: dict[str, Any] = {}
    files: dict[str, tuple[UploadFile, ...]] = {}
    for name, value in form.multi_items():
        plain = name.partition("[")[0] if isinstance(value, UploadFile) else name
        if isinstance(value, UploadFile):
            check_size(plain, value, largest)
            files[plain] = (*files.get(plain, ()), value)
        elif name in values:
            duplicate(name)
        else:
            values[name] = value
    return Body(form="form", values=values, files=files, names=tuple(name for name, _ in form.multi_items()))


def check_size(name: str, file: UploadFile, largest: int = MAX_PART_BYTES) -> None:
    """Refuse a file that is too large.

    Raises:
        ApiError: it is.
    """
    if (file.size or 0) > largest:
        raise ApiError(
            f"Invalid file '{name}': it has {file.size:,} bytes, and at most {largest:,} are allowed.",
            status=413,
            code="file_too_large",
            param=name,
        )


def duplicate(name: str) -> NoReturn:
    """Refuse a form that has several values for a field that takes one.

    Raises:
        ApiError: always.
    """
    refuse(
        f"Duplicate parameter: '{name}'. You provided multiple values for this parameter, whereas only one is "
        "allowed. If you are trying to provide a list of values, use the array syntax instead "
        f"e.g. '{name}[]=<value>'.",
        "duplicate_parameter",
        name,
    )
