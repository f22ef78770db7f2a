"""Where this server is, as seen from outside: needed for links to pictures that work everywhere.

What a proxy says (`X-Forwarded-*`) is believed only if the operator named its address.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from limner.errors import SettingsError

__all__ = ["TrustedProxies", "origin_of"]

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_HOST = re.compile(r"[A-Za-z0-9._-]+(:\d{1,5})?\Z|\[[0-9A-Fa-f:.]+\](:\d{1,5})?\Z")


def origin_of(request: Request, public_url: str) -> str:
    """The address before every path, without a slash at its end.

    Args:
        request: in which the client says how it reached the server.
        public_url: what the operator says; it wins unless it is empty.
    """
    if public_url:
        return public_url.rstrip("/")
    host = request.headers.get("host", "")
    if not _HOST.match(host):
        server = request.scope.get("server") or ("127.0.0.1", 80)
        host = f"{server[0]}:{server[1]}"
    return f"{request.scope['scheme']}://{host}{request.scope.get('root_path', '')}"


class TrustedProxies:
    """Middleware that takes scheme, host and client from a proxy's headers, if it is one of ours.

    Args:
        app: what comes next.
        networks: addresses and networks of proxies, such as "10.0.0.0/8".

    Raises:
        SettingsError: one is neither.
    """

    def __init__(self, app: ASGIApp, networks: Iterable[str]) -> None:
        self._app = app
        self._networks = [_network(text) for text in networks]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand on, corrected."""
        if scope["type"] == "http" and self._is_trusted(scope.get("client")):
            scope = {**scope, **_forwarded(scope)}
        await self._app(scope, receive, send)

    def _is_trusted(self, client: tuple[str, int] | None) -> bool:
        try:
            address = ipaddress.ip_address(client[0] if client else "")
        except ValueError:
            return False
        return any(address in network for network in self._networks)


def _forwarded(scope: Scope) -> Scope:
    headers = Headers(scope=scope)
    told = {name: headers.get(f"x-forwarded-{name}", "").split(",")[0].strip() for name in ("proto", "host")}
    # The last address is the one that our own proxy saw; those before it are hearsay.
    client = headers.get("x-forwarded-for", "").split(",")[-1].strip()
    changed: Scope = {}
    if told["proto"] in ("http", "https"):
        changed["scheme"] = told["proto"]
    if _HOST.match(told["host"]):
        others = [(name, value) for name, value in scope["headers"] if name != b"host"]
        changed["headers"] = [*others, (b"host", told["host"].encode("latin-1"))]
    if client:
        changed["client"] = (client, 0)
    return changed


def _network(text: str) -> Network:
    try:
        return ipaddress.ip_network(text)
    except ValueError as error:
        raise SettingsError(
            f"LIMNER_TRUSTED_PROXIES cannot hold {text!r} ({error}): write addresses or networks like 10.0.0.0/8",
            param="LIMNER_TRUSTED_PROXIES",
        ) from error
