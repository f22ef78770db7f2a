"""Files of the stores as answers: ETag, HEAD and single ranges (RFC 9110), errors in the envelope."""

from __future__ import annotations

import re
from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import FileResponse, Response

from limner.server.errors import ApiError
from limner.storage.disk import StoredFile

__all__ = ["stored_file"]

_RANGE = re.compile(r"bytes=(?:(\d{1,15})-(\d{0,15})|-(\d{1,15}))\Z", re.ASCII)


def stored_file(
    request: Request,
    stored: StoredFile,
    *,
    headers: Mapping[str, str] | None = None,
    filename: str | None = None,
) -> Response:
    """A file, the part of it that is asked for, or the news that the client has it already.

    Args:
        request: with its conditions.
        stored: the file.
        headers: further headers of the answer.
        filename: under which name it is to be saved; None is to be shown.

    Raises:
        ApiError: the range begins beyond the end of the file.
    """
    told = dict(headers or {}) | {"etag": stored.etag}
    known = [tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")]
    if stored.etag in known or "*" in known:
        return Response(status_code=304, headers=told)
    _settle_range(request, stored.size)
    return FileResponse(stored.path, media_type=stored.media_type, headers=told, filename=filename)


def _settle_range(request: Request, size: int) -> None:
    """Leave only a range that can be served; any other than a single plain one may be ignored (14.2)."""
    found = _RANGE.match(request.headers.get("range", ""))
    is_backwards = found is not None and found[2] and int(found[2]) < int(found[1])
    if found is None or is_backwards:
        request.scope["headers"] = [pair for pair in request.scope["headers"] if pair[0] != b"range"]
    elif (found[1] and int(found[1]) >= size) or (found[3] and int(found[3]) == 0):
        raise ApiError(
            f"The range begins beyond the file's {size:,} bytes.",
            status=416,
            code="range_not_satisfiable",
            headers={"content-range": f"bytes */{size}"},
        )
