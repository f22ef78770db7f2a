"""One line of a batch: `{"custom_id", "method", "url", "body"}`, and what it asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any, NoReturn

from limner.bulk.wishes import Wish
from limner.engines.base import Capabilities
from limner.server.contract.calls import Call
from limner.server.contract.field import Route
from limner.server.contract.models import ModelTable
from limner.server.contract.validate import validate
from limner.server.drawing.encoding import encode_picture
from limner.server.drawing.plan import plan
from limner.server.errors import BAD_PICTURE, refuse
from limner.server.http.bodies import Body

__all__ = ["ENDPOINTS", "BatchLine", "call_of", "read_line", "wish_of_line"]

ENDPOINTS: Mapping[str, Route] = MappingProxyType(
    {"/v1/images/generations": Route.GENERATIONS, "/v1/images/edits": Route.EDITS}
)
"""What the lines of a batch can be calls of."""

_FIELDS = ("custom_id", "method", "url", "body")
_MAX_ID = 512


@dataclass(frozen=True, kw_only=True, slots=True)
class BatchLine:
    """A line as it was written.

    Attributes:
        custom_id: how its writer will know it again.
        body: of the call.
    """

    custom_id: str
    body: Mapping[str, Any]


def read_line(line: Mapping[str, Any], endpoint: str) -> BatchLine:
    """Judge everything of a line but its body.

    Args:
        line: its object.
        endpoint: where all lines of its batch go.

    Raises:
        ApiError: it is refused; `code` and `param` say why.
    """
    for name in line:
        if name not in _FIELDS:
            _refuse(f"Unknown field '{name[:100]}': a line has {', '.join(_FIELDS)}.", name[:100])
    for name in _FIELDS:
        if name not in line:
            refuse(f"Missing required parameter: '{name}'.", "missing_required_parameter", name)
    custom_id, body = line["custom_id"], line["body"]
    if not isinstance(custom_id, str) or not 0 < len(custom_id) <= _MAX_ID:
        _refuse(f"Invalid 'custom_id': expected a string of 1 to {_MAX_ID} characters.", "custom_id")
    if line["method"] != "POST":
        _refuse("Invalid 'method': expected 'POST'.", "method")
    if line["url"] != endpoint:
        message = (
            f"The URL of this line, {str(line['url'])[:100]!r}, is not the batch's endpoint, '{endpoint}'."
        )
        refuse(message, "url_mismatch", "url")
    if not isinstance(body, dict):
        _refuse("Invalid 'body': expected an object.", "body")
    return BatchLine(custom_id=custom_id, body=body)


def _refuse(message: str, param: str) -> NoReturn:
    refuse(message, "invalid_request", param)


def call_of(line: BatchLine, endpoint: str, models: ModelTable, *, strict: bool) -> Call:
    """The call that a line's body is, judged as if it had come by itself.

    Raises:
        ApiError: it is refused, or asks for a stream, for which there is nobody to read it.
    """
    body = Body(form="json", values=line.body)
    call = validate(ENDPOINTS[endpoint], body, models, strict=strict)
    if call.stream:
        message = "Streams are not possible in a batch: leave out 'stream', or send the call by itself."
        refuse(message, "unsupported_parameter", "stream", BAD_PICTURE)
    return call


def wish_of_line(line: Mapping[str, Any], models: ModelTable, able: Capabilities, *, strict: bool) -> Wish:
    """What a line asks of the command line, which draws generations into files.

    Raises:
        LimnerError: it is refused; `param` says why.
    """
    endpoint = "/v1/images/generations"
    found = read_line(line, endpoint)
    call = call_of(found, endpoint, models, strict=strict)
    if call.trace:
        message = "There is no place for a trace beside the file: leave out 'trace', or use `limner trace`."
        refuse(message, "unsupported_parameter", "trace")
    return Wish(
        id=found.custom_id,
        request=plan(call, able),
        format=call.output_format,
        encode=partial(encode_picture, call=call),
        set_aside=call.set_aside,
    )
