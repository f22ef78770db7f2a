"""The same as Azure writes it: the model is a deployment in the path, the key in a header of its own."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from limner.server.contract.field import Route
from limner.server.contract.openapi import documented
from limner.server.drawing.exchange import Exchange
from limner.server.errors import ApiError
from limner.server.routes.dependencies import CallerOf, ServicesOf
from limner.server.services import Services

__all__ = ["create_image", "create_image_edit", "router"]

router = APIRouter(prefix="/openai/deployments/{deployment}/images", tags=["Azure"])


@router.post("/generations", **documented(Route.GENERATIONS, 404))
async def create_image(deployment: str, request: Request, services: ServicesOf, caller: CallerOf) -> Response:
    """Draw pictures of a prompt."""
    _check(deployment, services)
    return await Exchange(
        request=request,
        services=services,
        caller=caller,
        route=Route.GENERATIONS,
        deployment=deployment,
    ).answer()


@router.post("/edits", **documented(Route.EDITS, 404))
async def create_image_edit(
    deployment: str, request: Request, services: ServicesOf, caller: CallerOf
) -> Response:
    """Draw a part of a picture anew, or all of it, following a prompt."""
    _check(deployment, services)
    return await Exchange(
        request=request, services=services, caller=caller, route=Route.EDITS, deployment=deployment
    ).answer()


def _check(deployment: str, services: Services) -> None:
    if services.models.find(deployment) is None:
        raise ApiError(
            "The API deployment for this resource does not exist: name it like a model that GET /v1/models "
            "lists, or make the name an alias with LIMNER_ALIASES.",
            status=404,
            code="DeploymentNotFound",
        )
