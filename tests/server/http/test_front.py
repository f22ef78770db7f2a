"""`limner.server.http.front`: whatever becomes of an application, clients are told in the API's words."""

from __future__ import annotations

from pathlib import Path

import pytest
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Receive, Scope, Send

import limner
from limner.server.app import create_app
from limner.server.http.front import Front
from limner.server.http.ids import OneId
from limner.settings import Settings
from tests.server.helpers import error_of


async def silent(scope: Scope, receive: Receive, send: Send) -> None:
    """One that is gone before it says a word."""


async def broken(scope: Scope, receive: Receive, send: Send) -> None:
    """One that cannot be reached."""
    del scope, receive, send
    raise ConnectionError


async def cut(scope: Scope, receive: Receive, send: Send) -> None:
    """One that is lost within its answer."""
    del scope, receive
    headers = [(b"openai-version", b"2020-10-01"), (b"content-length", b"9")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    raise ConnectionError


@pytest.mark.parametrize("inner", [silent, broken, PlainTextResponse("no such route", 404)])
def test_without_an_application_the_envelope_says_so(inner: ASGIApp) -> None:
    """Clients try again by themselves, and there is an id to tell of."""
    answer = TestClient(Front(inner)).post("/v1/images/generations")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert error_of(answer)["type"] == "service_unavailable_error"
    assert answer.headers["x-request-id"].startswith("req_")


def test_an_answer_that_is_cut_stays_cut() -> None:
    """Nothing is put in the place of what has begun."""
    with pytest.raises(ConnectionError):
        TestClient(Front(cut)).get("/v1/models")


def test_what_is_asked_of_the_server_in_front_is_its_own() -> None:
    """Its answers stay as they are."""
    answer = TestClient(Front(PlainTextResponse("success"))).get("/-/healthz")
    assert (answer.text, "x-request-id" in answer.headers) == ("success", False)


def test_the_application_hears_of_the_id(tmp_path: Path) -> None:
    """The one that is made in front, not the client's; its answers are handed on as they are."""
    application = create_app(Settings(engine="fake", data_dir=tmp_path), limner.load(engine="fake"))
    heard: list[str] = []

    async def inner(scope: Scope, receive: Receive, send: Send) -> None:
        heard.extend(value.decode() for name, value in scope["headers"] if name == b"x-request-id")
        await OneId(application)(scope, receive, send)

    with TestClient(application):
        answer = TestClient(Front(inner)).get("/v1/nothing", headers={"x-request-id": "mine"})
    assert answer.status_code == 404
    assert error_of(answer)["code"] == "unknown_url"
    assert len(heard) == 1
    assert heard[0].startswith("req_")
