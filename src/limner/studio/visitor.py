"""Who looks at the page: a browser known by a random cookie, and the caller whose key it brings."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from http.cookies import SimpleCookie
from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from limner.errors import InvalidRequestError
from limner.server.access.auth import Caller, authenticate
from limner.server.access.keys import KeyRing
from limner.server.errors import ApiError

__all__ = ["COOKIE", "BrowserCookie", "Visitor", "visitor_of"]

COOKIE = "limner_studio"
"""The name of the cookie by which a browser is known again."""

_YEAR = 365 * 24 * 3600
_LEAST = 32


@dataclass(frozen=True, kw_only=True, slots=True)
class Visitor:
    """Who did something on the page.

    Attributes:
        browser: whose pictures it may see.
        session: the open page.
        caller: by whom limits and turns are counted.
    """

    browser: str
    session: str
    caller: Caller


def visitor_of(request: Any, keys: KeyRing, key: str) -> Visitor:
    """The visitor behind an event of the page.

    Args:
        request: Gradio's.
        keys: who may use the server.
        key: what stands in the page's field for it.

    Raises:
        InvalidRequestError: the server wants a key, and there is none or a wrong one.
    """
    address = request.client.host if request.client else "unknown"
    session = request.session_hash or ""
    try:
        caller = authenticate(keys, (key or "").strip() or None, address)
    except ApiError as error:
        raise InvalidRequestError(_wanted(key), param="key") from error
    browser = request.cookies.get(COOKIE, "")
    # A browser without cookies is known for as long as the page is open.
    return Visitor(
        browser=browser if len(browser) >= _LEAST else f"session {session}", session=session, caller=caller
    )


def _wanted(key: str) -> str:
    if (key or "").strip():
        return "This API key is unknown here, or was revoked: correct it at the top of the page."
    return "This server wants an API key: enter yours at the top of the page."


class BrowserCookie:
    """Middleware that gives each browser its cookie, with the page itself.

    Args:
        app: what comes next.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand on, and add the cookie to a page whose browser has none."""
        if scope["type"] != "http" or len(HTTPConnection(scope).cookies.get(COOKIE, "")) >= _LEAST:
            await self._app(scope, receive, send)
            return

        async def with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                # Only the page: what it loads comes at once, and each would bring a cookie of its own.
                if headers.get("content-type", "").startswith("text/html"):
                    headers.append("set-cookie", _cookie(secure=scope.get("scheme") == "https"))
            await send(message)

        await self._app(scope, receive, with_cookie)


def _cookie(*, secure: bool) -> str:
    cookie: SimpleCookie = SimpleCookie()
    cookie[COOKIE] = secrets.token_urlsafe(_LEAST)
    facts = {"path": "/", "max-age": _YEAR, "httponly": True, "samesite": "Lax", "secure": secure}
    for name, fact in facts.items():
        cookie[COOKIE][name] = fact
    return cookie[COOKIE].OutputString()
