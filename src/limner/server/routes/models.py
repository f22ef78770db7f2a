"""`/models`: the names of the models, what they can do, and which of them are loaded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import anyio.to_thread
from fastapi import APIRouter

from limner.engines.base import Capabilities
from limner.engines.shapes import picture_size
from limner.hosting.places import Status
from limner.server.contract.models import ModelName
from limner.server.contract.openapi import errors
from limner.server.contract.schemas import Model, ModelList
from limner.server.drawing.plan import steps_of
from limner.server.errors import ApiError
from limner.server.routes.dependencies import CallerOf, ServicesOf
from limner.server.services import Services
from limner.types import MAX_PICTURES, MAX_PROMPT_CHARACTERS, MAX_SIDE, MIN_SIDE

__all__ = ["list_models", "retrieve_model", "router"]

router = APIRouter(tags=["Models"])


@router.get("/models", response_model=ModelList, responses=errors(401))
async def list_models(services: ServicesOf, caller: CallerOf) -> dict[str, Any]:
    """Every name that can be called; those of OpenAI's models, and aliases, are names of the first model."""
    del caller
    names = services.models.all()
    return {"object": "list", "data": await anyio.to_thread.run_sync(_told_all, names, services)}


@router.get("/models/{model:path}", response_model=Model, responses=errors(401, 404))
async def retrieve_model(model: str, services: ServicesOf, caller: CallerOf) -> dict[str, Any]:
    """One name: by whose rules it is called, and what can be asked of it."""
    del caller
    name = services.models.find(model)
    if name is None:
        raise ApiError(
            f"The model '{model}' does not exist", status=404, code="model_not_found", param="model"
        )
    [told] = await anyio.to_thread.run_sync(_told_all, [name], services)
    return told


def _told_all(names: Sequence[ModelName], services: Services) -> list[dict[str, Any]]:
    models = [services.models.drawn_by(name) for name in names]
    # Most names are those of one model.
    statuses = {model: services.shelf.status(model) for model in dict.fromkeys(models)}
    return [_told(name, model, statuses[model]) for name, model in zip(names, models, strict=True)]


def _told(name: ModelName, model: str, status: Status) -> dict[str, Any]:
    return {
        "id": name.id,
        "object": "model",
        "created": name.created,
        "owned_by": "limner",
        "shutdown_date": None,
        "capabilities": {
            "model": model,
            "state": status.state,
            "estimated_bytes": status.size,
            "pinned": status.pinned,
            "family": name.family.value,
            "generations": True,
            "streaming": True,
            "min_side": MIN_SIDE,
            "max_side": MAX_SIDE,
            "max_n": MAX_PICTURES,
            "max_prompt_characters": MAX_PROMPT_CHARACTERS,
            "output_formats": ["png", "jpeg", "webp"],
        }
        | (_of_engine(status.able) if status.able else {}),
    }


def _of_engine(able: Capabilities) -> dict[str, Any]:
    """What is not known before a model was loaded for the first time."""
    return {
        "edits": able.stepwise,
        "masks": able.stepwise,
        "variations": able.stepwise,
        "native_size": "x".join(map(str, able.picture_size)),
        "other_native_sizes": ["x".join(map(str, picture_size(able, grid))) for grid in able.shapes],
        "steps": {quality: steps_of(quality, able) for quality in ("low", "medium", "high", "xhigh", "max")},
        "guidance_scale": able.default_guidance,
        "same_seed_same_picture": able.batch_invariant,
        "lost": list(able.lost),
    }
