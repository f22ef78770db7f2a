"""One line of JSON for each request, whatever became of it."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import Any

import pytest
import uvicorn

from limner.errors import EngineError
from tests.faults.helpers import WatchedEngine, address_of, answered, ask, get
from tests.server.helpers import until


class Log:
    """The lines of the server's log."""

    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        self._caplog = caplog
        caplog.set_level(logging.INFO, "limner.server")

    @property
    def lines(self) -> list[Mapping[str, Any]]:
        """Those of requests."""
        told = [record.getMessage() for record in self._caplog.records if record.name == "limner.server"]
        return [json.loads(line) for line in told if line.startswith("{")]

    def only(self) -> Mapping[str, Any]:
        """The line of the only request, once it is there."""
        until(lambda: len(self.lines) == 1)
        return self.lines[0]


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> Log:
    """The log of the server in this process."""
    return Log(caplog)


@pytest.mark.parametrize("stream", [False, True])
def test_a_picture(server: uvicorn.Server, log: Log, *, stream: bool) -> None:
    """What was asked for, for whom and how it went, by the id that the client has; no word of the prompt."""
    answer = answered(ask(address_of(server), "a hidden boat", steps=3, stream=stream))
    line = log.only()
    assert line["id"] == answer.headers["x-request-id"]
    assert (line["method"], line["path"], line["status"]) == ("POST", "/v1/images/generations", 200)
    assert (line["n"], line["steps"], line["key"], line.get("stream", False)) == (1, 3, "127.0.0.1", stream)
    assert line["ms"] > 0
    assert "error" not in line
    assert "hidden" not in str(line)


@pytest.mark.parametrize("stream", [False, True])
def test_a_failure(server: uvicorn.Server, engine: WatchedEngine, log: Log, *, stream: bool) -> None:
    """Its code, and the cause that no client is told; a stream's status was sent before."""
    engine.fails_at, engine.fault = ("denoise", 1), EngineError("out of paint")
    answered(ask(address_of(server), "a hidden boat", stream=stream))
    line = log.only()
    assert line["status"] == (200 if stream else 500)
    assert (line["error"], line["cause"]) == ("image_generation_failed", "EngineError: out of paint")
    assert "hidden" not in str(line)


@pytest.mark.parametrize("stream", [False, True])
def test_a_client_that_leaves(
    server: uvicorn.Server, engine: WatchedEngine, log: Log, *, stream: bool
) -> None:
    """Nobody saw the end."""
    engine.stands_at = ("denoise", 1)
    leaver = ask(address_of(server), "a boat", stream=stream)
    until(engine.standing.is_set)
    leaver.close()
    line = log.only()
    assert (line["status"], line["error"]) == (200 if stream else 499, "client_gone")


def test_a_refusal(server: uvicorn.Server, log: Log) -> None:
    """The reason, and the field."""
    answered(ask(address_of(server), "a boat", steps=-1))
    assert (log.only()["status"], log.only()["param"]) == (400, "steps")


def test_no_such_path(server: uvicorn.Server, log: Log) -> None:
    """The framework's own refusals have a reason, too."""
    get(address_of(server), "/nowhere")
    assert (log.only()["status"], log.only()["error"]) == (404, "unknown_url")
