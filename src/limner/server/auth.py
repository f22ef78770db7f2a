"""Who asks: an API key as OpenAI's clients or Azure's send it, or, on a server without keys, anybody."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer

from limner.server.errors import ApiError
from limner.server.services import ServicesOf

__all__ = ["Caller", "CallerOf", "authenticate"]

_SHOWN = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class Caller:
    """Who sent a request.

    Attributes:
        owner: whose files it may see.
        key: what limits and turns are counted by: the key's id, or the client's address.
    """

    owner: str
    key: str


async def authenticate(
    request: Request,
    services: ServicesOf,
    bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(HTTPBearer(auto_error=False))],
    azure_key: Annotated[str | None, Depends(APIKeyHeader(name="api-key", auto_error=False))],
) -> Caller:
    """The caller.

    Raises:
        ApiError: the server wants a key, and there is none or a wrong one.
    """
    if not services.keys.needed():
        host = request.client.host if request.client else "unknown"
        return _noted(request, Caller(owner="anonymous", key=host))
    given = bearer.credentials if bearer else azure_key
    if not given:
        raise _refused(
            "You didn't provide an API key. You need to provide your API key in an Authorization header using "
            "Bearer auth (i.e. Authorization: Bearer YOUR_KEY).",
            None,
        )
    owner = services.keys.owner(given)
    if owner is None:
        shown = given[:_SHOWN] + "*" * min(8, len(given[_SHOWN:]))
        raise _refused(f"Incorrect API key provided: {shown}.", "invalid_api_key")
    return _noted(request, Caller(owner=owner, key=owner))


def _noted(request: Request, caller: Caller) -> Caller:
    request.state.facts["key"] = caller.key
    return caller


def _refused(message: str, code: str | None) -> ApiError:
    return ApiError(message, status=401, code=code, headers={"www-authenticate": 'Bearer realm="limner"'})


CallerOf = Annotated[Caller, Depends(authenticate)]
