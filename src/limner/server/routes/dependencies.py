"""What a route is handed: the services, and who asks, with a key as OpenAI's clients or Azure's send it."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer

from limner.server.access.auth import Caller, authenticate
from limner.server.batches.desk import BatchDesk
from limner.server.services import Services

__all__ = ["BatchesOf", "CallerOf", "ServicesOf", "batches_of", "caller_of", "services_of"]


# A coroutine, because FastAPI would call a plain function on another thread.
async def services_of(request: Request) -> Services:
    """The services of the application that got this request."""
    services: Services = request.app.state.services
    return services


ServicesOf = Annotated[Services, Depends(services_of)]


async def batches_of(request: Request) -> BatchDesk:
    """The batches of the application that got this request."""
    batches: BatchDesk = request.app.state.batches
    return batches


BatchesOf = Annotated[BatchDesk, Depends(batches_of)]


async def caller_of(
    request: Request,
    services: ServicesOf,
    bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(HTTPBearer(auto_error=False))],
    azure_key: Annotated[str | None, Depends(APIKeyHeader(name="api-key", auto_error=False))],
) -> Caller:
    """The caller, noted for the log.

    Raises:
        ApiError: the server wants a key, and there is none or a wrong one.
    """
    address = request.client.host if request.client else "unknown"
    caller = authenticate(services.keys, bearer.credentials if bearer else azure_key, address)
    request.state.facts["key"] = caller.key
    return caller


CallerOf = Annotated[Caller, Depends(caller_of)]
