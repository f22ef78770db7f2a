"""`limner.server.http.origins`: where the server is, as its clients see it."""

from __future__ import annotations

from typing import Any

import anyio
import pytest
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from limner.errors import SettingsError
from limner.server.http.origins import TrustedProxies, origin_of


def scope(*headers: tuple[str, str], client: str = "10.0.0.9") -> Scope:
    """A request as the ASGI server hands it over."""
    return {
        "type": "http",
        "scheme": "http",
        "path": "/",
        "server": ("127.0.0.1", 8000),
        "client": (client, 5),
        "headers": [(name.encode(), value.encode()) for name, value in headers],
    }


def through(networks: list[str], given: Scope) -> Scope:
    """The request as the application sees it behind the middleware."""
    seen: list[Scope] = []

    async def app(inner: Scope, receive: Receive, send: Send) -> None:
        del receive, send
        seen.append(inner)

    async def nothing(*_: Any) -> Any:
        return {}

    anyio.run(TrustedProxies(app, networks), given, nothing, nothing)
    return seen[0]


FORWARDED = (
    ("host", "inner:8000"),
    ("x-forwarded-proto", "https"),
    ("x-forwarded-host", "draw.example.com"),
    ("x-forwarded-for", "6.6.6.6, 1.2.3.4"),
)


def test_a_trusted_proxy_is_believed() -> None:
    """Scheme and host of links, and the client's address as the proxy saw it."""
    seen = through(["10.0.0.0/8"], scope(*FORWARDED))
    assert origin_of(Request(seen), "") == "https://draw.example.com"
    assert seen["client"][0] == "1.2.3.4"


@pytest.mark.parametrize("networks", [[], ["10.0.0.8"], ["192.168.0.0/16"]])
def test_anybody_else_is_not(networks: list[str]) -> None:
    """The same headers from another address change nothing."""
    seen = through(networks, scope(*FORWARDED))
    assert origin_of(Request(seen), "") == "http://inner:8000"
    assert seen["client"][0] == "10.0.0.9"


def test_the_operators_word_wins() -> None:
    """With or without a slash at its end."""
    for public in ("https://a.example/limner", "https://a.example/limner/"):
        assert origin_of(Request(scope(("host", "b"))), public) == "https://a.example/limner"


@pytest.mark.parametrize("host", ["", "a b", "a/b", "a@b", '"', "a:b"])
def test_a_host_that_is_none_is_not_handed_on(host: str) -> None:
    """The address on which the server listens stands in."""
    assert origin_of(Request(scope(("host", host))), "") == "http://127.0.0.1:8000"


def test_odd_forwarded_values_change_nothing() -> None:
    """Schemes that are none, and hosts that are none."""
    odd = scope(("host", "a"), ("x-forwarded-proto", "javascript"), ("x-forwarded-host", "x y"))
    assert origin_of(Request(through(["10.0.0.9"], odd)), "") == "http://a"


def test_an_unreadable_network_is_told_at_start() -> None:
    """The error names the variable."""
    with pytest.raises(SettingsError, match="LIMNER_TRUSTED_PROXIES"):
        through(["10.0.0.0/99"], scope())
