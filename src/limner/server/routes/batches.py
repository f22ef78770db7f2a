"""`/batches`: lists of calls that are drawn when nobody else waits, within a day."""

from __future__ import annotations

from typing import Annotated, Any

import anyio.to_thread
from fastapi import APIRouter, Query, Request

from limner.server.batches.orders import read_order
from limner.server.contract.openapi import errors, json_body
from limner.server.contract.schemas import Batch as BatchShape
from limner.server.contract.schemas import BatchList, BatchRequest
from limner.server.http.bodies import read_body
from limner.server.http.origins import origin_of
from limner.server.routes.dependencies import BatchesOf, CallerOf, ServicesOf
from limner.storage.batches import Batch

__all__ = ["cancel_batch", "create_batch", "list_batches", "retrieve_batch", "router"]

router = APIRouter(tags=["Batches"])

_TIMES = (
    "created_at",
    "in_progress_at",
    "expires_at",
    "finalizing_at",
    "completed_at",
    "failed_at",
    "expired_at",
    "cancelling_at",
    "cancelled_at",
)


@router.post(
    "/batches",
    response_model=BatchShape,
    responses=errors(400, 401, 413, 415, 429, 503),
    openapi_extra=json_body(BatchRequest),
)
async def create_batch(
    request: Request, services: ServicesOf, batches: BatchesOf, caller: CallerOf
) -> dict[str, Any]:
    """Have the calls of an uploaded file drawn, a line each."""
    async with read_body(request) as body:
        order = read_order(body.values)
    origin = origin_of(request, services.settings.public_url)
    return _told(await anyio.to_thread.run_sync(batches.create, order, caller, origin))


@router.get("/batches", response_model=BatchList, responses=errors(400, 401))
async def list_batches(
    batches: BatchesOf,
    caller: CallerOf,
    *,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    after: str | None = None,
) -> dict[str, Any]:
    """The caller's batches, the newest first."""
    page = await anyio.to_thread.run_sync(lambda: batches.page(caller, limit=limit, after=after))
    data = [_told(batch) for batch in page.batches]
    ends = {"first_id": data[0]["id"] if data else None, "last_id": data[-1]["id"] if data else None}
    return {"object": "list", "data": data, "has_more": page.has_more} | ends


@router.get("/batches/{batch_id}", response_model=BatchShape, responses=errors(401, 404))
async def retrieve_batch(batch_id: str, batches: BatchesOf, caller: CallerOf) -> dict[str, Any]:
    """Where a batch stands."""
    return _told(await anyio.to_thread.run_sync(batches.get, batch_id, caller))


@router.post("/batches/{batch_id}/cancel", response_model=BatchShape, responses=errors(401, 404, 409))
async def cancel_batch(batch_id: str, batches: BatchesOf, caller: CallerOf) -> dict[str, Any]:
    """Begin nothing more of a batch. What is under way is finished, and what is there is handed out."""
    return _told(await anyio.to_thread.run_sync(batches.cancel, batch_id, caller))


def _told(batch: Batch) -> dict[str, Any]:
    wrong = {"object": "list", "data": list(batch.errors)} if batch.errors else None
    return {
        "id": batch.id,
        "object": "batch",
        "endpoint": batch.endpoint,
        "errors": wrong,
        "input_file_id": batch.input_file_id,
        "completion_window": batch.completion_window,
        "status": batch.status,
        # They have their ids before they are there.
        "output_file_id": batch.output_file_id if batch.over else None,
        "error_file_id": batch.error_file_id if batch.over else None,
        "request_counts": {"total": batch.total, "completed": batch.completed, "failed": batch.failed},
        "metadata": batch.metadata,
    } | {name: getattr(batch, name) for name in _TIMES}
