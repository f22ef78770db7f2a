"""The pictures behind links: no key, but a signature; GET and HEAD, ETag, ranges; then gone."""

from __future__ import annotations

import anyio.to_thread
from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, Response

from limner.errors import ExpiredError
from limner.server.contract.openapi import errors, file_answers
from limner.server.errors import ApiError
from limner.server.http.ranges import stored_file
from limner.server.routes.dependencies import ServicesOf
from limner.storage.disk import MEDIA_TYPES, ROUTE

__all__ = ["read_picture", "router"]

router = APIRouter(tags=["Results"])


_ANSWERS = file_answers(dict.fromkeys(MEDIA_TYPES.values())) | errors(403, 404, 416)


@router.head(f"{ROUTE}/{{name}}", response_class=FileResponse, responses=_ANSWERS)
@router.get(f"{ROUTE}/{{name}}", response_class=FileResponse, responses=_ANSWERS)
async def read_picture(name: str, request: Request, services: ServicesOf) -> Response:
    """A picture that was drawn, until its link expires."""
    try:
        stored = await anyio.to_thread.run_sync(services.store.open, name, dict(request.query_params))
    except ExpiredError as error:
        raise ApiError(str(error), status=403, code="url_expired") from error
    return stored_file(request, stored, headers={"cache-control": "private, max-age=3600, immutable"})
