"""Who asks: the owner of an API key, or, on a server without keys, anybody."""

from __future__ import annotations

from dataclasses import dataclass

from limner.server.access.keys import KeyRing
from limner.server.errors import ApiError

__all__ = ["Caller", "authenticate"]

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


def authenticate(keys: KeyRing, given: str | None, address: str) -> Caller:
    """The caller.

    Args:
        keys: who may ask.
        given: the key that was sent, if any was.
        address: where the request came from.

    Raises:
        ApiError: the server wants a key, and there is none or a wrong one.
    """
    if not keys.needed():
        return Caller(owner="anonymous", key=address)
    if not given:
        raise _refused(
            "You didn't provide an API key. You need to provide your API key in an Authorization header using "
            "Bearer auth (i.e. Authorization: Bearer YOUR_KEY).",
            None,
        )
    owner = keys.owner(given)
    if owner is None:
        shown = given[:_SHOWN] + "*" * min(8, len(given[_SHOWN:]))
        raise _refused(f"Incorrect API key provided: {shown}.", "invalid_api_key")
    return Caller(owner=owner, key=owner)


def _refused(message: str, code: str | None) -> ApiError:
    return ApiError(message, status=401, code=code, headers={"www-authenticate": 'Bearer realm="limner"'})
