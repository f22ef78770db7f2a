"""For a server in front of many: each request gets its id, and what only that server can say is in the envelope."""

from __future__ import annotations

import logging
import secrets

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from limner.server.errors import ApiError
from limner.server.http.middleware import error_response

__all__ = ["Front", "middlewares"]

_ID = "x-request-id"
# Every answer of the application has it, and no other.
_MARK = "openai-version"
# Below it are questions to the server in front itself.
_ITS_OWN = "/-/"
_RETRY_SECONDS = 1.0
_logger = logging.getLogger("limner.server")


def middlewares() -> list[Middleware]:
    """What such a server puts around each request; Ray Serve's calls this by its name."""
    return [Middleware(Front)]


class Front:
    """Middleware for a server that hands requests on to others, any of which may be lost on the way.

    Args:
        app: hands on.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand on; where no application has answered, say so as one would."""
        if scope["type"] != "http" or scope["path"].startswith(_ITS_OWN):
            await self._app(scope, receive, send)
            return
        told = _Told(scope, receive, send)
        try:
            await self._app(scope, receive, told.send)
        except Exception:  # what is left of a lost replica, of whatever kind
            if told.begun:
                raise
            _logger.exception("request %s was lost", told.id)
        if not told.begun:
            await told.lost()


class _Told:
    """One request, and whether an application has begun to answer it."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.id = f"req_{secrets.token_hex(16)}"
        # Whatever the client calls it, as `limner serve` does.
        MutableHeaders(scope=scope)[_ID] = self.id
        self.begun = False
        self._replaced = False
        self._scope, self._receive, self._send = scope, receive, send

    async def send(self, message: Message) -> None:
        """Send what an application says, and the envelope in the place of what another has said."""
        if message["type"] == "http.response.start" and _MARK not in Headers(raw=message["headers"]):
            self._replaced = True
            await self.lost()
        elif not self._replaced:
            self.begun = True
            await self._send(message)

    async def lost(self) -> None:
        """Tell that there was no application to answer."""
        self.begun = True
        error = ApiError(
            "No replica is there to answer, or the one that was about to is lost: try again.",
            status=503,
            type="service_unavailable_error",
            code="server_is_overloaded",
            retry_after=_RETRY_SECONDS,
            headers={_ID: self.id},
        )
        await error_response(error)(self._scope, self._receive, self._send)
