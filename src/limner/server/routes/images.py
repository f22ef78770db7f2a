"""`/images/generations`, `/images/edits`, `/images/variations`: draw."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from limner.server.contract.field import Route
from limner.server.contract.openapi import documented
from limner.server.drawing.exchange import Exchange
from limner.server.routes.dependencies import CallerOf, ServicesOf

__all__ = ["create_image", "create_image_edit", "create_image_variation", "router"]

router = APIRouter(tags=["Images"])


@router.post("/images/generations", **documented(Route.GENERATIONS))
async def create_image(request: Request, services: ServicesOf, caller: CallerOf) -> Response:
    """Draw pictures of a prompt."""
    return await Exchange(request=request, services=services, caller=caller, route=Route.GENERATIONS).answer()


@router.post("/images/edits", **documented(Route.EDITS))
async def create_image_edit(request: Request, services: ServicesOf, caller: CallerOf) -> Response:
    """Draw a part of a picture anew, or all of it, following a prompt."""
    return await Exchange(request=request, services=services, caller=caller, route=Route.EDITS).answer()


@router.post("/images/variations", **documented(Route.VARIATIONS))
async def create_image_variation(request: Request, services: ServicesOf, caller: CallerOf) -> Response:
    """Draw more pictures like one, without words."""
    return await Exchange(request=request, services=services, caller=caller, route=Route.VARIATIONS).answer()
