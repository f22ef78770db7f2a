"""What happens around every request: an id, the time it took, one line in the log, a limit to its body.

Whatever goes wrong further in without being an error of ours is logged here and answered with one sentence.
"""

from __future__ import annotations

import json
import logging
import secrets
import time
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from limner.server.access.links import MAX_URL_CHARACTERS
from limner.server.errors import ApiError, internal_error
from limner.server.http.bodies import MAX_FILES, MAX_PART_BYTES
from limner.server.telemetry import RequestSpan, Telemetry

__all__ = ["BodyLimit", "Context", "error_response"]

_logger = logging.getLogger("limner.server")

# A mask and a markup may come beside the pictures.
_LARGEST_FORM = (MAX_FILES + 2) * MAX_PART_BYTES
# A picture and its mask as data URLs, and everything else.
_LARGEST_JSON = 2 * MAX_URL_CHARACTERS + 1024 * 1024


def error_response(error: ApiError) -> Response:
    """The envelope, as an answer; in ASCII, for it may quote text that is not valid Unicode."""
    body = json.dumps(error.envelope(), indent=2)
    return Response(body, error.status, headers=error.headers, media_type="application/json")


class Context:
    """Middleware that gives each request its id and facts, and tells of it when it is over.

    Args:
        app: what comes next.
        telemetry: makes its span; None makes none.
    """

    def __init__(self, app: ASGIApp, telemetry: Telemetry | None = None) -> None:
        self._app = app
        self._telemetry = telemetry or Telemetry()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand on, and see to what comes back."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = _Told(scope, send, self._telemetry.begin(scope))
        try:
            await self._app(scope, receive, exchange.send)
        except Exception:  # the last line of defence: nothing of the inside may leave
            _logger.exception("request %s failed", exchange.id)
            exchange.facts["error"] = "server_error"
            if not exchange.status:
                await error_response(internal_error())(scope, receive, exchange.send)
        finally:
            exchange.end()


class _Told:
    """One request, from its first byte to its line in the log."""

    def __init__(self, scope: Scope, send: Send, span: RequestSpan) -> None:
        # Where something in front has given the request an id, that is what the client is told.
        self.id: str = (scope.get("state") or {}).get("request_id") or f"req_{secrets.token_hex(16)}"
        self.status = 0
        self._scope = scope
        self._send = send
        self._began = time.perf_counter()
        self.facts: dict[str, Any] = {}
        self._span = span
        ours = {"request_id": self.id, "facts": self.facts, "span": span}
        scope["state"] = dict(scope.get("state") or {}) | ours

    @property
    def _milliseconds(self) -> int:
        return round(1000 * (time.perf_counter() - self._began))

    async def send(self, message: Message) -> None:
        """Send a message of the answer, the first one with our headers."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            headers["x-request-id"] = self.id
            headers["openai-processing-ms"] = str(self._milliseconds)
            headers["openai-version"] = "2020-10-01"
            headers["x-content-type-options"] = "nosniff"
        await self._send(message)

    def end(self) -> None:
        """One line of JSON, without the signature of a link; and the end of the span."""
        client = self._scope.get("client")
        line = {
            "id": self.id,
            "client": client[0] if client else None,
            "method": self._scope["method"],
            "path": self._scope["path"],
            "status": self.status or 499,
            "ms": self._milliseconds,
        }
        _logger.info("%s", json.dumps(line | self.facts))
        self._span.end(request_id=self.id, status=self.status or 499, facts=self.facts)


class BodyLimit:
    """Middleware that refuses bodies that no route has a use for, before they fill memory or disk.

    Args:
        app: what comes next.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand on, with a body that ends in an error where it is too long."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        is_form = headers.get("content-type", "").startswith("multipart/form-data")
        most = _LARGEST_FORM if is_form else _LARGEST_JSON
        announced = headers.get("content-length", "")
        read = int(announced) if announced.isdecimal() and int(announced) > most else 0

        async def limited() -> Message:
            nonlocal read
            if read > most:
                raise _too_large(most)
            message = await receive()
            read += len(message.get("body", b""))
            if read > most:
                raise _too_large(most)
            return message

        await self._app(scope, limited, send)


def _too_large(most: int) -> ApiError:
    return ApiError(
        f"The request's body has more than {most:,} bytes: send less.", status=413, code="request_too_large"
    )
