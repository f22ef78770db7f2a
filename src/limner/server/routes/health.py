"""Whether the server lives, whether it can draw, how much waits, and its metrics. None of it needs a key."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from fastapi.responses import PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from limner.server.contract.openapi import errors
from limner.server.errors import ApiError
from limner.server.routes.dependencies import ServicesOf

__all__ = ["read_health", "read_metrics", "read_queue", "read_readiness", "router"]

router = APIRouter(tags=["Health"])


@router.get("/healthz")
async def read_health() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@router.get("/readyz", responses=errors(503))
async def read_readiness(services: ServicesOf) -> dict[str, Any]:
    """New work is taken."""
    if services.leaving.is_set():
        raise ApiError(
            "The server is shutting down.",
            status=503,
            type="service_unavailable_error",
            code="server_is_overloaded",
        )
    return {"status": "ready", "model": services.first}


@router.get("/queue")
async def read_queue(services: ServicesOf) -> dict[str, Any]:
    """How much waits and is drawn, and about how long a new request would wait."""
    load = services.shelf.load()
    return {"queued": load.queued, "running": load.running, "estimated_wait": load.estimated_wait}


@router.get("/metrics", response_class=PlainTextResponse)
async def read_metrics(services: ServicesOf) -> PlainTextResponse:
    """Numbers for Prometheus."""
    return PlainTextResponse(
        generate_latest(services.registry), headers={"content-type": CONTENT_TYPE_LATEST}
    )
