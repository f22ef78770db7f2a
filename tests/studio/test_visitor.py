"""`limner.studio.visitor`: a browser is known by a cookie, a caller by a key."""

from __future__ import annotations

from http.cookies import SimpleCookie
from pathlib import Path

import gradio as gr
import pytest
from starlette.requests import Request

from limner.errors import InvalidRequestError
from limner.server.access.keys import KeyFile, KeyRing
from limner.studio.visitor import COOKIE, visitor_of


def event(cookie: str = "", session: str = "s1") -> gr.Request:
    """An event of the page, as its framework hands it over."""
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/",
        "query_string": b"",
        "headers": [(b"cookie", f"{COOKIE}={cookie}".encode())] if cookie else [],
        "client": ("10.0.0.7", 1),
    }
    return gr.Request(Request(scope), session_hash=session)


@pytest.fixture
def keys(tmp_path: Path) -> KeyRing:
    """A ring with one key."""
    return KeyRing(KeyFile(tmp_path / "keys.json"), ["lk-secret"])


def test_without_keys_everybody_may_draw(tmp_path: Path) -> None:
    """Limits are counted by address then, as in the API."""
    visitor = visitor_of(event("c" * 43), KeyRing(KeyFile(tmp_path / "keys.json")), "")
    assert (visitor.browser, visitor.session, visitor.caller.key) == ("c" * 43, "s1", "10.0.0.7")


def test_a_key_is_asked_for_in_a_sentence(keys: KeyRing) -> None:
    """And a wrong one is called wrong; it is not repeated."""
    with pytest.raises(InvalidRequestError, match="wants an API key"):
        visitor_of(event("c" * 43), keys, " ")
    with pytest.raises(InvalidRequestError, match="unknown here, or was revoked") as refused:
        visitor_of(event("c" * 43), keys, "lk-wrong")
    assert "lk-wrong" not in str(refused.value)
    assert visitor_of(event("c" * 43), keys, "lk-secret").caller.key.startswith("key-")


@pytest.mark.parametrize("cookie", ["", "short"])
def test_a_browser_without_a_cookie_of_ours_is_known_while_its_page_is_open(
    tmp_path: Path, cookie: str
) -> None:
    """Two such browsers never share a history, and a made-up short cookie is none."""
    ring = KeyRing(KeyFile(tmp_path / "keys.json"))
    first, second = (visitor_of(event(cookie, session), ring, "").browser for session in ("s1", "s2"))
    assert first != second
    assert SimpleCookie(f"{COOKIE}={cookie}")[COOKIE].value not in (first, second)
