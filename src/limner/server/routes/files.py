"""`/files`: pictures to edit by their id, and lists of requests."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any, Literal

import anyio.to_thread
from fastapi import APIRouter, Query, Request
from fastapi.responses import FileResponse, Response

from limner.server.batches.orders import MAX_BYTES
from limner.server.contract.openapi import FILE_BODY, errors, file_answers
from limner.server.contract.schemas import Deleted, File, FileList
from limner.server.contract.values import invalid_type
from limner.server.errors import refuse
from limner.server.http.bodies import Body, check_size, duplicate, read_body
from limner.server.http.ranges import stored_file
from limner.server.routes.dependencies import CallerOf, ServicesOf
from limner.storage.uploads import Upload

__all__ = ["create_file", "delete_file", "download_file", "list_files", "retrieve_file", "router"]

router = APIRouter(tags=["Files"])


@router.post(
    "/files",
    response_model=File,
    response_model_exclude_unset=True,
    responses=errors(400, 401, 413, 415, 503),
    openapi_extra=FILE_BODY,
)
async def create_file(request: Request, services: ServicesOf, caller: CallerOf) -> dict[str, Any]:
    """Upload a file, for the purpose `vision` or `batch`."""
    async with read_body(request, forms=("form",), largest=MAX_BYTES) as body:
        if "file" not in body.files:
            refuse("Missing required parameter: 'file'.", "missing_required_parameter", "file")
        if len(body.files["file"]) > 1:
            duplicate("file")
        file, purpose, lasts = body.files["file"][0], body.values.get("purpose"), _lasts(body)
        if purpose is None:
            refuse("Missing required parameter: 'purpose'.", "missing_required_parameter", "purpose")
        if purpose != "batch":
            check_size("file", file)
        data = await file.read()
    upload = await anyio.to_thread.run_sync(
        lambda: services.uploads.add(
            data,
            owner=caller.owner,
            filename=file.filename or "upload",
            purpose=purpose,
            expires_after=lasts,
        )
    )
    return _told(upload)


def _lasts(body: Body) -> int | None:
    anchor, seconds = body.values.get("expires_after[anchor]"), body.values.get("expires_after[seconds]")
    if anchor not in (None, "created_at"):
        message = f"Invalid value: '{anchor}'. Supported values are: 'created_at'."
        refuse(message, "invalid_value", "expires_after[anchor]")
    if seconds is not None and not (seconds.isascii() and seconds.isdecimal() and len(seconds) < 12):
        invalid_type("expires_after[seconds]", "an integer", "a string")
    return None if seconds is None else int(seconds)


@router.get("/files", response_model=FileList, response_model_exclude_unset=True, responses=errors(400, 401))
async def list_files(
    services: ServicesOf,
    caller: CallerOf,
    *,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 10_000,
    after: str | None = None,
    order: Literal["asc", "desc"] = "desc",
    purpose: str | None = None,
) -> dict[str, Any]:
    """The caller's files, by the time of their upload."""
    page = await anyio.to_thread.run_sync(
        lambda: services.uploads.page(
            owner=caller.owner, limit=limit, after=after, order=order, purpose=purpose
        )
    )
    data = [_told(upload) for upload in page.uploads]
    ends = {"first_id": data[0]["id"] if data else None, "last_id": data[-1]["id"] if data else None}
    return {"object": "list", "data": data, "has_more": page.has_more} | ends


@router.get(
    "/files/{file_id}",
    response_model=File,
    response_model_exclude_unset=True,
    responses=errors(401, 404),
)
async def retrieve_file(file_id: str, services: ServicesOf, caller: CallerOf) -> dict[str, Any]:
    """What is known of a file."""
    return _told(await anyio.to_thread.run_sync(lambda: services.uploads.get(file_id, owner=caller.owner)))


@router.get(
    "/files/{file_id}/content",
    response_class=FileResponse,
    responses=file_answers(["application/octet-stream"]) | errors(401, 404, 416),
)
async def download_file(file_id: str, request: Request, services: ServicesOf, caller: CallerOf) -> Response:
    """A file's bytes."""
    upload = await anyio.to_thread.run_sync(lambda: services.uploads.get(file_id, owner=caller.owner))
    stored = await anyio.to_thread.run_sync(lambda: services.uploads.content(file_id, owner=caller.owner))
    return stored_file(request, stored, filename=upload.filename)


@router.delete("/files/{file_id}", response_model=Deleted, responses=errors(401, 404))
async def delete_file(file_id: str, services: ServicesOf, caller: CallerOf) -> dict[str, Any]:
    """Delete a file."""
    await anyio.to_thread.run_sync(lambda: services.uploads.delete(file_id, owner=caller.owner))
    return {"id": file_id, "object": "file", "deleted": True}


def _told(upload: Upload) -> dict[str, Any]:
    facts = {name: fact for name, fact in asdict(upload).items() if fact is not None}
    del facts["sha256"]
    return facts | {"object": "file"}
