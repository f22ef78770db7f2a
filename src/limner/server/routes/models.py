"""`/models`: the names of the loaded model, and what it can do."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from limner.engines.base import Capabilities
from limner.server.contract.models import ModelName
from limner.server.contract.openapi import errors
from limner.server.contract.schemas import Model, ModelList
from limner.server.drawing.plan import steps_of
from limner.server.errors import ApiError
from limner.server.routes.dependencies import CallerOf, ServicesOf
from limner.types import MAX_PICTURES, MAX_PROMPT_CHARACTERS, MAX_SIDE, MIN_SIDE

__all__ = ["list_models", "retrieve_model", "router"]

router = APIRouter(tags=["Models"])


@router.get("/models", response_model=ModelList, responses=errors(401))
async def list_models(services: ServicesOf, caller: CallerOf) -> dict[str, Any]:
    """Every name that can be called; all are names of one loaded model."""
    del caller
    able = services.pipeline.engine.capabilities
    return {"object": "list", "data": [_told(name, able) for name in services.models.all()]}


@router.get("/models/{model:path}", response_model=Model, responses=errors(401, 404))
async def retrieve_model(model: str, services: ServicesOf, caller: CallerOf) -> dict[str, Any]:
    """One name: by whose rules it is called, and what can be asked of it."""
    del caller
    name = services.models.find(model)
    if name is None:
        raise ApiError(
            f"The model '{model}' does not exist", status=404, code="model_not_found", param="model"
        )
    return _told(name, services.pipeline.engine.capabilities)


def _told(name: ModelName, able: Capabilities) -> dict[str, Any]:
    return {
        "id": name.id,
        "object": "model",
        "created": name.created,
        "owned_by": "limner",
        "shutdown_date": None,
        "capabilities": {
            "model": able.model,
            "family": name.family.value,
            "generations": True,
            "edits": True,
            "masks": True,
            "variations": True,
            "streaming": True,
            "native_size": "x".join(map(str, able.picture_size)),
            "min_side": MIN_SIDE,
            "max_side": MAX_SIDE,
            "max_n": MAX_PICTURES,
            "max_prompt_characters": MAX_PROMPT_CHARACTERS,
            "steps": {
                quality: steps_of(quality, able) for quality in ("low", "medium", "high", "xhigh", "max")
            },
            "guidance_scale": able.default_guidance,
            "output_formats": ["png", "jpeg", "webp"],
            "same_seed_same_picture": able.batch_invariant,
        },
    }
