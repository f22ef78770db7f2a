"""The id of a request where a server in front has given one: there must not be two in the answer."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["OneId"]

_ID = b"x-request-id"


class OneId:
    """Middleware for a server in front that gives each request an id, and adds it to the answer by itself.

    Args:
        app: what comes next.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Make its id ours, and leave it to that server to tell the client."""
        given = dict(scope.get("headers", ())).get(_ID)
        if scope["type"] != "http" or given is None:
            await self._app(scope, receive, send)
            return
        state = dict(scope.get("state") or {}) | {"request_id": given.decode("latin-1")}

        async def without_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                kept = [(name, value) for name, value in message["headers"] if name.lower() != _ID]
                message = {**message, "headers": kept}
            await send(message)

        await self._app({**scope, "state": state}, receive, without_id)
