"""`limner.server.http.middleware`: what every answer has, and what no answer ever tells."""

from __future__ import annotations

import json
import logging
from typing import Any

import anyio
import pytest
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send

from limner.server.errors import ApiError
from limner.server.http.middleware import BodyLimit, Context
from tests.server.helpers import Serve, error_of


def test_every_answer_has_an_id_and_a_time(lenient: TestClient) -> None:
    """Errors included; no two have the same id."""
    answers = [lenient.get(path) for path in ("/healthz", "/nowhere", "/v1/models")]
    assert len({answer.headers["x-request-id"] for answer in answers}) == 3
    for answer in answers:
        assert answer.headers["x-request-id"].startswith("req_")
        assert int(answer.headers["openai-processing-ms"]) >= 0
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_every_request_has_a_line_in_the_log(lenient: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    """JSON with what an operator asks for; no prompt and no link's signature."""
    with caplog.at_level(logging.INFO, "limner.server"):
        body = {"model": "dall-e-2", "prompt": "a hidden cat", "size": "64x64", "user": "u"}
        answer = lenient.post("/v1/images/generations", json=body)
    [line] = [record.getMessage() for record in caplog.records if record.name == "limner.server"]
    told = json.loads(line)
    assert told["id"] == answer.headers["x-request-id"]
    assert (told["path"], told["status"], told["method"]) == ("/v1/images/generations", 200, "POST")
    assert (told["model"], told["n"], told["user"]) == ("dall-e-2", 1, "u")
    assert "hidden" not in line
    assert "signature" not in line


@pytest.mark.parametrize("is_told", [False, True])
def test_the_log_tells_prompts_only_where_that_is_wanted(
    serve: Serve, caplog: pytest.LogCaptureFixture, *, is_told: bool
) -> None:
    """Also of a request that is refused for its prompt."""
    with serve(log_prompts=is_told) as client, caplog.at_level(logging.INFO, "limner.server"):
        for prompt in ("a hidden cat", "gore and mutilation"):
            client.post("/v1/images/generations", json={"prompt": prompt, "size": "16x16"})
    lines = [json.loads(record.getMessage()) for record in caplog.records if record.name == "limner.server"]
    assert [line["status"] for line in lines] == [200, 400]
    told = ["a hidden cat", "gore and mutilation"] if is_told else [None, None]
    assert [line.get("prompt") for line in lines] == told


async def call(app: Any, *, headers: dict[str, str] | None = None, body: bytes = b"") -> list[dict[str, Any]]:
    """What an ASGI application sends in answer to a request."""
    sent: list[dict[str, Any]] = []
    given = [(name.encode(), value.encode()) for name, value in (headers or {}).items()]
    scope = {"type": "http", "method": "POST", "path": "/", "headers": given, "client": None}
    pieces = [body[start : start + 2**20] for start in range(0, len(body), 2**20)] or [b""]

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": pieces.pop(0), "more_body": bool(pieces)}

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, send)
    return sent


async def broken(scope: Scope, receive: Receive, send: Send) -> None:
    """An application with a fault."""
    del scope, receive, send
    raise ValueError("the inside")


def test_a_fault_is_logged_and_answered_with_one_sentence(caplog: pytest.LogCaptureFixture) -> None:
    """A 500 in the envelope, and nothing of the inside in it."""
    start, body = anyio.run(call, Context(broken))
    assert start["status"] == 500
    told = json.loads(body["body"])["error"]
    assert (told["type"], told["code"]) == ("server_error", None)
    assert "inside" not in told["message"]
    assert "the inside" in caplog.text


async def reading(scope: Scope, receive: Receive, send: Send) -> None:
    """An application that reads all of its request's body."""
    del scope
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": []})


@pytest.mark.parametrize(
    ("headers", "size"),
    [
        ({"content-length": str(10**12)}, 0),
        ({"content-type": "application/json"}, 44 * 2**20),
    ],
    ids=["announced", "sent"],
)
def test_a_body_that_nobody_needs_is_refused(headers: dict[str, str], size: int) -> None:
    """As soon as its length is known, announced or not."""

    async def send_too_much() -> None:
        await call(BodyLimit(reading), headers=headers, body=bytes(size))

    with pytest.raises(ApiError) as caught:
        anyio.run(send_too_much)
    assert (caught.value.status, caught.value.code) == (413, "request_too_large")


def test_a_large_body_that_is_needed_passes() -> None:
    """A picture and its mask as data URLs."""

    async def send_much() -> list[dict[str, Any]]:
        return await call(BodyLimit(reading), body=bytes(40 * 2**20))

    assert anyio.run(send_much)[0]["status"] == 200


def test_too_much_is_told_in_the_envelope(lenient: TestClient) -> None:
    """Through the whole application."""
    answer = lenient.post("/v1/images/generations", content=b"{}", headers={"content-length": str(10**12)})
    assert answer.status_code == 413
    assert error_of(answer)["code"] == "request_too_large"


def test_text_that_is_not_unicode_can_be_quoted(lenient: TestClient) -> None:
    """A lone surrogate in a value, or in a name, is answered like any other."""
    headers = {"content-type": "application/json"}
    answer = lenient.post("/v1/images/generations", content=rb'{"model": "\ud800"}', headers=headers)
    assert (answer.status_code, error_of(answer)["param"]) == (400, "model")
    answer = lenient.post(
        "/v1/images/generations", content=rb'{"prompt": "a", "size": "16x16", "\ud800": 1}', headers=headers
    )
    assert (answer.status_code, answer.headers["x-limner-ignored"]) == (200, "%3F")
